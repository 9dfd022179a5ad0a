"""The plain attributes of a PyTorch module as JSON, and back.

JSON has no tuples and no tensors: whatever is more than a number, a text or nothing is an object with one key that says
what it is.
"""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["NotPlainError", "plain", "restored"]

_FUNCTIONS = {
    "celu", "elu", "gelu", "glu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log_softmax", "logsigmoid",
    "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "tanh",
}  # fmt: skip
"""Functions of numbers of torch.nn.functional that modules keep; torch's own of the same names, too."""
_ATOMS = (bool, int, str, type(None))


class NotPlainError(Exception):
    """What an attribute holds that is not plain data."""


def plain(value: Any, own: Mapping[str, Any]) -> Any:
    """Return *value* as JSON; *own* are the module's parameters and buffers, which it may refer to.

    Raises:
        NotPlainError: It is something else.
    """
    kind = type(value)
    if kind in _ATOMS or (kind is float and math.isfinite(value)):
        return value
    if kind is float:
        return {"float": repr(value)}
    return _of_container(value, own) or _of_torch(value, own)


def restored(said: Any, own: Mapping[str, Any]) -> Any:
    """Return what :func:`plain` wrote down; raise FormatError for anything else."""
    if type(said) in {*_ATOMS, float}:
        return said
    if isinstance(said, dict) and len(said) == 1:
        ((kind, inner),) = said.items()
        if kind in _READERS:
            return _READERS[kind](inner, own)
    raise FormatError("it says of an attribute what nobody writes")


def _of_container(value: Any, own: Mapping[str, Any]) -> Any:
    """Return a list, a tuple, a dict or a set as JSON, or nothing where *value* is none of them."""
    import torch

    kind, tag = type(value), {list: "list", tuple: "tuple", torch.Size: "size"}.get(type(value))
    if tag:
        return {tag: [plain(one, own) for one in value]}
    if kind is dict and all(type(key) is str for key in value):
        return {"dict": [[key, plain(one, own)] for key, one in value.items()]}
    if kind in {set, frozenset} and all(type(one) in {int, str} for one in value):
        return {kind.__name__: sorted(value, key=lambda one: (type(one).__name__, one))}
    return None


def _of_torch(value: Any, own: Mapping[str, Any]) -> dict[str, Any]:
    import torch

    target = value() if isinstance(value, weakref.ref) else value
    if isinstance(target, torch.Tensor):
        name = next((name for name, one in own.items() if one is target), None)
        if name is None:
            raise NotPlainError("a tensor that is neither a parameter nor a buffer of its own")
        return {"tensor" if target is value else "reference": name}
    if isinstance(value, torch.dtype | torch.device):
        return {type(value).__name__: str(value).removeprefix("torch.")}
    name = getattr(value, "__name__", "")
    for place in (torch.nn.functional, torch):
        if name in _FUNCTIONS and getattr(place, name, None) is value:
            return {"function": f"{place.__name__}.{name}"}
    raise NotPlainError(f"a {type(value).__name__}, which is not plain data")


def _function(said: Any, _own: Mapping[str, Any]) -> Any:
    import torch

    place, _, name = str(said).rpartition(".")
    places = {"torch": torch, "torch.nn.functional": torch.nn.functional}
    if place not in places or name not in _FUNCTIONS:
        raise FormatError(f"it asks for the function {said!r}, which no module keeps")
    return getattr(places[place], name)


def _dtype(said: Any, _own: Mapping[str, Any]) -> Any:
    import torch

    if not isinstance(found := getattr(torch, str(said), None), torch.dtype):
        raise FormatError(f"it asks for the dtype {said!r}, which torch does not have")
    return found


def _device(said: Any, _own: Mapping[str, Any]) -> Any:
    import torch

    return torch.device(str(said))


def _size(said: Any, own: Mapping[str, Any]) -> Any:
    import torch

    return torch.Size(restored(one, own) for one in said)


_READERS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "float": lambda said, _: float(said),
    "list": lambda said, own: [restored(one, own) for one in said],
    "tuple": lambda said, own: tuple(restored(one, own) for one in said),
    "size": _size,
    "dict": lambda said, own: {str(key): restored(one, own) for key, one in said},
    "set": lambda said, _: set(said),
    "frozenset": lambda said, _: frozenset(said),
    "tensor": lambda said, own: own[said],
    "reference": lambda said, own: weakref.ref(own[said]),
    "function": _function,
    "dtype": _dtype,
    "device": _device,
}
