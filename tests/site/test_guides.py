"""What the guides tell people to type is there, and their Python runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from modelport import Model

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "site_gen/modelport_site/pages"
GUIDES = sorted(PAGES.glob("start/*.md"))


def blocks(guide: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", guide.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_every_command_of_the_guides_is_there() -> None:
    shown = "\n".join(code for guide in GUIDES for code in blocks(guide, "sh"))
    commands = {tuple(found) for found in re.findall(r"modelport ([a-z]+)((?: (?:list|build|serve))?)", shown)}
    assert {name for name, _ in commands} >= {
        "pack",
        "push",
        "pull",
        "call",
        "serve",
        "check",
        "submit",
        "site",
        "store",
    }
    for name, action in sorted(commands):
        words = [name, *(action.split() if name in {"site", "store"} else []), "--help"]
        done = subprocess.run([sys.executable, "-m", "modelport", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_every_make_target_of_the_guides_is_there() -> None:
    targets = {
        t for guide in GUIDES for code in blocks(guide, "sh") for t in re.findall(r"^make (\w+)", code, re.MULTILINE)
    }
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


@pytest.mark.parametrize("number", [0, 1])
def test_the_python_of_the_contributor_s_guide_runs(number: int) -> None:
    # A named module, because a signature is read from annotations in a module's namespace.
    code = blocks(PAGES / "start/contributor.md", "python")[number]
    space: dict[str, object] = {"__name__": f"guide{number}"}
    exec(compile(code, f"guide{number}.py", "exec", dont_inherit=True), space)  # noqa: S102 - our own guide
    if "model" in space:
        made = space["model"]()  # type: ignore[operator]
        assert isinstance(made, Model)
        assert made.call("measure", {"images": [[[1.0] * 28] * 28]}) == {"mean": [1.0]}
