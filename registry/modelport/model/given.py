"""What a caller in Python gives a method -> its arguments in JSON form.

A method takes its input message, as the Acumos paper's listing has it. People call it as its function, too, and have
NumPy arrays, data frames and their own classes at hand where an example wants JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelport.errors import CallError, SignatureError
from modelport.model.classes import is_message
from modelport.model.codec import Codec
from modelport.model.exchange import WHOLE
from modelport.model.flow import documents_of
from modelport.model.frame import identifiers
from modelport.model.records import Record
from modelport.model.shown import shown_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelport.model.infer import MethodTypes
    from modelport.model.spec import Field, MethodSpec

__all__ = ["Given"]


class Given:
    """Understands what one method is given."""

    def __init__(self, codec: Codec, method: MethodSpec, call: MethodTypes) -> None:
        self._codec = codec
        self._method = method
        # Each element of a stream is given as an only parameter is.
        self._call = replace(call, spread=call.spread or call.unwrap)
        self._message = codec.spec.message(method.input)
        self._record = codec.records[method.input]

    def is_message(self, value: object) -> bool:
        """Tell whether *value* is the input message, or has all that it has."""
        if isinstance(value, self._record.kind):
            return True
        return is_message(type(value)) and all(hasattr(value, f.name) for f in self._message.fields)

    def named(self, given: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Return the message that was given, or a dictionary of its fields.

        Raises:
            CallError: There are more arguments than fields, or one is given twice.
        """
        if len(given) == 1 and not named:
            if self.is_message(given[0]):
                return given[0]
            if self._message.table and hasattr(given[0], "columns"):
                return self._columns(given[0])
            if isinstance(given[0], Mapping) and not self._call.spread:
                return dict(given[0])
        if not given and not self._call.spread and len(named) == 1:
            ((name, value),) = named.items()
            if name in (*self._call.positional, *self._call.keywords) and self.is_message(value):
                return value
        names = [f.name for f in self._message.fields]
        if len(given) > len(names):
            raise CallError([f"{WHOLE}: has {len(given)} arguments"], hint=self._hint())
        found = dict(zip(names, given, strict=False))
        if twice := sorted(found.keys() & named.keys()):
            raise CallError([f"{name}: is given twice" for name in twice], hint=self._hint())
        return {**found, **named}

    def called(self, given: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Return the input message for a call with these arguments: native values, or else what JSON says.

        Raises:
            CallError: They do not fit; it says what the method takes.
        """
        value = self.named(given, named)
        if not isinstance(value, dict) or self.is_message(value):
            return value
        problems: list[str] = []
        fields, found = self._fields(value, problems), None
        try:
            found = self._codec.from_json(fields, self._method.input)
        except CallError as error:
            refused = value.keys() - fields.keys()
            problems += [p for p in error.problems if p.partition(": is missing")[0] not in refused]
        if problems:
            raise CallError(problems, hint=self._hint())
        return found

    def stream(self, given: Sequence[Any], named: Mapping[str, Any]) -> Iterable[Any]:
        """Return the stream that a method which takes one was given.

        Raises:
            CallError: It was given anything else.
        """
        (name,) = (*self._call.positional, *self._call.keywords)
        values = [*given, *(value for key, value in named.items() if key == name)]
        if len(values) != 1 or len(given) + len(named) != 1:
            raise CallError([f"{WHOLE}: has {len(given) + len(named)} arguments, and a stream is one"])
        return documents_of(values[0])

    def element(self, value: Any) -> Any:
        """Return the input message for one element of a stream; raises as :meth:`called` does."""
        return value if isinstance(value, self._record.kind) else self.called([value], {})

    def to_json(self, arguments: Any) -> Any:
        """Return the JSON form of *arguments*: JSON already, the message, or its fields' native values by name.

        Raises:
            CallError: The message does not fit.
        """
        value = dict(arguments) if isinstance(arguments, Mapping) else self.named([arguments], {})
        if isinstance(value, dict):
            return self._fields(value, None)
        return self._codec.to_json(value, self._method.input)

    def _columns(self, table: Any) -> dict[str, Any]:
        """Return the columns of a data frame by the fields that hold them; where one is missing, so is its field."""
        wanted = {f.name for f in self._message.fields}
        found = {}
        for column in table.columns:
            try:
                field = column if column in wanted else identifiers([column])[0]
            except SignatureError:  # it can be no field, and so none of these
                continue
            if field in wanted:
                found[field] = table[column].tolist()
        return found

    def _fields(self, values: Mapping[str, Any], problems: list[str] | None) -> dict[str, Any]:
        """Return *values* with those in JSON form that are native; what is neither stays, and is refused later.

        Args:
            values: The values, by the fields' names.
            problems: Takes what is wrong with those that only Python's form could say, which are left out; None where
                JSON's form comes first.
        """
        fields = {f.name: f for f in self._message.fields}
        made = {}
        for name, value in values.items():
            field = fields.get(name)
            try:
                made[name] = value if field is None else self._value(value, field, json_first=problems is None)
            except CallError as error:
                if problems is None:
                    raise
                problems += error.problems
        return made

    def _value(self, value: Any, field: Field, *, json_first: bool) -> Any:
        if json_first and not self._codec.misfits(value, field, field.name):
            return value
        codec, message = self._codec, replace(self._message, fields=(field,), table=False)
        others = tuple(message if m.name == message.name else m for m in codec.spec.messages)
        record = Record(dict, dict, dict.__getitem__)
        alone = Codec(replace(codec.spec, messages=others), {**codec.records, message.name: record}, codec.enums)
        try:
            return alone.to_json({field.name: value}, message.name)[field.name]
        except CallError:
            # Text has a meaning in JSON that nobody means in Python: base64, for instance.
            if not json_first and (isinstance(value, str) or self._codec.misfits(value, field, field.name)):
                raise
            return value

    def _hint(self) -> str:
        name, kind = self._method.name, self._record.kind.__name__
        return f"it takes ({shown_fields(self._codec.spec, self._method.input)}), or one {kind}: see {name}.input_type"
