"""The built wheel, installed in a clean environment, works: what a user installs is not the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "COV", "MODELPORT"))}
    return subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False, env=clean, timeout=300
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    done = run(sys.executable, "-m", "build", "--outdir", out, "--installer", "uv", ROOT, cwd=out)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = out.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    pins = folder / "constraints.txt"
    lock = (ROOT / "requirements/dev.lock").read_text("utf-8")
    pins.write_text("\n".join(line.rstrip(" \\") for line in lock.splitlines() if "==" in line), encoding="utf-8")
    uv = [sys.executable, "-m", "uv"]
    assert run(*uv, "venv", "--quiet", folder / "env", "--python", sys.executable, cwd=folder).returncode == 0
    done = run(*uv, "pip", "install", "--quiet", "--python", folder / "env/bin/python", "-c", pins, wheel, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "env/bin"


def test_the_wheel_holds_the_schemas_and_the_site_but_no_tests_or_catalog(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "modelport/schemas/model.schema.json" in names
    assert "modelport/py.typed" in names
    assert {"modelport/serve/assets/main.js", "modelport/serve/assets/page.css"} <= set(names)
    assert any(name.startswith("modelport_site/") and name.endswith(".css") for name in names)
    assert not [n for n in names if n.startswith(("tests/", "catalog/")) or "__pycache__" in n]


def test_help_and_a_check_work_from_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    helped = run(installed / "modelport", "--help", cwd=tmp_path)
    assert helped.returncode == 0
    assert "pack" in helped.stdout
    good = run(installed / "modelport", "check", ROOT / "catalog/models", cwd=tmp_path)
    assert (good.returncode, good.stdout) == (0, ""), good.stdout + good.stderr
    entry = tmp_path / "models" / "broken"
    entry.mkdir(parents=True)
    (entry / "model.yaml").write_text("schema: modelport/model/1\nname: Broken\n", encoding="utf-8")
    bad = run(installed / "modelport", "check", entry, cwd=tmp_path)
    assert bad.returncode == 1
    assert "model.yaml:2: name:" in bad.stdout
    assert "Traceback" not in bad.stderr


def test_packing_without_its_extra_says_what_to_install(installed: Path, tmp_path: Path) -> None:
    file = tmp_path / "double.py"
    file.write_text(
        "from modelport import Model\n\n"
        "def double(x: float) -> float:\n    return 2 * x\n\n"
        "model = Model(double=double)\n",
        encoding="utf-8",
    )
    # The user's own cache may have the clean environment of a function that needs nothing.
    own = [f"MODELPORT_{one}={tmp_path / one}" for one in ("CACHE", "DATA", "STORE")]
    done = run("env", *own, installed / "modelport", "pack", file, cwd=tmp_path)
    assert done.returncode == 1
    assert "pip install 'modelport[pack]'" in done.stderr
    assert "Traceback" not in done.stderr
