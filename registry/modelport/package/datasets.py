"""The data sets of a package: written beside the model, described in ``package.json``, and read again.

Each purpose has a file, ``data/calibration.binpb`` or ``data/evaluation.binpb`` (see `modelport.model.framing`), which
is a layer of its own in the artifact. A package works without them: a pull brings them when it is asked to. What
``package.json`` says of such a file is all that its layer needs, so a package has the same digest with and without it.

    for samples in read_data(folder, "calibration", rows=1):
        feed(samples.input.images)
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import CallError, FormatError, ModelError, NotFoundError, PackError
from modelport.model import Codec, DataSet, ModelSpec
from modelport.model.data_set import PURPOSES
from modelport.package.documents import read_document
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelport.model import Model, Samples

__all__ = ["described", "find_data", "read_data", "said_files", "write_data"]

_TRIED = 4  # samples that are run when a model is packed


def read_data(folder: Path, purpose: str, *, model: Model | None = None, rows: int | None = None) -> Iterator[Samples]:
    """Yield the samples of a package's data set, a message at a time.

    Args:
        folder: The package's folder.
        purpose: ``calibration`` or ``evaluation``.
        model: The loaded model, whose classes the messages are then of; without it nothing of the package is run, and
            they are named tuples.
        rows: The most rows of a message, where rows are the samples.

    Raises:
        NotFoundError: The package has no such data, or it was not fetched; the hint says how it is.
        IntegrityError: The file holds other bytes than were packed.
        FormatError: The package or what it says of its data is damaged.
    """
    found = find_data(folder, purpose)
    codec = model.codec if model else Codec.bare(ModelSpec.from_json(read_document(folder / "signature.json")))
    return found.read(codec, rows=rows)


def find_data(folder: Path, purpose: str) -> DataSet:
    """Return what the package in *folder* says of its data for *purpose*; its file may not be there.

    Raises:
        NotFoundError: The package has none.
    """
    info = read_document(folder / "package.json")
    found = described(folder, info)
    said = " and ".join(found) or "none"
    if purpose not in found:
        raise NotFoundError(
            f"{info['name']} has no {purpose} data",
            hint=f"model.add_data({purpose!r}, ...) adds it where the model is made; there is {said}",
        )
    return found[purpose]


def described(folder: Path, info: Mapping[str, Any]) -> dict[str, DataSet]:
    """Return the data sets that *info*, the ``package.json`` of the package in *folder*, describes."""
    said = info.get("data", {})
    if not isinstance(said, dict) or not all(isinstance(one, dict) for one in said.values()):
        raise FormatError(f"{folder}: package.json says nothing that can be read of data", hint="pack it again")
    return {
        purpose: DataSet.from_json(purpose, said[purpose], folder, str(info["name"]))
        for purpose in PURPOSES
        if purpose in said
    }


def said_files(info: Mapping[str, Any]) -> dict[str, tuple[int, Digest]]:
    """Return the path of each data set that ``package.json`` describes, with its size and digest."""
    return {one["path"]: (int(one["size"]), Digest("sha256", one["sha256"])) for one in info.get("data", {}).values()}


def write_data(model: Model, folder: Path) -> dict[str, Any]:
    """Write the data sets of *model* into the package in *folder*, and return what ``package.json`` says of them.

    The first samples are run, so that data for another method or another answer is found.

    Raises:
        PackError: The data was not fetched with the package that the model is from, or the model fails on it.
    """
    said = {}
    for purpose in PURPOSES:
        if (one := model.data_sets.get(purpose)) is None:
            continue
        _try(model, one)
        file = folder / one.path
        file.parent.mkdir(exist_ok=True)
        if isinstance(one.content, Path):
            shutil.copyfile(one.content, file)
        else:
            file.write_bytes(one.content)
        said[purpose] = one.to_json()
    return said


def _try(model: Model, data: DataSet) -> None:
    """Run the first samples."""
    try:
        if data.compared:
            data.evaluate(model, most=_TRIED)
            return
        output = model.spec.method(data.method).output
        for one in data.first(model.codec, _TRIED):
            model.codec.plain(model.methods[data.method](one.input), output)
    except NotFoundError as error:
        raise PackError(error.message, hint=f"{error.hint}; then pack it again") from error
    except (CallError, ModelError) as error:
        raise PackError(
            f"the model fails on its {data.purpose} data: {error.message}", hint="give inputs that it can answer"
        ) from error
