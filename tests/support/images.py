"""A base and images for the tests, made once, and what is needed to look into them and to run them."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import json
import shutil
import subprocess
import tarfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.commands import CACHE, ROOT, Workplace

from modelport.image.base.lock import parse_lock
from modelport.image.base.make import TAG, make_base
from modelport.image.bytecode import BUILDER
from modelport.image.layer import LAYER
from modelport.oci import Descriptor, Layout, Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Tar = tuple[tarfile.TarInfo, bytes]
"""A member of a layer, and its content."""

LOCK = ROOT / "requirements/base.lock"
_PATIENCE = 60


@pytest.fixture(scope="session")
def base() -> Path:
    """The layout of the base that `make base` makes."""
    return made_base()


def made_base() -> Path:
    """Return the layout of a base, kept from run to run for as long as what it is made of does not change."""
    sources = [LOCK, *sorted((ROOT / "registry/modelport/image/base").glob("*.py"))]
    sources += [
        ROOT / "registry/modelport/image" / one for one in ("bytecode.py", "compiling.py", "config.py", "layer.py")
    ]
    key = hashlib.sha256(b"".join(one.read_bytes() for one in sources) + BUILDER.encode()).hexdigest()[:16]
    folder = CACHE / "bases" / key
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        layout = Layout(folder)
        if TAG not in layout.tags():
            make_base(parse_lock(LOCK.read_text("utf-8")), layout, CACHE / "debs")
    return folder


@pytest.fixture(scope="session")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A place in this checkout whose store holds the package ``iris-forest``, which has a second form."""
    place = Workplace(ROOT, store=tmp_path_factory.mktemp("images") / "store")
    place.modelport("pack", "catalog/models/iris-forest", check=True)
    return place


@pytest.fixture(scope="session")
def built(iris: Workplace, base: Path) -> dict[str, Any]:
    """What ``image build --json`` says of iris-forest's image for both platforms, which lies in the store of *iris*."""
    words: list[str | Path] = ["image", "build", "iris-forest", "--base", base, "--json"]
    said: dict[str, Any] = json.loads(iris.modelport(*words, check=True).stdout)
    return said


def manifest_of(layout: Layout, tag: str, platform: str) -> tuple[Descriptor, Manifest]:
    """Return the manifest of an image for a platform, and what points at it."""
    listed = layout.manifest(layout.resolve(tag)).children
    descriptor = next(one for one in listed if str(one.platform) == platform)
    manifest = layout.manifest(descriptor)
    assert isinstance(manifest, Manifest)
    return descriptor, manifest


def members(layout: Layout, manifest: Manifest) -> dict[str, Tar]:
    """Return all that is in an image whose layers are ours: by path, the member and its content."""
    found = {}
    for layer in manifest.layers:
        assert layer.media_type == LAYER
        with tarfile.open(layout.locate(layer)) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                found[member.name] = member, content.read() if content else b""
    return found


def unpacked(layout: Layout, tag: str, architecture: str, scratch: Path) -> Path:
    """Return the root folder of an image as skopeo and umoci write it: two other readers than ours."""
    for program in ("skopeo", "umoci"):
        if shutil.which(program) is None:
            pytest.fail(f"{program} is not installed: `make test` installs it")
    copy = [
        "skopeo",
        "copy",
        "--quiet",
        "--preserve-digests",
        "--override-os",
        "linux",
        "--override-arch",
        architecture,
    ]
    subprocess.run([*copy, f"oci:{layout.path}:{tag}", f"oci:{scratch}/one:image"], check=True, timeout=300)
    unpack = ["umoci", "unpack", "--rootless", "--image", f"{scratch}/one:image", f"{scratch}/bundle"]
    subprocess.run(unpack, check=True, capture_output=True, timeout=300)
    return scratch / "bundle/rootfs"


def confined(root: Path, config: dict[str, Any], command: list[str], *, emulator: str | None = None) -> list[str]:
    """Return the command line that runs *command* in *root* as an engine would: read-only, as the image's user.

    There is no engine in it: bubblewrap makes the same name spaces. An *emulator*, statically linked, runs programs of
    another machine.
    """
    if shutil.which("bwrap") is None:
        pytest.fail("bubblewrap is not installed: `make test` installs it")
    user, group = config["User"].split(":")
    words = ["bwrap", "--ro-bind", str(root), "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 - the sandbox's own
    words += ["--unshare-user", "--uid", user, "--gid", group, "--unshare-pid", "--unshare-ipc", "--cap-drop", "ALL"]
    if emulator:
        words += ["--ro-bind", str(emulator), "/tmp/emulator"]  # noqa: S108 - as above
        command = ["/tmp/emulator", *command]  # noqa: S108 - as above
    words += ["--die-with-parent", "--clearenv", "--chdir", config["WorkingDir"]]
    for variable in config["Env"]:
        name, _, value = variable.partition("=")
        words += ["--setenv", name, value]
    return [*words, *command]


@contextmanager
def serving(command: list[str]) -> Iterator[int]:
    """Run a service until the context ends; give the port that it prints."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            line = process.stdout.readline()
            assert line.startswith("serving "), line + process.stderr.read()
            yield int(line.rpartition(":")[2])
        finally:
            process.terminate()
            process.communicate(timeout=_PATIENCE)


def ask(port: int, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Send a request to a service on this machine; return the answer's status and content."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
