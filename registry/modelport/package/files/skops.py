"""What a ``.skops`` file must not hold: its tree is looked through here, with the standard library, before skops is.

skops loads a tree when it trusts each type by itself. That is not enough for a file that runs unasked: a trusted
vectorizer may be told to open files by name, a trusted pipeline to keep a cache of pickles in a folder, a trusted
transformer to call a method of another part, and a part may have an attribute in place of a method. Compiled code, too,
takes places in an array from the file without looking. So here everything counts: the kind of each node, its type, what
stands in its attributes, and that no two nodes claim to be one. `bounds` looks at the numbers, when it is loaded.
"""

from __future__ import annotations

import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.package.files.estimators import CLASSES, FUNCTIONS, PLAIN_TYPES, SINGLE
from modelport.package.state.nodes import files_of, nodes
from modelport.package.state.zips import check_zip

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["attributes", "foreign_parts", "read_tree", "value"]

_PROTOCOL = 2
_LOSSES = ("sklearn._loss._loss.Cy", "sklearn.linear_model._sgd_fast.")
_CONTAINERS = {
    "DictNode": {"builtins.dict", "sklearn.utils._bunch.Bunch"},
    "ListNode": {"builtins.list"},
    "SetNode": {"builtins.set"},
    "SliceNode": {"builtins.slice"},
    "TupleNode": {"builtins.tuple"},
    "DTypeNode": {"numpy.dtype"},
    "NdArrayNode": {"numpy.ndarray", *SINGLE},
    "TreeNode": {"sklearn.tree._tree.Tree"},
    "TypeNode": PLAIN_TYPES,
    "FunctionNode": FUNCTIONS,
    "ObjectNode": CLASSES,
}
"""The types that each kind of node may have; the kinds that are not here call something."""

_ATTRIBUTE = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]{0,127}")
_ANSWERS = ("auto", "predict", "predict_proba", "decision_function")
_ONLY: dict[str, tuple[object, ...]] = {
    "input": ("content",),  # else a vectorizer opens the files that its caller names
    "memory": (None,),  # else a pipeline keeps pickles in a folder
    "n_jobs": (None, 1),  # else processes are started
    **dict.fromkeys(("chain_method", "chain_method_", "response_method", "stack_method"), _ANSWERS),
    "importance_getter": ("auto",),
}
"""What the attributes that reach for files and processes, or name a method that is called, may be."""


def read_tree(file: Path) -> Any:
    """Return the tree of a ``.skops`` file; FormatError where it is none."""
    names = check_zip(file)
    try:
        with zipfile.ZipFile(file) as archive:
            tree = json.loads(archive.read("schema.json"))
    except (KeyError, RecursionError, ValueError) as error:
        raise FormatError(f"{file} is not a .skops file: {error}") from error
    if unused := names - files_of(tree) - {"schema.json"}:
        raise FormatError(f"{file} holds {min(unused)!r}, to which nothing in it refers")
    return tree


def foreign_parts(tree: Any) -> list[str]:
    """Return what in a tree is more than data that may be run unasked, each once; nothing where all is well."""
    if not isinstance(tree, dict) or type(tree.get("protocol")) is not int or tree["protocol"] != _PROTOCOL:
        return [f"a tree of another protocol than {_PROTOCOL}"]
    found: dict[str, None] = {}
    seen: dict[int, Any] = {}
    try:
        for node in nodes(tree):
            if "__loader__" in node:
                found |= dict.fromkeys(_problems(node, seen))
    except RecursionError:
        return ["a tree that is nested too deeply"]
    return list(found)


def attributes(node: dict[str, Any]) -> dict[str, Any]:
    """Return the nodes of an object's attributes, by name."""
    content = node.get("content")
    inner = content.get("content") if isinstance(content, dict) else None
    return inner if isinstance(inner, dict) else {}


