"""``modelport image build|push|base``: the microservice's image, assembled without an engine.

What hands images to an engine, ``image load|run|dockerfile``, is in `modelport.cli.image_run`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.cli import image_run
from modelport.cli.entry import entry_of, license_of
from modelport.cli.models import add_allow_code, check_code, find_model, said_version
from modelport.cli.terminal import add_json, data, human_size, table, talk
from modelport.errors import FormatError, InputError, NotFoundError
from modelport.settings import Settings, load_settings
from modelport.types import Digest, Reference, Version

if TYPE_CHECKING:
    import argparse

    from modelport.cli.models import Found
    from modelport.image import About, BuiltImage
    from modelport.oci import Descriptor, Index, Layout
    from modelport.publish.release import Place

__all__ = ["about_of", "build_options", "build_reference", "configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    build = actions.add_parser("build", help="assemble a package's image in the store; runs nothing of it")
    build.epilog = (
        "Equal input gives an equal digest on every machine whose Python is the same patch release: it compiles the"
        " bytecode in the layers."
    )
    build_options(build)
    build.add_argument("--out", type=Path, metavar="DIR", help="another OCI image layout than the store")
    add_json(build)
    build.set_defaults(act=_build)
    push = actions.add_parser("push", help="push an image that was built; the release lists it, where there is one")
    push.add_argument("reference", metavar="REFERENCE", help="NAME[:VERSION], as it was built")
    push.add_argument(
        "target", nargs="?", metavar="TARGET", help="HOST[:PORT]/REPOSITORY[:TAG] (default: the catalog's registry)"
    )
    push.add_argument("--no-release", action="store_true", help="do not list it in the release's index")
    add_json(push)
    push.set_defaults(act=_push)
    base = actions.add_parser("base", help="make a base image from Debian packages alone, without running any of them")
    base.add_argument("lock", type=Path, metavar="LOCK", help="the packages: requirements/base.lock of Modelport")
    base.add_argument("--out", type=Path, default=Path("build/base"), metavar="DIR", help="default: %(default)s")
    base.add_argument("--refresh", action="store_true", help="only write the lock anew, with the newest packages")
    base.set_defaults(act=_base)
    image_run.configure(actions)


def build_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say which image is built, and how."""
    parser.add_argument(
        "reference", metavar="REFERENCE", help="NAME[:VERSION], a registry's reference, or a package's folder"
    )
    parser.add_argument(
        "--platform",
        default="linux/amd64,linux/arm64",
        metavar="LIST",
        help="the platforms, with commas between them (default: %(default)s)",
    )
    parser.add_argument("--base", metavar="BASE", help="a reference, or an image layout's folder, to build on")
    parser.add_argument(
        "--runtime",
        choices=("auto", "framework", "converted"),
        default="auto",
        help="which form of trained objects runs; auto: the second one where there is one (default: %(default)s)",
    )
    parser.add_argument("--revision", default="", metavar="TEXT", help="the revision of the model's source, as a label")
    add_allow_code(parser)


def run(options: argparse.Namespace) -> int:
    """Do what the action says."""
    done: int = options.act(options)
    return done


def build_reference(options: argparse.Namespace, settings: Settings, layout: Layout, *, suffix: str = "") -> BuiltImage:
    """Build the image that the command line asks for, in *layout*; *suffix* is put behind its name there."""
    from modelport.cli.models import access_of
    from modelport.image import Plan, Runtime, build_image
    from modelport.image.bases import base_name
    from modelport.image.wheels import target_of

    targets = [target_of(one.strip()) for one in options.platform.split(",")]
    found = find_model(options.reference, settings)
    check_code(found, settings, allow_code=options.allow_code)
    about = about_of(found, settings, options.revision)
    plan = Plan(
        about=about,
        targets=targets,
        base=options.base or base_name(settings.image_bases, found.package.info["python"]),
        runtime=Runtime(options.runtime),
        created=settings.source_date,
    )
    tag, access = f"{about.tag}{suffix}", access_of(settings)
    return build_image(found.package, plan, layout, cache=settings.cache, access=access, notice=talk, tag=tag)


def _build(options: argparse.Namespace) -> int:
    from modelport.oci import Layout

    settings = load_settings()
    layout = Layout(options.out or settings.store)
    built = build_reference(options, settings, layout)
    sizes = {platform: _size(layout, one) for platform, one in built.manifests.items()}
    base = built.base
    if base and base.pin and base.pin not in {options.base, *settings.image_bases.values()}:
        talk(f'to build on this base again, write under [image.base] in modelport.toml: "{base.minor}" = "{base.pin}"')
    if options.json:
        data(_document(built, sizes))
        return 0
    rows = [
        [
            platform,
            one.digest,
            human_size(sizes[platform]),
            *([f"on {base.name}@{_base_of(built, one)}"] if base else []),
        ]
        for platform, one in built.manifests.items()
    ]
    data(f"{built.tag} {built.index.digest}")
    data(table(rows))
    return 0


def _document(built: BuiltImage, sizes: dict[Any, int]) -> dict[str, Any]:
    return {
        "image": built.tag,
        "digest": str(built.index.digest),
        "layout": str(built.layout.path),
        "runtime": str(built.runtime),
        "base": built.base.pin or built.base.name if built.base else "",
        "platforms": {
            str(platform): {"digest": str(one.digest), "bytes": sizes[platform], "base": _base_of(built, one)}
            for platform, one in built.manifests.items()
        },
    }


