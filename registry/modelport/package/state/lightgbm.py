"""LightGBM's boosters as LightGBM's own text, which all its bindings read: ``.lightgbm`` for one that stands alone.

One inside an estimator lies as the same text in the estimator's ``.skops`` file. What can be computed again and what
says how it was trained (files, machines, threads) is left out, so that the same trees give the same bytes.

LightGBM's reader believes what it reads: a child that is not there or a class too many is memory of somebody else's.
Every number that it uses as an index or a length is checked before.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

from modelport.errors import FormatError, PackError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["LightgbmBackend", "make_canonical", "text_problem"]

_BOOSTER = ("lightgbm.basic", "Booster")
_HEADER = {
    "version": r"v[234]", "num_class": r"\d{1,6}", "num_tree_per_iteration": r"\d{1,6}", "label_index": r"\d{1,9}",
    "max_feature_idx": r"\d{1,7}",
    "objective": r"[a-z][a-z0-9_]*(?: sqrt| [a-z_]+:-?\d{1,9}(?:\.\d{1,20})?(?:e-?\d\d)?)*",
    "feature_names": r".+", "feature_infos": r"[^ =]+(?: [^ =]+)*", "monotone_constraints": r"-?[01](?: -?[01])*",
    "tree_sizes": r"\d{1,12}(?: \d{1,12})*|",
}  # fmt: skip
_OPTIONAL = {"objective", "monotone_constraints", "tree_sizes"}
_SPLITS = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
_TOLD = ("split_gain", "leaf_weight", "leaf_count", "internal_value", "internal_weight", "internal_count")
"""What a tree tells of its training: no index, no length."""
_LINEAR = ("leaf_const", "num_features", "leaf_features", "leaf_coeff")
_EXPONENT = r"e(?:\+?(?:[0-2]?\d{1,2}|300)|-(?:[01]?\d{1,2}|2[0-7]\d))"
_NUMBERS = re.compile(rf"(?: *-?\d{{1,20}}(?:\.\d{{0,20}})?(?:{_EXPONENT})?(?= |$))* *")
"""Numbers that a double holds in full: on others its reader throws where nobody catches."""


class LightgbmBackend:
    """Keeps boosters that stand alone; those in estimators are kept with them."""

    suffix: ClassVar[str] = ".lightgbm"
    imports: ClassVar[tuple[str, ...]] = ("lightgbm",)

    def keeps(self, value: object) -> bool:
        """Tell whether *value* is a booster."""
        basic = sys.modules.get("lightgbm.basic")
        return basic is not None and isinstance(value, basic.Booster)

    def save(self, value: Any, file: Path) -> tuple[str, ...]:
        """Write the trees; those after the best iteration, which are never asked, stay behind."""
        text = _canonical(value.model_to_string())
        if problem := _problem(text):
            raise PackError(f"the booster cannot be kept as data: it has {problem}", hint="train it with LightGBM 4")
        file.write_bytes(text.encode())
        return ()

    def load(self, file: Path) -> object:
        """Return the booster; refuse a text whose numbers lead elsewhere."""
        try:
            text = file.read_bytes().decode()
        except UnicodeDecodeError as error:
            raise FormatError(f"{file} is not a LightGBM model: {error}") from error
        if problem := _problem(text):
            raise FormatError(f"{file} is not a LightGBM model: it has {problem}")
        import lightgbm

        try:
            return lightgbm.Booster(model_str=text)
        except lightgbm.basic.LightGBMError as error:
            raise FormatError(f"{file} is not a LightGBM model that can be loaded: {error}") from error


def _canonical(text: str) -> str:
    """Return LightGBM's text without the figures and parameters of the training."""
    trees, end, rest = text.partition("end of trees\n")
    categories = re.search(r"^pandas_categorical:.*$", rest, re.MULTILINE)
    return f"{trees}{end}\n{categories[0] if categories else 'pandas_categorical:null'}\n"


