"""A model: named functions with a signature, callable with native values, JSON or protobuf bytes."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelport.errors import CallError, InputError, ModelError
from modelport.model.codec import Codec
from modelport.model.exchange import WHOLE, Exchange, RefusedError
from modelport.model.flow import Incoming, answers, collected, documents_of, only, results, written
from modelport.model.given import Given
from modelport.model.infer import MethodTypes, Signature, infer_signature
from modelport.model.scalars import with_article
from modelport.model.shown import shown_method

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    from modelport.model.codec import Way
    from modelport.model.quick import Sizes
    from modelport.model.spec import MethodSpec, ModelSpec

__all__ = ["Evaluation", "Example", "Method", "Model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A call and its right answer, both in JSON form; numbers may differ by *tolerance* (absolute).

    A stream, of what is taken or given, is ``{"stream": [...]}`` with its messages.
    """

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

        A method that takes a stream is called with an iterable, of messages or of what the function itself is given;
        one that gives a stream returns an iterator of its output messages, which are made when they are asked for.

        Raises:
            CallError: The arguments do not fit, or a model file's graph cannot be run with these values.
            ModelError: The function raised (the cause is attached), or it gave something and is said to give nothing.
        """
        if self.spec.streams_in:
            return self._settled(self.stream(self._given.stream(given, named), read=self._given.element))
        if len(given) == 1 and not named and isinstance(given[0], self.input_type):
            return self._answer(given[0])
        return self._answer(self._given.called(given, named))

    wrapped = __call__

    def arguments(self, given: object) -> Any:
        """Return the JSON form of arguments: JSON as it is, the input message, or a mapping with native values.

        Of a stream it is the list of its messages.

        Raises:
            CallError: They do not fit.
        """
        if self.spec.streams_in:
            return collected(Incoming(documents_of(given), self._given.to_json))["stream"]
        return self._given.to_json(given)

    def stream(self, given: Any, *, read: Callable[[Any], Any] | None = None) -> Generator[Any, None, None]:
        """Yield the output messages, or the only one, of a method that takes or gives a stream.

        What is yielded is made when it is asked for. Closing the generator closes what the function gives, so that its
        ``finally`` runs; it happens in the thread that closes it.

        Args:
            given: The input message, or an iterable of what *read* makes input messages of.
            read: Makes an input message of each; without it they are input messages. What it raises ends the call.

        Raises:
            CallError: A message does not fit.
            ModelError: The function failed.
        """
        incoming = Incoming(given, read or _as_it_is) if self.spec.streams_in else None
        found = results(self.inner, self._call, incoming or given, streams_out=self.spec.streams_out)
        return answers(self.spec.name, found, incoming, self._made)

    @cached_property
    def _given(self) -> Given:
        return Given(self._codec, self.spec, self._call)

    def _settled(self, found: Generator[Any, None, None]) -> Any:
        """Return the stream of answers, or the only answer where no stream is given."""
        return found if self.spec.streams_out else only(found)

    def _answer(self, message: Any) -> Any:
        if self.spec.streams_out:
            return self.stream(message)
        call = self._call
        positional: Sequence[Any] = (message,)
        keywords: dict[str, Any] = {}
        if call.spread or call.keywords:
            positional = [getattr(message, p) for p in call.positional]
            keywords = {p: getattr(message, p) if call.spread else message for p in call.keywords}
        try:
            result = self.inner(*positional, **keywords)
        except Exception as error:
            raise self._failed(error) from error
        return self._made(result)

    def _failed(self, error: Exception) -> CallError | ModelError:
        """Return what to raise for what the function raised."""
        if isinstance(error, RefusedError):
            return CallError([f"{WHOLE}: {error}"])
        return ModelError(f"{self.spec.name} failed: {type(error).__name__}: {error}")

    def _made(self, result: Any) -> Any:
        """Return the output message of what the function gave."""
        call = self._call
        if call.wrap:
            return self.output_type(result)
        if not call.void:
            return result
        if result is not None:
            raise ModelError(f"{self.spec.name} gave {with_article(type(result).__name__)}, its signature says None")
        return self.output_type()

    def call_json(self, document: object) -> Any:
        """Return the answer to JSON arguments, in JSON form: an object.

        A method that takes a stream is called with an iterable of objects; one that gives a stream returns an iterator
        of objects. What one message's dimensions are called says nothing of another's in a stream; where one side is a
        single message, its dimensions hold for each message of the other.

        Raises:
            CallError: The arguments do not fit; every misfit is named.
            ModelError: The function failed, or its answer does not fit the signature.
        """
        return self._json_call(document)

    def call_bytes(self, data: Any) -> Any:
        """Return the answer to protobuf arguments, as protobuf bytes; streams and errors are :meth:`call_json`'s."""
        return self._bytes_call(data)

    @cached_property
    def _json(self) -> Way:
        return self._codec.json_way(self.spec)

    @cached_property
    def _bytes(self) -> Way:
        return self._codec.bytes_way(self.spec)

    @cached_property
    def _json_call(self) -> Callable[[Any], Any]:
        return self._through(self._json)

    @cached_property
    def _bytes_call(self) -> Callable[[Any], Any]:
        return self._through(self._bytes)

    def _through(self, way: Way) -> Callable[[Any], Any]:
        """Return the call in the form of *way*: for one message given to the function as it is, with little between."""
        call, function = self._call, self.inner
        if self.spec.streams_in or self.spec.streams_out or call.spread or call.keywords:
            return lambda given: self._passed(given, way)
        read, write, made = way.quick_read, way.quick_write, self._made if call.wrap or call.void else None

        def passed(given: Any) -> Any:
            sizes: Sizes = {}
            message = read(given, sizes)
            if message is None:
                return self._passed(given, way)
            try:
                answer = function(message)
            except Exception as error:
                raise self._failed(error) from error
            if made:
                answer = made(answer)
            found = write(answer, sizes.copy())
            return self._explained(answer, way, sizes) if found is None else found

        return passed

    def _passed(self, given: Any, way: Way) -> Any:
        """Return the answer to arguments in the form of *way*."""
        said = self._misfit
        if self.spec.streams_in:
            found = self.stream(documents_of(given), read=lambda one: self.read(one, way)[0])
            return self._settled(written(found, lambda one: self.write(one, way, {}), said))
        message, sizes = self.read(given, way)
        if self.spec.streams_out:
            return written(self.stream(message), lambda one: self.write(one, way, sizes), said)
        return self._explained(self._answer(message), way, sizes)

    def _explained(self, answer: Any, way: Way, sizes: Sizes) -> Any:
        try:
            return self.write(answer, way, sizes)
        except CallError as error:
            # What does not fit in an answer is the model's fault.
            raise ModelError(f"{self._misfit}{error}") from error

    @property
    def _misfit(self) -> str:
        return f"{self.spec.name} gave an answer that does not fit its signature: "

    def read(self, given: Any, way: Way) -> tuple[Any, Sizes]:
        """Return an input message, and the sizes of its named dimensions; raise CallError if it does not fit."""
        sizes: Sizes = {}
        message = way.quick_read(given, sizes)
        if message is not None:
            return message, sizes
        exchange = Exchange()
        message = way.read(given, self.spec.input, exchange)
        return message, exchange.sizes

    def write(self, answer: Any, way: Way, sizes: Sizes) -> Any:
        """Return the form of an output message that has to agree with *sizes*; raise CallError if it does not fit."""
        found = way.quick_write(answer, sizes.copy())
        return way.write(answer, self.spec.output, Exchange(sizes=sizes.copy())) if found is None else found


