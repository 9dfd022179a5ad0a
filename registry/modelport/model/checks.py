"""What every name of a signature, and what is said of its fields, has to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import SignatureError
from modelport.model.kinds import Scalar, TensorOf, single
from modelport.model.names import is_identifier, same_but_for_case

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelport.model.spec import Field

__all__ = ["check_about", "check_fields", "check_identifier"]


def check_identifier(name: str, where: str) -> None:
    """Raise SignatureError unless *name* may name a method, a message or a field."""
    if not is_identifier(name):
        raise SignatureError(
            f"{where}: a name starts with a letter and goes on with letters, digits and '_' (at most 128)",
            hint="rename it: the name becomes a protobuf and a URL name",
        )


def check_fields(names: Iterable[str], where: str, place: str) -> None:
    """Raise SignatureError unless *names* may name the fields of one message; *place* says where one is."""
    names = list(names)
    for name in names:
        check_identifier(name, where + place.format(name))
    if clash := same_but_for_case(names):
        raise SignatureError(
            f"{where}: the names {clash[0]!r} and {clash[1]!r} differ only in '_' or case", hint="rename one"
        )


def check_about(made: Field, where: str) -> None:
    """Raise SignatureError if a field has a range without numbers, or a media type without bytes or text."""
    inner, about = single(made.type), made.about
    scalar = inner.name if isinstance(inner, Scalar) else ""
    numeric = isinstance(inner, TensorOf) or scalar not in {"", "bool", "string", "bytes"}
    if not numeric and (about.minimum is not None or about.maximum is not None):
        raise SignatureError(
            f"{where}: a range is given, and {made.type} has no numbers", hint="leave minimum and maximum out"
        )
    if about.media_types and scalar not in {"bytes", "string"}:
        raise SignatureError(
            f"{where}: a media type is given, and {made.type} is neither bytes nor text",
            hint="use bytes: Annotated[bytes, About(media_types='image/png')]",
        )
