"""Building an image: layers, a config and a manifest for each platform, and an index of them, all in the store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from modelport.errors import NotFoundError
from modelport.image.base.root import NONROOT
from modelport.image.bases import bring_base
from modelport.image.config import CONFIG, GRPC_PORT, HTTP_PORT, image_config, service_settings
from modelport.image.labels import labels_of
from modelport.image.layers import LIBRARIES, MODEL, Workshop
from modelport.image.own import service_pins
from modelport.image.requirements import Runtime, applying, check_service, chosen_runtime, unused_roots
from modelport.image.sbom import attach, sbom
from modelport.oci import Platform, build_index, build_manifest
from modelport.oci.manifest import canonical_json
from modelport.oci.plan import lacking
from modelport.package.locks import read_pins

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from modelport.image.bases import Base
    from modelport.image.labels import About
    from modelport.image.wheels import Target
    from modelport.oci import Descriptor, Layout
    from modelport.package import Package
    from modelport.package.locks import Pin
    from modelport.package.store import Access

__all__ = ["BuiltImage", "Plan", "build_image", "service_arguments"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an image is to be.

    Attributes:
        about: What it says of the model.
        targets: The platforms.
        base: The base: the folder of an image layout, or a reference.
        runtime: Which form of the trained objects it runs.
        created: When, in seconds since 1970 (``SOURCE_DATE_EPOCH``); nothing else of an image depends on it.
    """

    about: About
    targets: Sequence[Target]
    base: str
    runtime: Runtime = Runtime.AUTO
    created: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """An image in a layout.

    Attributes:
        layout: Where it lies.
        tag: Its name there, ``NAME:VERSION-service`` unless told otherwise.
        index: The index of its platforms, which an engine is given.
        manifests: The manifest for each platform.
        runtime: Which form of the trained objects it runs.
        base: What it was built on, for any of its platforms.
    """

    layout: Layout
    tag: str
    index: Descriptor
    manifests: dict[Platform, Descriptor] = field(hash=False)
    runtime: Runtime
    base: Base | None = None


def build_image(
    package: Package,
    plan: Plan,
    layout: Layout,
    *,
    cache: Path,
    access: Access,
    notice: Callable[[str], object] = str,
    tag: str = "",
) -> BuiltImage:
    """Assemble the image of *package* in *layout*, without an engine; equal input gives an equal digest.

    Nothing of the package, of its requirements or of the base is run.

    Args:
        package: The package.
        plan: What the image is to be.
        layout: Where to; layers that are there are not made again.
        cache: The folder where it is remembered which layer is which.
        access: How registries are reached, where the base is in one.
        notice: Told what takes a while.
        tag: Its name in *layout*, where that is not to be ``plan.about.tag``.

    Raises:
        SetupError: The base cannot be reached, a requirement has no wheel for a platform, or uv is missing.
        NotFoundError: The base has nothing for a platform, or no Python of the package's version.
    """
    runtime = chosen_runtime(package, plan.runtime)
    with layout.lease() as lease:
        manifests, base = {}, None
        for target in plan.targets:
            workshop = Workshop(layout, cache, target, package.info["python"], notice, lease.protect)
            base = bring_base(plan.base, target.platform, workshop.python, layout, access, protect=lease.protect)
            manifests[target.platform] = _manifest(package, plan, runtime, base, workshop)
        annotations = plan.about.annotations(plan.created)
        index = layout.put_manifest(build_index(list(manifests.values()), annotations=annotations))
        _check_whole(layout, index)
        layout.tag(tag or plan.about.tag, index)
    return BuiltImage(
        layout=layout,
        tag=tag or plan.about.tag,
        index=index,
        manifests=manifests,
        runtime=runtime,
        base=base,
    )


def _check_whole(layout: Layout, index: Descriptor) -> None:
    if absent := lacking(layout, index):
        raise NotFoundError(
            f"{layout.path} has lost {absent[0]} while the image was built", hint="build again; what is there is kept"
        )


def _manifest(package: Package, plan: Plan, runtime: Runtime, base: Base, workshop: Workshop) -> Descriptor:
    """Put the manifest for one platform into the layout, and its SBOM; return what points at it in an index."""
    layout, platform = workshop.layout, workshop.target.platform
    # Side by side: uv's processes take about as long as what is done here.
    with ThreadPoolExecutor(2) as pool:
        own = pool.submit(workshop.modelport)
        needed = _needed(package, runtime, workshop)
        pinned = {pin.name for pin in applying(needed, workshop.markers)}
        service = pool.submit(workshop.wheels, service_pins(pinned))
        wheels = [workshop.wheels(needed), service.result()]
        check_service(wheels[1].distributions, wheels[0].distributions, workshop.markers)
        layers = [*(one.layer for one in wheels), own.result(), workshop.model(package)]
    labels = labels_of(package, plan.about, base, runtime, plan.created)
    document = image_config(
        platform,
        diff_ids=[*base.diff_ids, *(layer.digest for layer in layers)],
        settings=_settings(plan.about, runtime, base, labels),
        history=[*(f"base {base.name}" for _ in base.layers), "dependencies", "service", "modelport", "model"],
        created=plan.created,
    )
    config = layout.put_blob(canonical_json(document), media_type=CONFIG)
    manifest = layout.put_manifest(build_manifest(config, [*base.layers, *layers], annotations=labels))
    image = replace(manifest, platform=platform)
    distributions = (one for made in wheels for one in made.distributions)
    attach(layout, image, sbom(image, plan.about, distributions, base, created=plan.created))
    return image


def _settings(about: About, runtime: Runtime, base: Base, labels: Mapping[str, str]) -> dict[str, Any]:
    return service_settings(
        python=base.python,
        libraries=f"/{LIBRARIES}",
        arguments=[f"/{MODEL}", *service_arguments(about, runtime)],
        labels=labels,
        user=NONROOT,
        inherited=base.variables,
    )


def _needed(package: Package, runtime: Runtime, workshop: Workshop) -> list[Pin]:
    return workshop.needed(read_pins(package.lock), package.info["requirements"], unused_roots(package, runtime))


def service_arguments(about: About, runtime: Runtime) -> list[str]:
    """Return what ``python -m modelport.serve`` is given in an image, besides the package's folder."""
    given = {"host": "0.0.0.0", "port": str(HTTP_PORT), "grpc-port": str(GRPC_PORT), "runtime": str(runtime)}  # noqa: S104 - a container's own addresses
    known = {"name": about.name, "digest": about.digest, "version": about.version, "license": about.licenses}
    given |= {name: value for name, value in known.items() if value}
    return [word for name, value in given.items() for word in (f"--{name}", value)]
