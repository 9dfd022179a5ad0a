"""A LiteRT file (``.tflite``) as a model: its signatures become methods, LiteRT runs them.

The file is looked through first (`litegraph`), then run once in a process of its own, whose end is nobody else's. That
takes half a second, so that a file which came through is noted by its digest and LiteRT's version: only its first load
pays, in a process, and on a device that keeps the notes (`noting`).

A file's own integers stay integers in the signature that is made of it. Where a package says real numbers of a tensor
that holds quantized integers, as one does whose file is a variant of another, they are turned into each other here.
"""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import zipfile
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, PackError, SetupError
from modelport.model.exchange import RefusedError
from modelport.model.messages import check_identifier
from modelport.model.names import is_identifier
from modelport.model.spec import MethodSpec, Scalar, TensorOf
from modelport.package.files.affine import Affine
from modelport.package.files.litegraph import check_lite
from modelport.package.files.model import FileModel, method_title, spec_of
from modelport.package.files.paths import read_file, read_license, state_file, state_path
from modelport.package.files.ports import Port, check_side, fed, message_of
from modelport.package.tiers import DATA_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from modelport.model.spec import FieldType, Message, ModelSpec
    from modelport.package.files.model import Runner

__all__ = ["TRIAL", "LiteModel", "model_of_file", "noting", "restore", "run_apart"]

_WHOLE = ""  # the name of the signature of a file that has none: all inputs, all outputs
_MOST_LABELS = 2**20  # bytes
_LONGEST = 2000  # characters of labels in the words on a field
_REAL = {"float16", "float32", "float64", "float", "double"}
_TRIED: set[str] = set()
"""The notes of files that came through in this process."""
_NOTES: ContextVar[Path | None] = ContextVar("notes", default=None)
_NAMES = {"float32": "float", "float64": "double", "bool_": "bool"}

