"""What variants of MODI's own network save: InceptionV3 for five kinds, with random weights."""

from __future__ import annotations

from tests.bench.modi_files import CACHE, download, inception, made_files, noise, variants
from tests.bench.rows import Row

__all__ = ["rows"]


def rows() -> list[Row]:
    """Return the sizes of InceptionV3's variants, as ``make bench`` shows them."""
    _, parent = inception()
    files = made_files(variants(parent, noise(), CACHE))
    size = {name: file.stat().st_size for name, file in files.items()}
    whole = size["float32"]
    about = f"InceptionV3, 5 classes, random weights ({whole / 1e6:.1f} MB)"
    saved = 1 - download(files["rounded"]) / whole
    plain = 1 - download(files["float32"]) / whole
    return [
        _row(f"size of int8 over float32, {about}", size["int8"] / whole, 0.29, 0.25),
        _row(f"size of float16 over float32, {about}", size["float16"] / whole, 0.53, None),
        _row(f"saved of the download by rounded and gzip, {about}", saved, 0.6, 0.726, at_least=True),
        _row(f"saved of float32 by gzip alone, {about}", plain, 0.05, 0.07, at_least=True),
    ]


def _row(figure: str, value: float, target: float, peer: float | None, *, at_least: bool = False) -> Row:
    return Row(
        figure=figure, value=value, unit="x", target=target, peer="MODI" if peer else "", peer_value=peer, runs=1,
        how="make bench ROOM=inception", at_least=at_least,
    )  # fmt: skip
