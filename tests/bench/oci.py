"""What moving bytes takes, beside oras-py, skopeo and curl, against a real registry on loopback.

Each client is a process of its own, started fresh; the clients take turns, and the registry's storage is emptied before
every push. One gibibyte of random bytes is in one layer of a ModelPack-typed artifact. No TLS, and everything is in the
page cache: what is compared is the clients' own work, not the network.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.rows import Row
from tests.support.registry import running_registry

from modelport.oci import Layout, build_manifest, make_tar
from modelport.oci.media import EMPTY, EMPTY_CONTENT, TITLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.support.registry import DockerRegistry

    from modelport.oci import Descriptor

GIBIBYTE = 1024**3
FILES, FILE_SIZE = 2_000, 4_096
RUNS = 5
ARTIFACT = "application/vnd.cncf.model.manifest.v1+json"
LAYER = "application/vnd.cncf.model.weight.v1.raw"
HOW = "make bench ROOM=oci"

PUSH = """
import sys
from pathlib import Path
from modelport.oci import Layout, Registry, push
layout = Layout(Path(sys.argv[1]))
push(layout, layout.resolve(sys.argv[2]), Registry(sys.argv[3]), "bench", tags=["1"])
"""
PULL = """
import sys
from pathlib import Path
from modelport.oci import Layout, Registry, pull
pull(Registry(sys.argv[1]), "bench", "1", Layout(Path(sys.argv[2])), name="bench:1")
"""
ORAS_PUSH = """
import os, sys
import oras.client
os.chdir(sys.argv[2])
files = sorted(os.listdir("."))
client = oras.client.OrasClient(hostname=sys.argv[1], insecure=True)
client.push(target=f"{sys.argv[1]}/bench:1", files=files, disable_path_validation=True, quiet=True)
"""
ORAS_LAYOUT_PUSH = """
import sys
import oras.client
from oras.layout import Layout
provider = oras.client.OrasClient(hostname=sys.argv[2], insecure=True)
Layout(sys.argv[1]).push_to_registry(provider, f"{sys.argv[2]}/bench:1", tag="large")
"""
CURL = """
import hashlib, subprocess, sys
subprocess.run(["curl", "--silent", "--fail", "--output", sys.argv[2], sys.argv[1]], check=True)
with open(sys.argv[2], "rb") as file:
    assert hashlib.file_digest(file, "sha256").hexdigest() == sys.argv[3]
