"""What the two kinds of remote model have in common: what they tell of the model, and how their methods look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from modelport.client.errors import problem_of
from modelport.client.options import streams
from modelport.client.parameters import method_doc, signature_of
from modelport.client.steps import Answer, BrokenError, Send
from modelport.model.shown import shown_method

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from modelport.client.calls import Call, Form
    from modelport.client.contract import Contract
    from modelport.client.options import Options
    from modelport.client.retries import Retries
    from modelport.model.spec import ModelSpec

__all__ = ["Described", "Health", "ask_health", "dressed"]

T = TypeVar("T")
_OK = 200


@dataclass(frozen=True, slots=True)
class Health:
    """How a service is.

    Attributes:
        live: Its process answers.
        ready: It takes calls.
        detail: Why not, where it is one but not the other, or neither.
    """

    live: bool
    ready: bool
    detail: str = ""


class Described(Generic[T]):
    """A remote model's name, signature, types and methods; *T* is what carries its calls out.

    Attributes:
        url: The service's address.
        methods: The methods by name; each is an attribute, too, unless the remote model has one of that name.
    """

    methods: Mapping[str, Callable[..., Any]]

    def __init__(self, url: str, contract: Contract, transport: T, options: Options) -> None:
        self.url = url
        self._contract, self._transport, self._options = contract, transport, options
        self.methods = {name: self._function(one) for name, one in contract.calls.items()}

    def _function(self, one: Call) -> Callable[..., Any]:
        """Return what calls a method."""
        raise NotImplementedError

    def with_options(
        self,
        *,
        timeout: float | None = None,
        retries: Retries | None = None,
        form: Form | None = None,
        request_id: str | None = None,
    ) -> Self:
        """Return this model with other options, over the same connections; see :func:`modelport.connect`."""
        given = {"timeout": timeout, "retries": retries, "form": form, "request_id": request_id}
        chosen = replace(self._options, **{k: v for k, v in given.items() if v is not None})  # type: ignore[arg-type]  # each is of its field's type
        return type(self)(self.url, self._contract, self._transport, chosen)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._contract.name

    @property
    def version(self) -> str:
        """The model's version; empty where the service does not know it."""
        return self._contract.version

    @property
    def digest(self) -> str:
        """The digest of the model's package; empty where the service does not know it."""
        return self._contract.digest

    @property
    def spec(self) -> ModelSpec:
        """The signature."""
        return self._contract.spec

    @property
    def types(self) -> SimpleNamespace:
        """The classes of the messages and enumerations: ``remote.types.Point(x=1.0, y=2.0)``."""
        return SimpleNamespace(**self._contract.codec.types, **self._contract.codec.enums)

    def __getattr__(self, name: str) -> Any:
        methods = self.__dict__.get("methods", {})
        if name in methods:
            return methods[name]
        raise AttributeError(f"the model has no method {name!r}; its methods are: {', '.join(methods)}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__dict__.get("methods", {})})

    def __repr__(self) -> str:
        shown = "; ".join(shown_method(self.spec, one) for one in self.spec.methods)
        return f"<{type(self).__name__} {self.name} at {self.url}: {shown}>"


def dressed(function: Any, one: Call, contract: Contract) -> Any:
    """Return *function* with the name, the signature and the documentation of a method."""
    classes = {**contract.codec.types, **contract.codec.enums}
    function.__name__ = function.__qualname__ = one.method.name
    function.__doc__ = method_doc(one.method, contract.spec)
    function.__module__ = __name__
    function.input_type, function.output_type = one.input_type, one.output_type
    if streams(one.method)[0]:
        return function  # it takes messages, whose class is documented
    message = contract.spec.message(one.method.input)
    signature = signature_of(message, classes | {"return": one.output_type}, one.defaults)
    function.__signature__ = signature
    function.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    function.__annotations__["return"] = signature.return_annotation
    return function


def ask_health(end: float) -> Generator[Send, Any, Health]:
    """Return how a service is; that it cannot be reached is an answer, too."""
    answers: list[Answer] = []
    for path in ("health/live", "health/ready"):
        try:
            answer: Answer = yield Send("GET", path, {"Accept": "application/json"}, end=end)
        except BrokenError as error:
            return Health(live=False, ready=False, detail=error.detail)
        answers.append(answer)
    live, ready = (one.status == _OK for one in answers)
    detail = next((problem_of(one.status, one.content).detail for one in answers if one.status != _OK), "")
    return Health(live=live, ready=ready, detail=detail)
