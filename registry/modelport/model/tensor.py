"""How a function's annotation says "an array of this dtype and shape"."""

from __future__ import annotations

from typing import Annotated, Any

from modelport.errors import SignatureError
from modelport.model.names import is_identifier
from modelport.model.spec import DTYPES, TensorOf

__all__ = ["Tensor"]


class Tensor:
    """Marks an array's dtype and dimensions in an annotation.

    Two spellings mean the same; type checkers understand the first, the second is shorter in a notebook::

        def classify(images: Annotated[np.ndarray, Tensor("uint8", "n", 28, 28)]) -> ...
        def classify(images: Tensor["uint8", "n", 28, 28]) -> ...

    Args:
        dtype: A NumPy dtype or its name; one of ``DTYPES``.
        *shape: Each dimension: a size, a name that stands for one size in the whole call, or None for any size.

    Raises:
        SignatureError: The dtype or a dimension is not one that a signature can hold.
    """

    def __init__(self, dtype: Any, *shape: int | str | None) -> None:
        name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype))
        name = {"bool_": "bool"}.get(name, name)
        if name not in DTYPES:
            raise SignatureError(f"a tensor cannot have dtype {name!r}", hint=f"use one of {', '.join(DTYPES)}")
        for dimension in shape:
            if isinstance(dimension, bool) or not _is_dimension(dimension):
                raise SignatureError(
                    f"a tensor cannot have dimension {dimension!r}",
                    hint="a dimension is a size (28), a name ('n') or None for any size; there are at most 8",
                )
        if len(shape) > 8:  # noqa: PLR2004 - the limit that the message names
            raise SignatureError(f"a tensor cannot have {len(shape)} dimensions", hint="there are at most 8")
        self.type = TensorOf(name, shape)

    def __class_getitem__(cls, item: object) -> object:
        """Return the annotation for ``Tensor[dtype, dimension, ...]``."""
        return Annotated[Any, cls(*item) if isinstance(item, tuple) else cls(item)]

    def __repr__(self) -> str:
        return f"Tensor({', '.join(map(repr, (self.type.dtype, *self.type.shape)))})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tensor) and self.type == other.type

    def __hash__(self) -> int:
        return hash(self.type)


def _is_dimension(dimension: object) -> bool:
    if isinstance(dimension, int):
        return 0 <= dimension < 2**31
    return dimension is None or (isinstance(dimension, str) and is_identifier(dimension))
