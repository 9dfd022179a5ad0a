"""The blocking remote model: ``modelport.connect(url)``."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from modelport.client.described import Described, Health, ask_health, dressed
from modelport.client.errors import Problem, ServiceError, failure, problem_of
from modelport.client.lines import Lines, body
from modelport.client.options import Options, streams
from modelport.client.steps import Answer, BrokenError, Send, ask, ask_contract, call
from modelport.client.transport import Transport, client_options
from modelport.model.exchange import Exchange

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType

    from modelport.client.calls import Call, Form
    from modelport.client.contract import Contract
    from modelport.client.retries import Retries

__all__ = ["RemoteModel", "Stream", "connect"]


def connect(
    url: str,
    *,
    timeout: float = 60.0,
    retries: Retries | None = None,
    form: Form = "protobuf",
    headers: Mapping[str, str] | None = None,
    verify: bool | str | ssl.SSLContext = True,
    trust_env: bool = True,
) -> RemoteModel:
    """Return the model that a service serves, with a function for each of its methods.

        >>> with modelport.connect("http://localhost:3330") as iris:  # doctest: +SKIP
        ...     iris.classify(sepal_length=[5.1], sepal_width=[3.5], petal_length=[1.4], petal_width=[0.2]).species
        ['setosa']

    Args:
        url: The service's address, as ``modelport serve`` prints it.
        timeout: Seconds for a whole call, with its repetitions and waits, and with the messages that it sends. An
            answer that is a stream has them until it begins, and then for each next message: it may last for ever.
        retries: When a call is repeated. Only what the service did not take, or did not begin to answer, is sent again:
            a model's methods are pure, so one that ran unheard may run again.
        form: How messages travel: ``protobuf``, or ``json``.
        headers: Header fields for each request, for instance ``Authorization``.
        verify: A PEM file with certificates to trust, an SSL context, or False to trust anybody.
        trust_env: Whether the environment may name proxies and certificates.

    Raises:
        ServiceError: Nothing answers there, or it is no service that this client can call.
        InputError: An argument is not what it should be.
        SetupError: httpx is not installed, or NumPy is not and the model takes or gives tensors.
    """
    from modelport.client.retries import Retries as Chosen

    options = Options(timeout=timeout, retries=retries or Chosen(), form=form)
    chosen = client_options(url, headers or {}, verify=verify, trust_env=trust_env)
    import httpx

    address = str(chosen["base_url"]).rstrip("/")
    transport = Transport(httpx.Client(**chosen))
    try:
        contract: Contract = transport.run(ask_contract(address, options.retries, options.end))
    except BaseException:
        transport.close()
        raise
    return RemoteModel(address, contract, transport, options)


class RemoteModel(Described[Transport]):
    """A model that a service serves; each of its methods is a function of this object.

    Any number of threads may call it at once. It keeps its connections until it is closed, by :meth:`close` or at the
    end of a ``with`` block.
    """

    def _function(self, one: Call) -> Callable[..., Any]:
        takes, gives = streams(one.method)

        def function(*given: Any, **named: Any) -> Any:
            exchange, options = Exchange(), self._options
            content = one.write(given, named, "json" if gives else options.form, exchange)
            return self._call(one, replace(options, form="json") if gives else options, content, exchange)

        def function_of_messages(messages: Iterable[Any]) -> Any:
            return self._call(one, self._options, body(one, messages), Exchange())

        return dressed(function_of_messages if takes else function, one, self._contract)  # type: ignore[no-any-return]

    def _call(self, one: Call, options: Options, content: bytes | Iterable[bytes], exchange: Exchange) -> Any:
        request = options.send(self._contract, one.method, content)
        steps = call(request, options.retries, contract=self._contract, one=one, exchange=exchange, url=self.url)
        answer = self._transport.run(steps)
        if not request.streamed:
            return answer
        return Stream(self._transport, answer, one, f"{one.method.name} at {self.url}")

    def health(self) -> Health:
        """Return how the service is; that nobody answers is told, not raised."""
        found: Health = self._transport.run(ask_health(self._options.end))
        return found

    def documents(self) -> dict[str, str]:
        """Return what other generators make clients from: ``model.proto`` and ``openapi.json``.

        Raises:
            ServiceError: The service does not give them.
        """
        addresses = {"model.proto": "model/artifacts/protobuf", "openapi.json": "openapi.json"}
        retries, found = self._options.retries, {}
        for name, path in addresses.items():
            answer: Answer = self._transport.run(ask(Send("GET", path, end=self._options.end), retries, self.url))
            if answer.status != 200:  # noqa: PLR2004 - OK (RFC 9110, section 15.3.1)
                raise failure(problem_of(answer.status, answer.content), f"/{path} of {self.url}")
            found[name] = answer.content.decode("utf-8", "replace")
        return found

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Stream:
    """The messages that a method gives, one by one, as they come.

    Raises, while it is iterated:
        ServiceError: The method failed in the middle, or the connection broke off.
    """

    def __init__(self, transport: Transport, answer: Answer, one: Call, where: str) -> None:
        self._answer = answer
        self._messages = _messages(transport, answer, Lines(one, where, answer.headers), where)
        weakref.finalize(self, answer.opened.close)  # it may be dropped before anybody has iterated it

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return next(self._messages)

    def close(self) -> None:
        """Stop receiving."""
        self._answer.opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _messages(transport: Transport, answer: Answer, lines: Lines, where: str) -> Iterator[Any]:
    try:
        for chunk in transport.chunks(answer):
            yield from lines.feed(chunk)
        yield from lines.finish()
    except BrokenError as error:
        raise broken_stream(error, where) from error.__cause__
    finally:
        answer.opened.close()


def broken_stream(error: BrokenError, where: str) -> ServiceError:
    """Return the error for a stream that broke off."""
    return ServiceError(f"{where}: {error.detail}", Problem(error.kind, error.detail), hint=error.hint)
