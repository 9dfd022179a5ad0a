"""A new entry's files: what is known, and the word TODO with a question wherever somebody must still write.

The entry is a draft that passes every check. Its recipe fits a line to a few points: a model that builds within
seconds, to be replaced by one's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.catalog.facts import field_kinds, frameworks
from modelport.catalog.writer import model_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["facts_of_package", "guess_task", "scaffold", "title_of"]

_LABELS = {"bool", "int8", "int16", "int32", "int64", "string", "uint8", "uint16", "uint32", "uint64"}
_TODO = {
    "summary": "TODO: in one sentence, what does it do, and from what?",
    "intended_use": "TODO: what is it for, and for whom?",
    "limits": "TODO: what is it not for, and where does it fail?",
    "license": "LicenseRef-TODO",
    "task": "other",
}
_DATA = {"name": "TODO: the data set's name", "source": "TODO: where do the data come from?"}
_MORE = """\

# Users also ask for these; `modelport check` says what to add first.
# tags: [WORD, ...]                 words by which people look for such a model
# languages: [en, ...]              which natural languages it knows
# links: {homepage: https://..., source: https://..., paper: https://..., issues: https://...}
# citation: {title: ..., authors: [Given Names Family, ...], year: ..., venue: ..., doi: ...}
# lineage: [{relation: fine-tuned, model: NAME}]     what it was made from; 'source: ...' when it is elsewhere
"""
_CARD = """\
TODO: what goes in, what comes out, and how are they read?

{methods}## How it was made

TODO: on which data, with which method, and how was it measured?
"""
_LOCK = "# TODO: `modelport pack catalog/models/{name} --lock` writes here what the recipe needs, with hashes.\n"
_RECIPE = '''\
"""How the model is made: `modelport pack` runs model() and packs what it returns.

This one fits a straight line to four points. Put your own training in its place.
"""

from __future__ import annotations

from typing import NamedTuple

from modelport import Evaluation, Model


class Input(NamedTuple):
    """What goes in: users read these texts as the model's manual."""

    x: list[float]


class Output(NamedTuple):
    """What comes out."""

    y: list[float]


def model() -> Model:
    """Train, measure, and return the model with an example."""
    known = [(0.0, 1.0), (1.0, 3.0), (2.0, 5.0), (3.0, 7.0)]
    held_out = [(4.0, 9.0), (5.0, 11.0)]
    mean_x, mean_y = (sum(column) / len(known) for column in zip(*known, strict=True))
    slope = sum((x - mean_x) * (y - mean_y) for x, y in known) / sum((x - mean_x) ** 2 for x, _ in known)
    start = mean_y - slope * mean_x

    def predict(points: Input) -> Output:
        """Tell y for each x."""
        return Output(y=[start + slope * x for x in points.x])

    made = Model(predict=predict)
    made.add_example("predict", {"x": [0.5, 10.0]}, tolerance=1e-9)
    error = sum(abs(start + slope * x - y) for x, y in held_out) / len(held_out)
    made.add_evaluation(
        Evaluation(data="Points", split="two points held out", n=2, metric="mae", value=error, tolerance=1e-9)
    )
    return made
'''


def scaffold(name: str, known: Mapping[str, Any], *, recipe: bool, methods: str = "") -> dict[str, str]:
    """Return the text of each file of a new entry called *name*.

    Args:
        name: The model's name.
        known: What is known of it: keys of ``model.yaml``, and ``author``.
        recipe: Whether the entry gets a recipe of its own.
        methods: What the card says of the methods, in Markdown.
    """
    author = known.get("author", "TODO: who made it?")
    document = {
        "schema": "modelport/model/2",
        "name": name,
        "title": title_of(name),
        "publisher": {"name": known.get("author", "TODO: who publishes it?")},
        "authors": [{"name": author}],
        "maintainers": [{"name": known.get("author", "TODO: who answers for it?")}],
        "lifecycle": "draft",
        "training_data": [_DATA],
        **_TODO,
        **{key: value for key, value in known.items() if key != "author"},
    }
    files = {"model.yaml": model_yaml(document) + _MORE, "card.md": _CARD.format(methods=methods)}
    return files | ({"recipe.py": _RECIPE, "recipe.lock": _LOCK.format(name=name)} if recipe else {})


def title_of(name: str) -> str:
    """Return a model's name as people may write it."""
    return name.replace("-", " ").replace("_", " ").capitalize()


def facts_of_package(
    signature: Mapping[str, Any], requirements: Iterable[str], evaluations: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, Any], str]:
    """Return what a package knows of its model: keys of ``model.yaml``, and the card's text on the methods."""
    docs = {method["name"]: " ".join(method.get("doc", "").split()) for method in signature["methods"]}
    said = next((doc for doc in docs.values() if doc), "")
    measured = list(dict.fromkeys(evaluation["data"] for evaluation in evaluations))
    used = frameworks(requirements)
    facts = {
        "task": guess_task(signature),
        **({"summary": said[:240].strip()} if said else {}),
        **({"tags": used} if used else {}),
        **({"training_data": [{**_DATA, "name": data} for data in measured]} if measured else {}),
    }
    lines = [f"- `{name}`: {doc or 'TODO: what does it do?'}\n" for name, doc in docs.items()]
    return facts, "## Methods\n\n" + "".join(lines) + "\n"


def guess_task(signature: Mapping[str, Any]) -> str:
    """Return the task that what a model takes and gives hints at."""
    takes, gives = field_kinds(signature, "input"), field_kinds(signature, "output")
    if "image" in takes:
        return "image-to-image" if "image" in gives else "image-classification"
    if "text" in takes:
        return "text-classification"
    if "table" in takes:
        named = "choice" in gives or _scalars(signature) & _LABELS
        return "tabular-classification" if named else "tabular-regression"
    return "other"


def _scalars(signature: Mapping[str, Any]) -> set[str]:
    """Return the scalars among what the methods give."""
    outputs = {method["output"] for method in signature["methods"]}
    kinds = (f["type"] for message in signature["messages"] if message["name"] in outputs for f in message["fields"])
    inner = (kind.get("list") or kind.get("map") or kind.get("optional") or kind for kind in kinds)
    return {str(kind.get("scalar")) for kind in inner}
