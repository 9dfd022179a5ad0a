"""Pack in a process of its own: ``python packed_digests.py KIND SOURCES OUT LOCK UMASK``, or ``again`` in KIND's place.

Packs the models of the files in SOURCES, or with ``again`` those of the packages in SOURCES, as folders in OUT; prints
the digest of each by its name, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.package import Package, load_package, model_from_file
from modelport.package.modelpack import manifest_digest
from modelport.package.writing import write_package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport import Model


def models(kind: str, sources: Path) -> Iterator[tuple[str, Model]]:
    if kind == "again":
        yield from ((folder.name, load_package(folder).model) for folder in sorted(sources.iterdir()))
    elif kind == "network":
        yield "network", model_from_file(sources / "network.py")
    else:
        from modelport import OnnxModel  # noqa: PLC0415 - a network's process has no need of it

        yield from ((name, model_from_file(sources / f"{name}.py")) for name in ("flowers", "local", "plain"))
        file = OnnxModel(sources / "scaled.onnx", method="scale", license=sources / "LICENSE")
        file.add_example("scale", {"x": [[1, 2, 3], [4, 5, 6]]})
        yield "scaled", file


def main(kind: str, sources: str, out: str, lock: str, umask: str) -> None:
    os.umask(int(umask, 8))
    known = Path(lock).read_text("utf-8") if kind != "again" else ""  # a package brings its own
    found = {}
    for name, model in models(kind, Path(sources)):
        write_package(model, name, Path(out) / name, known_lock=known, verified=False)
        found[name] = str(manifest_digest(Package.read(Path(out) / name)))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
