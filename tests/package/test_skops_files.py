# ruff: noqa: ANN401 - objects and trees of any type are kept; heavy imports are late
"""Hostile ``.skops`` files: all that skops' own list lets through, and a package that says it is data must not hold."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.package.estimators import DATA, add, held, parts, plain, rewrite

from modelport.errors import FormatError
from modelport.package import Package, load_package, pack
from modelport.package.files.bounds import check_bounds
from modelport.package.files.skops import foreign_parts, read_tree, value
from modelport.package.source import model_of
from modelport.package.state.zips import write_zip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Members = dict[str, bytes]
    Change = Callable[[Any, Members], object]


def packed(name: str, folder: Path, lock: str) -> Package:
    return Package.read(pack(model_of(DATA[name]()), "bare", folder, known_lock=lock, verify_in=None))


def function(module: str, name: str, loader: str = "FunctionNode") -> dict[str, Any]:
    return {"__class__": name, "__module__": module, "__loader__": loader}


def set_to(name: str, key: str, value: Any) -> Change:
    return lambda tree, _: held(tree, name).__setitem__(key, plain(value))


def called(node: dict[str, Any]) -> Change:
    """Return a change after which a transformer calls what *node* is with what it is asked to transform."""
    return lambda tree, _: held(tree, "FunctionTransformer").__setitem__("func", node)


def method_of_a_part(tree: Any, _: Members) -> None:
    part = json.loads(json.dumps(next(parts(tree, "LinearRegression"))))
    node = {"__class__": part["__class__"], "__module__": part["__module__"], "__loader__": "MethodNode"}
    held(tree, "FunctionTransformer")["func"] = node | {"content": {"func": "set_params", "obj": part}}


def twice(tree: Any, _: Members) -> None:
    """Write two parts with one number: skops takes the first for both."""
    settings_, other = held(tree, "TfidfVectorizer"), {"input": plain("filename")}
    types = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": []}
    bad = {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "__id__": 77_777}
    settings_["metadata"] = bad | {
        "content": other,
        "key_types": types | {"content": [function("builtins", "str", "TypeNode")]},
    }
    next(parts(tree, "LogisticRegression"))["content"]["__id__"] = 77_777


def short_keys(tree: Any, _: Members) -> None:
    held(tree, "TfidfVectorizer")["vocabulary_"]["key_types"]["content"].pop()


def far_word(tree: Any, _: Members) -> None:
    words = held(tree, "TfidfVectorizer")["vocabulary_"]["content"]
    words[next(iter(words))] = plain(10**8)


def in_place_of_a_method(tree: Any, _: Members) -> None:
    add(held(tree, "Ridge"), tree, "Ridge", "_decision_function", function("numpy", "exp"))


def no_plain_value(tree: Any, _: Members) -> None:
    held(tree, "Ridge")["alpha"]["content"] = "[1]"


def arguments_of_a_function(tree: Any, _: Members) -> None:
    """Let a function of arrays leave out what it is told to: its answer is then what the memory held."""
    empty = held(tree, "FunctionTransformer")["inv_kw_args"]
    types = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode"}
    text = {"__class__": "str", "__module__": "builtins", "__loader__": "TypeNode"}
    held(tree, "FunctionTransformer")["kw_args"] = {
        "__class__": "dict", "__module__": "builtins", "__loader__": "DictNode",
        "content": {"where": plain(False)}, "key_types": types | {"content": [text]},  # noqa: FBT003 - a value
    }  # fmt: skip
    assert value(empty) is None


FOREIGN: dict[str, tuple[str, Change, str]] = {
    "files named by callers": ("texts", set_to("TfidfVectorizer", "input", "filename"), "input='filename'"),
    "files given by callers": ("texts", set_to("TfidfVectorizer", "input", "file"), "input='file'"),
    "a folder of pickles": ("texts", set_to("Pipeline", "memory", "pickles"), "memory='pickles'"),
    "processes": ("a forest", set_to("RandomForestClassifier", "n_jobs", 4), "n_jobs=4"),
    "processes, said otherwise": ("a forest", set_to("RandomForestClassifier", "n_jobs", 1.0), "n_jobs=1.0"),
    "a function that writes": ("logarithms", called(function("numpy", "save")), "numpy.save"),
    "a ufunc of two arrays": ("logarithms", called(function("numpy", "add")), "numpy.add"),
    "a ufunc of skops' own list": (
        "logarithms", called(function("scipy.special._special_ufuncs", "airy")), "airy",
    ),
    "a type to call": ("logarithms", called(function("sklearn.pipeline", "Pipeline", "TypeNode")), "Pipeline"),
    "a method of a part": ("logarithms", method_of_a_part, "MethodNode"),
    "a call with arguments": (
        "logarithms", called({**function("functools", "partial", "PartialNode"), "content": {}}), "PartialNode",
    ),
    "a call by name": (
        "logarithms", called({**function("operator", "methodcaller", "OperatorFuncNode"), "attrs": {}}), "methodcaller",
    ),
    "a constructor": (
        "logarithms",
        called({**function("zoneinfo", "ZoneInfo", "ConstructorFromReduceNode"), "content": {}}),
        "ZoneInfo",
    ),
    "a function with arguments": ("logarithms", arguments_of_a_function, "with kw_args"),
    "a random state, which believes its place": (
        "a line",
        lambda t, _: held(t, "Ridge").__setitem__(
            "random_state", function("numpy.random.mtrand", "RandomState", "RandomStateNode")
        ),
        "RandomState",
    ),
    "a part of another library": (
        "a line", lambda t, _: held(t, "Ridge").__setitem__("x", function("os", "system", "ObjectNode")), "os.system",
    ),
    "a method called by name": (
        "a stack",
        lambda t, _: held(t, "StackingClassifier")["stack_method_"]["content"].__setitem__(0, plain("fit")),
        "methods to call",
    ),
    "a number that two parts have": ("texts", twice, "claim to be one"),
    "fewer keys than values": ("texts", short_keys, "differ in number|vocabulary"),
    "a word far behind the others": ("texts", far_word, "vocabulary"),
    "a value that is a list": ("a line", no_plain_value, "not plain"),
    "an older protocol": ("a line", lambda t, _: t.__setitem__("protocol", 0), "another protocol"),
    "no part at all": (
        "a line", lambda t, _: t.__setitem__("content", {"__loader__": {}}), "of no kind|nothing in it refers",
    ),
    "fewer categories": (
        "a table",
        lambda t, _: add(held(t, "OneHotEncoder"), t, "OneHotEncoder", "drop", plain("first")),
        "drop='first'",
    ),
}  # fmt: skip
"""What is no data: seen without loading anything, and so by `pull` and by `call`."""


@pytest.mark.parametrize("name", FOREIGN)
def test_what_may_do_more_than_compute_is_not_data(name: str, tmp_path: Path, lock: str) -> None:
    start, change, said = FOREIGN[name]
    package = packed(start, tmp_path / "one", lock)
    assert package.is_data
    rewrite(package, change)
    assert not package.is_data
    with pytest.raises(FormatError, match=said):
        Package.read(package.folder)
    with pytest.raises(FormatError):
        load_package(package.folder)


def nodes_of(tree: Any, members: Members) -> tuple[str, Any]:
    """Return the member with the first tree's nodes, and the nodes."""
    name = next(parts(tree, "Tree"))["content"]["content"]["nodes"]["file"]
    return name, np.load(io.BytesIO(members[name]))