def _as_it_is(given: Any) -> Any:
    return given


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

    def call(self, method: str, arguments: Any) -> Any:
        """Return the answer of *method* to JSON *arguments*; streams and errors are :meth:`Method.call_json`'s."""
        return self.methods[self.spec.method(method).name].call_json(arguments)

    def replay(self, example: Example) -> dict[str, Any]:
        """Return what the model now answers to *example*, as examples have it; raises as :meth:`call` does.

        Of a stream that went on longer than the example's there is one message more, and no second one.
        """
        answer = self.call(example.method, example.input)
        if not self.spec.method(example.method).streams_out:
            return answer  # type: ignore[no-any-return]
        with closing(answer):
            return collected(answer, len(example.output.get("stream", ())) + 1)

    def add_example(self, method: str, arguments: object, *, tolerance: float = 0.0) -> dict[str, Any]:
        """Call *method*, keep the call and its answer as a golden example, and return the answer.

        Args:
            method: The method's name.
            arguments: Its arguments in JSON form, or as Python has them: the input message, or native values by name;
                for a method that takes a stream, a list of these.
            tolerance: By how much (absolute) numbers of the answer may differ elsewhere.

        Returns:
            The answer; a stream as ``{"stream": [...]}``.

        Raises as :meth:`call` does, and InputError for a stream that is too long for an example.
        """
        called = self.methods[self.spec.method(method).name]
        document = called.arguments(arguments)
        answer = called.call_json(document)
        if called.spec.streams_out:
            with closing(answer):
                answer = collected(answer)
        taken = {"stream": document} if called.spec.streams_in else document
        self.examples.append(Example(method=method, input=taken, output=answer, tolerance=tolerance))
        return answer  # type: ignore[no-any-return]

    def add_evaluation(self, evaluation: Evaluation) -> None:
        """Keep a measured figure; it travels with the package and stands on the model's page."""
        self.evaluations.append(evaluation)
