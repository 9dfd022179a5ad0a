"""``POST /model/methods/<method>``: a call, as JSON, protobuf or one raw field in, and as one of these out.

A call is read (the caller's mistakes end here), runs in a worker together with the writing of its answer, and is sent.
Reading apart from running keeps bad calls out of the line, and is where calls could be put together into batches.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from modelport.errors import CallError, ModelError
from modelport.serve.json_text import read_json
from modelport.serve.media import Form, answer_type, form_of, request_type
from modelport.serve.problem import ProblemError, arguments_do_not_fit
from modelport.serve.raw import raw_answer, raw_answer_types, raw_arguments, raw_types

if TYPE_CHECKING:
    from starlette.requests import Request

    from modelport.model import Codec, Method
    from modelport.serve.limits import Limits
    from modelport.serve.service import Service

__all__ = ["answer_call"]

_READ_INLINE = 16 * 1024  # bytes that are read before another request would notice
_CLIENT_GONE = 499  # nobody receives it; it stands in the log, as other servers write it


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a method: how its body is to be read and its answer to be written."""

    method: Method
    codec: Codec
    taken: Form
    given: Form

    def read(self, body: bytes, limits: Limits) -> tuple[Any, Any]:
        """Return the native input message, and the exchange that its answer has to agree with."""
        exchange, name = self.codec.exchange(), self.method.spec.input
        try:
            if self.taken is Form.JSON:
                return self.codec.from_json(read_json(body, limits), name, exchange), exchange
            if self.taken is Form.RAW:
                return self.codec.from_json(
                    raw_arguments(body, self.codec.spec.message(name)), name, exchange
                ), exchange
            return self.codec.from_bytes(body, name, exchange), exchange
        except CallError as error:
            if self.taken is Form.PROTOBUF and not self._is_message(body):
                detail = f"the body is not the protobuf message {self.codec.spec.proto_package}.{name}"
                raise ProblemError("malformed-protobuf", detail) from None
            raise arguments_do_not_fit(self.method.spec.name, error) from None

    def write(self, answer: Any, exchange: Any) -> bytes:  # noqa: ANN401 - the user's own classes
        """Return the answer's bytes; raise ModelError if it does not fit."""
        name = self.method.spec.output
        try:
            if self.given is Form.PROTOBUF:
                return self.codec.to_bytes(answer, name, exchange)
            document = self.codec.to_json(answer, name, exchange)
            if self.given is Form.RAW:
                return raw_answer(document, self.codec.spec.message(name))
        except CallError as error:
            raise ModelError(f"{self.method.spec.name} gave an answer that does not fit: {error}") from error
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()

    def _is_message(self, body: bytes) -> bool:
        from google.protobuf.message import DecodeError

        from modelport.model.proto import message_classes

        try:
            message_classes(self.codec.spec)[self.method.spec.input].FromString(body)
        except DecodeError:
            return False
        return True


async def answer_call(request: Request) -> Response:
    """Answer a call; raise ProblemError for whatever stands in its way."""
    service: Service = request.app.state.service
    headers, model, limits = request.headers, service.model, service.limits
    name = request.path_params["method"]
    if name not in model.methods:
        raise ProblemError("not-found", f"the model has no such method; its methods are: {', '.join(model.methods)}")
    method = model.methods[name]
    taken_raw = raw_types(model.spec.message(method.spec.input))
    given_raw = raw_answer_types(model.spec.message(method.spec.output))
    taken = request_type(headers.get("content-type"), headers.get("content-encoding"), taken_raw)
    given = answer_type(headers.get("accept"), taken, given_raw)
    call = _Call(method, model.codec, form_of(taken), form_of(given))

    body = await service.uploads.read(request)
    if len(body) <= _READ_INLINE:
        native, exchange = call.read(body, limits)
    else:
        native, exchange = await asyncio.to_thread(call.read, body, limits)
    answer = await service.call(method, native, request_id=request.state.request_id, gone=_gone(request))
    if answer is None:
        return Response(status_code=_CLIENT_GONE)
    try:
        content = await asyncio.to_thread(call.write, answer, exchange)
    except Exception as error:  # noqa: BLE001 - a class of the user's may raise anything while it is read
        raise service.failure(method, error, request.state.request_id) from None
    return Response(content, media_type=given)


async def _gone(request: Request) -> None:
    """Return when the caller has closed the connection; the body has been read by then."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
