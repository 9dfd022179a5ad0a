"""A smallest value of each message, for those who have no example to start from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from modelport.model.kinds import EnumRef, ListOf, MapOf, MessageRef, Scalar, TensorOf, single

if TYPE_CHECKING:
    from modelport.model.about import About
    from modelport.model.kinds import FieldType, Single
    from modelport.model.spec import ModelSpec

__all__ = ["sample"]

_ZEROS: dict[str, Any] = {"bool": False, "string": "", "bytes": ""}


def sample(name: str, spec: ModelSpec) -> dict[str, Any]:
    """Return a small message *name* in JSON form.

    It holds defaults, zeros or the numbers of the range that are nearest to zero, empty texts, first members, and one
    element where any number may stand.
    """
    fields = spec.message(name).fields
    return {f.name: f.default if f.has_default else _value(f.type, f.about, spec) for f in fields}


def _value(kind: FieldType, about: About, spec: ModelSpec) -> Any:  # noqa: ANN401 - JSON
    value = _single(single(kind), about, spec)
    return [value] if isinstance(kind, ListOf) else {"key": value} if isinstance(kind, MapOf) else value


def _single(kind: Single, about: About, spec: ModelSpec) -> Any:  # noqa: ANN401 - JSON
    match kind:
        case Scalar(name):
            return _scalar(name, about)
        case EnumRef(name):
            return spec.enum(name).members[0][0]
        case MessageRef(name):
            return sample(name, spec)
        case TensorOf(dtype, shape):
            value = _scalar(dtype, about)
            for size in reversed(shape):
                value = [value] * (size if isinstance(size, int) else 1)
            return value


def _scalar(name: str, about: About) -> Any:  # noqa: ANN401 - JSON
    if name in _ZEROS:
        return _ZEROS[name]
    least = -math.inf if about.minimum is None else about.minimum
    most = math.inf if about.maximum is None else about.maximum
    if name.startswith(("float", "double")):
        return min(max(0.0, least), most)
    return math.ceil(least) if least > 0 else math.floor(most) if most < 0 else 0
