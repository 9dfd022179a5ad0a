"""What people need to know of a value besides its type: words, unit, range, media type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.errors import SignatureError

__all__ = ["About"]


@dataclass(frozen=True, slots=True)
class About:
    """What is said of a parameter, a field or a result, in its annotation.

        >>> from typing import Annotated
        >>> Length = Annotated[float, About("length of a sepal", unit="cm", minimum=0)]

    A range holds for each number in a list, a map or a tensor. Values outside are refused where they come in.

    Attributes:
        doc: What it is.
        unit: The unit of its numbers, for instance ``cm``; UCUM's spelling where there is one.
        minimum: The least number allowed.
        maximum: The greatest number allowed.
        media_types: What bytes or text hold: the media types that are understood, the preferred one first.

    Raises:
        SignatureError: The range is empty or not made of numbers, or a media type is none.
    """

    doc: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    media_types: tuple[str, ...] = ()

    if TYPE_CHECKING:  # one media type may be given as text

        def __init__(
            self,
            doc: str = "",
            unit: str = "",
            minimum: float | None = None,
            maximum: float | None = None,
            media_types: tuple[str, ...] | str = (),
        ) -> None: ...

    def __post_init__(self) -> None:
        for name in ("minimum", "maximum"):
            bound = getattr(self, name)
            if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int | float) or bound != bound):  # noqa: PLR0124 - NaN
                raise SignatureError(f"About({name}={bound!r}): is not a number", hint=f"write {name}=0, for instance")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise SignatureError(
                f"About(minimum={self.minimum!r}, maximum={self.maximum!r}): no number is in this range",
                hint="the minimum comes first and is not above the maximum",
            )
        if isinstance(self.media_types, str):
            object.__setattr__(self, "media_types", (self.media_types,))
        given: tuple[object, ...] = self.media_types
        for one in given:
            if not isinstance(one, str) or one.count("/") != 1 or one != one.lower() or " " in one:
                raise SignatureError(
                    f"About(media_types={one!r}): is not a media type", hint="write 'image/png', for instance"
                )

    def merged(self, other: About) -> About:
        """Return what is said here and in *other*; what both say counts as *other* says it."""
        if not self.to_json() or not other.to_json():
            return other if other.to_json() else self
        return About.from_json(self.to_json() | other.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return what is said, by name; what is not said is left out."""
        said: dict[str, Any] = {"doc": self.doc, "unit": self.unit, "media_types": list(self.media_types)}
        bounds = {"minimum": self.minimum, "maximum": self.maximum}
        return {k: v for k, v in said.items() if v} | {k: v for k, v in bounds.items() if v is not None}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> About:
        """Read what :meth:`to_json` wrote; other keys are passed over."""
        return cls(
            doc=document.get("doc", ""),
            unit=document.get("unit", ""),
            minimum=document.get("minimum"),
            maximum=document.get("maximum"),
            media_types=tuple(document.get("media_types", ())),
        )
