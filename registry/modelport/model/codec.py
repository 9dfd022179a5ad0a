"""The codec: a message of a signature in its native, its JSON and its protobuf form."""

from __future__ import annotations

import keyword
import types
from collections import namedtuple
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.model.exchange import Exchange
from modelport.model.json_form import message_from_json, message_to_json, normalize
from modelport.model.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model.spec import Message, ModelSpec

__all__ = ["Codec"]


@dataclass(frozen=True, slots=True)
class Codec:
    """Reads and writes the messages of one signature, with a Python class for each.

    Without a model's own classes (:meth:`bare`) it serves a client that only has the signature.
    """

    spec: ModelSpec
    records: Mapping[str, Record]

    @property
    def types(self) -> dict[str, type]:
        """The Python class of each message."""
        return {name: record.kind for name, record in self.records.items()}

    @classmethod
    def bare(cls, spec: ModelSpec) -> Codec:
        """Return a codec whose messages are plain named tuples."""
        return cls(spec, {m.name: Record.of_class(_plain_class(m)) for m in spec.messages})

    def exchange(self) -> Exchange:
        """Return a fresh exchange, to be shared by the two directions of one call."""
        return Exchange(self.spec, self.records)

    def from_json(self, document: object, message: str, exchange: Exchange | None = None) -> Any:
        """Return the native message; raise CallError with every misfit."""
        found = exchange or self.exchange()
        native = message_from_json(document, message, found)
        if found.guessed and not found.count:
            # A later field may have told the size: now it is known from the beginning.
            native = message_from_json(document, message, found)
        found.settle()
        return native

    def to_json(self, native: object, message: str, exchange: Exchange | None = None) -> dict[str, Any]:
        """Return the JSON form of a native message; raise CallError with every misfit."""
        found = exchange or self.exchange()
        plain = normalize(native, message, found)
        found.settle()
        return message_to_json(plain, message, self.spec)

    def from_bytes(self, data: bytes, message: str, exchange: Exchange | None = None) -> Any:
        """Return the native message in protobuf bytes; raise CallError with every misfit."""
        from modelport.model.wire import message_from_bytes

        found = exchange or self.exchange()
        native = message_from_bytes(data, message, found)
        found.settle()
        return native

    def to_bytes(self, native: object, message: str, exchange: Exchange | None = None) -> bytes:
        """Return the protobuf bytes of a native message; raise CallError with every misfit."""
        from modelport.model.wire import message_to_bytes

        found = exchange or self.exchange()
        plain = normalize(native, message, found)
        found.settle()
        return message_to_bytes(plain, message, self.spec)


def _plain_class(message: Message) -> type:
    names = [f.name for f in message.fields]
    if any(keyword.iskeyword(n) for n in (message.name, *names)):
        # Another language's model may call a field `class`: a named tuple cannot, getattr() and ** can.
        return types.new_class(message.name, (types.SimpleNamespace,))
    return namedtuple(message.name, names)  # noqa: PYI024 - the fields are known only now
