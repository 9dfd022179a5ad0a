"""The image as a Dockerfile and its context, for those who must add system packages or build a requirement themselves.

::

    Dockerfile          says the same as the assembled image: the same paths, variables, user and command
    requirements.lock   what the model needs, with hashes; only what the chosen form of its objects needs
    service.lock        what the service needs besides
    modelport/          Modelport's own rooms that serve
    model/              the package

An engine builds it with pip, which checks every hash and resolves nothing. Its digest differs from that of the
assembled image, and from build to build; its answers do not.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.errors import InputError
from modelport.image.base.root import NONROOT
from modelport.image.bases import DEFAULT
from modelport.image.build import service_arguments
from modelport.image.config import service_settings
from modelport.image.labels import BASE_NAME, labels_of
from modelport.image.layer import Node
from modelport.image.layers import LIBRARIES, MODEL
from modelport.image.own import modelport_tree, service_pins
from modelport.image.requirements import chosen_runtime, unused_roots
from modelport.package.locks import canonical_name, lock_text, read_pins

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from modelport.image.build import Plan
    from modelport.image.layers import Workshop
    from modelport.image.requirements import Runtime
    from modelport.package import Package

__all__ = ["write_context"]

_NANOSECONDS = 1_000_000_000
_TEXT = """\
# The image of {name}. Build it here:  docker build --tag {tag} .
# It says the same as the image that `modelport image build` assembles. Add what that cannot have where it says ADD.

# Any image that has Python {python} with pip. For builds that are the same next year, write its digest behind an @.
ARG BASE={base}

FROM ${{BASE}} AS build
# pip reads these where they are given: docker build --build-arg PIP_INDEX_URL=... They do not stay in the image.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
ARG PIP_CERT
# ADD here what a requirement without a wheel is built with, and take `--only-binary :all:` out below:
# RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev
COPY requirements.lock service.lock /locks/
RUN {install}
COPY modelport /{libraries}/modelport
RUN {compile}

FROM ${{BASE}}
# ADD the system packages that the model needs:
# RUN apt-get update \\
#  && apt-get install --yes --no-install-recommends libgomp1 \\
#  && rm -rf /var/lib/apt/lists/*
COPY --from=build /{libraries} /{libraries}
COPY model /{model}
ARG BASE
LABEL {base_label}="${{BASE}}"
{settings}
"""

# What this Python cannot compile, a template for instance, has no bytecode; that is no failure.
_COMPILING = (
    "import compileall, py_compile; compileall.compile_dir('/{libraries}', quiet=2,"
    " invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)"
)


def _check_named(base: str) -> None:
    """Raise InputError where *base* is a folder: ``image build`` takes one, ``FROM`` takes names of images only."""
    if not (Path(base) / "oci-layout").is_file() and base[:1] not in {".", "/", "~"}:
        return
    raise InputError(
        f"a Dockerfile cannot build on the folder {base}: its FROM names images of a registry or of the engine",
        hint=f"push it, with pip in it, and name what was pushed: skopeo copy --all oci:{base} docker://HOST/NAME:TAG;"
        " without --base the Dockerfile builds on the official image",
    )


def write_context(package: Package, plan: Plan, folder: Path, workshop: Workshop) -> Path:
    """Write the Dockerfile of *package* and its context to *folder*, which is made; return the Dockerfile.

    Args:
        package: The package.
        plan: What the image is to be; its base is what the Dockerfile takes unless told otherwise.
        folder: Where to; it must be empty or not there.
        workshop: Knows which requirements are needed.

    Raises:
        InputError: There is something in *folder*, or the plan's base is a folder.
    """
    _check_named(plan.base)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there already", hint="--out names a new folder")
    runtime = chosen_runtime(package, plan.runtime)
    pins = read_pins(package.lock)
    roots = {canonical_name(one.partition("==")[0]) for one in package.info["requirements"]}
    needed = workshop.needed(pins, roots, unused_roots(package, runtime))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "requirements.lock").write_text(lock_text(needed), "utf-8")
    (folder / "service.lock").write_text(lock_text(service_pins({pin.name for pin in needed})), "utf-8")
    for path, node in modelport_tree("").items():
        _write(folder / path.lstrip("/"), node)
    for path in package.files():
        if path.startswith("data/"):
            continue  # of no use to a service
        _write(folder / MODEL / path, Node(package.folder / path))
    dockerfile = folder / "Dockerfile"
    labels = labels_of(package, plan.about, None, runtime, plan.created)
    dockerfile.write_text(_dockerfile(plan, runtime, workshop.python, labels), "utf-8")
    for one in folder.rglob("*"):
        one.chmod(0o755 if one.is_dir() else 0o644)  # an engine copies what the umask left
    return dockerfile


def _write(file: Path, node: Node) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(node.source, bytes):
        file.write_bytes(node.source)
    elif node.source is not None:
        shutil.copyfile(node.source, file)


def _dockerfile(plan: Plan, runtime: Runtime, python: str, labels: Mapping[str, str]) -> str:
    about, interpreter = plan.about, f"python{python}"
    pip = [
        interpreter,
        "-m",
        "pip",
        "install",
        "--no-cache-dir",
        "--no-compile",
        "--disable-pip-version-check",
        "--root-user-action=ignore",
    ]
    pip += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--target", f"/{LIBRARIES}"]
    pip += ["-r", "/locks/requirements.lock", "-r", "/locks/service.lock"]
    compiling = [interpreter, "-W", "ignore", "-c", _COMPILING.format(libraries=LIBRARIES)]
    settings = service_settings(
        python=interpreter,
        libraries=f"/{LIBRARIES}",
        arguments=[f"/{MODEL}", *service_arguments(about, runtime)],
        labels=labels,
        user=NONROOT,
        inherited=(),
    )
    return _TEXT.format(
        name=f"{about.name} {about.version}".rstrip(),
        tag=about.tag,
        python=python,
        base=plan.base or DEFAULT.format(python=python),
        install=_words(pip),
        compile=_words(compiling),
        base_label=BASE_NAME,
        libraries=LIBRARIES,
        model=MODEL,
        settings=_instructions(settings),
    )


def _instructions(settings: Mapping[str, Any]) -> str:
    """Return the instructions that make an image's ``config`` *settings*."""
    health = settings["Healthcheck"]
    seconds = {key.lower(): health[key] // _NANOSECONDS for key in ("Interval", "Timeout")}
    start = health["StartPeriod"] // _NANOSECONDS
    how = " ".join(f"--{key}={value}s" for key, value in {**seconds, "start-period": start}.items())
    lines = [f"ENV {name}={_quoted(value)}" for name, _, value in (one.partition("=") for one in settings["Env"])]
    lines += [f"LABEL {name}={_quoted(value)}" for name, value in settings["Labels"].items()]
    lines += [f"EXPOSE {' '.join(port.partition('/')[0] for port in settings['ExposedPorts'])}"]
    lines += [f"WORKDIR {settings['WorkingDir']}", f"USER {settings['User']}", f"STOPSIGNAL {settings['StopSignal']}"]
    lines += [f"HEALTHCHECK {how} --retries={health['Retries']} CMD {_words(health['Test'][1:])}"]
    lines += [f"ENTRYPOINT {_words(settings['Entrypoint'])}"]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """Return *text* as an instruction takes it: variables in it are not replaced, lines in it become one."""
    one_line = " ".join(text.split())
    return '"' + one_line.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'


def _words(words: list[str]) -> str:
    return json.dumps(words)