def value(node: Any) -> Any:
    """Return the plain value of a node, or the node itself where it holds something else."""
    if not isinstance(node, dict) or node.get("__loader__") != "JsonNode":
        return node
    try:
        return json.loads(node["content"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return node


def _problems(node: dict[str, Any], seen: dict[int, Any]) -> list[str]:
    loader, number = node["__loader__"], node.get("__id__")
    if not isinstance(loader, str) or (number is not None and type(number) is not int):
        return ["a part of no kind"]
    # skops takes the part that it met first, whatever a later one with its number holds.
    first = seen.setdefault(number, node) if number is not None else node
    if first is not node and _bare(first) != _bare(node):
        return ["two parts that claim to be one"]
    return _kind_problems(node, loader, f"{node.get('__module__')}.{node.get('__class__')}")


def _kind_problems(node: dict[str, Any], loader: str, kind: str) -> list[str]:
    problem = ""
    if loader == "JsonNode":
        plain = value(node)
        problem = "" if plain is None or isinstance(plain, bool | int | float | str) else "a value that is not plain"
    elif loader == "LossNode":
        problem = "" if kind.startswith(_LOSSES) else kind
    elif kind not in _CONTAINERS.get(loader, ()):
        problem = kind if loader in _CONTAINERS else f"{kind} ({loader})"
    elif loader == "DictNode" and not _is_dict(node):
        problem = "a mapping whose keys and values differ in number"
    elif loader == "NdArrayNode" and kind in SINGLE and node.get("type") != "numpy":
        problem = f"{kind} of another kind"
    elif loader == "ObjectNode":
        return _attribute_problems(node, kind)
    return [problem] if problem else []


def _attribute_problems(node: dict[str, Any], kind: str) -> list[str]:
    content = node.get("content")
    name = kind.rpartition(".")[2]
    if value(content) is not None and (not isinstance(content, dict) or content.get("__loader__") != "DictNode"):
        return [f"{name} without named attributes"]
    held = attributes(node)
    found = [f"{name} with the attribute {key!r}" for key in held if not _ATTRIBUTE.fullmatch(key)]
    for key, allowed in _ONLY.items():
        if key in held and not any(type(one) is type(value(held[key])) and one == value(held[key]) for one in allowed):
            found.append(f"{name} with {key}={_shown(value(held[key]))}")
    return found + _special_problems(held, name)


def _special_problems(held: dict[str, Any], name: str) -> list[str]:
    """Return what some classes cannot have, whose numbers become places in an array of compiled code."""
    found = []
    if "vocabulary_" in held and not _is_vocabulary(held["vocabulary_"]):
        found.append(f"{name} with a vocabulary whose places are not 0 and so on, for each text one")
    # Told "where", a function leaves numbers out of an array, which then holds what the memory did.
    found += [f"{name} with {key}" for key in ("kw_args", "inv_kw_args") if not _is_empty(held.get(key))]
    if "stack_method_" in held and not {value(one) for one in _items(held["stack_method_"])} <= {
        *_ANSWERS,
        "transform",
    }:
        found.append(f"{name} with methods to call that are no answers")
    if name == "HashingVectorizer":
        features = value(held.get("n_features"))
        if type(features) is not int or not 1 <= features < 2**31:
            found.append(f"{name} with n_features={_shown(features)}")
    if name == "OneHotEncoder":
        switched = {"drop", "drop_idx_", "_drop_idx_after_grouping", "min_frequency", "max_categories"}
        found += [
            f"{name} with {key}={_shown(value(held[key]))}"
            for key in sorted(switched & held.keys())
            if value(held[key]) is not None
        ]
        if "_infrequent_enabled" in held and value(held["_infrequent_enabled"]) is not False:
            found.append(f"{name} with infrequent categories")
    return found


def _bare(node: Any) -> Any:
    """Return a part without numbers: each that it holds has been held against its own number, too."""
    if isinstance(node, dict):
        return {key: _bare(one) for key, one in node.items() if key != "__id__"}
    return [_bare(one) for one in node] if isinstance(node, list) else node


def _is_dict(node: Any) -> bool:
    if not isinstance(node, dict) or node.get("__loader__") != "DictNode":
        return False
    content, types = node.get("content"), node.get("key_types")
    return isinstance(content, dict) and isinstance(types, dict) and len(_items(types)) == len(content)


def _is_empty(node: Any) -> bool:
    return value(node) is None or (_is_dict(node) and not node["content"])


def _is_vocabulary(node: Any) -> bool:
    """Tell whether a node is a mapping of texts to the numbers from 0 on."""
    if not _is_dict(node):
        return False
    places = [value(one) for one in node["content"].values()]
    texts = all(isinstance(one, dict) and one.get("__class__") == "str" for one in _items(node["key_types"]))
    return texts and all(type(one) is int for one in places) and sorted(places) == list(range(len(places)))


def _items(node: Any) -> list[Any]:
    """Return the nodes in a list's node; a text that is no list's is one that no rule allows."""
    content = node.get("content") if isinstance(node, dict) else None
    return content if isinstance(content, list) else [""]


def _shown(what: object) -> str:
    return "an object" if isinstance(what, dict) else repr(what)[:60]
