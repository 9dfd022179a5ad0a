"""Second forms of trained objects, kept only where they answer as the first does on the model's own examples.

``state/forest.skops`` may have ``state/forest.onnx`` beside it, and a ``.keras`` file a ``.tflite`` file: quicker to
load, and readable without the framework. The packed code is run once for each, with a stand-in in the object's place.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from modelport.errors import ModelportError
from modelport.package.agreement import first_that_agrees
from modelport.package.closeness import alike
from modelport.package.inner import InnerEstimator
from modelport.package.load import forget, run_code
from modelport.package.state import load_state, standing_in
from modelport.package.state.conversion import NotConvertedError, litert_of, onnx_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from modelport.model import Example, Model

__all__ = ["FORMS", "Alternatives", "Form", "converters", "find_alternatives", "why_none"]

_LOG = logging.getLogger(__name__)
_NONE = "skl2onnx has no form of it that ONNX Runtime runs"


@dataclass(frozen=True, slots=True)
class Form:
    """A second form: its suffix, the distribution and the module that run it, the converter's module, the converter.

    A converter may have several forms of one object, the likeliest first.
    """

    suffix: str
    runtime: str
    module: str
    converter: str
    convert: Callable[[Any], Iterable[bytes]]

    @property
    def is_installed(self) -> bool:
        """Whether it can be made and run here."""
        return find_spec(self.module) is not None and find_spec(self.converter) is not None


FORMS = {
    ".skops": Form(".onnx", "onnxruntime", "onnxruntime", "skl2onnx", onnx_of),
    ".keras": Form(".tflite", "ai-edge-litert", "ai_edge_litert", "tensorflow", lambda model: [litert_of(model)]),
}
"""The second form by the first one's suffix."""


@dataclass(slots=True)
class Alternatives:
    """The second forms that were kept, and why others were not.

    Attributes:
        kept: What ``package.json`` says under ``alternatives``.
        without: What it says under ``without_alternative``.
        needs: The modules that run each kept file, by its path.
    """

    kept: list[dict[str, Any]] = field(default_factory=list)
    without: list[dict[str, Any]] = field(default_factory=list)
    needs: dict[str, set[str]] = field(default_factory=dict)

    def said(self) -> dict[str, Any]:
        """Return what ``package.json`` says."""
        said = {"alternatives": self.kept, "without_alternative": self.without}
        return {key: value for key, value in said.items() if value}


def find_alternatives(model: Model, folder: Path, states: Mapping[str, object]) -> Alternatives:
    """Write the second forms of *states*, by path, into the package in *folder* whose code and state are there.

    Nothing is said of a form whose converter is not installed. Reasons hold no values and no messages of libraries, so
    that the same model has the same reasons.
    """
    found = Alternatives()
    for path, value in sorted(states.items()):
        form = FORMS.get(PurePosixPath(path).suffix)
        if form is None or not model.examples or not form.is_installed:
            continue
        other = str(PurePosixPath(path).with_suffix(form.suffix))
        try:
            tried = _Trial(model, folder, value, {"path": other, "of": path, "runtime": form.runtime})
            said = first_that_agrees(form.convert(value), folder / other, tried, none=_NONE)
        except NotConvertedError as why:
            found.without.append({"of": path, "runtime": form.runtime, "reason": str(why)})
            _LOG.info("%s has no second form for %s: %s", path, form.runtime, why)
        else:
            found.kept.append(said)
            found.needs[other] = {form.module, "numpy"}
    return found


def why_none(info: Mapping[str, Any], path: str, *, examples: int) -> str:
    """Return why the trained object at *path* of a package has no second form; nothing where it has one.

    What ``package.json`` does not say is told for a package that was made here: a converter is missing, or examples.
    """
    form = FORMS.get(PurePosixPath(path).suffix)
    if form is None or any(one["of"] == path for one in info.get("alternatives", ())):
        return ""
    said = next((str(one["reason"]) for one in info.get("without_alternative", ()) if one["of"] == path), "")
    if said:
        return said
    if missing := [one for one in (form.converter, form.module) if find_spec(one) is None]:
        return f"{' and '.join(missing)} must be installed to make one"
    return "it was not asked for" if examples or not info["code"] else "there is no golden example to try one on"


def converters(modules: Iterable[str]) -> set[str]:
    """Return the modules that make and run second forms of what *modules*, which a recipe imports, may train."""
    trained = {one.partition(".")[0] for one in modules}
    found = set()
    for suffix, framework in ((".skops", "sklearn"), (".keras", "keras"), (".keras", "tensorflow")):
        if framework in trained:
            found |= {FORMS[suffix].module, FORMS[suffix].converter}
    return found


class _Trial:
    """The trained object *value* inside a model's functions, and what its second form is asked."""

    def __init__(self, model: Model, folder: Path, value: object, entry: Mapping[str, Any]) -> None:
        self._model, self._folder, self._entry = model, folder, entry
        self._estimator = InnerEstimator(value) if entry["path"].endswith(".onnx") else None

    def __call__(self) -> dict[str, Any]:
        """Return what ``package.json`` says of the form whose file is there; NotConvertedError where it differs."""
        entry = {**self._entry, "agreed": len(self._model.examples)}
        if self._estimator:
            entry |= self._estimator.compared(self._folder / entry["path"])
        _try(self._model, self._folder, entry)
        return entry


def _try(model: Model, folder: Path, entry: Mapping[str, Any]) -> None:
    """Run the packed code with the second form in the place of the first; raise NotConvertedError where they differ."""
    path, other = entry["of"], entry["path"]
    try:
        with standing_in(folder, {path: entry}):
            again = _loaded(model, folder)
            stand_in: Any = load_state(str(folder / "code" / "model.py"), path)
        agreed = all(_agrees(again, example) for example in model.examples)
    except (ModelportError, AttributeError, TypeError, ValueError) as error:
        _LOG.info("%s in the place of %s fails: %s", other, path, error)
        raise NotConvertedError("the model's code asks for more than it has") from error
    finally:
        forget(folder)
    if not agreed:
        raise NotConvertedError("it gives other answers to the examples")
    if not stand_in.asked:
        raise NotConvertedError("no example asks it")


def _loaded(model: Model, folder: Path) -> Model:
    methods: Any = run_code(folder)
    return type(model)(**{method.name: methods[method.name] for method in model.spec.methods})


def _agrees(model: Model, example: Example) -> bool:
    return alike(example.output, model.replay(example), example.tolerance)
