"""olot, whose classes are written in a way of pydantic's that is to go: what it warns of is not ours to mend."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from olot.basics import crawl_ocilayout_indexes, crawl_ocilayout_manifests
    from olot.modelpack.model_config import Model
    from olot.oci.oci_image_index import OCIImageIndex, read_ocilayout_root_index
    from olot.oci.oci_image_layout import verify_ocilayout
    from olot.oci.oci_image_manifest import OCIImageManifest

__all__ = [
    "Model",
    "OCIImageIndex",
    "OCIImageManifest",
    "crawl_ocilayout_indexes",
    "crawl_ocilayout_manifests",
    "read_ocilayout_root_index",
    "verify_ocilayout",
]
