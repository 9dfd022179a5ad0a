"""What makes variants' files: the plug-point. One module beside this one for each backend, with a ``BACKEND`` in it.

::

    parent's file --recipes--> [Recipe, ...]         which forms a backend has of it
    Recipe + its base's file --make--> Made          one file, and how it really came about

`modelport.edge.build` calls both in processes of their own, one for each recipe: a backend may import what it likes,
print what it likes, hold what memory it likes, and crash. Two things it must keep to: the same input gives the same
bytes (no times, no random names, fixed seeds), and what it cannot do it says by `NotMadeError`.

A recipe may be built on another's file, so that a Keras model is converted once::

    Recipe("float32", runtime="litert", tools=("tensorflow", "tensorflow-cpu"))
    Recipe("weight-int8", runtime="litert", base="float32", tools=("litert-quantizer",))

Nobody tries here whether the file loads: `modelport.edge.trial` runs every file in each of its runtime's modes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from modelport.errors import ModelportError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["BACKENDS", "Backend", "Calibration", "Made", "NotMadeError", "Recipe", "Runtime", "Source", "present"]

BACKENDS: Final = ("modelport.edge.litert", "modelport.edge.onnx", "modelport.edge.trees")
"""The modules of the backends. Each has its one in ``BACKEND``."""

Runtime: TypeAlias = Literal["litert", "onnx"]
"""What runs a variant's file: ``ai-edge-litert`` a ``.tflite``, ``onnxruntime`` an ``.onnx``."""

Calibration: TypeAlias = "Sequence[Mapping[str, NDArray[Any]]]"
"""What the parent's file is fed, one mapping for each call: the file's own name of each input -> its array.

Where the first dimension of every input is open (``n`` rows), or is 1, each call has one row. The arrays are what the
*file* takes, after the package's code has made them of the method's arguments. A trained object of one input, in a
package with code, has it under ``x``.
"""


class NotMadeError(ModelportError):
    """Why a recipe gives no file: the variant is listed as failed with this message, and the others go on."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one variant is made.

    Attributes:
        name: The variant's name: lower-case words, digits and hyphens, ``weight-int8``.
        runtime: What runs its file.
        base: The name of the recipe of the same backend whose file it is made from; None: from the parent's own.
        needs_calibration: Whether it cannot be made without calibration inputs.
        takes_calibration: Whether it is made better with them, where the package has some.
        options: The rest that is known before, all of it plain JSON; part of the key under which the file is cached.
        tools: The distributions that make it. The versions of those that are installed are noted with the variant, and
            are part of the key.
    """

    name: str
    runtime: Runtime
    base: str | None = None
    needs_calibration: bool = False
    takes_calibration: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """What a variant is made from.

    Attributes:
        file: The file of the recipe's base; the parent's own where it has none.
        parent: The parent's own file. Its suffix says its kind: ``.keras``, ``.tflite``, ``.onnx``, ``.skops``.
        calibration: None where there is none.
    """

    file: Path
    parent: Path
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A variant's file.

    Attributes:
        file: Where it lies, in the folder that was given: ``.tflite`` or ``.onnx``, as the recipe's runtime has it. One
            that stands in for a scikit-learn object says in its metadata which output is which method's, as
            `modelport.package.state.conversion.onnx_of` writes it; in the place of a graph, its inputs and outputs
            have the names of that graph's.
        recipe: How it was made, for the catalog's readers: plain JSON, ``{"by": "converter", "weights": "int8", ...}``.
    """

    file: Path
    recipe: Mapping[str, Any]


class Backend(Protocol):
    """Makes variants' files of the parents' files that it knows. Both methods run in processes of their own."""

    def recipes(self, parent: Path) -> Sequence[Recipe]:
        """Return the recipes for the file *parent*, bases before what is built on them; none where it has none for it.

        It may read the file, and should do so quickly. What a recipe needs need not be installed.

        Raises:
            NotMadeError: The file is of a kind that this backend knows, and is damaged.
        """

    def make(self, recipe: Recipe, source: Source, out: Path) -> Made:
        """Make the file of *recipe* in the folder *out*, which is empty.

        Raises:
            NotMadeError: It cannot be made; why, in a sentence for a user.
            SetupError: A tool is not installed.
        """


def present(modules: Sequence[str]) -> list[str]:
    """Return which *modules* are there, in their order."""
    return [one for one in modules if find_spec(one) is not None]
