"""PyTorch's modules and tensors as ``.safetensors``: weights that any reader opens, and what a module is made of.

A module is built again without calling its constructor: what it holds counts, not how it was made. So its class needs
no particular arguments, and all of its plain attributes come back. Classes of ``torch.nn`` go by their names; those of
the user's are handed in by the packed code, which has their source. The file itself imports nothing.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, ClassVar

from modelport.errors import FormatError, PackError
from modelport.package.state.attributes import NotPlainError, plain, restored
from modelport.package.state.safetensors import TensorBytes, read_tensors, write_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["TorchBackend"]

_ABOUT = "modelport"
_DTYPES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64",
    "F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64",
}  # fmt: skip
_OWN = ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set", "training")
_HINT = "pack the module in eager mode, made of torch.nn's layers, plain attributes and classes of your own"


class TorchBackend:
    """Keeps modules, single tensors, and dicts of tensors by name."""

    suffix: ClassVar[str] = ".safetensors"
    imports: ClassVar[tuple[str, ...]] = ("torch",)

    def keeps(self, value: object) -> bool:
        """Tell whether *value* is a module, a tensor, TorchScript's function, or a dict of tensors by name."""
        torch = sys.modules.get("torch")
        if torch is None or not hasattr(torch, "jit"):
            return False
        kinds = (torch.nn.Module, torch.Tensor, torch.jit.ScriptFunction)
        tensors = isinstance(value, dict) and value and all(isinstance(one, torch.Tensor) for one in value.values())
        return isinstance(value, kinds) or bool(tensors)

    def classes(self, value: Any) -> tuple[type, ...]:
        """Return the classes of *value*'s modules that are not torch's own, each once, in order of their names."""
        torch = sys.modules["torch"]
        if not isinstance(value, torch.nn.Module) or isinstance(value, torch.jit.ScriptModule):
            return ()
        found = {type(one) for one in value.modules() if not _is_torchs(type(one))}
        names = [one.__name__ for one in found]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise PackError(f"two classes of modules are called {twice[0]}", hint="rename one of the two")
        return tuple(sorted(found, key=lambda one: one.__name__))

    def save(self, value: Any, file: Path) -> tuple[str, ...]:
        """Write the tensors, and what else there is to say in the file's metadata."""
        import torch

        if isinstance(value, torch.jit.ScriptModule | torch.jit.ScriptFunction):
            raise PackError("a TorchScript module is code, which is not kept as data", hint=_HINT)
        keeper = _Keeper()
        if isinstance(value, torch.nn.Module):
            said: dict[str, Any] = {"kind": "module", "module": keeper.module(value, "")}
        elif isinstance(value, torch.Tensor):
            said = {"kind": "tensor", "tensor": keeper.tensor(value, "tensor")}
        else:
            if not all(isinstance(key, str) and key != "__metadata__" for key in value):
                raise PackError("a dict of tensors has keys that name none", hint="name its tensors by texts")
            said = {"kind": "tensors", "tensors": [[key, keeper.tensor(one, key)] for key, one in value.items()]}
        about = json.dumps(said, separators=(",", ":"), sort_keys=True)
        write_tensors(file, keeper.tensors, {_ABOUT: about, "format": "pt"})
        return ()

    def load(self, file: Path, *classes: type) -> object:
        """Return the module or the tensors; *classes* are those that the file may ask for besides torch's own."""
        tensors, about = read_tensors(file)
        try:
            said = json.loads(about.get(_ABOUT, "{}"))
            builder = _Builder(tensors, {one.__name__: one for one in classes})
            if said.get("kind") == "module":
                return builder.module(said["module"])
            if said.get("kind") == "tensor":
                return builder.tensor(said["tensor"])
            foreign = [[key, {"name": key}] for key in tensors]  # a file that another tool wrote
            names: list[Any] = said["tensors"] if said.get("kind") == "tensors" else foreign
            return {str(name): builder.tensor(one) for name, one in names}
        except FormatError as error:
            raise FormatError(f"{file}: {error.message}", hint=error.hint) from error
        except (AttributeError, LookupError, RecursionError, RuntimeError, TypeError, ValueError) as error:
            raise FormatError(f"{file} does not say what its tensors are of: {error}") from error


