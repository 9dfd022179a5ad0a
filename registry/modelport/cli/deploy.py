"""``modelport deploy``: manifests that run a model's image elsewhere, pinned by its digest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from modelport.cli.models import access_of, find_model, said_version
from modelport.cli.terminal import add_json, data, talk
from modelport.errors import FormatError, InputError, NotFoundError
from modelport.oci.net.origin import is_loopback
from modelport.settings import load_settings
from modelport.types import Reference

if TYPE_CHECKING:
    import argparse

    from modelport.cli.models import Found
    from modelport.deploy import Deployment
    from modelport.settings import Settings

__all__ = ["configure", "run"]

_PORT, _REPLICAS, _MOST_REPLICAS = 3330, 2, 10
_SCALED = ("kubernetes", "kserve", "knative")
_ONLY = {
    "port": ("compose",),
    "replicas": _SCALED,
    "max_replicas": _SCALED,
    "namespace": _SCALED,
    "host": ("kubernetes",),
    "public": ("kserve", "knative"),
}
"""The forms that have a place for an option; the others are for all."""

_FORMS = ("compose", "kubernetes", "kserve", "knative")
_NEXT = {"compose": "{compose} --file {out}/compose.yaml up --detach"}
_APPLY = "kubectl apply --filename {out}"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("form", choices=_FORMS, help="what runs it")
    parser.add_argument("reference", metavar="REFERENCE", help="NAME[:VERSION], or a registry's reference of the model")
    parser.add_argument(
        "--image",
        metavar="IMAGE",
        help="where its image was pushed: HOST/REPOSITORY[:TAG][@DIGEST] (default: the catalog's registry)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write files there, and not to stdout")
    parser.add_argument("--cpu", metavar="N", help="cores of each, as in 2 or 500m (default: 500m; compose: all)")
    parser.add_argument(
        "--memory", metavar="SIZE", help="memory of each, as in 512Mi (default: by what was measured, or 1Gi)"
    )
    parser.add_argument(
        "--port", type=int, metavar="N", help=f"on this machine (compose; default: {_PORT}, 0: any free one)"
    )
    clusters = parser.add_argument_group("in clusters")
    clusters.add_argument("--replicas", type=int, metavar="N", help=f"at least so many (default: {_REPLICAS})")
    clusters.add_argument("--max-replicas", type=int, metavar="N", help=f"at most (default: {_MOST_REPLICAS})")
    clusters.add_argument("--namespace", metavar="NAME", help="default: where the manifests are applied")
    clusters.add_argument("--host", help="the host name under which it is reached from outside (kubernetes)")
    clusters.add_argument(
        "--public", action="store_true", default=None, help="let the platform make it known outside (kserve, knative)"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Write the manifests, or print them."""
    from modelport.deploy import manifests, write_folder

    _check_options(options)
    settings = load_settings()
    found = find_model(options.reference, settings)
    deployment = _deployment(options, found, settings)
    texts = manifests(options.form, deployment)
    if options.out is None:
        data(texts if options.json else "---\n".join(texts.values()).rstrip("\n"))
        return 0
    written, removed = write_folder(options.out, options.form, texts, deployment)
    for file in removed:
        talk(f"removed {file}, which an earlier run wrote")
    data([str(file) for file in written] if options.json else "\n".join(map(str, written)))
    talk(f"next: {_NEXT.get(options.form, _APPLY).format(out=options.out, compose=_compose())}")
    return 0


def _compose() -> str:
    """Return how Compose is called on this machine: as Docker's plugin, or where only that is there, as a program."""
    from modelport.package.tools import run as run_program

    if which("docker") and not run_program(["docker", "compose", "version"]).returncode:
        return "docker compose"
    return "docker-compose" if which("docker-compose") else "docker compose"


def _check_options(options: argparse.Namespace) -> None:
    """Refuse what the form has no place for: it would be ignored."""
    for option, forms in _ONLY.items():
        if getattr(options, option) is not None and options.form not in forms:
            word = f"--{option.replace('_', '-')}"
            raise InputError(f"{options.form} has no {word}", hint=f"{word} is for {' and '.join(forms)}")


def _deployment(options: argparse.Namespace, found: Found, settings: Settings) -> Deployment:
    from modelport.cli.image_run import measured_memory
    from modelport.deploy import Deployment
    from modelport.deploy.deployment import parse_memory

    version = said_version(found, settings)
    image = _pinned(options, found, version, settings)
    if options.form in _SCALED and is_loopback(urlsplit(f"//{image.host}").hostname or ""):
        talk(f"warning: {image.host} is this machine; on a cluster's nodes it is the node itself, without the image")
    replicas, most = _replicas(options.replicas, options.max_replicas)
    return Deployment(
        name=found.package.name,
        version=version or "0",
        image=image,
        replicas=replicas,
        most_replicas=most,
        cpu=options.cpu or "",
        memory=parse_memory(options.memory) if options.memory else 0,
        measured=measured_memory(found, settings),
        namespace=options.namespace or "",
        host=options.host or "",
        port=_PORT if options.port is None else options.port,
        public=bool(options.public),
    )


def _replicas(least: int | None, most: int | None) -> tuple[int, int]:
    """Return how many run at least and at most, where one of them or none was said."""
    if least is None:
        return _REPLICAS if most is None else min(_REPLICAS, most), _MOST_REPLICAS if most is None else most
    return least, max(_MOST_REPLICAS, least) if most is None else most


def _pinned(options: argparse.Namespace, found: Found, version: str, settings: Settings) -> Reference:
    """Return the image's reference with the digest of its index, which holds all platforms.

    It is where ``--image`` says, else beside the model: in the repository that the reference names, or in the catalog's
    registry.

    Raises:
        InputError: No registry is known for it, or it is another model's.
        NotFoundError: It is not in the registry.
    """
    from modelport.oci import Manifest
    from modelport.package.store import registry_of

    place, own = options.image, _repository(options.reference)
    push = f"modelport image push {found.package.name}{f':{version}' if version else ''}"
    if own and not place:
        place, push = own, f"modelport image push {options.reference} {own}"
    elif place:
        push += f" {place.partition('@')[0]}"
    if not place and settings.registry:
        place = f"{settings.registry}/{found.package.name}:{version}-service"
    if not place:
        raise InputError(
            f"the image of {found.package.name} must be in a registry, and no registry is set",
            hint=f"push it, and say where: {push} HOST/REPOSITORY, then --image HOST/REPOSITORY",
        )
    reference = Reference.parse(place)
    if reference.host is None:
        raise InputError(f"{place} is not in a registry", hint="write HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]")
    tag = reference.tag or f"{version or 'latest'}-service"
    wanted = reference.digest or tag
    try:
        document = registry_of(reference.host, access_of(settings)).manifest(reference.repository, wanted)
    except NotFoundError as error:
        raise NotFoundError(f"the image of {found.package.name} is not there: {error.message}", hint=push) from error
    said = document.annotations.get("org.modelport.package.digest")
    if said != str(found.digest):
        raise InputError(
            f"{reference} is not an image of this package ({found.digest}), but of {said or 'something else'}",
            hint=push,
        )
    if isinstance(document, Manifest):
        talk(f"{reference} is the image of one platform; nodes of another cannot run it")
    return replace(reference, tag=None, digest=document.descriptor.digest)


def _repository(text: str) -> str:
    """Return the registry's repository that a model's reference names, or nothing where it names none."""
    try:
        reference = Reference.parse(text)
    except FormatError:
        return ""
    return f"{reference.host}/{reference.repository}" if reference.host else ""