def make_canonical(tree: Iterable[dict[str, Any]]) -> None:
    """Give the boosters among the nodes of a skops tree their canonical text, and no parameters of their training."""
    for node in tree:
        if _is_booster(node):
            held = node["content"]["content"]
            held["_handle"]["content"] = json.dumps(_canonical(json.loads(held["_handle"]["content"])))
            held["params"]["content"], held["params"]["key_types"]["content"] = {}, []


def text_problem(tree: list[dict[str, Any]]) -> str:
    """Return what is wrong with the boosters among the nodes of a skops tree, or nothing.

    skops takes an object that it met before for a node with the same id: a booster's text must be its own.
    """
    boosters = [*filter(_is_booster, tree)]
    ids = Counter(node["__id__"] for node in tree if isinstance(node.get("__id__"), int)) if boosters else Counter()
    for node in boosters:
        kept: Any = node.get("content")
        handle: Any = kept.get("content", {}).get("_handle") if isinstance(kept, dict) else None
        plain = isinstance(handle, dict) and handle.get("__loader__") == "JsonNode" and "handle" not in kept["content"]
        if not plain or node.get("__loader__") != "ObjectNode" or kept.get("__loader__") != "DictNode":
            return "a booster without a text of its own"
        if any(ids[one.get("__id__")] != 1 for one in (kept, handle)):
            return "a booster whose text is another object's"
        text = json.loads(handle["content"])
        if problem := _problem(text) if isinstance(text, str) else "no text":
            return f"a booster with {problem}"
    return ""


def _is_booster(node: dict[str, Any]) -> bool:
    return (node.get("__module__"), node.get("__class__")) == _BOOSTER


def _problem(text: str) -> str:
    """Return what is wrong with a booster's text, or nothing."""
    head, _, body = text.partition("\n\n")
    try:
        header = _header(head)
        classes, features = int(header["num_class"]), int(header["max_feature_idx"]) + 1
        sizes = [int(size) for size in header.get("tree_sizes", "").split()]
        _check_header(header, classes, features, len(sizes))
        rest, start = body.encode(), 0
        for number, size in enumerate(sizes):
            _check_tree(rest[start : start + size].decode(), number, features)
            start += size
        _check_end(rest[start:].decode())
    except (ValueError, KeyError, IndexError, OverflowError, RecursionError) as error:
        return f"{error}" if type(error) is ValueError else f"something that is no number or no list: {error}"
    return ""


def _require(sound: object, what: str) -> None:
    if not sound:
        raise ValueError(what)


def _header(head: str) -> dict[str, str]:
    lines = head.split("\n")
    _require(lines[0] == "tree", "no first line 'tree'")
    pairs = [tuple(line.split("=", 1)) for line in lines[1:] if line != "average_output"]
    header = {pair[0]: pair[-1] for pair in pairs}
    _require(len(header) == len(pairs) and lines.count("average_output") <= 1, "a line of its header twice")
    _require(header.keys() <= _HEADER.keys(), "a line of its header that nobody knows")
    _require(_HEADER.keys() - header.keys() <= _OPTIONAL, "too few lines in its header")
    for key, value in header.items():
        _require(re.fullmatch(_HEADER[key], value), f"a {key} that is none")
    return header


def _check_header(header: dict[str, str], classes: int, features: int, trees: int) -> None:
    _require(classes >= 1 and header["num_tree_per_iteration"] == header["num_class"], "trees that are of no class")
    _require(trees % classes == 0, "an iteration without all its trees")
    objective = header.get("objective", "")
    said = re.findall(r" num_class:(\S+)", objective)
    needed = objective.startswith("multiclass")
    _require(said == ([header["num_class"]] if needed else []), "an objective of other classes")
    for key in ("feature_names", "feature_infos", "monotone_constraints"):
        told = header.get(key)
        _require(told is None or len(told.split(" ")) == features, f"{key} that are not one for each feature")


