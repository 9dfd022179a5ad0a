"""A model: named functions with a signature, callable with native values, JSON or protobuf bytes."""

from __future__ import annotations

from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelport.errors import CallError, ModelError
from modelport.model.codec import Codec
from modelport.model.exchange import WHOLE, Exchange, RefusedError
from modelport.model.flow import Incoming, answers, collected, documents_of, only, results, written
from modelport.model.gathering import gather
from modelport.model.given import Given
from modelport.model.infer import MethodTypes, Signature, infer_signature
from modelport.model.measured import Evaluation, Example
from modelport.model.scalars import with_article
from modelport.model.shown import shown_method

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    from modelport.model.codec import Way
    from modelport.model.data_set import DataSet
    from modelport.model.quick import Sizes
    from modelport.model.spec import MethodSpec, ModelSpec

__all__ = ["Evaluation", "Example", "Method", "Model"]


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

    def takes(self, value: object) -> bool:
        """Tell whether *value* is the method's input message, or has all that it has."""
        return self._given.is_message(value)

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
        data_sets: Data to calibrate and to evaluate it, by purpose; it travels with the package.
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
        self.data_sets: dict[str, DataSet] = {}
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

    def add_data(
        self,
        purpose: str,
        method: str,
        inputs: Any,
        expected: Mapping[str, Any] | None = None,
        *,
        name: str,
        split: str,
        source: str,
        license: str,  # noqa: A002 - the word that entries use
        tolerance: float = 0.0,
    ) -> DataSet:
        """Keep samples of data, which travel with the package as a layer of their own, and return them.

            model.add_data("calibration", "classify", {"images": images[::300]}, name="Fashion-MNIST", ...)
            model.add_data("evaluation", "classify", {"images": images}, {"labels": labels}, name="Fashion-MNIST", ...)

        Args:
            purpose: ``calibration`` (typical inputs) or ``evaluation`` (inputs with right answers).
            method: The method that takes the inputs.
            inputs: One message, or its fields by name, whose rows are the samples; or an iterable of messages, each of
                which is a sample.
            expected: For evaluation, the field of the answer that is compared, with its right values: those of all rows
                as the field has them, or an iterable with one for each message. An answer counts as right where it is
                equal.
            name: The data set that they are from.
            split: Which part of it, and by what rule it was chosen.
            source: Where it comes from.
            license: Its licence, as an SPDX expression where there is one.
            tolerance: By how much (absolute) floats of an answer may be off and still be right.

        Raises:
            InputError: There is data for this purpose already, it has no samples or more than 64 MiB, or what is
                expected is not for one field.
            CallError: A sample does not fit the signature; the message says which.
        """
        about = {"name": name, "split": split, "source": source, "license": license}
        made = gather(self, purpose, method, inputs, expected, tolerance=tolerance, about=about)
        self.data_sets[purpose] = made
        return made
