"""The list of what is inside an image: CycloneDX 1.6, one document for each platform, as a referrer of its manifest.

It names the model, the wheels, Modelport, and the base's Python and Debian packages. The same image has the same
document: its serial number is made from the image's digest, and its time is the image's.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import modelport
from modelport.oci import build_manifest
from modelport.oci.manifest import canonical_json
from modelport.oci.media import EMPTY, EMPTY_CONTENT
from modelport.oci.referrers import layout_referrers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cyclonedx.model.component import Component

    from modelport.image.bases import Base
    from modelport.image.contents import DebianPackage
    from modelport.image.distributions import Distribution
    from modelport.image.labels import About
    from modelport.oci import Descriptor, Layout

__all__ = ["SBOM", "attach", "sbom"]

SBOM = "application/vnd.cyclonedx+json"
_SPACE = uuid.UUID("5b0f4f0e-7f0a-5d6b-9f2e-6d6f64656c70")


def sbom(
    image: Descriptor,
    about: About,
    distributions: Iterable[Distribution],
    base: Base,
    *,
    created: int,
) -> bytes:
    """Return the SBOM of the image of one platform, as canonical JSON.

    Args:
        image: Its manifest.
        about: The model.
        distributions: The Python distributions in it.
        base: What it is built on, with its Python and its Debian packages.
        created: When the image says that it was made, in seconds since 1970.
    """
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion

    subject = Component(
        name=about.name,
        version=str(image.digest),
        type=ComponentType.CONTAINER,
        bom_ref=str(image.digest),
        hashes=[_sha256(str(image.digest))],
        description=f"{about.tag} for {image.platform}",
    )
    own = [_model(about), _generic("modelport", modelport.__version__), _generic("python", base.python_version)]
    parts = [*own, *map(_distribution, distributions), *map(_package, base.packages)]
    bom = Bom(components=parts, serial_number=uuid.uuid5(_SPACE, str(image.digest)))
    bom.metadata.timestamp = datetime.fromtimestamp(created, UTC)
    bom.metadata.component = subject
    bom.register_dependency(subject, parts)
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    return canonical_json(json.loads(text))


def attach(layout: Layout, image: Descriptor, document: bytes) -> Descriptor:
    """Keep an SBOM in *layout* as a referrer of *image*, in the place of one that was there; return its manifest."""
    config = layout.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    layer = layout.put_blob(document, media_type=SBOM)
    subject = _bare(image)
    manifest = layout.put_manifest(build_manifest(config, [layer], artifact_type=SBOM, subject=subject))
    for older in layout_referrers(layout, image.digest, artifact_type=SBOM):
        if older.digest != manifest.digest:
            layout.forget(older.digest)
    layout.keep(manifest)
    return manifest


def _bare(image: Descriptor) -> Descriptor:
    from dataclasses import replace

    return replace(image, platform=None, annotations={}, artifact_type=None)


def _model(about: About) -> Component:
    from cyclonedx.model.component import Component, ComponentType

    return Component(
        name=about.name,
        version=about.version or None,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=f"model:{about.digest}",
        description=about.description or None,
        licenses=_licenses(about.licenses, ()),
        hashes=[_sha256(about.digest)],
    )


def _generic(name: str, version: str) -> Component:
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    url = PackageURL("generic", name=name, version=version)
    return Component(name=name, version=version, type=ComponentType.APPLICATION, bom_ref=str(url), purl=url)


def _distribution(one: Distribution) -> Component:
    from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    url = PackageURL("pypi", name=one.name, version=one.version)
    source = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(f"https://pypi.org/project/{one.name}/{one.version}/"),
        comment="the lock admits files with these hashes, of which the one for this platform was installed",
        hashes=map(_sha256, one.hashes),
    )
    return Component(
        name=one.name,
        version=one.version,
        type=ComponentType.LIBRARY,
        bom_ref=str(url),
        purl=url,
        licenses=_licenses(one.expression, one.licenses),
        external_references=[source],
    )


def _package(one: DebianPackage) -> Component:
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    url = PackageURL("deb", "debian", one.name, one.version, {"arch": one.architecture})
    return Component(name=one.name, version=one.version, type=ComponentType.LIBRARY, bom_ref=str(url), purl=url)


def _licenses(expression: str, names: Iterable[str]) -> list[Any]:
    from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression

    if expression:
        return [LicenseExpression(expression)]
    return [DisjunctiveLicense(name=name) for name in names]


def _sha256(text: str) -> Any:  # noqa: ANN401 - a type of a library that is imported late
    from cyclonedx.model import HashAlgorithm, HashType

    return HashType(alg=HashAlgorithm.SHA_256, content=text.removeprefix("sha256:"))
