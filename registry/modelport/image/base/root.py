"""The base's root folder: the packages' files that a service needs, and what their maintainer scripts would have made.

Left out are shells, package managers, manuals, translations, further copies of the time zones and the standard
library's modules for terminals; and so are set-user-id bits and everything that only maintainer scripts use. What
scanners look for stays: each package's control file is in ``/var/lib/dpkg/status.d`` and its copyright in
``/usr/share/doc``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelport.image.layer import Node, Tree, folder, link

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelport.image.base.deb import Deb

__all__ = ["NAMES", "NONROOT", "lay_out"]

NONROOT = 65532
"""The user and the group that services run as: the number that images without a shell use for ``nonroot``."""

NAMES = (
    "base-files", "ca-certificates", "gcc-12-base", "libbz2-1.0", "libc6", "libcrypt1", "libexpat1", "libffi8",
    "libgcc-s1", "libgomp1", "liblzma5", "libpython3.11-minimal", "libpython3.11-stdlib", "libsqlite3-0", "libssl3",
    "libstdc++6", "libuuid1", "media-types", "netbase", "python3.11-minimal", "tzdata", "zlib1g",
)  # fmt: skip
"""The packages of a base: Python 3.11 with what its modules load, and the system libraries that wheels may expect."""

_MERGED = re.compile(r"^(bin|sbin|lib|lib64)(/|$)")
_DROPPED = re.compile(
    r"usr/share/(?!ca-certificates/|common-licenses/|doc/[^/]+/copyright$|zoneinfo/(?!posix/|right/))"
    r"|usr/lib/[^/]+/(gconv|audit)/"
    r"|usr/lib/(lsb|systemd|mime|valgrind|binfmt.d)/"
    r"|usr/(sbin|games|include|src)/"
    r"|usr/lib/python3\.[0-9]+/(lib2to3|pydoc_data|turtledemo|idlelib|tkinter|ensurepip|test)/"
    r"|usr/lib/python3\.[0-9]+/lib-dynload/(_curses|_curses_panel|readline|_dbm|nis|_tkinter)\."
    r"|etc/(?!mime\.types$|protocols$|services$|rpc$|host\.conf$|debian_version$|os-release$|ld\.so\.conf|ssl/|python3)"
    r"|(?!usr/|etc/)"
)
_USERS = f"root:x:0:0:root:/:/nonexistent\nnonroot:x:{NONROOT}:{NONROOT}:nonroot:/tmp:/nonexistent\n"
_GROUPS = f"root:x:0:\nnonroot:x:{NONROOT}:\n"
_NAMES_FROM = "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"


def lay_out(debs: Iterable[Deb], python: str) -> Tree:
    """Return the root folder that *debs* make, with ``/usr/bin/python3`` for the version *python*."""
    tree = _skeleton(python)
    for deb in debs:
        name = deb.fields["Package"]
        tree[f"var/lib/dpkg/status.d/{name}"] = Node(deb.control.encode())
        tree |= {path: node for path, node in _merged(deb.tree).items() if _is_kept(path, node)}
    tree["etc/ssl/certs/ca-certificates.crt"] = Node(_bundle(tree))
    return {path: node for path, node in tree.items() if not path.startswith("usr/share/ca-certificates/")}


def _skeleton(python: str) -> Tree:
    return {
        **{one: link(f"usr/{one}") for one in ("bin", "lib", "lib64", "sbin")},
        **{
            one: folder() for one in ("dev", "etc", "proc", "run", "sys", "usr/bin", "usr/lib", "usr/lib64", "usr/sbin")
        },
        "tmp": folder(0o1777),
        "var/tmp": folder(0o1777),
        "etc/passwd": Node(_USERS.encode()),
        "etc/group": Node(_GROUPS.encode()),
        "etc/nsswitch.conf": Node(_NAMES_FROM.encode()),
        "usr/bin/python3": link(f"python{python}"),
    }


def _merged(tree: Tree) -> Tree:
    """Return *tree* with ``/bin``, ``/lib`` and the like under ``/usr``, where the links of the root lead."""
    return {_MERGED.sub(r"usr/\1\2", path, count=1): node for path, node in tree.items()}


def _is_kept(path: str, node: Node) -> bool:
    is_folder = node.source is None and not node.target
    return not is_folder and not _DROPPED.match(path)


def _bundle(tree: Tree) -> bytes:
    """Return all certificates in one file, as ``update-ca-certificates`` of Debian puts them together."""
    roots = sorted(path for path in tree if path.startswith("usr/share/ca-certificates/") and path.endswith(".crt"))
    sources = (tree[path].source for path in roots)
    return b"".join(raw if raw.endswith(b"\n") else raw + b"\n" for raw in sources if isinstance(raw, bytes))
