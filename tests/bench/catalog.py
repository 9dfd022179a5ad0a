"""How quickly a catalog of 1,000 entries is checked, one changed entry of it, and how quickly its index answers."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.rows import Row, interleaved, wall_seconds
from tests.support.entries import entry_name, write_catalog

ENTRIES = 1000
CHANGED = entry_name(7)
SCHEMAS = Path(__file__).parents[2] / "schemas"
HOW = "make bench ROOM=catalog"


def rows() -> list[Row]:
    """Measure whole processes; what they keep for the next time is removed before each check."""
    with TemporaryDirectory() as place:
        repository = write_catalog(Path(place) / "repository", ENTRIES)
        return [*_checks(repository), *_answers(repository)]


def _checks(repository: Path) -> list[Row]:
    models = repository / "catalog" / "models"
    peer = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(SCHEMAS / "model.schema.json")]
    found = []
    for figure, names, target, runs in (
        (f"check {ENTRIES:,} entries", [], 2.0, 5), ("check one changed entry of them", [CHANGED], 0.5, 9),
    ):  # fmt: skip
        files = sorted(models.glob(f"{names[0] if names else '*'}/model.yaml"))
        value, other = interleaved(
            lambda paths=names: _cold(repository, "check", *(f"catalog/models/{name}" for name in paths)),  # type: ignore[misc]
            lambda those=files: wall_seconds([*peer, *map(str, those)]),  # type: ignore[misc]
            runs=runs,
        )
        found.append(
            Row(
                figure=figure, value=value, unit="s", target=target,
                peer="check-jsonschema on their model.yaml alone", peer_value=other, runs=runs, how=HOW,
            )
        )  # fmt: skip
    return found


def _answers(repository: Path) -> list[Row]:
    _run(repository, "list")  # the index is built once
    bare = [sys.executable, "-c", "pass"]
    found = []
    for command in (["list"], ["search", "traffic", "flow"], ["show", CHANGED]):
        value, peer = interleaved(
            lambda words=command: _run(repository, *words),  # type: ignore[misc]
            lambda: wall_seconds(bare),
            runs=15,
        )
        found.append(
            Row(
                figure=f"{command[0]} among {ENTRIES:,} entries, over a bare Python", value=value - peer, unit="s",
                target=0.1, peer="python -c pass", peer_value=peer, runs=15, how=HOW,
            )
        )  # fmt: skip
    return found


def _cold(repository: Path, *words: str) -> float:
    shutil.rmtree(repository.parent / "cache", ignore_errors=True)
    return _run(repository, *words)


def _run(repository: Path, *words: str) -> float:
    own = {name: str(repository.parent / name.lower()) for name in ("CACHE", "DATA", "STORE")}
    variables = {**os.environ, **{f"MODELPORT_{name}": folder for name, folder in own.items()}}
    return wall_seconds([sys.executable, "-m", "modelport", *words], env=variables, cwd=repository)
