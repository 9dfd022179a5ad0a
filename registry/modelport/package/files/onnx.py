"""An ONNX file as a model: its signature comes from the graph's inputs and outputs, ONNX Runtime runs it.

The file is looked through first (`graph`), then handed to ONNX Runtime as bytes, so that what was looked at is what is
run, and nothing beside it.
"""

from __future__ import annotations

import re
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, PackError, SetupError
from modelport.model import Codec, Model
from modelport.model.exchange import RefusedError
from modelport.model.infer import MethodTypes, Signature
from modelport.model.messages import check_identifier
from modelport.model.records import Record
from modelport.model.spec import Message, MethodSpec, ModelSpec, Scalar, TensorOf, structure_problems
from modelport.package.files.graph import check_graph
from modelport.package.files.ports import Port, field_type, message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelport.model.spec import FieldType

__all__ = ["OnnxModel", "Port", "open_session", "restore", "session_alone"]

_MOST_BYTES = 2**31 - 1  # protobuf's own limit
_LONGEST = 200  # characters of ONNX Runtime's message that a caller is told


class OnnxModel(Model):
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
        self.content = _read(file)
        self.license = _read(Path(license)) if license else b""
        self.path = f"state/{re.sub(r'[^A-Za-z0-9_.-]', '_', file.stem).lstrip('.-')[:100] or 'model'}.onnx"
        try:
            session = open_session(self.content)
            title = "".join(part[:1].upper() + part[1:] for part in method.split("_"))
            taken = message_of(takes or f"{title}In", session.get_inputs(), inputs or {})
            given = message_of(gives or f"{title}Out", session.get_outputs(), outputs or {})
        except FormatError as error:
            raise PackError(f"{file}: {error.message}", hint=error.hint) from error
        check_identifier(method, f"method {method!r}")
        spec = _spec([taken[0], given[0]], MethodSpec(method, taken[0].name, given[0].name, doc))
        self.bindings = {method: {"file": self.path, "inputs": taken[1], "outputs": given[1]}}
        self._set(*_running(spec, self.bindings, {self.path: session}))


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
    with tempfile.TemporaryDirectory(prefix="modelport-onnx-") as nothing:
        # Where tensors in other files would be looked for: without it, in the working folder.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", nothing)
        try:
            return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors have no base of their own
            raise FormatError(f"ONNX Runtime cannot load it: {error}") from error


def restore(folder: Path, info: Mapping[str, Any], signature: Any) -> Model:
    """Return the model of the data-only package in *folder*, from what its ``package.json`` and signature say.

    Raises:
        FormatError: They do not say what the files hold.
    """
    spec = ModelSpec.from_own_json(signature)
    bindings = info.get("methods")
    if not isinstance(bindings, dict) or set(bindings) != {m.name for m in spec.methods}:
        raise FormatError(f"{folder}: package.json does not say which file each method runs", hint="pack it again")
    sessions: dict[str, Any] = {}
    for method in spec.methods:
        try:
            _check_binding(spec, method, bindings[method.name], sessions, folder)
        except FormatError as error:
            raise FormatError(f"{folder}: {method.name}: {error.message}", hint=error.hint) from error
        except (AttributeError, KeyError, TypeError) as error:
            raise FormatError(f"{folder}: package.json says of {method.name} nothing that can be read") from error
    model = Model.__new__(Model)
    model._set(*_running(spec, bindings, sessions))  # noqa: SLF001 - a model that brings its signature
    return model


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise PackError(f"{file} cannot be read: {error.strerror}", hint="give a file that is there") from error
    if len(content) > _MOST_BYTES:
        raise PackError(f"{file} has more than 2 GiB, which no ONNX file has that is whole in itself")
    return content


def _spec(messages: list[Message], method: MethodSpec) -> ModelSpec:
    spec = ModelSpec(tuple(messages), (method,)).with_proto_package()
    if problems := structure_problems(spec):
        raise PackError("; ".join(problems), hint="give the fields other names: inputs={'x': Port('name')}")
    return spec


def _check_binding(
    spec: ModelSpec, method: MethodSpec, binding: Mapping[str, Any], sessions: dict[str, Any], folder: Path
) -> None:
    """Hold what a package says of *method* against the graph; open its file into *sessions*."""
    path = binding["file"]
    if path not in sessions:
        file = folder / "state" / Path(path).name
        if path != f"state/{file.name}" or not file.is_file() or file.is_symlink():
            raise FormatError(f"{path} is not a file of the package")
        sessions[path] = open_session(file.read_bytes())
    for side, message, tensors in (
        ("inputs", spec.message(method.input), sessions[path].get_inputs()),
        ("outputs", spec.message(method.output), sessions[path].get_outputs()),
    ):
        named = {one.name: one for one in tensors}
        if [f.name for f in message.fields] != list(binding[side]) or set(binding[side].values()) != set(named):
            raise FormatError(f"its {side} are not those of {path}: {', '.join(named)}")
        for field in message.fields:
            shape = field.type.shape if isinstance(field.type, TensorOf) else None
            if field_type(named[binding[side][field.name]], shape) != field.type:
                raise FormatError(f"{field.name} is not a {field.type} in {path}")


def _running(
    spec: ModelSpec, bindings: Mapping[str, Any], sessions: Mapping[str, Any]
) -> tuple[Signature, dict[str, Callable[..., Any]]]:
    """Return the signature and the functions of a model whose methods run *sessions*."""
    plain = Codec.bare(spec).types
    types = dict(plain) | {m.input: _with_elements(plain[m.input], spec.message(m.input)) for m in spec.methods}
    call = MethodTypes(positional=("message",), keywords=(), spread=False, wrap=False, void=False)
    functions: dict[str, Callable[..., Any]] = {
        m.name: partial(
            _run, sessions[bindings[m.name]["file"]], spec.message(m.input), types[m.output], bindings[m.name]
        )
        for m in spec.methods
    }
    return Signature(
        spec, {name: Record.of_class(kind) for name, kind in types.items()}, {m.name: call for m in spec.methods}
    ), functions


def _run(session: Any, taken: Message, answer: type, binding: Mapping[str, Any], message: Any) -> Any:
    feeds = {binding["inputs"][f.name]: _fed(getattr(message, f.name), f.type) for f in taken.fields}
    try:
        given = session.run(list(binding["outputs"].values()), feeds)
    except Exception as error:
        if said := refusal(error):
            raise RefusedError(said) from error
        raise
    return answer(**dict(zip(binding["outputs"], given, strict=True)))


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


def _fed(value: Any, kind: FieldType) -> Any:
    """Return a field's value as the array that ONNX Runtime takes."""
    import numpy as np

    match kind:
        case TensorOf(dtype):
            return np.asarray(value, dtype)
        case Scalar(name) if name != "string":
            return np.asarray(value, {"float": "float32", "double": "float64"}.get(name, name))
    return np.asarray(value, dtype=object)


def _with_elements(kind: type, message: Message) -> type:
    """Return a class like *kind* that refuses fields without elements: some graphs end the process on them."""
    names = [field.name for field in message.fields]

    def make(cls: type, *given: Any, **values: Any) -> Any:
        all_values = dict(zip(names, given, strict=False)) | values
        if empty := [name for name, value in all_values.items() if _is_empty(value)]:
            raise ValueError(f"no elements in {', '.join(empty)}: the graph cannot be run without any")
        return kind.__new__(cls, *given, **values)

    return type(kind.__name__, (kind,), {"__new__": make, "__slots__": ()})


def _is_empty(value: Any) -> bool:
    return not value if isinstance(value, list | tuple) else getattr(value, "size", 1) == 0
