"""What a caller may choose for a remote model, and for one call of it."""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.client.calls import JSON, LINES, MEDIA_TYPES, Form
from modelport.client.retries import Retries
from modelport.client.steps import Send
from modelport.errors import InputError
from modelport.types import REQUEST_ID

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    from modelport.client.contract import Contract
    from modelport.model.spec import MethodSpec

__all__ = ["Options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How calls are made.

    Attributes:
        timeout: Seconds for a whole call, as `modelport.connect` says; of a stream, until it begins, and then from one
            message to the next.
        retries: When a call is repeated.
        form: How messages travel: ``protobuf`` or ``json``. Streams are JSON.
        request_id: What the service's log calls the call; each call has an id of its own by default.

    Raises:
        InputError: One is not what it should be.
    """

    timeout: float = 60.0
    retries: Retries = field(default_factory=Retries)
    form: Form = "protobuf"
    request_id: str = ""

    def __post_init__(self) -> None:
        if self.form not in MEDIA_TYPES:
            raise InputError(f"form={self.form!r} is no form of messages", hint=f"use one of {', '.join(MEDIA_TYPES)}")
        if not self.timeout > 0:
            raise InputError(f"timeout={self.timeout!r} leaves no time", hint="give it in seconds")
        if self.request_id and not re.fullmatch(REQUEST_ID, str(self.request_id)):
            hint = "1 to 128 letters, digits, and any of . _ : -"
            raise InputError(f"request_id={self.request_id!r} is no id that a service takes", hint=hint)

    @property
    def end(self) -> float:
        """When a call that begins now must have been answered, on the monotonic clock."""
        return time.monotonic() + self.timeout

    def send(
        self, contract: Contract, method: MethodSpec, content: bytes | Iterable[bytes] | AsyncIterable[bytes]
    ) -> Send:
        """Return the request of a call."""
        media_type = MEDIA_TYPES[self.form]
        streams_in, streams_out = streams(method)
        headers = {
            "Content-Type": LINES if streams_in else media_type,
            "Accept": LINES if streams_out else JSON if streams_in else media_type,
            "X-Request-ID": str(self.request_id) or uuid.uuid4().hex,
            "If-Match": contract.tag,
        }
        path = f"model/methods/{method.name}"
        return Send("POST", path, headers, content, self.end, streamed=streams_out)


def streams(method: Any) -> tuple[bool, bool]:
    """Return whether *method* takes a stream, and whether it gives one."""
    return bool(getattr(method, "streams_in", False)), bool(getattr(method, "streams_out", False))
