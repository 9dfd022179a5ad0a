"""An ONNX file as a model: its signature comes from the graph's inputs and outputs, ONNX Runtime runs it.

The file is looked through first (`graph`), then handed to ONNX Runtime as bytes, so that what was looked at is what is
run, and nothing beside it.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, PackError, SetupError
from modelport.model.exchange import RefusedError
from modelport.model.messages import check_identifier
from modelport.model.spec import MethodSpec
from modelport.package.files.graph import check_graph
from modelport.package.files.labels import labels_of
from modelport.package.files.model import FileModel, method_title, spec_of
from modelport.package.files.paths import read_file, read_license, state_file, state_path
from modelport.package.files.ports import Port, check_side, fed, message_of
from modelport.package.tiers import DATA_ONLY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model.spec import Message, ModelSpec
    from modelport.package.files.model import Runner

__all__ = ["OnnxModel", "Port", "model_of_file", "open_session", "restore", "session_alone"]

_WORDS = 2000  # characters of labels that a field tells
_SMALL = 2**20  # bytes of a file for which one thread is enough
_LONGEST = 200  # characters of ONNX Runtime's message that a caller is told


class OnnxModel(FileModel):
    """A model that is an ONNX file: nothing but data, which loads anywhere.

        >>> OnnxModel("detector.onnx", method="detect", inputs={"x": Port("sound", "samples from -1 to 1")})
        ... # doctest: +SKIP

    Args:
        file: The ONNX file; it has to be whole in itself.
        method: What its one method is called.
        doc: What the method does.
        takes: The name of the message that it takes.
        gives: The name of the message that it gives.
        inputs: How the graph's inputs are told, by their names in the graph; those left out keep their own.
        outputs: The same for its outputs.
        license: The file with the licence's text, which goes along: most licences ask for that.

    Attributes:
        content: The file's bytes.
        license: The licence's bytes, or nothing.
        path: Where they lie in a package.
        bindings: What ``package.json`` says under ``methods``.

    Raises:
        PackError: It is no such file, or its inputs and outputs make no signature.
        SignatureError: A name is none that a method, a message or a field can have.
        SetupError: ONNX Runtime is not installed.
    """

    kind = "onnx"

    def __init__(
        self,
        file: Path | str,
        *,
        method: str = "predict",
        doc: str = "",
        takes: str = "",
        gives: str = "",
        inputs: Mapping[str, Port] | None = None,
        outputs: Mapping[str, Port] | None = None,
        license: Path | str | None = None,  # noqa: A002 - the word that entries use
    ) -> None:
        file = Path(file)
        self.content = read_file(file)
        terms = read_file(Path(license)) if license else b""
        self.path = state_path(file, ".onnx")
        try:
            session = open_session(self.content)
            title = method_title(method)
            taken = message_of(takes or f"{title}In", session.get_inputs(), inputs or {})
            given = message_of(
                gives or f"{title}Out", session.get_outputs(), _labelled(self.content, session, outputs or {})
            )
        except FormatError as error:
            raise PackError(f"{file}: {error.message}", hint=error.hint) from error
        check_identifier(method, f"method {method!r}")
        hint = "give the fields other names: inputs={'x': Port('name')}"
        spec = spec_of([taken[0], given[0]], [MethodSpec(method, taken[0].name, given[0].name, doc)], hint=hint)
        bindings = {method: {"file": self.path, "inputs": taken[1], "outputs": given[1]}}
        self._finish(spec, bindings, {self.path: session}, {self.path: self.content}, terms)

    def _finish(
        self,
        spec: ModelSpec,
        bindings: Mapping[str, Any],
        sessions: Mapping[str, Any],
        files: Mapping[str, bytes],
        terms: bytes,
    ) -> None:
        runners = {name: _runner(spec, name, one, sessions[one["file"]]) for name, one in bindings.items()}
        tier = DATA_ONLY, "it is one ONNX file, which modelport's own loader runs"
        needs = {"numpy", "onnxruntime"}
        FileModel.__init__(self, spec, runners, bindings, files=files, modules=needs, tier=tier, license=terms)


def _labelled(content: bytes, session: Any, ports: Mapping[str, Port]) -> dict[str, Port]:
    """Return *ports* with the labels of the file where nothing else is said of an output that has one for each."""
    told = dict(ports)
    labels = labels_of(content)
    for one in session.get_outputs():
        if labels and one.shape and one.shape[-1] == len(labels) and not told.get(one.name, Port()).doc:
            words = ", ".join(labels)
            doc = f"one for each label, in this order: {words if len(words) <= _WORDS else f'{words[:_WORDS]}...'}"
            told[one.name] = replace(told.get(one.name, Port()), doc=doc)
    return told


def model_of_file(file: Path, *, method: str = "") -> OnnxModel:
    """Return the model that is an ONNX file; raises as `OnnxModel` does."""
    return OnnxModel(file, method=method or "predict")


def open_session(content: bytes) -> Any:
    """Return ONNX Runtime's session for an ONNX file's bytes, on the CPU.

    Raises:
        FormatError: It holds more than data, or ONNX Runtime cannot read it.
        SetupError: ONNX Runtime is not installed.
    """
    check_graph(content)
    return session_alone(content)


def session_alone(content: bytes) -> Any:
    """Return ONNX Runtime's session for bytes that were looked through; whatever path they may hold leads nowhere.

    Raises:
        FormatError: ONNX Runtime cannot read them.
        SetupError: ONNX Runtime is not installed.
    """
    try:
        import onnxruntime as runtime
    except ImportError as error:
        raise SetupError(
            "onnxruntime is not installed, which runs ONNX models", hint="pip install 'modelport[onnx]'"
        ) from error
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # what matters is raised
    # The bytes were read as ONNX: another format in the same bytes is not looked for.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if len(content) < _SMALL:
        options.intra_op_num_threads = 1  # as quick for hundreds of rows, and no pool of threads to start
    # Where tensors in other files would be looked for: nothing lies below it. Without it, in the working folder.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
    try:
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no base of their own
        raise FormatError(f"ONNX Runtime cannot load it: {error}") from error


def restore(folder: Path, spec: ModelSpec, bindings: Mapping[str, Any]) -> FileModel:
    """Return the model whose methods run ONNX files of the package in *folder*; raises as `restoring.restore` does."""
    sessions: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    for method in spec.methods:
        binding = bindings[method.name]
        path = binding["file"]
        if path not in sessions:
            files[path] = state_file(folder, path).read_bytes()
            sessions[path] = open_session(files[path])
        _check_binding(spec, method, binding, sessions[path])
    model = OnnxModel.__new__(OnnxModel)
    model._finish(spec, bindings, sessions, files, read_license(folder))  # noqa: SLF001 - as its constructor does
    return model


def _check_binding(spec: ModelSpec, method: MethodSpec, binding: Mapping[str, Any], session: Any) -> None:
    """Hold what a package says of *method* against the graph."""
    path = binding["file"]
    check_side(spec.message(method.input), binding["inputs"], session.get_inputs(), path)
    check_side(spec.message(method.output), binding["outputs"], session.get_outputs(), path)


def _runner(spec: ModelSpec, method: str, binding: Mapping[str, Any], session: Any) -> Runner:
    return partial(_run, session, spec.message(spec.method(method).input), binding)


def _run(session: Any, taken: Message, binding: Mapping[str, Any], message: Any) -> Mapping[str, Any]:
    feeds = {binding["inputs"][f.name]: fed(getattr(message, f.name), f.type) for f in taken.fields}
    try:
        given = session.run(list(binding["outputs"].values()), feeds)
    except Exception as error:
        if said := refusal(error):
            raise RefusedError(said) from error
        raise
    return dict(zip(binding["outputs"], given, strict=True))


def refusal(error: Exception) -> str:
    """Return what ONNX Runtime has against the arguments, in short, or nothing where the failure is its own.

    The graph was loaded and its operators are known to be there: what an operator refuses then is what it was given,
    but for memory, which may have run out for any reason.
    """
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    text = str(error)
    if not isinstance(error, state.InvalidArgument | state.Fail) or re.search(r"(?i)alloc|out of memory", text):
        return ""
    if isinstance(error, state.Fail) and "while running " not in text:
        return ""
    operators = re.findall(r"while running (\w+) node", text)  # the last is the innermost
    said = (
        text.rpartition("Status Message: ")[2]
        if operators
        else re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
    )
    # Where in ONNX Runtime's source it was found, and by which condition, tells the caller nothing.
    said = re.sub(r"^\S+\.(?:cc|h):\d+ (?:.* was false\. |\S+ (?=[A-Z]))?", "", " ".join(said.split()))
    said = said if len(said) <= _LONGEST else f"{said[: _LONGEST - 3]}..."
    return f"the graph refuses these values{f' in {operators[-1]}' if operators else ''}: {said}"