class _Keeper:
    """Writes modules down; objects that are shared are written once."""

    def __init__(self) -> None:
        self.tensors: dict[str, TensorBytes] = {}
        self._names: dict[int, str] = {}
        self._modules: dict[int, int] = {}

    def module(self, module: Any, prefix: str) -> dict[str, Any]:
        import torch

        where = f"the module {prefix.rstrip('.') or type(module).__name__}"
        if id(module) in self._modules:
            return {"same": self._modules[id(module)]}
        self._modules[id(module)] = len(self._modules)
        bare, held = vars(torch.nn.Module()), vars(module)
        kind: Any = type(module)
        if kind.__reduce_ex__ is not object.__reduce_ex__ or kind.__getstate__ is not object.__getstate__:
            raise PackError(f"{where} has a way of its own to be kept, which would be code", hint=_HINT)
        if hooks := sorted(key for key in bare.keys() - {*_OWN} if key in held and held[key] != bare[key]):
            raise PackError(f"{where} has {hooks[0].strip('_')}, which are code", hint=_HINT)
        own = {**held["_parameters"], **held["_buffers"]}
        attributes = {}
        for key in sorted(held.keys() - bare.keys()):
            try:
                attributes[key] = plain(held[key], own)
            except NotPlainError as error:
                raise PackError(f"{where} has the attribute {key!r}: {error}", hint=_HINT) from error
        return {
            "class": f"torch.nn.{kind.__name__}" if _is_torchs(kind) else kind.__name__,
            "training": module.training,
            "attributes": attributes,
            "parameters": [[k, v if v is None else self.tensor(v, prefix + k)] for k, v in held["_parameters"].items()],
            "buffers": [[k, v if v is None else self.tensor(v, prefix + k)] for k, v in held["_buffers"].items()],
            "passing": sorted(held["_non_persistent_buffers_set"]),
            "modules": [[k, v if v is None else self.module(v, f"{prefix}{k}.")] for k, v in held["_modules"].items()],
        }

    def tensor(self, tensor: Any, name: str) -> dict[str, Any]:
        """Keep *tensor* and return how it is called."""
        import torch

        plain_kind = type(tensor) in {torch.Tensor, torch.nn.Parameter}
        dtypes = {getattr(torch, dtype): short for short, dtype in _DTYPES.items()}
        if not plain_kind or tensor.layout is not torch.strided or tensor.dtype not in dtypes or tensor.is_quantized:
            raise PackError(
                f"the tensor {name!r} is a {type(tensor).__name__} of {tensor.dtype}, which safetensors does not hold",
                hint="keep dense tensors of plain numbers, and fit lazy modules first",
            )
        if id(tensor) not in self._names:
            self._names[id(tensor)] = name
            data = tensor.detach().cpu().contiguous()
            content = bytes(data.reshape(-1).view(torch.uint8).numpy()) if data.numel() else b""
            self.tensors[name] = TensorBytes(dtypes[tensor.dtype], tuple(tensor.shape), content)
        said: dict[str, Any] = {"name": self._names[id(tensor)]}
        return said | ({"trained": tensor.requires_grad} if isinstance(tensor, torch.nn.Parameter) else {})


class _Builder:
    """Builds modules from what was written down."""

    def __init__(self, tensors: Mapping[str, TensorBytes], classes: Mapping[str, type]) -> None:
        self._bytes = tensors
        self._classes = classes
        self._tensors: dict[tuple[str, bool | None], Any] = {}
        self._modules: list[Any] = []

    def module(self, said: dict[str, Any]) -> Any:
        import torch

        if "same" in said:
            return self._modules[said["same"]]
        kind: Any = self._class(str(said["class"]))
        module = kind.__new__(kind)
        torch.nn.Module.__init__(module)
        self._modules.append(module)
        held = vars(module)
        bare = set(held)
        held["training"] = bool(said["training"])
        held["_parameters"].update((str(k), v and self.tensor(v, needs=True)) for k, v in said["parameters"])
        held["_buffers"].update((str(k), v and self.tensor(v)) for k, v in said["buffers"])
        held["_non_persistent_buffers_set"].update(map(str, said["passing"]))
        held["_modules"].update((str(k), v and self.module(v)) for k, v in said["modules"])
        own = {**held["_parameters"], **held["_buffers"]}
        for key, value in said["attributes"].items():
            if key in bare or key.startswith("__"):
                raise FormatError(f"it says {key!r} of a module, which is torch's own")
            held[key] = restored(value, own)
        return module

    def tensor(self, said: dict[str, Any], *, needs: bool = False) -> Any:
        """Return a tensor by its name; a parameter where *needs* it."""
        import torch

        trained = bool(said["trained"]) if "trained" in said else None
        if needs and trained is None:
            raise FormatError("one of its parameters is none")
        name = str(said["name"])
        if (name, trained) not in self._tensors:
            kept = self._bytes[name]
            dtype = getattr(torch, _DTYPES[kept.dtype])
            flat = torch.frombuffer(bytearray(kept.data), dtype=dtype) if kept.data else torch.empty(0, dtype=dtype)
            tensor = flat.reshape(kept.shape)
            self._tensors[name, trained] = tensor if trained is None else torch.nn.Parameter(tensor, trained)
        return self._tensors[name, trained]

    def _class(self, name: str) -> type:
        import torch

        kind = self._classes.get(name) or (_torchs(name[len("torch.nn.") :]) if name.startswith("torch.nn.") else None)
        if kind is None or not issubclass(kind, torch.nn.Module):
            raise FormatError(f"it asks for the class {name!r}, which is neither torch.nn's nor the packed code's")
        return kind


def _is_torchs(kind: type) -> bool:
    return _torchs(kind.__name__) is kind


def _torchs(name: str) -> type | None:
    """Return the layer of torch.nn called *name*, or None; attention keeps one that torch.nn itself does not show."""
    torch = sys.modules["torch"]
    kind: Any = getattr(torch.nn, name, None) or getattr(torch.nn.modules.linear, name, None)
    layer = isinstance(kind, type) and issubclass(kind, torch.nn.Module)
    return kind if layer and kind.__module__.startswith("torch.nn.modules.") else None