def _base_of(built: BuiltImage, manifest: Descriptor) -> str:
    """Return the digest of what one platform's image is built on, as the image itself says."""
    from modelport.image.labels import BASE_DIGEST

    return built.layout.manifest(manifest).annotations.get(BASE_DIGEST, "")


def _size(layout: Layout, manifest: Any) -> int:  # noqa: ANN401 - a descriptor, whose type is imported late
    return sum(child.size for child in layout.manifest(manifest).children)


def about_of(found: Found, settings: Settings, revision: str) -> About:
    """Return what an image says of the package that was found, and what it is called."""
    from modelport.image import About

    model = entry_of(found.package.name, settings)
    return About(
        name=found.package.name,
        version=said_version(found, settings),
        digest=str(found.digest),
        description=str(model.get("summary", "")),
        licenses=license_of(model),
        source=str(settings.site.get("repository", "")) if model else "",
        revision=revision,
        variant=str((found.package.info.get("variant") or {}).get("name", "")),
    )


def _as_version(text: str) -> str:
    try:
        return str(Version.parse(text.removesuffix("-rebuilt")))
    except FormatError:
        return ""


def _push(options: argparse.Namespace) -> int:
    from modelport.cli.progress import transfers
    from modelport.image.push import push_image
    from modelport.oci import Index, Layout
    from modelport.publish.images import image_index

    settings = load_settings()
    layout = Layout(settings.store)
    name, version = _image_of(Reference.parse(options.reference), layout)
    index = layout.resolve(f"{name}:{version}-service")
    place, tag = _place(options.target, name, version, settings)
    built = Index.parse(layout.read(index))
    with transfers("pushing", "pushed") as progress:
        push_image(layout, index, place.registry, place.repository, tags=[], progress=progress, notice=talk)
    document = image_index(built, place, tag)
    digest = document.descriptor.digest
    if not place.registry.stands_for(place.repository, tag, digest, writing=True):
        place.registry.put_manifest(place.repository, document, tag=tag)
    release = None if options.no_release else _list_in_release(built, place, version)
    pushed = f"{place}:{tag}@{digest}"
    if options.json:
        data({"reference": pushed, "digest": str(digest), "release": release})
    else:
        data(pushed)
    return 0


def _list_in_release(document: Index, place: Place, version: str) -> str | None:
    """List an image in its version's release, say what came of it, and return the release's tag."""
    from modelport.publish.images import add_to_release, why_not_listed
    from modelport.publish.release import IMAGE_OF

    if not _as_version(version):
        talk(f"no release lists it: releases are of whole packages with a version, and {version} is none")
        return None
    package = Digest.parse(document.annotations[IMAGE_OF])
    release = add_to_release(document.manifests, place, version, package)
    if release:
        talk(f"the release {place}:{release} lists it")
    else:
        talk(f"no release lists it: {why_not_listed(place, version, package)}")
    return release


def _place(target: str | None, name: str, version: str, settings: Settings) -> tuple[Any, str]:
    from modelport.cli.models import access_of
    from modelport.package.store import registry_of
    from modelport.publish.release import Place, place_of

    if target is None and settings.registry is None:
        raise InputError(
            f"no registry is set that {name}'s image could go to",
            hint="write HOST/REPOSITORY behind its name, or in modelport.toml: [registry] prefix = 'HOST/PREFIX'",
        )
    if target is None:
        return place_of(name, settings), f"{version}-service"
    reference = Reference.parse(target)
    if reference.host is None or reference.digest is not None:
        raise InputError(f"{target} is not a place to push to", hint="write HOST[:PORT]/REPOSITORY[:TAG]")
    registry = registry_of(reference.host, access_of(settings))
    return Place(registry, reference.repository), reference.tag or f"{version}-service"


def _image_of(reference: Reference, layout: Layout) -> tuple[str, str]:
    """Return the name and the version of an image in the store; of several, the highest version's."""
    start = f"{reference.repository}:"
    built = [tag for tag in layout.tags() if tag.startswith(start) and tag.endswith("-service")]
    versions = [tag.removeprefix(start).removesuffix("-service") for tag in built]
    wanted = [one for one in versions if reference.tag in {None, one, f"{one}-service"}]
    if reference.host is not None or not wanted:
        there = f"built are {', '.join(built)}" if built else f"modelport image build {reference}"
        raise NotFoundError(f"no image of {reference} is in the store ({layout.path})", hint=there)
    return reference.repository, max(
        wanted, key=lambda one: Version.parse(one) if _as_version(one) else Version(0, 0, 0)
    )


def _base(options: argparse.Namespace) -> int:
    from modelport.image.base.lock import lock_text, parse_lock
    from modelport.image.base.make import TAG, make_base, refresh_lock
    from modelport.oci import Layout

    settings = load_settings()
    if options.refresh:
        options.lock.write_text(lock_text(refresh_lock()), "utf-8")
        talk(f"{options.lock} names the newest packages of Debian")
        return 0
    if not options.lock.is_file():
        raise NotFoundError(f"there is no lock {options.lock}", hint="--refresh writes one")
    debs = parse_lock(options.lock.read_text("utf-8"), str(options.lock))
    index = make_base(debs, Layout(options.out), settings.cache / "debs")
    data(f"{TAG} {index.digest}")
    talk(f"build on it: --base {options.out}")
    return 0
