"""Docstrings: what is taken out of them finds its place, and the rest stays as it was."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.model.docs import read_docs

GOOGLE = """Tell the kind.

    More of it.

    Args:
        width: How wide
            it is.
        height (float, optional): How high it is: in cm.
        *rest: Others.

    Returns:
        dict[str, float]: The kind.

    Example:
        classify(1, 2)
    """
NUMPY = """Tell the kind.

    Parameters
    ----------
    width, depth : float
        How wide it is.

        In cm.
    height : {'a', 'b'}, optional
        How high it is.

    Returns
    -------
    kind : str
        The kind.

    Notes
    -----
    It is quick.
    """
NAMES = ["width", "height", "depth", "rest"]


def test_googles_sections() -> None:
    found = read_docs(GOOGLE, NAMES, result=True)
    assert found.fields == {"width": "How wide it is.", "height": "How high it is: in cm.", "rest": "Others."}
    assert found.result == "The kind."
    assert found.text == "Tell the kind.\n\nMore of it.\n\nExample:\n    classify(1, 2)"


def test_numpys_sections() -> None:
    found = read_docs(NUMPY, NAMES, result=True)
    assert found.fields == dict.fromkeys(["width", "depth"], "How wide it is. In cm.") | {"height": "How high it is."}
    assert found.result == "The kind."
    assert found.text == "Tell the kind.\n\nNotes\n-----\nIt is quick."


@pytest.mark.parametrize("doc", [GOOGLE, NUMPY])
def test_a_section_stays_when_an_entry_has_no_place(doc: str) -> None:
    found = read_docs(doc, ["width", "depth"])
    assert found.text == inspect.cleandoc(doc)
    assert set(found.fields) <= {"width", "depth"}
    assert found.result == ""


def test_prose_that_only_looks_like_a_section_stays() -> None:
    for doc in ("Args: none.", "Returns:\n\nNot indented.", "Args:\n    no entry here\n", "Result\n--\nshort", "Args:"):
        assert read_docs(doc, ["entry"], result=True).text == inspect.cleandoc(doc).strip()


def test_prose_after_a_section_stays() -> None:
    found = read_docs("A.\n\nArgs:\n    x: The x.\n\nAnd then.", ["x"])
    assert (found.text, found.fields) == ("A.\n\nAnd then.", {"x": "The x."})


words = st.text("abcdefg .,()'", min_size=1, max_size=40).map(str.strip).filter(bool)
entries = st.dictionaries(st.sampled_from(NAMES), words, min_size=1)


@given(entries, words, st.booleans())
def test_what_is_written_is_read(fields: dict[str, str], summary: str, numpy: bool) -> None:  # noqa: FBT001 - drawn
    def google(name: str, said: str) -> str:
        return f"    {name}: {said}"

    def other(name: str, said: str) -> str:
        return f"{name} : float\n    {said}"

    head = "Parameters\n----------\n" if numpy else "Args:\n"
    body = "\n".join((other if numpy else google)(name, said) for name, said in fields.items())
    found = read_docs(f"{summary}\n\n{head}{body}\n", NAMES)
    assert found.text == summary
    assert found.fields == {name: " ".join(said.split()) for name, said in fields.items()}


@given(st.text("\n :-aArgsRetun()", max_size=120))
def test_without_names_nothing_is_taken_out(doc: str) -> None:
    assert read_docs(doc, ()).text == inspect.cleandoc(doc).strip()
