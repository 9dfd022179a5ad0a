"""HTTP by httpx, for both kinds of remote model: what is common to them, and how what breaks is told.

httpx keeps connections and uses them again, and reads HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE and their like.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from modelport.client.steps import Answer, BrokenError, Send, Wait
from modelport.errors import InputError, SetupError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    import httpx

    from modelport.client.steps import Steps

__all__ = ["AsyncTransport", "Transport", "client_options"]

_CONNECT_SECONDS = 10.0
_OK = 200
_CHUNK = 65_536


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
        raise InputError(f"{url!r} is not an address: {error}", hint="write http://HOST:PORT") from error
    if found.scheme not in {"http", "https"} or not found.host:
        raise InputError(f"{url!r} is not an address of a service", hint="write http://HOST:PORT")
    from modelport import __version__

    named = {"User-Agent": f"modelport/{__version__}", **headers}
    return {"base_url": found, "headers": named, "verify": _context(verify=verify), "trust_env": trust_env}


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
        with told() as seen:
            response = self._client.send(_request(self._client, step), stream=True)
            seen.append(response)
            if step.streamed and response.status_code == _OK:
                return Answer(_OK, response.headers, opened=response)
            try:
                content = bytearray()
                for chunk in response.iter_bytes(_CHUNK):
                    content += chunk
                    _check_time(step)
            finally:
                response.close()
            return Answer(response.status_code, response.headers, bytes(content))

    def chunks(self, answer: Answer) -> Iterator[bytes]:
        """Yield the body of a streamed answer as it comes; raise BrokenError where it breaks off."""
        with told() as seen:
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
        with told() as seen:
            try:
                async with asyncio.timeout(max(0.0, step.end - time.monotonic())):
                    return await self._send(step, seen)
            except TimeoutError as error:
                raise _out_of_time() from error

    async def _send(self, step: Send, seen: list[Any]) -> Answer:
        response = await self._client.send(_request(self._client, step), stream=True)
        seen.append(response)
        if step.streamed and response.status_code == _OK:
            return Answer(_OK, response.headers, opened=response)
        try:
            content = await response.aread()
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, content)

    async def chunks(self, answer: Answer) -> Any:
        """Yield the body of a streamed answer as it comes; raise BrokenError where it breaks off."""
        with told() as seen:
            seen.append(answer.opened)
            async for chunk in answer.opened.aiter_bytes():
                yield chunk


def _request(client: httpx.Client | httpx.AsyncClient, step: Send) -> httpx.Request:
    import httpx

    if client.is_closed:
        raise InputError(
            f"the connections to {client.base_url} are closed", hint="connect again: modelport.connect(url)"
        )
    left = max(0.001, step.end - time.monotonic())
    timeout = httpx.Timeout(left, connect=min(left, _CONNECT_SECONDS))
    return client.build_request(
        step.method, step.path, headers=dict(step.headers), content=step.content or None, timeout=timeout
    )


def _check_time(step: Send) -> None:
    if time.monotonic() > step.end:
        raise _out_of_time()


def _out_of_time() -> BrokenError:
    hint = "give it more time: timeout=, in seconds, for the whole call"
    return BrokenError("timeout", "the service did not answer in time", hint=hint)


@contextmanager
def told() -> Generator[list[Any], None, None]:
    """Turn httpx's errors into BrokenError; the list takes the response, as soon as there is one."""
    import httpx

    seen: list[Any] = []
    try:
        yield seen
    except (httpx.TransportError, httpx.StreamError, httpx.DecodingError) as error:
        raise _broken(error, answered=bool(seen)) from error


def _broken(error: Exception, *, answered: bool) -> BrokenError:
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
    if isinstance(error, httpx.TimeoutException):
        return _out_of_time()
    if answered:
        return BrokenError("broken-off", f"the answer broke off in the middle: {said}")
    again = isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError)
    return BrokenError("broken-off", f"the connection ended before an answer: {said}", again=again)


def _tls(error: BaseException | None) -> str | None:
    """Return what TLS says, if it is the cause."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return str(error)
        error = error.__cause__ or error.__context__
    return None
