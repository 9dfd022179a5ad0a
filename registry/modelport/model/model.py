"""A model: named functions with a signature, callable with native values, JSON or protobuf bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelport.errors import CallError, InputError, ModelError
from modelport.model.codec import Codec
from modelport.model.exchange import WHOLE, Exchange, RefusedError
from modelport.model.given import Given
from modelport.model.infer import MethodTypes, Signature, infer_signature
from modelport.model.scalars import with_article
from modelport.model.shown import shown_method

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from modelport.model.codec import Way
    from modelport.model.quick import Sizes
    from modelport.model.spec import MethodSpec, ModelSpec

__all__ = ["Evaluation", "Example", "Method", "Model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A call and its right answer, both in JSON form; numbers may differ by *tolerance* (absolute)."""

    method: str
    input: dict[str, Any]
    output: dict[str, Any]
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How well a model does on data, as one figure.

    Attributes:
        data: The data set.
        split: Which part of it, and how it was chosen.
        n: The number of samples.
        metric: What the figure is, for instance ``accuracy``.
        value: The figure.
        interval: Its 95 % confidence interval, when one was computed.
        tolerance: By how much (absolute) a rebuild on another machine may differ.
        measured_by: ``publisher`` or ``ci``.
    """

    data: str
    split: str
    n: int
    metric: str
    value: float
    interval: tuple[float, float] | None = None
    tolerance: float = 0.0
    measured_by: str = "publisher"

    @classmethod
    def accuracy(cls, *, correct: int, n: int, data: str, split: str, tolerance: float = 0.0) -> Evaluation:
        """Return the share of *correct* answers among *n*, with its 95 % Wilson score interval (Wilson 1927).

        Raises:
            InputError: *correct* of *n* is no share.
        """
        if not 0 <= correct <= n or not n:
            raise InputError(
                f"accuracy on {data}: {correct} correct answers of {n} are no share",
                hint="correct is how many of the n answers are right: 0 to n, and n is 1 or more",
            )
        z, share = 1.959964, correct / n
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        interval = round(middle - half, 4), round(middle + half, 4)
        return cls(data=data, split=split, n=n, metric="accuracy", value=share, interval=interval, tolerance=tolerance)

    def to_json(self) -> dict[str, Any]:
        """Return the form kept in packages and entries."""
        document: dict[str, Any] = {
            "data": self.data, "split": self.split, "n": self.n, "metric": self.metric, "value": self.value,
            "measured_by": self.measured_by, "tolerance": self.tolerance,
        }  # fmt: skip
        return document | ({"interval": list(self.interval)} if self.interval else {})


class Method:
    """One typed function of a model.

    Attributes:
        spec: Its name, messages and docstring.
        inner: The function as the user wrote it.
    """

    def __init__(self, spec: MethodSpec, function: Callable[..., Any], codec: Codec, call: MethodTypes) -> None:
        self.spec = spec
        self.inner = function
        self._codec = codec
        self._call = call

    @property
    def input_type(self) -> type:
        """The Python class of the message that the method takes."""
        return self._codec.records[self.spec.input].kind

    @property
    def output_type(self) -> type:
        """The Python class of the message that the method gives."""
        return self._codec.records[self.spec.output].kind

    @property
    def description(self) -> str:
        """The function's docstring."""
        return self.spec.doc

    def __repr__(self) -> str:
        return f"<Method {shown_method(self._codec.spec, self.spec)}>"

    def __call__(self, /, *given: Any, **named: Any) -> Any:
        """Call the function with its input message, or with that message's fields, and return its output message.

        Raises:
            CallError: The arguments do not fit, or a model file's graph cannot be run with these values.
            ModelError: The function raised (the cause is attached), or it gave something and is said to give nothing.
        """
        if len(given) == 1 and not named and isinstance(given[0], self.input_type):
            return self._answer(given[0])
        return self._answer(self._given.called(given, named))

    wrapped = __call__

    def arguments(self, given: object) -> Any:
        """Return the JSON form of arguments: JSON as it is, the input message, or a mapping with native values.

        Raises:
            CallError: They do not fit.
        """
        return self._given.to_json(given)

    @cached_property
    def _given(self) -> Given:
        return Given(self._codec, self.spec, self._call)

    def _answer(self, message: Any) -> Any:
        call = self._call
        positional: Sequence[Any] = (message,)
        keywords: dict[str, Any] = {}
        if call.spread or call.keywords:
            positional = [getattr(message, p) for p in call.positional]
            keywords = {p: getattr(message, p) if call.spread else message for p in call.keywords}
        try:
            result = self.inner(*positional, **keywords)
        except RefusedError as error:
            raise CallError([f"{WHOLE}: {error}"]) from error
        except Exception as error:
            raise ModelError(f"{self.spec.name} failed: {type(error).__name__}: {error}") from error
        if call.wrap:
            return self.output_type(result)
        if not call.void:
            return result
        if result is not None:
            raise ModelError(f"{self.spec.name} gave {with_article(type(result).__name__)}, its signature says None")
        return self.output_type()

    def call_json(self, document: object) -> dict[str, Any]:
        """Return the answer to JSON arguments, in JSON form.

        Raises:
            CallError: The arguments do not fit; every misfit is named.
            ModelError: The function failed, or its answer does not fit the signature.
        """
        return self._passed(document, self._json)  # type: ignore[no-any-return]

    def call_bytes(self, data: bytes) -> bytes:
        """Return the answer to protobuf arguments, as protobuf bytes; raises as :meth:`call_json` does."""
        return self._passed(data, self._bytes)  # type: ignore[no-any-return]

    @cached_property
    def _json(self) -> Way:
        return self._codec.json_way(self.spec)

    @cached_property
    def _bytes(self) -> Way:
        return self._codec.bytes_way(self.spec)

    def _passed(self, given: object, way: Way) -> Any:
        """Return the answer to arguments in the form of *way*."""
        sizes: Sizes = {}
        message = way.quick_read(given, sizes)
        if message is None:
            exchange = Exchange()
            message = way.read(given, self.spec.input, exchange)
            sizes = exchange.sizes
        answer = self._answer(message)
        written = way.quick_write(answer, sizes.copy())
        if written is not None:
            return written
        try:
            return way.write(answer, self.spec.output, Exchange(sizes=sizes))
        except CallError as error:
            # What does not fit in an answer is the model's fault.
            said = f"{self.spec.name} gave an answer that does not fit its signature: {error}"
            raise ModelError(said) from error


