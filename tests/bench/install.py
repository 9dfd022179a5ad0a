"""How much a plain ``pip install modelport`` brings, against the same with all extras."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.rows import Row

ROOT = Path(__file__).parents[2]


def rows() -> list[Row]:
    """Install the built wheel into a clean environment and count the bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        build = [sys.executable, "-m", "build", "--wheel", "--installer", "uv", "--outdir", str(folder), str(ROOT)]
        subprocess.run(build, check=True, capture_output=True)
        (wheel,) = folder.glob("*.whl")
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", str(folder / "env"), "--python", sys.executable], check=True)
        python = str(folder / "env" / "bin" / "python")
        subprocess.run([*uv, "pip", "install", "--quiet", "--python", python, str(wheel)], check=True)
        size = _site_packages_bytes(folder / "env")
    return [
        Row(
            figure="pip install modelport, with its dependencies", value=size / 1e6, unit="MB", target=15,
            peer="all extras (.venv)", peer_value=_site_packages_bytes(Path(sys.prefix)) / 1e6, runs=1,
            how="make bench ROOM=install",
        )
    ]  # fmt: skip


def _site_packages_bytes(environment: Path) -> int:
    (packages,) = environment.glob("lib/python3*/site-packages")
    return sum(f.stat().st_size for f in packages.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