def tree_with(field: str, value: int) -> Change:
    def change(tree: Any, members: Members) -> None:
        name, steps = nodes_of(tree, members)
        inner = np.flatnonzero(steps["left_child"] != -1)
        steps[field][inner[0]] = value
        stream = io.BytesIO()
        np.save(stream, steps)
        members[name] = stream.getvalue()

    return change


def wide_start(tree: Any, _: Members) -> None:
    """Let a model begin with one value for each row, and add two trees to it."""
    boosted = held(tree, "GradientBoostingRegressor")
    boosted["n_trees_per_iteration_"] = plain(2)
    for row in boosted["estimators_"]["content"]:
        row["content"] = [row["content"][0], json.loads(json.dumps(row["content"][0]))]


def unsorted(tree: Any, members: Members) -> None:
    (array,) = (one["content"]["content"]["categories_"]["content"][0] for one in parts(tree, "OneHotEncoder"))
    stream = io.BytesIO()
    np.save(stream, np.load(io.BytesIO(members[array["file"]]))[::-1])
    members[array["file"]] = stream.getvalue()


def twice_in_a_chain(tree: Any, members: Members) -> None:
    stream = io.BytesIO()
    np.save(stream, np.array([0, 0]))
    members["order.npy"] = stream.getvalue()
    held(tree, "RegressorChain")["order_"] = {
        "__class__": "ndarray", "__module__": "numpy", "__loader__": "NdArrayNode", "type": "numpy",
        "file": "order.npy",
    }  # fmt: skip


