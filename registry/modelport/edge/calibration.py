"""Calibration inputs: what a model's file is fed, for recipes that must know which numbers come.

They come from a package's own data, as arguments of methods: the package's code is called with them, and what it
hands its trained object is noted. Or from a file of the user's, ``.npy`` or ``.npz``: what the model's file takes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from modelport.edge.interface import NotMadeError
from modelport.errors import InputError, NotFoundError
from modelport.package.datasets import find_data, read_data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from modelport.edge.interface import Calibration

__all__ = ["ALONE", "calls_of_file", "digest_of", "fitted", "read_calls", "record_calls", "write_calls"]

ALONE = "x"
"""What the one input of a trained object is called, which has no name that calls would say."""

_PURPOSE = "calibration"
_GIVEN = "modelport variants build REFERENCE --calibration FILE (.npy or .npz: what the model's file takes)"
_ROWS = 64  # in one call of the package's code

Call = dict[str, "NDArray[Any]"]


def calls_of_file(file: Path) -> list[Call]:
    """Return the calls in a user's file: an ``.npy`` has the rows of the only input, an ``.npz`` those of each.

    Raises:
        InputError: It cannot be read, or its arrays have no rows, or not as many as each other.
    """
    import numpy as np

    try:
        found = np.load(file, allow_pickle=False)
        arrays = {ALONE: found} if isinstance(found, np.ndarray) else {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{file} cannot be read as calibration inputs: {error}",
            hint="write it by numpy.save (one input) or numpy.savez (several, by their names in the model's file)",
        ) from error
    sizes = {array.shape[0] if array.ndim else 0 for array in arrays.values()}
    if len(sizes) != 1 or 0 in sizes:
        raise InputError(f"{file} has no calibration inputs: each array needs the same number of rows, one or more")
    return _rows(arrays)


def write_calls(calls: Calibration, file: Path) -> None:
    """Write *calls* as an ``.npz`` file."""
    import numpy as np

    arrays = {f"{number}/{name}": array for number, call in enumerate(calls) for name, array in call.items()}
    np.savez(file, allow_pickle=False, **arrays)


def read_calls(file: Path) -> list[Call]:
    """Return the calls that `write_calls` wrote."""
    import numpy as np

    calls: dict[int, Call] = {}
    with np.load(file, allow_pickle=False) as arrays:
        for key in arrays.files:
            number, _, name = key.partition("/")
            calls.setdefault(int(number), {})[name] = arrays[key]
    return [calls[number] for number in sorted(calls)]


def digest_of(calls: Calibration) -> str:
    """Return the sha256 of calls, in hexadecimal digits: names, types, shapes and numbers count."""
    import numpy as np

    found = hashlib.sha256()
    for call in calls:
        for name, array in sorted(call.items()):
            found.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
            found.update(np.ascontiguousarray(array).tobytes())
        found.update(b"\n")
    return found.hexdigest()


def fitted(calls: Calibration, tensors: Sequence[Mapping[str, Any]]) -> list[Call]:
    """Return *calls* as a file takes them whose inputs are *tensors* (`modelport.edge.trial`).

    Raises:
        NotMadeError: There are none, or they have other inputs, another shape, or numbers that are none.
    """
    if not calls:
        raise NotMadeError("there are no calibration inputs", hint=_GIVEN)
    return [_fitted(call, tensors) for call in calls]


def _fitted(call: Mapping[str, NDArray[Any]], tensors: Sequence[Mapping[str, Any]]) -> Call:
    import numpy as np

    found = {}
    for name, array, one in _paired(call, tensors):
        if not _fits(array.shape, one["shape"]):
            shape = [size if size >= 0 else "any" for size in one["shape"]]
            raise NotMadeError(
                f"the calibration inputs have the wrong shape: a call has {list(array.shape)}, the model takes {shape}",
                hint="give what the model's file takes, a row for each input",
            )
        wanted = np.dtype(one["dtype"]) if not one.get("scale") else np.dtype("float32")
        if array.dtype.kind not in "fiub" or (array.dtype.kind == "f" and wanted.kind != "f"):
            raise NotMadeError(f"the calibration inputs are {array.dtype}, and the model takes {one['dtype']}")
        if not np.isfinite(array).all():
            raise NotMadeError("the calibration inputs hold numbers that are infinite or none")
        found[name] = array.astype(wanted, copy=False)
    return found


def _paired(
    call: Mapping[str, NDArray[Any]], tensors: Sequence[Mapping[str, Any]]
) -> list[tuple[str, NDArray[Any], Mapping[str, Any]]]:
    """Return each tensor's name, with what *call* has for it: by that name, or by what the file's signature calls it.

    The only one may be called anything, and keeps the name that it has in *call*.
    """
    if len(call) == len(tensors) == 1:
        return [(next(iter(call)), next(iter(call.values())), tensors[0])]
    for key in ("name", "argument"):
        if set(call) == {one.get(key) for one in tensors}:
            return [(one["name"], call[one[key]], one) for one in tensors]
    names = ", ".join(one.get("argument") or one["name"] for one in tensors)
    raise NotMadeError(f"the calibration inputs are for {', '.join(call)}, and the model takes {names}")


def _fits(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    same = len(shape) == len(wanted)
    return same and all(two < 0 or one == two for one, two in zip(shape, wanted, strict=True))


def _rows(arrays: Mapping[str, NDArray[Any]]) -> list[Call]:
    """Return a call for each row, which keeps its dimension."""
    count = len(next(iter(arrays.values())))
    return [{name: array[n : n + 1] for name, array in arrays.items()} for n in range(count)]


def record_calls(folder: Path, data: Path) -> list[Call]:
    """Return what the model's file is fed when the package in *folder* is called with the calibration data in *data*.

    Of what is fed in one call, each row becomes a call, where all inputs have as many rows.

    Args:
        folder: A package. With code, its trained object must be there in its second form, which takes the notes.
        data: The folder of the package whose data it is: the same one, or its parent.

    Raises:
        ModelError: The package's code fails.
        NotFoundError: There is no calibration data, or it was not fetched.
        NotMadeError: The trained object is never asked.
    """
    is_code = (folder / "code").exists()
    try:
        method = find_data(data, _PURPOSE).method
    except NotFoundError as error:
        added = f", or {error.hint}" if is_code else ""
        raise NotFoundError(error.message, hint=f"{_GIVEN}{added}") from error
    heard = _of_code(folder, data, method) if is_code else _of_file(folder, data, method)
    if any(array.dtype.kind not in "fiub" for call in heard for array in call.values()):
        raise NotMadeError("the model is fed texts, and calibration inputs are numbers")
    calls = [row for call in heard for row in _split(call)]
    if not calls:
        raise NotMadeError("the calibration data never reaches the trained object: no call of the package asks it")
    return calls


def _split(call: Call) -> list[Call]:
    sizes = {array.shape[0] if array.ndim else None for array in call.values()}
    if len(sizes) != 1 or None in sizes:
        return [call]
    return _rows(call)


def _of_code(folder: Path, data: Path, method: str) -> list[Call]:
    from modelport.package.load import load_package, second_forms
    from modelport.package.state import load_state, standing_in

    package = load_package(folder)
    forms = second_forms(package.info)
    (path,) = forms
    with standing_in(folder, forms):
        stand_in: Any = load_state(str(folder / "code" / "model.py"), path)
    heard: list[Call] = []
    stand_in.heard = heard
    called = package.model.methods[method]
    for sample in read_data(data, _PURPOSE, model=package.model, rows=_ROWS):
        called(sample.input)
    return heard


def _of_file(folder: Path, data: Path, method: str) -> list[Call]:
    """Return what the file would be fed; it need not be run for that, nor what runs it be installed."""
    from modelport.model.spec import ModelSpec
    from modelport.package.documents import read_document
    from modelport.package.files.ports import fed

    spec = ModelSpec.from_own_json(read_document(folder / "signature.json"))
    binding = read_document(folder / "package.json")["methods"][method]
    fields = spec.message(spec.method(method).input).fields
    samples = read_data(data, _PURPOSE, rows=1)
    if binding["file"].endswith(".skops"):
        return [{ALONE: _row([getattr(sample.input, one.name) for one in fields])} for sample in samples]
    names = binding["inputs"]
    return [{names[one.name]: fed(getattr(sample.input, one.name), one.type) for one in fields} for sample in samples]


def _row(columns: Sequence[Any]) -> NDArray[Any]:
    """Return what an estimator's second form is fed: one array of all columns."""
    import numpy as np

    arrays = [np.asarray(one) for one in columns]
    return np.hstack([one.reshape(-1, 1) if one.ndim == 1 else one for one in arrays])
