"""``POST /model/methods/<method>``: a call, as JSON, protobuf or one raw field in, and as one of these out.

A call is read (the caller's mistakes end here), goes through `Service.call` and is written. What calls of a method have
in common is made once. Small bodies are read and written on the event loop, the others in a thread.
"""

from __future__ import annotations

from functools import cached_property, partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from modelport.errors import CallError, ModelError
from modelport.model.exchange import Exchange
from modelport.model.kinds import TensorOf
from modelport.serve.body import gone
from modelport.serve.condition import check_signature
from modelport.serve.json_text import quick_json, read_json, write_json
from modelport.serve.media import Form, answer_type, form_of, request_type
from modelport.serve.problem import ProblemError, arguments_do_not_fit
from modelport.serve.raw import raw_answer, raw_answer_types, raw_arguments, raw_types
from modelport.serve.reading import INLINE, answer_size, off_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import Receive

    from modelport.model import Method
    from modelport.model.codec import Way
    from modelport.serve.service import Service

__all__ = ["MethodCalls"]

_LONG = 0.001  # seconds of writing that another request would notice
_KEPT = 64  # combinations of headers whose meaning is kept


class _Forms:
    """How a body is read, how the answer is written, and what that is called."""

    __slots__ = ("content_type", "read", "write")

    def __init__(self, read: Callable[[bytes], Any], write: Callable[[Any, Exchange], bytes], given: str) -> None:
        self.read = read
        self.write = write
        text = given.startswith("text/")
        self.content_type = f"{given}; charset=utf-8".encode() if text else given.encode()