class Model:
    """A model: every keyword names a method and gives its annotated function.

        >>> def add(x: int, y: int) -> int:
        ...     return x + y
        >>> model = Model(add=add)
        >>> model.add.spec.input, model.call("add", {"x": 1, "y": 2})
        ('AddIn', {'value': 3})

    Attributes:
        spec: The signature.
        codec: Reads and writes its messages.
        methods: The methods by name; each is an attribute of the model, too, unless the model has one of that name.
        examples: Golden examples, which travel with the package.
        evaluations: How well the model does, as measured by who made it.
        package: The folder of the package that it was loaded from, if it was.

    Raises:
        SignatureError: An annotation is missing or is not a type of a signature.
    """

    def __init__(self, /, **functions: Callable[..., Any]) -> None:
        self._set(infer_signature(functions), functions)

    def _set(self, signature: Signature, functions: Mapping[str, Callable[..., Any]]) -> None:
        """Become the model of *signature*, whose methods are *functions*: for a model that knows its signature."""
        self.spec: ModelSpec = signature.spec
        self.codec = Codec(signature.spec, signature.records, signature.enums)
        self.methods: dict[str, Method] = {
            m.name: Method(m, functions[m.name], self.codec, signature.calls[m.name]) for m in signature.spec.methods
        }
        self.examples: list[Example] = []
        self.evaluations: list[Evaluation] = []
        self.package: Path | None = None

    def __getattr__(self, name: str) -> Method:
        methods = self.__dict__.get("methods", {})
        if name in methods:
            return methods[name]  # type: ignore[no-any-return]
        raise AttributeError(f"the model has no method {name!r}; its methods are: {', '.join(methods)}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__dict__.get("methods", {})})

    def __repr__(self) -> str:
        shown = [shown_method(self.spec, one) for one in self.spec.methods]
        return f"<{type(self).__name__} of {'; '.join(shown)}>"

    def call(self, method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer of *method* to JSON *arguments*; raises as :meth:`Method.call_json` does."""
        return self.methods[self.spec.method(method).name].call_json(arguments)

    def add_example(self, method: str, arguments: object, *, tolerance: float = 0.0) -> dict[str, Any]:
        """Call *method*, keep the call and its answer as a golden example, and return the answer.

        Args:
            method: The method's name.
            arguments: Its arguments in JSON form, or as Python has them: the input message, or native values by name.
            tolerance: By how much (absolute) numbers of the answer may differ elsewhere.

        Raises as :meth:`call` does.
        """
        called = self.methods[self.spec.method(method).name]
        document = called.arguments(arguments)
        answer = called.call_json(document)
        self.examples.append(Example(method=method, input=document, output=answer, tolerance=tolerance))
        return answer

    def add_evaluation(self, evaluation: Evaluation) -> None:
        """Keep a measured figure; it travels with the package and stands on the model's page."""
        self.evaluations.append(evaluation)
