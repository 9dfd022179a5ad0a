"""OCI artifacts: a store on disk, a client for registries, and the documents between them.

This room knows nothing of models, and could be used without the rest. It moves *blobs* (bytes named by their digest),
*manifests* (a config and layers) and *indexes* (manifests), and believes no bytes that it has not hashed. Read it from
the inside out:

- **Values** parse or raise, and ``str`` gives them back: ``Descriptor`` (``descriptor.py``) points at content by its
  ``MediaType``, ``Digest`` and size, and perhaps ``Platform`` (``values.py``; ``Digest`` and ``Reference`` are in
  `modelport.types`). ``Manifest`` and ``Index`` (``manifest.py``) keep the bytes that they were parsed from, because a
  digest is over bytes; ``build_manifest`` and ``build_index`` return canonical ones. ``reachable`` (``walk.py``) lists
  what a root needs, leaves first.
- **The store**, ``Layout`` (``store/layout.py``), is an OCI image layout that every OCI tool can read. A tag's name is
  ``repository:tag``. ``layout.lease()`` holds what is used, ``collect_garbage`` deletes what no tag needs, ``check``
  hashes everything again and sets aside what is damaged.
- **The client**, ``Registry`` (``client.py``), speaks to one registry: manifests, tags, single blobs. How requests get
  there is in ``net/``: connections and proxies, credentials and tokens, redirects, retries, failures in words.
- **The verbs**, one file each, move whole trees, eight blobs at a time, everything verified, tags last: ``push`` (with
  ``upload*.py``), ``plan_pull`` and ``pull`` (with ``download.py``), ``copy`` between registries, ``referrers``,
  ``push_referrer`` and ``delete_referrer``, ``export_archive`` and ``import_archive`` for sites without a network.
  What is interrupted goes on where it stood, in another process, too.
- ``make_tar`` and ``unpack_tar`` bundle small files in a reproducible way, and unbundle them safely.

Packing and moving one artifact::

    layout = Layout(Path("store"))
    layer = layout.put_blob(Path("weights.bin"), media_type="application/octet-stream")
    config = layout.put_blob(b"{}", media_type="application/vnd.oci.empty.v1+json")
    manifest = layout.put_manifest(build_manifest(config, [layer], artifact_type="application/vnd.example"))
    layout.tag("demo:1.0.0", manifest)
    push(layout, manifest, Registry("localhost:5000"), "demo", tags=["1.0.0"])
"""

from __future__ import annotations

from modelport.oci.archive import export_archive, import_archive
from modelport.oci.archive_file import Archive
from modelport.oci.client import Registry
from modelport.oci.copy import copy
from modelport.oci.descriptor import Descriptor
from modelport.oci.manifest import Index, Manifest, build_index, build_manifest
from modelport.oci.net.credentials import Credentials, docker_credentials
from modelport.oci.net.patience import Patience
from modelport.oci.net.proxy import Proxies
from modelport.oci.plan import PullPlan, plan_pull
from modelport.oci.progress import Notice, Progress
from modelport.oci.pull import pull
from modelport.oci.push import push
from modelport.oci.referrers import delete_referrer, push_referrer, referrers
from modelport.oci.store.check import check
from modelport.oci.store.gc import collect_garbage
from modelport.oci.store.layout import Layout
from modelport.oci.tar import make_tar
from modelport.oci.untar import unpack_tar
from modelport.oci.values import MediaType, Platform
from modelport.oci.walk import reachable

__all__ = [
    "Archive",
    "Credentials",
    "Descriptor",
    "Index",
    "Layout",
    "Manifest",
    "MediaType",
    "Notice",
    "Patience",
    "Platform",
    "Progress",
    "Proxies",
    "PullPlan",
    "Registry",
    "build_index",
    "build_manifest",
    "check",
    "collect_garbage",
    "copy",
    "delete_referrer",
    "docker_credentials",
    "export_archive",
    "import_archive",
    "make_tar",
    "plan_pull",
    "pull",
    "push",
    "push_referrer",
    "reachable",
    "referrers",
    "unpack_tar",
]