def _check_tree(text: str, number: int, features: int) -> None:
    lines = text.rstrip("\n").split("\n")
    _require(lines[0] == f"Tree={number}" and text.endswith("\n\n"), f"no tree {number} where it should be")
    pairs = [line.split("=", 1) for line in lines[1:]]
    tree = {pair[0]: pair[-1] for pair in pairs}
    known = {*_SPLITS, *_TOLD, *_LINEAR, "num_leaves", "num_cat", "leaf_value", "is_linear", "shrinkage"}
    _require(len(tree) == len(pairs), f"a line twice in tree {number}")
    _require(tree.keys() <= {*known, "cat_boundaries", "cat_threshold"}, f"an unknown line in tree {number}")
    _require(all(map(_NUMBERS.fullmatch, tree.values())), f"text among the numbers of tree {number}")
    leaves, categories = int(tree["num_leaves"]), int(tree["num_cat"])
    linear = tree.get("is_linear", "0")
    _require(leaves >= 1 and categories >= 0 and linear in {"0", "1"}, f"no leaves in tree {number}")
    wrong = f"a split of tree {number} that leads elsewhere"
    _require(_leads_on(tree, leaves, features), wrong)
    _require(_sorts(tree, categories), wrong)
    _require(linear == "0" or _is_linear(tree, leaves, features), wrong)
    for key in _TOLD:
        count = leaves - 1 if key.startswith(("split", "internal")) else leaves
        _require(len(_floats(tree.get(key, ""))) in {0, count}, f"a {key} of another length in tree {number}")
    _require(len(_floats(tree["shrinkage"])) == 1, f"no shrinkage in tree {number}")


def _leads_on(tree: dict[str, str], leaves: int, features: int) -> bool:
    """Tell whether each split asks a feature that is there, and leads to leaves and later splits, each of them once."""
    import numpy as np

    feature, left, right = (_integers(tree[key]) for key in ("split_feature", "left_child", "right_child"))
    splits = leaves - 1
    if any(len(one) != splits for one in (feature, left, right, _floats(tree["threshold"]))):
        return False
    children = np.concatenate([left, right])
    later = (children < 0) | (children > np.tile(np.arange(splits), 2))
    reached = np.array_equal(np.sort(children), np.delete(np.arange(-leaves, splits), leaves)) if splits else True
    inside = bool(((feature >= 0) & (feature < features)).all())
    return bool(reached and later.all() and inside and len(_floats(tree["leaf_value"])) == leaves)


def _sorts(tree: dict[str, str], categories: int) -> bool:
    """Tell whether each decision is of a kind, and each categorical one has its list of categories."""
    import numpy as np

    kinds, thresholds = _integers(tree["decision_type"]), _floats(tree["threshold"])
    bounds, lists = (_integers(tree.get(key, "")) for key in ("cat_boundaries", "cat_threshold"))
    sound = len(kinds) == len(thresholds) and ((kinds >= 0) & (kinds < 12)).all()  # noqa: PLR2004 - 2 flags, 3 ways with what is missing
    if not sound or len(bounds) != (categories + 1 if categories else 0):
        return False
    chosen = thresholds[kinds % 2 == 1]
    named = ((chosen >= 0) & (chosen < categories) & (chosen == np.floor(chosen))).all()
    if not categories:
        return bool(named and not len(lists))
    whole = bounds[0] == 0 and bounds[-1] == len(lists) and (np.diff(bounds) >= 0).all()
    return bool(named and whole and ((lists >= 0) & (lists < 2**32)).all())


def _is_linear(tree: dict[str, str], leaves: int, features: int) -> bool:
    counts, asked = _integers(tree["num_features"]), _integers(tree["leaf_features"])
    return bool(
        len(counts) == len(_floats(tree["leaf_const"])) == leaves
        and (counts >= 0).all()
        and counts.sum() == len(asked) == len(_floats(tree["leaf_coeff"]))
        and ((asked >= 0) & (asked < features)).all()
    )


def _check_end(text: str) -> None:
    found = re.fullmatch(r"end of trees\n\npandas_categorical:(.*)\n", text)
    categories = json.loads(found[1]) if found else 0
    plain = categories is None or (isinstance(categories, list) and all(isinstance(one, list) for one in categories))
    _require(plain, "something else than an end behind its trees")


def _integers(text: str) -> Any:
    import numpy as np

    return np.array(text.split(), dtype=np.int64)


def _floats(text: str) -> Any:
    import numpy as np

    return np.array(text.split(), dtype=np.float64)
