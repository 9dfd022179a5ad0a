"""The remote model for asyncio: ``await modelport.connect_async(url)``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from modelport.client.described import Described, Health, ask_health, dressed
from modelport.client.lines import Lines, async_body
from modelport.client.options import Options, streams
from modelport.client.remote import broken_stream
from modelport.client.retries import Retries
from modelport.client.steps import BrokenError, Send, ask_contract, call
from modelport.client.transport import AsyncTransport, client_options
from modelport.model.exchange import Exchange

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Mapping
    from types import TracebackType

    from modelport.client.calls import Call, Form

__all__ = ["AsyncRemoteModel", "connect_async"]


def connect_async(
    url: str,
    *,
    timeout: float = 60.0,
    retries: Retries | None = None,
    form: Form = "protobuf",
    headers: Mapping[str, str] | None = None,
    verify: bool | str | ssl.SSLContext = True,
    trust_env: bool = True,
) -> Connecting:
    """Return the model that a service serves, for asyncio: await it, or begin an ``async with`` block with it.

        >>> async with modelport.connect_async("http://localhost:3330") as iris:  # doctest: +SKIP
        ...     answer = await iris.classify(sepal_length=[5.1], ...)

    The arguments and errors are those of :func:`modelport.connect`.
    """
    options = Options(timeout=timeout, retries=retries or Retries(), form=form)
    return Connecting(client_options(url, headers or {}, verify=verify, trust_env=trust_env), options)


class Connecting:
    """A remote model that is about to be there."""

    def __init__(self, chosen: dict[str, Any], options: Options) -> None:
        self._chosen, self._options = chosen, options
        self._found: AsyncRemoteModel | None = None

    async def _connect(self) -> AsyncRemoteModel:
        import httpx

        address = str(self._chosen["base_url"]).rstrip("/")
        transport = AsyncTransport(httpx.AsyncClient(**self._chosen))
        try:
            contract = await transport.run(ask_contract(address, self._options.retries, self._options.end))
        except BaseException:
            await transport.close()
            raise
        return AsyncRemoteModel(address, contract, transport, self._options)

    def __await__(self) -> Generator[Any, None, AsyncRemoteModel]:
        return self._connect().__await__()

    async def __aenter__(self) -> AsyncRemoteModel:
        self._found = await self._connect()
        return self._found

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._found is not None:
            await self._found.close()


class AsyncRemoteModel(Described[AsyncTransport]):
    """A model that a service serves, for asyncio; each of its methods is a coroutine function of this object.

    A method that gives a stream is called without ``await``: ``async for word in remote.words(text=...)``. It keeps its
    connections until it is closed, by :meth:`close` or at the end of an ``async with`` block.
    """

    def _function(self, one: Call) -> Callable[..., Any]:
        takes, gives = streams(one.method)

        async def function(*given: Any, **named: Any) -> Any:
            exchange = Exchange()
            content = one.write(given, named, self._options.form, exchange)
            return await self._run(one, self._options.send(self._contract, one.method, content), exchange)

        def function_of_a_stream(*given: Any, **named: Any) -> AsyncIterator[Any]:
            content = one.write(given, named, "json", Exchange())
            return self._stream(one, replace(self._options, form="json"), content)

        async def function_of_messages(messages: Iterable[Any] | AsyncIterable[Any]) -> Any:
            request = self._options.send(self._contract, one.method, async_body(one, messages))
            return await self._run(one, request, Exchange())

        def function_of_both(messages: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Any]:
            return self._stream(one, self._options, async_body(one, messages))

        ways = {
            (False, False): function, (False, True): function_of_a_stream,
            (True, False): function_of_messages, (True, True): function_of_both,
        }  # fmt: skip
        return dressed(ways[takes, gives], one, self._contract)  # type: ignore[no-any-return]

    async def _run(self, one: Call, request: Send, exchange: Exchange) -> Any:
        steps = call(request, self._options.retries, contract=self._contract, one=one, exchange=exchange, url=self.url)
        return await self._transport.run(steps)

    async def _stream(self, one: Call, options: Options, content: bytes | AsyncIterable[bytes]) -> AsyncIterator[Any]:
        answer = await self._run(one, options.send(self._contract, one.method, content), Exchange())
        where = f"{one.method.name} at {self.url}"
        lines = Lines(one, where, answer.headers)
        try:
            async for chunk in self._transport.chunks(answer):
                for message in lines.feed(chunk):
                    yield message
            for message in lines.finish():
                yield message
        except BrokenError as error:
            raise broken_stream(error, where) from error.__cause__
        finally:
            await answer.opened.aclose()

    async def health(self) -> Health:
        """Return how the service is; that nobody answers is told, not raised."""
        found: Health = await self._transport.run(ask_health(self._options.end))
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
