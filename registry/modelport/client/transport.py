"""HTTP by httpx, for both kinds of remote model: what is common to them, and how what breaks is told.

httpx keeps connections and uses them again, and reads HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE and their like.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from modelport.client.steps import Answer, BrokenError, Send, Wait
from modelport.errors import InputError, SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    import httpx

    from modelport.client.steps import Steps

__all__ = ["AsyncTransport", "Transport", "client_options"]

_CONNECT_SECONDS = 10.0
_OK = 200
_CHUNK = 65_536
_LATE = "the service did not answer in time", "for the whole call, or until a stream begins"
_PAUSED = "no message came in time", "from one message of a stream to the next"


def client_options(
    url: str, headers: Mapping[str, str], *, verify: bool | str | ssl.SSLContext, trust_env: bool
) -> dict[str, Any]:
    """Return what an httpx client is made with.

    Raises:
        InputError: *url* is no http or https address, or *verify* is no certificate file.
        SetupError: httpx is not installed.
    """
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise SetupError("httpx is not installed", hint="pip install 'modelport[client]'") from error

    try:
        found = httpx.URL(url.rstrip("/") + "/")
    except (httpx.InvalidURL, TypeError) as error:
        raise InputError(f"{_shown(url)} is not an address: {error}", hint="write http://HOST:PORT") from error
    if found.scheme not in {"http", "https"} or not found.host:
        raise InputError(f"{_shown(url)} is not an address of a service", hint="write http://HOST:PORT")
    from modelport import __version__

    named = {"User-Agent": f"modelport/{__version__}", **headers}
    # Names and passwords are none of an address that is told in errors.
    auth = (found.username, found.password) if found.userinfo else None
    found = found.copy_with(userinfo=b"")
    return {
        "base_url": found, "auth": auth, "headers": named, "verify": _context(verify=verify), "trust_env": trust_env
    }  # fmt: skip


def _shown(url: object) -> str:
    return re.sub(r"//[^/]*@", "//", repr(url))


def _context(*, verify: bool | str | ssl.SSLContext) -> bool | ssl.SSLContext:
    if not isinstance(verify, str):
        return verify
    try:
        return ssl.create_default_context(cafile=verify)
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"verify={verify!r} cannot be read: {error}", hint="give a PEM file with certificates"
        ) from error


class Transport:
    """Carries steps out, in the thread that asks; any number of threads may."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def run(self, steps: Steps) -> Any:
        """Carry out *steps* and return their result."""
        try:
            step = next(steps)
            while True:
                try:
                    answer = self._do(step)
                except BrokenError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as done:
            return done.value

    def _do(self, step: Send | Wait) -> Answer | None:
        if isinstance(step, Wait):
            time.sleep(step.seconds)
            return None
        sending = _Sending()
        with told(sending) as seen:
            response = self._client.send(_request(self._client, step, sending.note), stream=True)
            seen.append(response)
            if step.streamed and response.status_code == _OK:
                return Answer(_OK, response.headers, opened=_in_time(step, response))
            try:
                content = bytearray()
                for chunk in response.iter_bytes(_CHUNK):
                    content += chunk
                    _check_time(step)
                    _check_length(step, content)
            finally:
                response.close()
            return Answer(response.status_code, response.headers, bytes(content))

    def chunks(self, answer: Answer) -> Iterator[bytes]:
        """Yield the body of a streamed answer as it comes; raise BrokenError where it breaks off."""
        with told(late=_PAUSED) as seen:
            seen.append(answer.opened)
            yield from answer.opened.iter_bytes()


