"""A bare Keras model, or a ``.keras`` file, as a model: its graph's inputs and outputs are its signature.

It is kept as ``.keras``, and code-bearing though nothing of its maker's is run: Keras builds its objects from the
file's configuration, by calling what that names, and its guards against hostile ones were got around more than once.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from modelport.errors import FormatError, PackError, SetupError
from modelport.model.exchange import RefusedError
from modelport.model.messages import check_identifier
from modelport.model.spec import MethodSpec
from modelport.package.files.model import FileModel, method_title, spec_of
from modelport.package.files.paths import read_file, read_license, state_file, state_path
from modelport.package.files.ports import check_side, fed, message_of
from modelport.package.state.keras import KerasBackend
from modelport.package.state.zips import write_zip
from modelport.package.tiers import CODE_BEARING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model.spec import Message, ModelSpec

__all__ = ["NetworkModel", "model_of_file", "restore"]

_REASON = "it is one Keras model, and Keras builds objects from what its file's configuration names"
_NAMES = {"float32": "float", "float64": "double"}


class _Tensor(NamedTuple):
    """A tensor of the graph, as `ports` takes it."""

    name: str
    type: str
    shape: tuple[int | str | None, ...]


class NetworkModel(FileModel):
    """A model that is one Keras 3 model, made of Keras's own layers.

    Args:
        network: The Keras model; it is built, so that its inputs and outputs are known.
        method: What its method is called; ``predict`` by default.
        name: What its file is called.

    Raises:
        PackError: It is not built, holds other layers than Keras's own, or takes or gives what no signature can say.
    """

    kind = "keras"

    def __init__(self, network: Any, *, method: str = "", name: str = "model") -> None:
        path, method = state_path(Path(f"{name}.keras"), ".keras"), method or "predict"
        check_identifier(method, f"method {method!r}")
        title = method_title(method)
        try:
            taken = message_of(f"{title}In", _inputs(network), {})
            given = message_of(f"{title}Out", _outputs(network), {})
        except FormatError as error:
            raise PackError(f"the Keras model {network.name!r}: {error.message}", hint=error.hint) from error
        methods = [MethodSpec(method, taken[0].name, given[0].name)]
        spec = spec_of([taken[0], given[0]], methods, hint="give its inputs and outputs other names, and build it anew")
        bindings = {method: {"file": path, "inputs": taken[1], "outputs": given[1]}}
        self._finish(network, spec, bindings, {path: _kept(network)})

    def _finish(
        self, network: Any, spec: ModelSpec, bindings: Mapping[str, Any], files: Mapping[str, bytes], terms: bytes = b""
    ) -> None:
        runners = {m.name: partial(_run, network, spec.message(m.input), bindings[m.name]) for m in spec.methods}
        needs = {*KerasBackend.imports, "numpy"}
        tier = CODE_BEARING, _REASON
        FileModel.__init__(self, spec, runners, bindings, files=files, modules=needs, tier=tier, license=terms)
        self.trained = network


def model_of_file(file: Path, *, method: str = "") -> NetworkModel:
    """Return the model that is a ``.keras`` file.

    Raises:
        PackError: It is no such file, or holds code.
        SetupError: Keras is not installed.
    """
    content = read_file(file)
    _check_needs()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.keras"
        copy.write_bytes(content)
        try:
            network = _loaded(copy)
        except FormatError as error:
            said = error.message.replace(str(copy), str(file))
            raise PackError(said, hint="write it with Keras 3: model.save('model.keras')") from error
    return NetworkModel(network, method=method, name=file.stem)


def restore(folder: Path, spec: ModelSpec, bindings: Mapping[str, Any]) -> NetworkModel:
    """Return the model whose method a Keras model in *folder* answers; raises as `restoring.restore` does."""
    _check_needs()
    (path,) = {binding["file"] for binding in bindings.values()}
    file = state_file(folder, path)
    network = KerasBackend().load(file)
    for method in spec.methods:
        binding = bindings[method.name]
        check_side(spec.message(method.input), binding["inputs"], _inputs(network), path)
        check_side(spec.message(method.output), binding["outputs"], _outputs(network), path)
    model = NetworkModel.__new__(NetworkModel)
    content, terms = file.read_bytes(), read_license(folder)
    model._finish(network, spec, bindings, {path: content}, terms)  # noqa: SLF001 - as its constructor does
    return model


def _check_needs() -> None:
    if missing := [name for name in KerasBackend.imports if find_spec(name) is None]:
        raise SetupError(
            f"{missing[0]} is not installed, which runs Keras models", hint="pip install 'modelport[keras]'"
        )


def _loaded(file: Path) -> Any:
    """Return the model in anybody's ``.keras`` file, which is first written as this project writes it."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = {one: archive.read(one) for one in archive.namelist()}
        json.loads(members["config.json"])
    except (zipfile.BadZipFile, EOFError, KeyError, NotImplementedError, RuntimeError, ValueError) as error:
        raise FormatError(f"{file} is not a .keras file: {error}") from error
    write_zip(file, members)
    return KerasBackend().load(file)


def _kept(network: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        KerasBackend().save(network, file)
        return file.read_bytes()


def _inputs(network: Any) -> list[_Tensor]:
    try:
        given = network.inputs
    except (AttributeError, ValueError):
        given = None
    if not given:
        raise FormatError(
            "it does not say what it takes", hint="begin it with keras.Input, or build it: model.build((None, 4))"
        )
    return [_tensor(one, one.name) for one in given]


def _outputs(network: Any) -> list[_Tensor]:
    return [_tensor(one, name) for one, name in zip(network.outputs, _output_names(network), strict=True)]


def _output_names(network: Any) -> list[str]:
    """Return the names of the outputs: a sequence of layers has none for its one."""
    names = getattr(network, "output_names", None)
    return list(names) if names else ["output"] if len(network.outputs) == 1 else [o.name for o in network.outputs]


def _tensor(tensor: Any, name: str) -> _Tensor:
    dtype = str(tensor.dtype)
    dimensions = tuple("n" if one is None and not place else one for place, one in enumerate(tensor.shape))
    return _Tensor(name, f"tensor({_NAMES.get(dtype, dtype)})", dimensions)


def _run(network: Any, taken: Message, binding: Mapping[str, Any], message: Any) -> Mapping[str, Any]:
    import numpy as np

    by_tensor = {binding["inputs"][f.name]: fed(getattr(message, f.name), f.type) for f in taken.fields}
    feeds = [by_tensor[one.name] for one in network.inputs]
    try:
        given = network(_like(network, feeds), training=False)
    except (ValueError, TypeError) as error:
        raise RefusedError(f"the model refuses these values: {' '.join(str(error).split())[:200]}") from error
    values = dict(zip(_output_names(network), _flat(given), strict=True))
    return {field: np.asarray(values[tensor]) for field, tensor in binding["outputs"].items()}


def _like(network: Any, feeds: list[Any]) -> Any:
    """Return the values as the model takes them: alone, in a list, or by name."""
    import keras

    structure = getattr(network, "_inputs_struct", None)
    if structure is None:
        return feeds[0] if len(feeds) == 1 else feeds
    return keras.tree.pack_sequence_as(structure, feeds)


def _flat(given: Any) -> list[Any]:
    import keras

    return [keras.ops.convert_to_numpy(one) for one in keras.tree.flatten(given)]
