"""One method's arguments, checked and written, and its answers, read: what passes before and after the wire.

Arguments are what the method takes in process: its fields by position or by name, or its message. They are written as
Python has them where they fit; otherwise they are gone through one by one, so that an error names every field.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from modelport.client.values import defaults_of
from modelport.errors import CallError
from modelport.model import About, Codec
from modelport.model.given import Given
from modelport.model.infer import MethodTypes
from modelport.model.kinds import MapOf, MessageRef, single

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelport.model.exchange import Exchange
    from modelport.model.spec import MethodSpec, ModelSpec

__all__ = ["JSON", "LINES", "MEDIA_TYPES", "Call", "Form", "lenient"]

JSON, LINES = "application/json", "application/x-ndjson"
Form = Literal["protobuf", "json"]
"""How messages travel."""

MEDIA_TYPES: dict[Form, str] = {"protobuf": "application/x-protobuf", "json": JSON}


def lenient(codec: Codec) -> Codec:
    """Return *codec* without ranges: they bind callers, and what a model answered is what it answered."""
    spec = codec.spec
    bare = (
        replace(m, fields=tuple(replace(f, about=About(media_types=f.about.media_types)) for f in m.fields))
        for m in spec.messages
    )
    return Codec(replace(spec, messages=tuple(bare)), codec.records, codec.enums)


class Call:
    """How one method is called.

    Attributes:
        method: Its name, messages and docstring.
        defaults: What each field of its arguments is that may be left out, when it is.
    """

    def __init__(self, codec: Codec, answers: Codec, method: MethodSpec) -> None:
        self.method = method
        self._codec, self._answers = codec, answers
        message = codec.spec.message(method.input)
        self.defaults = defaults_of(message, codec)
        self._names = frozenset(f.name for f in message.fields)
        # One dictionary alone is the message, unless the first field may be meant.
        spread = not message.fields or isinstance(message.fields[0].type, MapOf | MessageRef)
        types = MethodTypes(positional=(), keywords=(), spread=spread, wrap=False, void=False)
        self._given = Given(codec, method, types)
        self._has_ranges = _has_ranges(codec.spec, method.input, set())

    @property
    def input_type(self) -> type:
        """The class of the message that the method takes."""
        return self._codec.types[self.method.input]

    @property
    def output_type(self) -> type:
        """The class of the message that the method gives."""
        return self._codec.types[self.method.output]

    def write(self, given: Sequence[Any], named: Mapping[str, Any], form: Form, exchange: Exchange) -> bytes:
        """Return the body for these arguments.

        Raises:
            CallError: They do not fit; every field that does not is named.
        """
        value = self._given.named(given, named)
        if not isinstance(value, dict):
            if isinstance(value, self.input_type):
                return self._written(value, form, exchange)
            value = {name: getattr(value, name) for name in self._names}
        whole = {**self.defaults, **value}
        if whole.keys() == self._names:
            found = exchange.copy()
            try:
                body = self._written(self.input_type(**whole), form, found)
            except CallError:
                pass  # what does not fit is told below, all of it
            else:
                exchange.become(found)
                return body
        return self._written(self._given.called((), value), form, exchange)

    def read(self, content: bytes, media_type: str, exchange: Exchange) -> Any:
        """Return the answer that a body holds.

        Raises:
            CallError: It is not the method's answer.
        """
        if media_type.partition(";")[0].strip().lower() != JSON:
            return self._answers.from_bytes(content, self.method.output, exchange)
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise CallError([f"the answer is not JSON: {error}"]) from error
        return self._answers.from_json(document, self.method.output, exchange)

    def _written(self, native: object, form: Form, exchange: Exchange) -> bytes:
        codec, name = self._codec, self.method.input
        if form == "protobuf":
            body = codec.to_bytes(native, name, exchange)
            if self._has_ranges:
                codec.from_bytes(body, name)
            return body
        document = codec.to_json(native, name, exchange)
        if self._has_ranges:
            codec.from_json(document, name)
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _has_ranges(spec: ModelSpec, message: str, seen: set[str]) -> bool:
    if message in seen:
        return False
    seen.add(message)
    for field in spec.message(message).fields:
        if field.about.minimum is not None or field.about.maximum is not None:
            return True
        inner = single(field.type)
        if isinstance(inner, MessageRef) and _has_ranges(spec, inner.name, seen):
            return True
    return False
