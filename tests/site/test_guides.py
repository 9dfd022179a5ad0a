"""The guides, followed to the letter: every command block is run, in order, in a clone of a scratch catalog.

A block with a title is a file: it is written where the title says. One of ``console`` is not run here: it needs an
engine or a cluster, and what it shows is tested where there is one. ``modelport`` is the real one; the registry is a
real one, too; a service is started and called. ``make`` alone is only asked what it would do (``--dry-run``): its
targets set up this very environment, run these very tests, or are run by them.

The scratch catalog is this one, with the two models that the guides use, released anew here: then the guides hold on
every Python that the packages can be built with.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.commands import CACHE, ROOT
from tests.support.guides import GUIDES, PAGES
from tests.support.images import base

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.registry import DockerRegistry

__all__ = ["base"]

_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]*)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
_SERVICE = re.compile(r"^modelport (?:site )?serve .*--port (\d+)")
_MODELS = ("iris-forest", "voice-activity")
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A newcomer"), ("EMAIL", "newcomer@example.org"))
}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, the file that it is, if any, and what it holds."""

    language: str
    title: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in _BLOCK.findall(page.read_text("utf-8"))]


@dataclass
class Newcomer:
    """Somebody at a terminal who types what a page says, with the page's placeholders filled in."""

    folder: Path
    placeholders: Mapping[str, str]
    services: ExitStack
    environment: dict[str, str] = field(default_factory=dict)

    def follow(self, page: Path) -> str:
        """Do what every block of a page says; return all that was printed."""
        said = []
        for block in blocks(page):
            text = block.text
            for name, value in self.placeholders.items():
                text = text.replace(name, value)
            if block.title:
                (self.folder / block.title).write_text(text, "utf-8")
            elif block.language == "sh":
                services = [line for line in text.splitlines() if _SERVICE.match(line)]
                commands = [line for line in text.splitlines() if line not in services]
                said.append(self.run("\n".join(commands)))
                for line in services:
                    self.services.enter_context(self.service(line))
            elif block.language != "console":
                pytest.fail(f"{page.name}: a block of {block.language} is neither a command nor a file")
        return "\n".join(said)

    def run(self, script: str) -> str:
        """Run a script in a shell that goes on where the last one was."""
        state = self.folder.parent / "state"
        before = 'make() { command make --dry-run "$@" >&2; }\nset -euo pipefail'
        whole = f'{before}\n{script}\n{{ pwd; env -0; }} >"{state}"\n'
        done = subprocess.run(
            ["bash", "-c", whole], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False,
            timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        place, _, variables = state.read_text("utf-8").partition("\n")
        self.folder = Path(place)
        self.environment = dict(one.split("=", 1) for one in variables.rstrip("\0").split("\0") if "=" in one)
        return done.stdout

    @contextmanager
    def service(self, line: str) -> Iterator[None]:
        """Keep a service running, from when it answers."""
        found = _SERVICE.match(line)
        assert found
        # A shell's background jobs ignore Ctrl-C, and what they start inherits that.
        with subprocess.Popen(
            ["env", "--default-signal=INT", "bash", "-c", f"exec {line}"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
        ) as process:
            try:
                wait_for_port(int(found[1]), process)
                yield
            finally:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(30)
                finally:
                    process.kill()


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"nothing answers on port {port}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def environment(store: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MODELPORT_", "GIT_", "PYTHON"))}
    own = {"MODELPORT_DATA": str(store.parent / "data"), "MODELPORT_CACHE": str(CACHE), **_IDENTITY}
    # Beside the command lies the Python that runs these tests.
    return (
        kept
        | own
        | {"PATH": f"{Path(sys.executable).parent}:{kept['PATH']}", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    )


@pytest.fixture(scope="module")
def prefix(docker_registry: DockerRegistry) -> str:
    return f"{docker_registry.host}/guides"


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory, prefix: str) -> Path:
    """Give a repository with the catalog of the guides, whose two models are in the registry."""
    folder = tmp_path_factory.mktemp("guides") / "fork"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "modelport.toml"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    for name in _MODELS:
        shutil.copytree(ROOT / "catalog/models" / name, folder / "catalog/models" / name)
        for part in ("versions", "variants"):
            shutil.rmtree(folder / "catalog/models" / name / part)
    for name in ("devices", "networks"):
        shutil.copytree(ROOT / "catalog" / name, folder / "catalog" / name)
    (folder / ".gitignore").write_text("/build/\n")
    with (folder / "modelport.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[registry]\nprefix = "{prefix}"\n')
    owner = Newcomer(folder, {}, ExitStack(), environment(folder))
    owner.run("git init -q -b main")
    for name in _MODELS:
        owner.run(f"modelport submit {name} 1.0.0 && modelport push {name}:1.0.0 {prefix}/{name}:1.0.0")
    owner.run('git add -A && git commit -q -m "The catalog"')
    return folder


@pytest.fixture
def newcomer(fork: Path, prefix: str, tmp_path: Path) -> Iterator[Newcomer]:
    """Give somebody with an empty folder; at the end, the services that they started are stopped."""
    placeholders = {
        "YOUR-FORK": str(fork),
        "registry.example.org/models": prefix,
        "NAME VERSION": "brightness 1.0.0",
        "3330": str(free_port()),
        "3331": str(free_port()),
        "8000": str(free_port()),
        "/mnt/": f"{tmp_path}/",
    }
    home = tmp_path / "home"
    for folder in (home, tmp_path / "card", tmp_path / "stick"):
        folder.mkdir()
    with ExitStack() as services:
        yield Newcomer(home, placeholders, services, environment(tmp_path / "store"))


def clone(newcomer: Newcomer, fork: Path) -> None:
    """Do what the page presupposes: to be in a clone."""
    newcomer.run(f"git clone -q {fork} catalog && cd catalog")


def test_a_user_gets_from_a_search_to_an_answer_over_http(newcomer: Newcomer, fork: Path) -> None:
    clone(newcomer, fork)
    said = newcomer.follow(PAGES / "start/user.md")
    assert said.count('{"IrisType": ') == 2  # by `call`, and over HTTP


def test_a_developer_calls_a_service_in_every_way(newcomer: Newcomer, fork: Path) -> None:
    clone(newcomer, fork)
    said = newcomer.follow(PAGES / "start/call.md")
    assert "['setosa', 'virginica']" in said  # connected
    assert "sepal_length: is a str" in said  # nothing was sent
    assert "petal_width: is missing" in said
    assert "[['setosa'], ['setosa']]" in said  # with asyncio
    assert said.count("['setosa']") == 4  # and from a generated client, and by gRPC
    assert '"datatype":"BYTES","shape":[1],"data":["setosa"]' in said  # by the Open Inference Protocol
    counted = re.findall(r'modelport_requests_total\{door="(\w+)",method="classify",status="200"\} ', said)
    assert sorted(counted) == ["grpc", "methods", "oip"]


def test_an_operator_gets_from_a_package_to_an_image_and_its_manifests(
    newcomer: Newcomer, fork: Path, prefix: str, base: Path
) -> None:
    clone(newcomer, fork)
    (newcomer.folder / "build").mkdir()
    (newcomer.folder / "build/base").symlink_to(base)  # what `make base` makes
    newcomer.follow(PAGES / "start/deploy.md")
    assert (newcomer.folder / "build/iris-forest/Dockerfile").is_file()
    texts = {file.name: file.read_text("utf-8") for file in newcomer.folder.glob("build/*/*.yaml")}
    assert {"compose.yaml", "ingress.yaml", "inferenceservice.yaml", "service.yaml"} <= texts.keys()
    pinned = rf"image: {re.escape(prefix)}/iris-forest@sha256:[0-9a-f]{{64}}\n"
    assert all(re.search(pinned, texts[name]) for name in ("compose.yaml", "deployment.yaml", "inferenceservice.yaml"))


def test_an_edge_developer_gets_from_a_size_to_an_answer_on_the_device(
    newcomer: Newcomer, fork: Path, tmp_path: Path
) -> None:
    clone(newcomer, fork)
    said = newcomer.follow(PAGES / "start/edge.md")
    assert len(re.findall(r'"speech": ?\[\[0', said)) == 2  # by `call`, and over HTTP
    assert (tmp_path / "stick/models/index.json").is_file()


def test_a_contributor_types_a_model_of_their_own(newcomer: Newcomer) -> None:
    said = newcomer.follow(PAGES / "start/types.md")
    assert "map of text to Bed" in said
    assert '{"value": 10.0}' in said


def test_a_contributor_gets_to_a_branch_and_an_owner_from_there_to_a_site(
    newcomer: Newcomer, fork: Path, tmp_path: Path
) -> None:
    newcomer.follow(PAGES / "start/contributor.md")
    owner = Newcomer(
        tmp_path / "owner", newcomer.placeholders, newcomer.services, environment(tmp_path / "owner/store")
    )
    owner.folder.mkdir()
    Newcomer(fork, {}, newcomer.services, environment(tmp_path / "store")).run(
        "git merge -q brightness-1.0.0"
    )  # reviewed
    said = owner.follow(PAGES / "start/owner.md")
    assert re.search(r"^brightness +1\.0\.0  sha256:", said, re.MULTILINE)  # pending, and then published
    page = (owner.folder / "build/site/models/brightness/index.html").read_text("utf-8")
    assert "The brightness of a picture is the mean of its 784 grey values." in page
    assert "https://models.example.org/models/brightness/" in page
    pulled = owner.run(
        'MODELPORT_STORE="$PWD/fresh" modelport pull brightness && MODELPORT_STORE="$PWD/fresh" modelport store list'
    )
    assert "brightness" in pulled


@pytest.mark.parametrize("page", [*(f"start/{name}.md" for name in GUIDES), "about.md", "index.md"])
def test_what_a_page_names_is_there(page: str) -> None:
    text = (PAGES / page).read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"\bmake (\w+)\b`", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for workflow in re.findall(r"\.github/workflows/[\w-]+\.yml", text):
        assert (ROOT / workflow).is_file(), workflow
    commands = {tuple(words.split()) for words in re.findall(r"`modelport ([a-z]+(?: [a-z]+)?)[ `]", text)}
    for command in sorted(commands):
        done = subprocess.run(
            [sys.executable, "-m", "modelport", *command, "--help"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"modelport {' '.join(command)}: {done.stderr}"


def test_the_addresses_that_the_site_tells_are_there(site: Path) -> None:
    text = (PAGES / "about.md").read_text("utf-8")
    told = re.findall(r"^- (.*?): ", text.partition("## For programs")[2], re.MULTILINE)
    addresses = {one for cell in told for one in re.findall(r"(?:`|<code>)([\w./-]+)", cell)}
    assert len(addresses) > 10
    for address in addresses - {
        "sitemap.xml",
        "opensearch.xml",
        "models/NAME/model.yaml",
        "api/v1/evidence/NAME.json",
    }:  # these need more than a catalog
        path = (
            address.replace("devices/NAME", "devices/board-1")
            .replace("networks/NAME", "networks/campus")
            .replace("NAME", "iris-forest")
            .replace("N-input", "examples/1-input")
            .replace("N.json", "1.json")
        )
        place = "api/v1/models/iris-forest/" if path.startswith("examples/1-input") else ""
        assert (site / place / path).is_file(), address


def test_the_guides_lead_from_the_start_to_the_end() -> None:
    shown = "\n".join(block.text for name in GUIDES for block in blocks(PAGES / f"start/{name}.md"))
    commands = set(re.findall(r"^modelport ([a-z]+)", shown, re.MULTILINE))
    assert commands >= {
        "init", "pack", "check", "submit", "publish", "search", "list", "show", "pull", "call", "serve", "site",
        "store",
    }  # fmt: skip