"""
# A process's peak of memory begins with that of the process that started it: so a small one does.
LAUNCH = """
import os, sys, time
began = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
_, status, usage = os.wait4(pid, 0)
print([time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024])
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took: seconds by the clock and of the processor, and MiB of memory at its peak."""

    wall: float
    cpu: float
    memory: float


def rows() -> list[Row]:
    """Measure pushes and pulls of one large blob, and of many small ones."""
    with tempfile.TemporaryDirectory(prefix="bench-oci-") as folder, running_registry(Path(folder) / "registry") as to:
        place = Path(folder)
        source = _Source(place)
        return [*_large(place, source, to), *_small(place, source, to)]


class _Source:
    """The content, as files for the peers and in a store for us."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder / "store")
        self.large, self.many = folder / "large", folder / "many"
        for made in (self.large, self.many):
            made.mkdir()
        with (self.large / "weights.bin").open("wb") as file:
            for _ in range(GIBIBYTE // 2**24):
                file.write(os.urandom(2**24))
        for number in range(FILES):
            (self.many / f"{number:04}.bin").write_bytes(os.urandom(FILE_SIZE))
        self.blob = self._keep("large", [self.large / "weights.bin"])[0]
        files = sorted(self.many.iterdir())
        self._keep("layers", files)
        self._keep("tar", [make_tar({file.name: file for file in files})])

    def _keep(self, name: str, contents: Sequence[Path | bytes]) -> list[Descriptor]:
        config = self.layout.put_blob(EMPTY_CONTENT, media_type=EMPTY)
        layers = [
            self.layout.put_blob(content, media_type=LAYER, annotations={TITLE: f"{number}.bin"})
            for number, content in enumerate(contents)
        ]
        manifest = self.layout.put_manifest(build_manifest(config, layers, artifact_type=ARTIFACT))
        self.layout.tag(name, manifest)
        return layers


def _large(place: Path, source: _Source, to: DockerRegistry) -> Iterator[Row]:
    push = _taking_turns(
        [
            lambda: _pushing(to, [sys.executable, "-c", PUSH, str(source.layout.path), "large", to.host]),
            lambda: _pushing(to, [sys.executable, "-c", ORAS_PUSH, to.host, str(source.large)]),
            lambda: _pushing(to, [sys.executable, "-c", ORAS_LAYOUT_PUSH, str(source.layout.path), to.host]),
        ]
    )
    ours, file, layout = push
    what = "push of one 1 GiB blob of a layout"
    peer = f"oras-py, of a layout ({layout.wall:.1f} s)"
    yield _row(f"{what}, wall", "x of oras-py's", 0.6, ours.wall / layout.wall, peer)
    # A registry that takes 3.5 s of processor time for it leaves no client 0.6 times of this.
    peer = f"oras-py, of a bare file ({file.wall:.1f} s)"
    yield _row(f"{what}, wall, beside a file", "x of oras-py's", 0.6, ours.wall / file.wall, peer)
    peer = f"oras-py ({file.memory:.0f} MiB of a file, {layout.memory:.0f} of a layout)"
    yield _row(f"{what}, memory", "MiB", 64, ours.memory, peer)

    subprocess.run([sys.executable, "-c", PUSH, source.layout.path, "large", to.host], check=True)
    url = f"http://{to.host}/v2/bench/blobs/{source.blob.digest}"
    copy = ["skopeo", "copy", "--quiet", "--src-tls-verify=false", f"docker://{to.host}/bench:1"]
    pull = _taking_turns(
        [
            lambda: _into(place, lambda out: [sys.executable, "-c", PULL, to.host, str(out)]),
            lambda: _into(place, lambda out: [*copy, f"oci:{out}:1"]),
            lambda: _into(place, lambda out: [sys.executable, "-c", CURL, url, str(out), source.blob.digest.hex]),
        ]
    )
    what = "verified pull of one 1 GiB blob"
    yield _row(f"{what}, wall", "x of skopeo's", 1.0, pull[0].wall / pull[1].wall, f"skopeo ({pull[1].wall:.1f} s)")
    yield _row(f"{what}, processor", "x of skopeo's", 0.7, pull[0].cpu / pull[1].cpu, f"skopeo ({pull[1].cpu:.1f} s)")
    curl = f"curl, then hashlib ({pull[2].wall:.1f} s)"
    yield _row(f"{what}, wall, beside curl", "x of curl's", 1.5, pull[0].wall / pull[2].wall, curl)
    yield _row(f"{what}, memory", "MiB", 64, pull[0].memory, f"skopeo ({pull[1].memory:.0f} MiB)")


def _small(place: Path, source: _Source, to: DockerRegistry) -> Iterator[Row]:
    del place
    costs = _taking_turns(
        [
            lambda: _pushing(to, [sys.executable, "-c", PUSH, str(source.layout.path), "layers", to.host]),
            lambda: _pushing(to, [sys.executable, "-c", PUSH, str(source.layout.path), "tar", to.host]),
            lambda: _pushing(to, [sys.executable, "-c", ORAS_PUSH, to.host, str(source.many)]),
        ]
    )
    layers, tar, peer = (cost.wall for cost in costs)
    oras, what = f"oras-py ({peer:.1f} s)", "push of 2,000 files of 4 KiB"
    yield _row(f"{what}, as layers", "x of oras-py's", 0.5, layers / peer, oras)
    yield _row(f"{what}, as one tar", "x of oras-py's", 0.03, tar / peer, oras)


def _row(figure: str, unit: str, target: float, value: float, peer: str) -> Row:
    return Row(figure=figure, value=value, unit=unit, target=target, peer=peer, peer_value=None, runs=RUNS, how=HOW)


def _taking_turns(clients: Sequence[Callable[[], Cost]]) -> list[Cost]:
    """Run the clients in turn, once without counting; return each one's medians."""
    rounds = [[client() for client in clients] for _ in range(RUNS + 1)][1:]
    return [
        Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("wall", "cpu", "memory")))
        for costs in zip(*rounds, strict=True)
    ]


def _pushing(to: DockerRegistry, command: Sequence[str]) -> Cost:
    shutil.rmtree(to.storage / "docker", ignore_errors=True)
    return _cost(command)


def _into(place: Path, command: Callable[[Path], Sequence[str]]) -> Cost:
    with _fresh(place / "out") as out:
        return _cost(command(out))


@contextmanager
def _fresh(path: Path) -> Iterator[Path]:
    try:
        yield path
    finally:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _cost(command: Sequence[str]) -> Cost:
    """Run *command* alone; what it writes goes to the disk before the clock of the next one starts."""
    os.sync()
    done = subprocess.run([sys.executable, "-S", "-c", LAUNCH, *command], check=True, stdout=subprocess.PIPE)
    return Cost(*json.loads(done.stdout))
