"""``POST /model/methods/<method>``: a call, as JSON, protobuf or one raw field in, and as one of these out.

A call is read (the caller's mistakes end here), runs in a worker together with the writing of its answer, and is sent.
Reading apart from running keeps bad calls out of the line, and is where calls could be put together into batches.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from functools import partial
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

log = logging.getLogger(__name__)

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

    def run(self, native: Any, exchange: Any) -> bytes:  # noqa: ANN401 - the user's own classes
        """Return the answer's bytes; raise ModelError if the model fails or its answer does not fit."""
        name = self.method.spec.output
        try:
            answer = self.method(native)
        except CallError as error:  # a model file's graph has the last word on what fits
            raise arguments_do_not_fit(self.method.spec.name, error) from None
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
    try:
        work = partial(call.run, native, exchange)
        content = await service.workers.run(work, seconds=limits.call_seconds, gone=_gone(request))
    except ProblemError:
        raise
    except Exception:
        log.exception("%s failed", name, extra={"request_id": request.state.request_id})
        detail = f"{name} failed on these arguments; the service's log says why under this request's id"
        raise ProblemError("model-failed", detail) from None
    return Response(status_code=_CLIENT_GONE) if content is None else Response(content, media_type=given)


async def _gone(request: Request) -> None:
    """Return when the caller has closed the connection; the body has been read by then."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
