"""The edge server's own door: plans for devices, and their statistics. The models answer beside it, each a service.

===========================  ==========================================================================
``GET /edge/plan``           what a class of devices shall keep: ``?device=CLASS``, ``&budget=BYTES``
``GET /edge/variants``       what there is, on the server and for devices
``POST /edge/statistics``    a batch of what a device measured: small, checked, without inputs
``GET /health/live``         the process runs
===========================  ==========================================================================

Every error is a problem (`modelport.serve.problem`), as a service's are.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from modelport.edge.documents import checked
from modelport.edge.offers import known_variants, plan_document, variants_document
from modelport.edge.statistics import FullError, receipt_document
from modelport.errors import FormatError, InputError, ModelportError, NotFoundError, SetupError
from modelport.serve.problem import CLIENT_GONE, ProblemError, not_allowed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request

    from modelport.edge.offers import Offer
    from modelport.edge.statistics import Statistics

__all__ = ["BODY_BYTES", "create_app"]

log = logging.getLogger(__name__)
T = TypeVar("T")

BODY_BYTES = 128 * 1024
"""The most bytes of a batch."""
_BODY_SECONDS = 10.0
_DAY_SECONDS = 24 * 60 * 60
_DETAIL_LENGTH = 2000
_MOST_TOLD = 1000
_PLACED = re.compile(r"(?:the batch: )?((?:batch|budget|device|figures|requests|schema)(?:/\S*)?): ")
"""How a message begins that says where the mistake is, in a batch or in a query."""


def create_app(
    offers: Sequence[Offer], statistics: Statistics, *, storage: Mapping[str, int] | None = None
) -> Starlette:
    """Return the ASGI application.

    Args:
        offers: The models that the server answers with.
        statistics: Where devices' figures are kept.
        storage: Bytes that models may take on a class of devices, where its profile says it.
    """
    known, planning, uncounted = known_variants(offers), asyncio.Lock(), _Uncounted()

    async def plan(request: Request) -> Response:
        device, budget = _asked(request)
        async with planning:  # one may take seconds of a core: strangers are to get no more of them than one
            made = await _kept(lambda: plan_document(offers, statistics, device, budget, storage=storage))
            return JSONResponse(made)

    async def variants(_: Request) -> Response:
        return JSONResponse(variants_document(offers))

    async def take(request: Request) -> Response:
        batch = _batch(await _body(request))
        try:
            receipt = await _kept(lambda: statistics.take(batch, known))
        except FullError as error:  # who is refused so keeps it: another day takes it
            headers = {"Retry-After": str(_DAY_SECONDS)}
            raise ProblemError("overloaded", _one_line(error), headers=headers) from error
        if receipt is not None and receipt.left:
            uncounted.tell(batch["device"], [one.message for one in receipt.left])
        return JSONResponse(receipt_document(receipt))

    async def live(_: Request) -> Response:
        return JSONResponse({"live": True})

    app = Starlette(
        routes=[
            Route("/edge/plan", plan, methods=["GET"]),
            Route("/edge/variants", variants, methods=["GET"]),
            Route("/edge/statistics", take, methods=["POST"]),
            Route("/health/live", live, methods=["GET"]),
        ],
        exception_handlers={
            ProblemError: _problem, ModelportError: _refused, HTTPException: _http_error, ClientDisconnect: _gone,
            Exception: _failed,
        },
    )  # fmt: skip
    app.router.redirect_slashes = False  # one resource, one address
    return app


class _Uncounted:
    """Tells in the log what devices measured and the server does not count; each class's once for each reason."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def tell(self, device: str, reasons: Sequence[str]) -> None:
        new = [one for one in reasons if (device, one) not in self._told]
        if not new or len(self._told) >= _MOST_TOLD:  # strangers can send names without end
            return
        self._told.update((device, one) for one in new)
        more = f"; and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        log.warning("not all that %s measured is counted: %s%s", device, new[0][:_DETAIL_LENGTH], more)


async def _kept(work: Callable[[], T]) -> T:
    """Return what *work* with the statistics gives, in a thread; that they cannot be read is not the caller's fault."""
    try:
        return await asyncio.to_thread(work)
    except (FormatError, SetupError) as error:
        log.error("%s", _one_line(error))  # noqa: TRY400 - the message says it all
        raise ProblemError("service-failed", "its statistics cannot be used; the server's log says why") from error


def _asked(request: Request) -> tuple[str, int | None]:
    device, budget = request.query_params.get("device", ""), request.query_params.get("budget")
    if not device:
        raise InputError("device: a plan is made for a class of devices", hint="ask for /edge/plan?device=CLASS")
    if budget is not None and not (budget.isascii() and budget.isdigit() and len(budget) <= 15):  # noqa: PLR2004 - below 2**53
        raise InputError("budget: it is not a number of bytes", hint="ask for /edge/plan?device=CLASS&budget=BYTES")
    return device.lower(), None if budget is None else int(budget)


async def _body(request: Request) -> bytes:
    """Return the body, of which no more is read than a batch may have."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ProblemError("unsupported-media-type", "a batch is application/json")
    content = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.stream():
                content += chunk
                if len(content) > BODY_BYTES:
                    detail = f"a batch has at most {BODY_BYTES} bytes; send more often"
                    raise ProblemError("body-too-large", detail, headers={"Connection": "close"})
    except TimeoutError as error:
        raise ProblemError("slow-body", f"it did not come in {_BODY_SECONDS:g} seconds") from error
    return bytes(content)


def _batch(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ProblemError("malformed-json", f"the body is not JSON: {str(error)[:200]}") from error
    return checked(document, "edge-batch", "the batch")


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON's")


async def _problem(_: Request, error: Exception) -> Response:
    if not isinstance(error, ProblemError):
        raise error
    return error.response(secrets.token_hex(16))


async def _refused(request: Request, error: Exception) -> Response:
    """Turn what the caller's data are refused for into problems; what went wrong here is told as such."""
    if not isinstance(error, InputError | NotFoundError):
        raise error
    detail = _one_line(error)
    if isinstance(error, NotFoundError):
        return await _problem(request, ProblemError("not-found", detail))
    # What has no place in the batch or the query has no mistakes to list: the detail says it all.
    named = _PLACED.match(error.message)
    told = [{"path": named[1], "message": error.message[named.end() :]}] if named else []
    return await _problem(request, ProblemError("arguments-do-not-fit", detail, errors=told))


def _one_line(error: ModelportError) -> str:
    """Return what an error says, with its way out, as a line: of a log, or of a device's."""
    said = f"{error.message} ({error.hint})" if error.hint else error.message
    return " ".join(said.split())[:_DETAIL_LENGTH]


async def _failed(request: Request, _: Exception) -> Response:
    """Say that it is not the caller's fault; the exception itself goes to the log."""
    return await _problem(request, ProblemError("service-failed", "the server's log says why"))


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 405:  # noqa: PLR2004 - Method Not Allowed (RFC 9110, section 15.5.6)
        return await _problem(request, not_allowed(request.method, (error.headers or {}).get("Allow", "").split(", ")))
    return await _problem(request, ProblemError("not-found", "there is no such address"))


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)
