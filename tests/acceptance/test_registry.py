"""A package goes to a real registry and back by the command line, and other tools see what we say it is."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.support.commands import Workplace

from modelport.oci import Layout

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import DockerRegistry

SCRIPT = """\
from modelport import Model

def double(x: float) -> float:
    \"\"\"Twice x.\"\"\"
    return 2 * x

model = Model(double=double)
model.add_example("double", {"x": 1.5})
"""


@pytest.fixture
def packed(workplace: Workplace) -> Workplace:
    """Give a workplace whose store holds the package ``double``."""
    (workplace.folder / "double.py").write_text(SCRIPT, encoding="utf-8")
    workplace.modelport("pack", "double.py", check=True)
    return workplace


def test_push_and_pull_keep_the_digest(packed: Workplace, docker_registry: DockerRegistry, tmp_path: Path) -> None:
    reference = f"{docker_registry.host}/models/double:1.0.0"
    pushed = packed.modelport("push", "double", reference, check=True).stdout.strip()
    assert pushed.startswith(f"{reference}@sha256:")

    other = Workplace(tmp_path / "other")
    other.folder.mkdir()
    pulled = other.modelport("pull", pushed, check=True).stdout.split()
    assert pulled[1] == packed.modelport("store", "list").stdout.split()[1]


def test_skopeo_copies_the_release_and_its_digest_stays(
    packed: Workplace, docker_registry: DockerRegistry, tmp_path: Path
) -> None:
    host = docker_registry.host
    pushed = packed.modelport("push", "double", f"{host}/copied/double:1.0.0", check=True).stdout.strip()
    digest = pushed.partition("@")[2]

    def skopeo(*arguments: str) -> str:
        done = subprocess.run(["skopeo", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"]
    skopeo("copy", "--all", *insecure, f"docker://{host}/copied/double:1.0.0", f"oci:{tmp_path}/layout:double")
    assert str(Layout(tmp_path / "layout").resolve("double").digest) == digest

    skopeo("copy", "--all", *insecure, f"oci:{tmp_path}/layout:double", f"docker://{host}/back/double:1.0.0")
    again = Workplace(tmp_path / "again")
    again.folder.mkdir()
    pulled = again.modelport("pull", f"{host}/back/double@{digest}", check=True).stdout.split()
    kept = packed.modelport("store", "list", check=True).stdout.split()
    assert pulled == [f"{host}/back/double@{digest}", kept[1]]
    raw = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{host}/back/double:1.0.0"))
    (child,) = raw["manifests"]
    one = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{host}/back/double@{child['digest']}")
    assert json.loads(one)["artifactType"] == "application/vnd.cncf.model.manifest.v1+json"


def test_pulled_code_runs_only_when_it_is_allowed(
    packed: Workplace, docker_registry: DockerRegistry, tmp_path: Path
) -> None:
    pushed = packed.modelport("push", "double", f"{docker_registry.host}/trust/double", check=True).stdout.strip()
    other = Workplace(tmp_path / "other")
    other.folder.mkdir()
    refused = other.modelport("call", pushed, "double", '{"x": 2}')
    assert refused.returncode == 1
    assert "--allow-code" in refused.stderr
    assert refused.stdout == ""
    allowed = other.modelport("call", pushed, "double", '{"x": 2}', "--allow-code", check=True)
    assert allowed.stdout == '{"value": 4.0}\n'


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("{host}/nobody/nothing:1.0.0", "nobody/nothing"),
        ("{host}/nobody/nothing@sha256:" + "0" * 64, "sha256:000"),
        ("127.0.0.1:1/models/double:1.0.0", "127.0.0.1:1"),
        ("{host}/Upper/case", "is not a repository's name"),
        ("models/double", "is not a registry's host"),
    ],
)
def test_what_cannot_be_pulled_is_said_with_the_way_out(
    workplace: Workplace, docker_registry: DockerRegistry, reference: str, said: str
) -> None:
    done = workplace.modelport("pull", reference.format(host=docker_registry.host))
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