TRIAL = """
import sys, warnings
import numpy as np
warnings.simplefilter("ignore")
from ai_edge_litert.interpreter import Interpreter
content = sys.stdin.buffer.read()
one = Interpreter(model_content=content, num_threads=1)
one.allocate_tensors()
for key in one.get_signature_list():
    runner = one.get_signature_runner(key)
    given = {n: np.zeros(d["shape"], d["dtype"]) for n, d in runner.get_input_details().items()}
    runner(**given)
if not one.get_signature_list():
    for d in one.get_input_details():
        one.set_tensor(d["index"], np.zeros(d["shape"], d["dtype"]))
    one.invoke()
"""
"""What the trial runs: the file on zeros, in a process that may end as it likes."""


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A tensor as `ports` takes it, with its number, how its field is best called and what its integers stand for."""

    name: str
    type: str
    shape: tuple[int | str | None, ...]
    index: int
    nice: str
    affine: Affine | None = None


class LiteModel(FileModel):
    """A model that is a LiteRT file: nothing but data, which loads anywhere.

    Args:
        file: The file.
        method: What its method is called, where it has one.

    Raises:
        PackError: It is no such file, or its inputs and outputs make no signature.
        SetupError: LiteRT is not installed.
    """

    kind = "litert"

    def __init__(self, file: Path, *, method: str = "") -> None:
        content, path = read_file(file), state_path(file, ".tflite")
        try:
            graph = _Graph(content)
            messages, methods, bindings = [], [], {}
            for name, key in _methods(graph, method).items():
                check_identifier(name, f"method {name!r}")
                sides = [
                    message_of(f"{method_title(name)}{side}", tensors, _ports(tensors, labels))
                    for side, tensors, labels in (
                        ("In", graph.inputs[key], []), ("Out", graph.outputs[key], _labels(content)),
                    )
                ]  # fmt: skip
                messages += [message for message, _ in sides]
                methods.append(MethodSpec(name, sides[0][0].name, sides[1][0].name))
                binding = {"file": path, "inputs": sides[0][1], "outputs": sides[1][1]}
                bindings[name] = binding | ({"signature": key} if key else {})
        except FormatError as error:
            raise PackError(f"{file}: {error.message}", hint=error.hint) from error
        spec = spec_of(messages, methods, hint="convert it with other names of its inputs and outputs")
        self._finish(spec, bindings, graph, {path: content})

    def _finish(
        self,
        spec: ModelSpec,
        bindings: Mapping[str, Any],
        graph: _Graph,
        files: Mapping[str, bytes],
        terms: bytes = b"",
    ) -> None:
        runners = {
            m.name: graph.runner(bindings[m.name], spec.message(m.input), spec.message(m.output)) for m in spec.methods
        }
        tier = DATA_ONLY, "it is one LiteRT file, which modelport's own loader runs"
        needs = {"numpy", "ai_edge_litert"}
        FileModel.__init__(self, spec, runners, bindings, files=files, modules=needs, tier=tier, license=terms)


def model_of_file(file: Path, *, method: str = "") -> LiteModel:
    """Return the model that is a LiteRT file; raises as `LiteModel` does."""
    return LiteModel(file, method=method)


def restore(folder: Path, spec: ModelSpec, bindings: Mapping[str, Any]) -> LiteModel:
    """Return the model whose methods run a LiteRT file of *folder*; raises as `restoring.restore` does."""
    (path,) = {binding["file"] for binding in bindings.values()}
    content = state_file(folder, path).read_bytes()
    graph = _Graph(content)
    for method in spec.methods:
        binding = bindings[method.name]
        key = binding.get("signature", _WHOLE)
        if key not in graph.inputs:
            raise FormatError(f"{path} has no signature {key!r}")
        for message, names, tensors in (
            (spec.message(method.input), binding["inputs"], graph.inputs[key]),
            (spec.message(method.output), binding["outputs"], graph.outputs[key]),
        ):
            check_side(message, names, _as_told(message, names, tensors), path)
    model = LiteModel.__new__(LiteModel)
    model._finish(spec, bindings, graph, {path: content}, read_license(folder))  # noqa: SLF001 - as its constructor does
    return model


class _Graph:
    """A file's signatures, by name, with their tensors, and the interpreter that runs them, one call at a time."""

    def __init__(self, content: bytes) -> None:
        check_lite(content)
        _try(content)
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(model_content=content, num_threads=1)
        self.interpreter.allocate_tensors()
        self._one_call = Lock()
        self.inputs: dict[str, list[_Tensor]] = {}
        self.outputs: dict[str, list[_Tensor]] = {}
        for key in self.interpreter.get_signature_list():
            runner = self.interpreter.get_signature_runner(key)
            self.inputs[key] = [_tensor(d, name) for name, d in runner.get_input_details().items()]
            self.outputs[key] = [_tensor(d, name) for name, d in runner.get_output_details().items()]
        if not self.inputs:
            self.inputs[_WHOLE] = _unlike([_tensor(d) for d in self.interpreter.get_input_details()])
            self.outputs[_WHOLE] = _unlike([_tensor(d) for d in self.interpreter.get_output_details()])

    def runner(self, binding: Mapping[str, Any], taken: Message, given: Message) -> Runner:
        """Return what runs the method that is bound so, takes *taken* and gives *given*."""
        key = binding.get("signature", _WHOLE)
        inputs = _quantized(taken, binding["inputs"], self.inputs[key])
        outputs = _quantized(given, binding["outputs"], self.outputs[key])
        return partial(self._run, binding, taken, inputs, outputs)

    def _run(
        self,
        binding: Mapping[str, Any],
        taken: Message,
        inputs: Mapping[str, Affine],
        outputs: Mapping[str, Affine],
        message: Any,
    ) -> Mapping[str, Any]:
        key = binding.get("signature", _WHOLE)
        try:
            feeds = {}
            for field in taken.fields:
                value = fed(getattr(message, field.name), field.type)
                feeds[binding["inputs"][field.name]] = (
                    inputs[field.name].quantized(value) if field.name in inputs else value
                )
            with self._one_call:
                given = self._run_whole(feeds) if key == _WHOLE else self.interpreter.get_signature_runner(key)(**feeds)
                answers = {field: given[tensor].copy() for field, tensor in binding["outputs"].items()}
            return {name: outputs[name].real(one) if name in outputs else one for name, one in answers.items()}
        except (RuntimeError, ValueError) as error:
            # It was loaded and run before: what an operator refuses then is what it was given.
            raise RefusedError(f"the graph refuses these values: {' '.join(str(error).split())[:200]}") from error

    def _run_whole(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        for one in self.inputs[_WHOLE]:
            self.interpreter.resize_tensor_input(one.index, feeds[one.name].shape)
        self.interpreter.allocate_tensors()
        for one in self.inputs[_WHOLE]:
            self.interpreter.set_tensor(one.index, feeds[one.name])
        self.interpreter.invoke()
        return {one.name: self.interpreter.get_tensor(one.index) for one in self.outputs[_WHOLE]}


def _try(content: bytes) -> None:
    """Run the file on zeros in a process of its own, unless it was before: what a damaged file does happens there.

    Raises:
        FormatError: LiteRT cannot run it.
        SetupError: LiteRT is not installed.
    """
    name, folder = _note(content), _NOTES.get()
    if name in _TRIED or (folder is not None and (folder / name).exists()):
        return
    run_apart(content)
    _TRIED.add(name)
    if folder is not None:
        with suppress(OSError):  # a folder that cannot be written to: the next process tries again
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()


def _note(content: bytes) -> str:
    """Return the name of the note that *content* came through its trial by the LiteRT that is here."""
    try:
        runtime = version("ai-edge-litert")
    except PackageNotFoundError:
        runtime = "other"
    return f"{hashlib.sha256(TRIAL.encode() + content).hexdigest()}-{runtime}"


@contextmanager
def noting(folder: Path) -> Iterator[None]:
    """Keep notes of files that came through their trial in *folder*, for other processes, while this lasts."""
    token = _NOTES.set(folder)
    try:
        yield
    finally:
        _NOTES.reset(token)


def run_apart(content: bytes, *, program: str = TRIAL, patience: float = 120.0) -> None:
    """Run *program*, Python source, with a LiteRT file on its standard input, in a process of its own.

    Args:
        content: The file.
        program: What runs it.
        patience: Seconds after which it is given up.

    Raises:
        FormatError: The process does not come to its end well, or not in time.
        SetupError: LiteRT is not installed.
    """
    command = [sys.executable, "-c", program]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired as error:
        raise FormatError(f"LiteRT does not come to an end with it in {patience:g} s") from error
    said = done.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
    if done.returncode and any("No module named 'ai_edge_litert'" in line for line in said):
        raise SetupError(
            "ai-edge-litert is not installed, which runs LiteRT models", hint="pip install 'modelport[edge]'"
        )
    if done.returncode:
        why = said[-1] if said and done.returncode > 0 else f"it ends the process ({done.returncode})"
        raise FormatError(f"LiteRT cannot run it: {why[:300]}")


def _tensor(details: Mapping[str, Any], name: str = "") -> _Tensor:
    import numpy as np

    dtype = np.dtype(details["dtype"]).name
    shape = [int(one) for one in details["shape"]]
    signature = [int(one) for one in details["shape_signature"]]
    open_ = [place for place, one in enumerate(signature) if one < 0]
    dimensions = tuple((None if place else "n") if place in open_ else one for place, one in enumerate(shape))
    own = details["name"]
    return _Tensor(
        name or own,
        f"tensor({_NAMES.get(dtype, dtype)})",
        dimensions,
        int(details["index"]),
        _nice(name or own),
        Affine.of(details),
    )


def _quantized(message: Message, names: Mapping[str, str], tensors: list[_Tensor]) -> dict[str, Affine]:
    """Return the fields of *message* that are real numbers and whose tensors are integers that stand for some."""
    affine = {one.name: one.affine for one in tensors}
    found = {field.name: affine.get(names.get(field.name, "")) for field in message.fields if _is_real(field.type)}
    return {name: one for name, one in found.items() if one is not None}


def _is_real(kind: FieldType) -> bool:
    match kind:
        case TensorOf(dtype):
            return dtype in _REAL
        case Scalar(name):
            return name in _REAL
    return False


def _as_told(message: Message, names: Mapping[str, str], tensors: list[_Tensor]) -> list[_Tensor]:
    """Return the tensors with those that `_quantized` finds as the real numbers that they stand for."""
    real = {names[field] for field in _quantized(message, names, tensors)}
    return [replace(one, type="tensor(float)") if one.name in real else one for one in tensors]


def _nice(name: str) -> str:
    """Return a tensor's name without what the converter adds to it, where a name is left."""
    plain = re.sub(r"^serving_default_|(?:_)?:\d+$", "", name)
    return plain if is_identifier(plain) else ""


def _unlike(tensors: list[_Tensor]) -> list[_Tensor]:
    if len({one.name for one in tensors}) != len(tensors):
        raise FormatError("two of its inputs or outputs have one name", hint="convert it with a signature")
    return tensors


def _methods(graph: _Graph, method: str) -> dict[str, str]:
    """Return the signature of each method, by the method's name."""
    keys = list(graph.inputs)
    if len(keys) == 1:
        plain = keys[0] if is_identifier(keys[0]) and keys[0] != "serving_default" else "predict"
        return {method or plain: keys[0]}
    if method:
        raise FormatError(f"it has {len(keys)} signatures: {', '.join(keys)}", hint="leave out --method")
    return {re.sub(r"[^A-Za-z0-9_]", "_", key): key for key in keys}


def _ports(tensors: list[_Tensor], labels: list[str]) -> dict[str, Port]:
    names = [one.nice for one in tensors]
    ports = {}
    for one in tensors:
        words = ", ".join(labels) if labels and one.shape and one.shape[-1] == len(labels) else ""
        doc = f"one for each label, in this order: {words[:_LONGEST]}" if words else ""
        ports[one.name] = Port(one.nice if names.count(one.nice) == 1 else "", doc)
    return ports


def _labels(content: bytes) -> list[str]:
    """Return the labels that go along: a text file in the zip behind the graph (TFLite's metadata)."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            texts = [
                one for one in archive.infolist() if one.filename.endswith(".txt") and one.file_size < _MOST_LABELS
            ]
            lines = archive.read(texts[0]).decode().split("\n") if len(texts) == 1 else []
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError):
        return []
    return [line.strip() for line in lines if line.strip()]