class AsyncTransport:
    """Carries steps out on asyncio's loop."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def run(self, steps: Steps) -> Any:
        """Carry out *steps* and return their result."""
        try:
            step = next(steps)
            while True:
                try:
                    answer = await self._do(step)
                except BrokenError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as done:
            return done.value

    async def _do(self, step: Send | Wait) -> Answer | None:
        if isinstance(step, Wait):
            await asyncio.sleep(step.seconds)
            return None
        sending = _Sending()
        with told(sending) as seen:
            try:
                async with asyncio.timeout(max(0.0, step.end - time.monotonic())):
                    return await self._send(step, seen, sending)
            except TimeoutError as error:
                raise _out_of_time(_LATE) from error

    async def _send(self, step: Send, seen: list[Any], sending: _Sending) -> Answer:
        response = await self._client.send(_request(self._client, step, sending.note_async), stream=True)
        seen.append(response)
        if step.streamed and response.status_code == _OK:
            return Answer(_OK, response.headers, opened=response)
        try:
            content = bytearray()
            async for chunk in response.aiter_bytes(_CHUNK):
                content += chunk
                _check_length(step, content)
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, bytes(content))

    async def chunks(self, answer: Answer) -> Any:
        """Yield the body of a streamed answer as it comes; raise BrokenError where it breaks off."""
        with told(late=_PAUSED) as seen:
            seen.append(answer.opened)
            async for chunk in answer.opened.aiter_bytes():
                yield chunk


class _Sending:
    """What becomes of a request on its way, as httpx's transport tells it.

    Attributes:
        is_fresh: It went over a connection that was made for it: one that is used again may have ended long before.
        is_whole: All of it has been sent.
    """

    __slots__ = ("is_fresh", "is_whole")

    def __init__(self) -> None:
        self.is_fresh = self.is_whole = False

    def note(self, event: str, _: object) -> None:
        """Take note of an event; https://www.encode.io/httpcore/extensions/#trace lists them."""
        self.is_fresh |= event == "connection.connect_tcp.complete"
        self.is_whole |= event == "http11.send_request_body.complete"

    async def note_async(self, event: str, more: object) -> None:
        """Take note of an event."""
        self.note(event, more)


def _request(
    client: httpx.Client | httpx.AsyncClient, step: Send, trace: Callable[[str, Any], object]
) -> httpx.Request:
    import httpx

    if client.is_closed:
        raise InputError(
            f"the connections to {client.base_url} are closed", hint="connect again: modelport.connect(url)"
        )
    left = max(0.001, step.end - time.monotonic())
    timeout = httpx.Timeout(left, connect=min(left, _CONNECT_SECONDS))
    return client.build_request(
        step.method,
        step.path,
        headers=dict(step.headers),
        content=step.content or None,
        timeout=timeout,
        extensions={"trace": trace},
    )


def _check_time(step: Send) -> None:
    if time.monotonic() > step.end:
        raise _out_of_time(_LATE)


def _check_length(step: Send, content: bytearray) -> None:
    if step.most is not None and len(content) > step.most:
        raise BrokenError(
            "answer-too-large", f"the answer is longer than {step.most} bytes", hint="is it the right service?"
        )


def _in_time(step: Send, response: httpx.Response) -> httpx.Response:
    """Return a response that has begun; close it where that was too late."""
    try:
        _check_time(step)
    except BrokenError:
        response.close()
        raise
    return response


def _out_of_time(what: tuple[str, str]) -> BrokenError:
    detail, span = what
    return BrokenError("timeout", detail, hint=f"give it more time: timeout=, in seconds, {span}")


@contextmanager
def told(sending: _Sending | None = None, *, late: tuple[str, str] = _LATE) -> Generator[list[Any], None, None]:
    """Turn httpx's errors into BrokenError; the list takes the response, as soon as there is one."""
    import httpx

    seen: list[Any] = []
    try:
        yield seen
    except (httpx.TransportError, httpx.StreamError, httpx.DecodingError) as error:
        was_sent = sending is not None and sending.is_fresh and sending.is_whole
        if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
            raise _out_of_time(late) from error
        raise _broken(error, answered=bool(seen), was_sent=was_sent) from error


def _broken(error: Exception, *, answered: bool, was_sent: bool) -> BrokenError:
    import httpx

    said = str(error) or type(error).__name__
    if (tls := _tls(error)) is not None:
        hint = "give the authority's certificate: verify='ca.pem', or SSL_CERT_FILE; or is it an http:// address?"
        return BrokenError("tls", f"no secure connection: {tls}", hint=hint)
    if isinstance(error, httpx.ProxyError):
        hint = "see to HTTPS_PROXY, HTTP_PROXY and NO_PROXY, or connect with trust_env=False"
        return BrokenError("proxy", f"the proxy does not let it through: {said}", hint=hint)
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
        hint = "is it running there? `modelport serve` prints its address"
        return BrokenError("unreachable", f"the service cannot be reached: {said}", hint=hint, again=True)
    if answered:
        return BrokenError("broken-off", f"the answer broke off in the middle: {said}")
    again = isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError)
    detail = f"the connection ended before an answer: {said}"
    return BrokenError("broken-off", detail, again=again, was_sent=was_sent)


def _tls(error: BaseException | None) -> str | None:
    """Return what TLS says, if it is the cause."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return str(error)
        error = error.__cause__ or error.__context__
    return None
