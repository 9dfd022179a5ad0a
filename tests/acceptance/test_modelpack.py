"""Every entry's package is ModelPack for everybody, and goes to another site as a file that others read."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from tests.support.commands import Workplace
from tests.support.modelpack import judge, pulled_files

from modelport.oci import Layout
from modelport.types import Digest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import DockerRegistry


def test_others_read_an_entrys_package(
    built: Workplace, entry: Path, docker_registry: DockerRegistry, tmp_path: Path
) -> None:
    assert built.store is not None
    rows = json.loads(built.modelport("store", "list", "--json", check=True).stdout)
    (digest, *_) = [row["digest"] for row in rows if row["name"].startswith(f"{entry.name}:")]
    judge(Layout(built.store), Digest.parse(digest))
    built.modelport("push", entry.name, f"{docker_registry.host}/peers/{entry.name}:1", check=True)
    package = built.package(entry.name)
    made = pulled_files(f"{docker_registry.host}/peers/{entry.name}@{digest}", tmp_path / "theirs")
    for path, content in made.items():
        assert (package / path).read_bytes() == content
    assert {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()} == set(made)


def test_all_entries_go_to_another_registry_as_one_file(
    built: Workplace, docker_registry: DockerRegistry, tmp_path: Path
) -> None:
    rows = json.loads(built.modelport("store", "list", "--json", check=True).stdout)
    packages = (row for row in rows if row["state"] != "image")  # which other tests may have made meanwhile
    names = {row["name"]: row["digest"] for row in packages if not row["name"].endswith(":latest")}
    for name in names:
        built.modelport("push", name, f"{docker_registry.host}/first/{name}", check=True)
    other = Workplace(tmp_path, store=tmp_path / "other")
    wanted = [f"{docker_registry.host}/first/{name}" for name in names]
    other.modelport("mirror", "export", tmp_path / "all.tar", *wanted, check=True)
    other.modelport("mirror", "import", tmp_path / "all.tar", "--to", f"{docker_registry.host}/second", check=True)
    for name, digest in names.items():
        again = f"{docker_registry.host}/second/first/{name}"
        pulled = other.modelport("pull", again, check=True).stdout.split()
        assert pulled == [again, digest]
        archived = f"oci-archive:{tmp_path}/all.tar:{docker_registry.host}/first/{name}"
        shown = subprocess.run(["skopeo", "inspect", "--raw", archived], check=True, capture_output=True).stdout
        assert digest in [child["digest"] for child in json.loads(shown)["manifests"]]
