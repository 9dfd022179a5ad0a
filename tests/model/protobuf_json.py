"""Our JSON form as protobuf's own JSON writes it, where both say how."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from google.protobuf.internal.type_checkers import ToShortestFloat

from modelport.model.kinds import FieldType, ListOf, MapOf, MessageRef, OptionalOf, Scalar, TensorOf, single

if TYPE_CHECKING:
    from modelport.model import ModelSpec

__all__ = ["as_protobuf", "without_tensors"]


def as_protobuf(document: Any, kind: FieldType, spec: ModelSpec) -> Any:  # noqa: PLR0911 - one for each kind
    """Return *document* as protobuf writes it: tensors, which it writes otherwise, are left out.

    64-bit integers are strings there; an optional field without a value is left out.
    """
    match kind:
        case Scalar("int64" | "uint64"):
            return str(document)
        case Scalar("float") if isinstance(document, float):
            # Protobuf never writes fewer than six digits; near zero ours are fewer, for the same 32 bits.
            return ToShortestFloat(struct.unpack("<f", struct.pack("<f", document))[0])
        case Scalar("float16") if isinstance(document, float):
            # Ours has the digits that 16 bits need.
            return ToShortestFloat(struct.unpack("<e", struct.pack("<e", document))[0])
        case ListOf(item):
            return [as_protobuf(one, item, spec) for one in document]
        case MapOf(item):
            return {key: as_protobuf(one, item, spec) for key, one in document.items()}
        case OptionalOf(item):
            return as_protobuf(document, item, spec)
        case MessageRef(name):
            fields = [f for f in spec.message(name).fields if not isinstance(single(f.type), TensorOf)]
            return {f.name: as_protobuf(document[f.name], f.type, spec) for f in fields if document[f.name] is not None}
        case _:
            return document


def without_tensors(shown: dict[str, Any], name: str, spec: ModelSpec) -> dict[str, Any]:
    """Return protobuf's JSON of the message *name* without its tensors."""
    kinds = {f.name: single(f.type) for f in spec.message(name).fields}
    return {key: value for key, value in shown.items() if not isinstance(kinds[key], TensorOf)}
