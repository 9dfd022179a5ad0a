"""A method's messages as tensors: a request's tensors -> the native input message, the native answer -> tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.errors import CallError, ModelError
from modelport.model.json_form import JsonReaders, unequal_columns
from modelport.model.members import Members
from modelport.model.native import Plainers
from modelport.model.to_json import JsonWriters
from modelport.serve.oip.fields import tensor_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelport.model import Codec, Method
    from modelport.model.exchange import Exchange
    from modelport.model.spec import Field, Message
    from modelport.serve.limits import Limits
    from modelport.serve.oip.fields import Answer, FieldTensor
    from modelport.serve.oip.tensors import Given

__all__ = ["MethodTensors"]


class MethodTensors:
    """The tensors that a method takes and gives.

    Attributes:
        inputs: The input message's tensors, by name.
        outputs: The output message's tensors, by name.
    """

    def __init__(self, method: Method, codec: Codec) -> None:
        spec = codec.spec
        self._spec = method.spec
        self._taken, self._given = spec.message(method.spec.input), spec.message(method.spec.output)
        self._record = codec.records[self._taken.name]
        members = {e.name: Members(e, codec.enums.get(e.name)) for e in spec.enums}
        read, write = JsonReaders(spec, codec.records, members).field, JsonWriters(spec).field
        self.inputs: dict[str, FieldTensor] = {f.name: tensor_of(f, spec, read, write) for f in self._taken.fields}
        self.outputs: dict[str, FieldTensor] = {f.name: tensor_of(f, spec, read, write) for f in self._given.fields}
        self._plain = Plainers(spec, codec.records, members).message(self._given.name)

    def message(self, tensors: Sequence[Given], limits: Limits, exchange: Exchange) -> Any:  # noqa: ANN401 - the user's own classes
        """Return the native input message; what does not fit is noted in *exchange*."""
        native = self._message(tensors, limits, exchange)
        if exchange.guessed and not exchange.count:
            # A later tensor may have told the size that JSON left open: now it is known from the beginning.
            native = self._message(tensors, limits, exchange)
        return native

    def _message(self, tensors: Sequence[Given], limits: Limits, exchange: Exchange) -> Any:  # noqa: ANN401 - the user's own classes
        before, values = exchange.count, {}
        given = {one.name: one for one in tensors}
        for name, tensor in self.inputs.items():
            if name in given:
                values[name] = tensor.native(given[name], limits, exchange)
            elif tensor.field.is_required:
                exchange.add(name, f"is missing ({tensor.datatype} {list(tensor.shape)})")
            else:
                values[name] = tensor.read(_absent(tensor.field), name, exchange)
        self._check_names(tensors, exchange)
        if self._taken.table and exchange.count == before:
            unequal_columns(values, "", exchange)
        return exchange.make(self._taken.name, self._record, values, "") if exchange.count == before else None

    def answers(self, native: object, names: Iterable[str], exchange: Exchange) -> list[Answer]:
        """Return the tensors of the native answer that are called *names*; an optional field without a value has none.

        Raises:
            ModelError: The answer does not fit the signature.
        """
        plain = self._plain(native, "", exchange)
        try:
            exchange.settle()
        except CallError as error:
            raise ModelError(f"{self._spec.name} gave an answer that does not fit: {error}") from error
        made = [self.outputs[name].answer(plain[name]) for name in names]
        return [one for one in made if one is not None]

    def check_outputs(self, names: Sequence[str], exchange: Exchange) -> None:
        """Note which of the requested *names* are no outputs."""
        for name in names:
            if name not in self.outputs:
                exchange.add(f"outputs.{name[:128]}", _unknown(self._given, "output"))

    def _check_names(self, tensors: Sequence[Given], exchange: Exchange) -> None:
        seen: set[str] = set()
        for one in tensors:
            if one.name not in self.inputs:
                exchange.add(one.name[:128], _unknown(self._taken, "input"))
            elif one.name in seen:
                exchange.add(one.name, "stands twice")
            seen.add(one.name)


def _absent(field: Field) -> Any:  # noqa: ANN401 - JSON
    return field.default if field.has_default else None


def _unknown(message: Message, what: str) -> str:
    return f"{message.name} has no such {what}; it has {', '.join(f.name for f in message.fields) or 'none'}"
