"""A model that is a file, run in its second form: ``forest.onnx`` in the place of ``forest.skops``.

The signature, and which field is which of the estimator's methods, are those of the package; the second form is data,
whatever the first one is, and the first one is not read. Whether both answer alike was tried when it was packed
(`modelport.package.bare`), and so was what the second form must refuse, because the first does or answers otherwise.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.model.exchange import RefusedError
from modelport.model.spec import ListOf, TensorOf
from modelport.package.files.model import FileModel
from modelport.package.files.onnx import open_session, refusal
from modelport.package.files.paths import read_license, state_file
from modelport.package.files.ports import fed
from modelport.package.files.refusals import REFUSED, unfit
from modelport.package.state.standins import ABOUT, LiteRtStandIn
from modelport.package.tiers import DATA_ONLY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from modelport.model.spec import Message, ModelSpec

__all__ = ["ConvertedModel", "restore_converted"]

_TYPES = {"double": "float64", "float": "float32", "int64": "int64", "bool": "bool", "string": "object"}


class ConvertedModel(FileModel):
    """A model that is the second form of a trained object; it has no files to pack, for the first form has those."""

    kind = "second form"


def restore_converted(
    folder: Path, spec: ModelSpec, bindings: Mapping[str, Any], form: Mapping[str, Any]
) -> ConvertedModel:
    """Return the model whose one method runs the second form *form*, as ``package.json`` lists it.

    Raises:
        FormatError: The file is damaged, or does not take and give what the package says.
        SetupError: What runs it is not installed.
    """
    ((name, binding),) = bindings.items()
    method, path = spec.method(name), str(form["path"])
    content = state_file(folder, path).read_bytes()
    taken, given = spec.message(method.input), spec.message(method.output)
    try:
        make = _onnx if path.endswith(".onnx") else _litert
        ask = make(content, taken, given, binding["outputs"])
    except FormatError as error:
        raise FormatError(f"{folder / path}: {error.message}", hint=error.hint) from error
    refused = [one for one in REFUSED if one in form.get("refuses", ())]
    runner = partial(_run, ask, taken, given, refused)
    tier = DATA_ONLY, "it is the second form of a trained object, which modelport's own loader runs"
    return ConvertedModel(spec, {name: runner}, bindings, files={}, modules=(), tier=tier, license=read_license(folder))


def _run(
    ask: Callable[[Message], Mapping[str, Any]], taken: Message, given: Message, refused: Collection[str], message: Any
) -> Mapping[str, Any]:
    for field in taken.fields:
        if said := unfit(getattr(message, field.name), refused):
            raise RefusedError(f"the model, which runs in its second form, takes no {said}")
    answers = ask(message)
    return {field.name: _plain(answers[field.name], field.type) for field in given.fields}


def _onnx(content: bytes, taken: Message, given: Message, outputs: Mapping[str, str]) -> Any:
    """Return what asks an ONNX file for the fields of *given*, each of which is one of the estimator's methods."""
    session = open_session(content)
    try:
        methods = json.loads(session.get_modelmeta().custom_metadata_map[ABOUT])["methods"]
        wanted = {field.name: str(methods[outputs[field.name]]) for field in given.fields}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FormatError("it does not say which methods its outputs are of") from error
    if not set(wanted.values()) <= {one.name for one in session.get_outputs()}:
        raise FormatError("it has not the outputs that it says")
    feeds = _feeds(session, taken)
    chances = [field.name for field in given.fields if outputs[field.name] == "predict_proba"]

    def ask(message: Any) -> dict[str, Any]:
        try:
            found = dict(zip(wanted, session.run(list(wanted.values()), feeds(message)), strict=True))
            return found | {name: found[name].clip(0, 1) for name in chances}  # 32-bit floats may sum to a little more
        except Exception as error:
            if said := refusal(error):
                raise RefusedError(said) from error
            raise

    return ask


def _feeds(session: Any, taken: Message) -> Callable[[Any], dict[str, Any]]:
    """Return what makes the inputs of a call: one tensor of all columns, or one for each in the fields' order."""
    import numpy as np

    ports = [(one.name, _TYPES.get(one.type.removeprefix("tensor(").removesuffix(")"))) for one in session.get_inputs()]
    if len(ports) not in {1, len(taken.fields)} or None in dict(ports).values():
        raise FormatError("it takes other columns than the model")
    names = [field.name for field in taken.fields]

    def column(message: Any, name: str, dtype: str | None) -> Any:
        value = np.asarray(getattr(message, name), dtype=dtype)
        return value.reshape(-1, 1) if value.ndim == 1 else value

    if len(ports) == len(names):
        return lambda message: {
            port: column(message, name, dtype) for (port, dtype), name in zip(ports, names, strict=True)
        }
    ((port, dtype),) = ports
    return lambda message: {port: np.hstack([column(message, name, dtype) for name in names])}


def _litert(content: bytes, taken: Message, given: Message, outputs: Mapping[str, str]) -> Any:
    """Return what asks a LiteRT file, whose inputs and outputs are in the order of the model's."""
    network = LiteRtStandIn(content)
    if network.ports != (len(taken.fields), len(given.fields)) or len(outputs) != len(given.fields):
        inputs, answers = network.ports
        raise FormatError(f"it has {inputs} inputs and {answers} outputs, and the model has others")

    def ask(message: Any) -> dict[str, Any]:
        values = [fed(getattr(message, field.name), field.type) for field in taken.fields]
        try:
            answer = network(values[0] if len(values) == 1 else values)
        except (ValueError, RuntimeError) as error:
            raise RefusedError(f"the model refuses these values: {' '.join(str(error).split())[:200]}") from error
        answers = [answer] if len(given.fields) == 1 else answer
        return {field.name: one for field, one in zip(given.fields, answers, strict=True)}

    return ask


def _plain(answer: Any, kind: Any) -> Any:
    """Return an output as the field's type: values in one dimension or two, numbers in the type that they have."""
    import numpy as np

    found = np.asarray(answer)
    flat = isinstance(kind, ListOf) or (isinstance(kind, TensorOf) and len(kind.shape or ()) == 1)
    if flat and found.ndim == 2 and found.shape[1] == 1:  # noqa: PLR2004 - rows and one column
        found = found[:, 0]
    if isinstance(kind, ListOf):
        return found.tolist()
    return found.astype(kind.dtype) if isinstance(kind, TensorOf) else found
