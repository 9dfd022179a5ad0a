"""The typed SDK: functions and annotations -> signature -> protobuf, and a value's native, JSON and protobuf forms.

``Model(name=function, ...)`` reads the annotations (`infer`) into a signature (`spec`). The signature has a ``.proto``
text and descriptors (`proto`), made without a compiler. A `Codec` carries a message between its three forms: native
Python (`NamedTuple`, dataclass), JSON (`json_form`) and protobuf bytes (`wire`); `scalars` and `arrays` (tensors, as
NumPy arrays) say how single values do it, an `Exchange` collects what does not fit. A call tries the `quick` way first.
Data to calibrate or evaluate a model becomes a `data_set`.

    >>> from typing import NamedTuple
    >>> class Point(NamedTuple):
    ...     x: float
    ...     y: float
    >>> def mirror(point: Point) -> Point:
    ...     return Point(point.y, point.x)
    >>> Model(mirror=mirror).call("mirror", {"x": 1.0, "y": 2.0})
    {'x': 2.0, 'y': 1.0}
"""

from __future__ import annotations

from typing import Annotated

from modelport.model.about import About
from modelport.model.codec import Codec
from modelport.model.data_set import DataSet, Samples
from modelport.model.frame import Frame
from modelport.model.model import Evaluation, Example, Method, Model
from modelport.model.spec import ModelSpec
from modelport.model.tensor import Tensor

__all__ = [
    "About", "Codec", "DataSet", "Evaluation", "Example", "Frame", "Image", "Method", "Model", "ModelSpec", "Samples",
    "Tensor",
]  # fmt: skip

Image = Annotated[bytes, About(media_types=("image/png", "image/jpeg"))]
"""The bytes of an image file."""