BOUNDS: dict[str, tuple[str, Change, str]] = {
    "a tree that leads behind its end": ("a forest", tree_with("left_child", 10**6), "leads out of itself"),
    "a tree that leads before its beginning": ("a forest", tree_with("right_child", -5), "leads out of itself"),
    "a tree that does not end": ("a forest", tree_with("left_child", 0), "leads out of itself"),
    "a feature that is not there": ("a forest", tree_with("feature", 4), "leads out of itself"),
    "another number of nodes": (
        "a forest",
        lambda t, _: next(parts(t, "Tree"))["content"]["content"].__setitem__("node_count", plain(10**6)),
        "leads out of itself",
    ),
    "more features than it was trained on": (
        "a boosted model", set_to("DecisionTreeRegressor", "n_features_in_", 400), "made for other features",
    ),
    "more trees than values": ("boosted numbers", wide_start, "adds 2 trees to 1 values"),
    "trees without their number": (
        "boosted numbers", set_to("GradientBoostingRegressor", "n_trees_per_iteration_", 3), "not one for each value",
    ),
    "columns that no power fills": ("powers", set_to("PolynomialFeatures", "_n_out_full", 200), "not its powers"),
    "fewer columns than powers": ("powers", set_to("PolynomialFeatures", "n_output_features_", 200), "not its powers"),
    "powers without end": ("powers", set_to("PolynomialFeatures", "_max_degree", 10**9), "not its powers"),
    "powers of no number": ("powers", set_to("PolynomialFeatures", "_min_degree", None), "not as scikit-learn makes"),
    "a chain that names one twice": ("a chain", twice_in_a_chain, "not each once"),
    "an attribute in place of a method": ("a line", in_place_of_a_method, "in place of its method"),
    "columns that no category has": (
        "bins",
        lambda t, _: held(t, "OneHotEncoder")["_n_features_outs"]["content"].__setitem__(0, plain(1)),
        "columns are not its categories",
    ),
    "categories that are not sorted": ("bins", unsorted, "not sorted"),
}  # fmt: skip
"""Numbers that compiled code would follow: seen before the file is loaded, or before it answers."""


@pytest.mark.parametrize("name", BOUNDS)
def test_numbers_that_lead_elsewhere_are_not_followed(name: str, tmp_path: Path, lock: str) -> None:
    start, change, said = BOUNDS[name]
    package = packed(start, tmp_path / "one", lock)
    rewrite(package, change)
    with pytest.raises(FormatError, match=said):
        load_package(package.folder)


@pytest.fixture(scope="module")
def whole() -> dict[str, tuple[Any, dict[str, bytes]]]:
    found = {}
    for name in ("a forest", "boosted numbers", "texts", "a table"):
        (content,) = model_of(DATA[name]()).files.values()  # type: ignore[attr-defined]  # an EstimatorModel's
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {one: archive.read(one) for one in archive.namelist()}
        found[name] = json.loads(members.pop("schema.json")), members
    return found


def every(node: Any) -> list[tuple[Any, Any]]:
    """Return each place of a tree: what holds it, and its key there."""
    places = list(node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ())
    return [(node, key) for key, _ in places] + [one for _, value in places for one in every(value)]


OTHERS: list[Any] = [None, 0, -1, 10**9, "", "fit", "ObjectNode", "MethodNode", [], {}, "filename", "os", True]
VALUES = st.sampled_from(OTHERS)


@settings(max_examples=60)
@given(data=st.data())
def test_a_changed_tree_raises_nothing_else(whole: dict[str, Any], data: st.DataObject) -> None:
    tree, _ = whole[data.draw(st.sampled_from(sorted(whole)))]
    changed = json.loads(json.dumps(tree))
    places = every(changed)
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = places[data.draw(st.integers(0, len(places) - 1))]
        holder[key] = data.draw(VALUES)
    assert isinstance(foreign_parts(changed), list)


@settings(max_examples=60)
@given(chosen=st.tuples(st.integers(0, 3), st.integers(0, 99), st.integers(0, 2**31), st.integers(0, 255)))
def test_a_changed_file_is_refused_or_leads_nowhere(
    whole: dict[str, Any], tmp_path_factory: pytest.TempPathFactory, chosen: tuple[int, int, int, int]
) -> None:
    which, member, place, byte = chosen
    tree, members = whole[sorted(whole)[which]]
    name = sorted(members)[member % len(members)]
    content = bytearray(members[name])
    content[place % len(content)] = byte
    file = tmp_path_factory.getbasetemp() / "changed.skops"
    write_zip(file, {**members, name: bytes(content), "schema.json": json.dumps(tree).encode()})
    with contextlib.suppress(FormatError):
        check_bounds(file, read_tree(file))


@given(st.binary(max_size=100))
def test_any_bytes_are_a_file_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.skops"
    file.write_bytes(content)
    with contextlib.suppress(FormatError):
        foreign_parts(read_tree(file))