class MethodCalls:
    """The calls of one method.

    Attributes:
        name: The method's name.
    """

    def __init__(self, method: Method, service: Service) -> None:
        spec, codec = method.spec, service.model.codec
        self.name = spec.name
        self._method = method
        self._service = service
        self._codec = codec
        self._json = codec.json_way(spec)
        self._taken = codec.spec.message(spec.input)
        self._given = codec.spec.message(spec.output)
        self._taken_raw = raw_types(self._taken)
        self._given_raw = raw_answer_types(self._given)
        ranks = [len(f.type.shape or ()) for f in self._taken.fields if isinstance(f.type, TensorOf)]
        # The quick ways take nothing that nests deeper.
        self._may_be_quick = 1 + max(ranks, default=1) <= service.limits.json_depth
        self._known: dict[tuple[bytes | None, ...], _Forms] = {}
        self._writes_long = False

    @cached_property
    def _bytes(self) -> Way:
        return self._codec.bytes_way(self._method.spec)  # protobuf takes a while to import

    async def answer(
        self, headers: Mapping[bytes, bytes], receive: Receive, request_id: str, here: bytes | None = None
    ) -> tuple[bytes, bytes, float]:
        """Return an answer's body, its media type, and the seconds that it took once the call was here and read.

        What stands in the call's way is raised.

        Args:
            headers: The request's header fields; of those that stand more than once, the first.
            receive: Gives the body, and tells when the caller has gone away.
            request_id: What the log is to say.
            here: The body, if it is here already.

        Raises:
            ProblemError: The call is refused, or failed.
            ClientDisconnect: The caller has gone away.
        """
        get, service = headers.get, self._service
        if (match := get(b"if-match")) is not None:
            check_signature(match.decode("latin-1"), self._codec.spec.proto_package)
        key = get(b"content-type"), get(b"content-encoding"), get(b"accept")
        forms = self._known.get(key) or self._forms(key)
        declared = get(b"content-length", b"").decode("latin-1")
        (native, exchange), size = await service.uploads.message(forms.read, declared, receive, here)
        begun = perf_counter()
        answer = await service.call(self._method, native, request_id=request_id, gone=gone(receive), body=size)
        if answer is None:
            from starlette.requests import ClientDisconnect

            raise ClientDisconnect
        try:
            return await self._write(forms, answer, exchange), forms.content_type, perf_counter() - begun
        except Exception as error:  # noqa: BLE001 - a class of the user's may raise anything while it is read
            raise service.failure(self._method, error, request_id) from None

    async def _write(self, forms: _Forms, answer: Any, exchange: Exchange) -> bytes:  # noqa: ANN401 - the user's own
        size = INLINE + 1 if self._writes_long else answer_size(answer)
        return await off_loop(size, partial(self._written, forms, answer, exchange))

    def _written(self, forms: _Forms, answer: Any, exchange: Exchange) -> bytes:  # noqa: ANN401 - the user's own
        start = perf_counter()
        content = forms.write(answer, exchange)
        self._writes_long = perf_counter() - start > _LONG  # as this answer, so probably the next one
        return content

    def _forms(self, key: tuple[bytes | None, ...]) -> _Forms:
        """Return what these header fields mean: Content-Type, Content-Encoding and Accept."""
        content_type, content_encoding, accept = (None if v is None else v.decode("latin-1") for v in key)
        taken = request_type(content_type, content_encoding, self._taken_raw)
        given = answer_type(accept, taken, self._given_raw)
        reads = {Form.JSON: self._read_json, Form.PROTOBUF: self._read_bytes, Form.RAW: self._read_raw}
        writes = {Form.JSON: self._write_json, Form.PROTOBUF: self._write_bytes, Form.RAW: self._write_raw}
        forms = _Forms(reads[form_of(taken)], writes[form_of(given)], given)
        if len(self._known) >= _KEPT:
            del self._known[next(iter(self._known))]  # the oldest: strangers must not take all places for ever
        self._known[key] = forms
        return forms

    def _read_json(self, body: bytes) -> tuple[Any, Exchange]:
        if self._may_be_quick:
            document = quick_json(body, self._service.limits)
            if document is not None:
                exchange = Exchange()
                native = self._json.quick_read(document, exchange.sizes)
                if native is not None:
                    return native, exchange
        return self._read_document(read_json(body, self._service.limits))

    def _read_raw(self, body: bytes) -> tuple[Any, Exchange]:
        try:
            document = raw_arguments(body, self._taken)
        except CallError as error:
            raise arguments_do_not_fit(self.name, error) from None
        return self._read_document(document)

    def _read_document(self, document: Any) -> tuple[Any, Exchange]:  # noqa: ANN401 - JSON
        exchange = Exchange()
        try:
            return self._codec.from_json(document, self._taken.name, exchange), exchange
        except CallError as error:
            raise arguments_do_not_fit(self.name, error) from None

    def _read_bytes(self, body: bytes) -> tuple[Any, Exchange]:
        exchange = Exchange()
        native = self._bytes.quick_read(body, exchange.sizes)
        if native is not None:
            return native, exchange
        exchange = Exchange()
        try:
            return self._codec.from_bytes(body, self._taken.name, exchange), exchange
        except CallError as error:
            if not self._is_message(body):
                detail = f"the body is not the protobuf message {self._codec.spec.proto_package}.{self._taken.name}"
                raise ProblemError("malformed-protobuf", detail) from None
            raise arguments_do_not_fit(self.name, error) from None

    def _is_message(self, body: bytes) -> bool:
        from google.protobuf.message import DecodeError

        from modelport.model.proto import message_classes

        try:
            message_classes(self._codec.spec)[self._taken.name].FromString(body)
        except DecodeError:
            return False
        return True

    def _write_json(self, answer: Any, exchange: Exchange) -> bytes:  # noqa: ANN401 - the user's own classes
        document = self._json.quick_write(answer, exchange.sizes.copy())
        return write_json(self._document(answer, exchange) if document is None else document)

    def _write_bytes(self, answer: Any, exchange: Exchange) -> bytes:  # noqa: ANN401 - the user's own classes
        content: bytes | None = self._bytes.quick_write(answer, exchange.sizes.copy())
        if content is not None:
            return content
        try:
            return self._codec.to_bytes(answer, self._given.name, exchange)
        except CallError as error:
            raise self._unfit(error) from error

    def _write_raw(self, answer: Any, exchange: Exchange) -> bytes:  # noqa: ANN401 - the user's own classes
        return raw_answer(self._document(answer, exchange), self._given)

    def _document(self, answer: Any, exchange: Exchange) -> Any:  # noqa: ANN401 - the user's own classes, JSON
        try:
            return self._codec.to_json(answer, self._given.name, exchange)
        except CallError as error:
            raise self._unfit(error) from error

    def _unfit(self, error: CallError) -> ModelError:
        return ModelError(f"{self.name} gave an answer that does not fit: {error}")
