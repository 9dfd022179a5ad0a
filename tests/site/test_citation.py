"""Citations: text, BibTeX and CFF say what the entry says, whatever characters it is written in."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from importlib.resources import files as resources
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from tests.site.payloads import HOSTILE
from tests.site.samples import catalog, iris, model

from modelport_site.bibtex import bibtex, escape, work_key
from modelport_site.cff import LICENSES, cff
from modelport_site.citation import Author, Work, citation_text, cited_work, model_work

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "https://models.example/models/iris-forest/"
BUILTIN = resources("check_jsonschema") / "builtin_schemas/vendor/citation-file-format.json"

# Commands that stand for a character, as LaTeX reads them.
_COMMANDS = {
    r"\textbackslash{}": "\\", r"\textbraceleft{}": "{", r"\textbraceright{}": "}", r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^", r"\#": "#", r"\$": "$", r"\%": "%", r"\&": "&", r"\_": "_",
}  # fmt: skip


def read_entry(text: str) -> tuple[str, str, dict[str, str]]:
    """Read an entry as BibTeX does: a value ends at the brace that closes it, and a backslash protects nothing."""
    head = re.match(r"@([a-z]+)\{([^,\s{}]+),", text)
    assert head
    place, fields = head.end(), {}
    while match := re.compile(r"\s*([a-z]+) = \{").match(text, place):
        depth, end = 1, match.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        fields[match[1]] = text[match.end() : end - 1]
        assert text[end] == ","
        place = end + 1
    assert text[place:] == "\n}\n"
    return head[1], head[2], fields


def read_value(value: str) -> str:
    """Return the text that LaTeX would print."""
    text = re.sub(r"\\text[a-z]+\{\}|\\.", lambda m: _COMMANDS[m[0]].replace("{", "\0").replace("}", "\1"), value)
    return text.replace("{", "").replace("}", "").replace("\0", "{").replace("\1", "}")


def plain(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@given(st.text())
def test_what_is_escaped_reads_back_as_it_was(text: str) -> None:
    written = escape(text)
    assert read_value(written) == plain(text)
    depths = [written[:n].count("{") - written[:n].count("}") for n in range(len(written) + 1)]
    assert min(depths) == depths[-1] == 0
    assert not re.search(r"(?<!\\)[#$%&_~^]", written)


LINES = st.text(min_size=1).filter(lambda text: plain(text) != "") | st.sampled_from([t for t in HOSTILE if plain(t)])
WORKS = st.builds(
    Work,
    kind=st.sampled_from(["article", "book", "inproceedings", "misc", "report", "software", "thesis"]),
    title=LINES,
    authors=st.lists(st.builds(Author, LINES, st.booleans()), min_size=1).map(tuple),
    year=st.none() | st.integers(1600, 2200),
    venue=st.just("") | LINES,
    version=st.just("") | LINES,
)


@given(WORKS)
def test_an_entry_holds_every_part_of_a_work(work: Work) -> None:
    kind, key, fields = read_entry(bibtex(work, "some-key"))
    assert key == "some-key"
    assert read_value(fields["title"]) == plain(work.title)
    assert fields.get("year", "") == str(work.year or "")
    venues = {"article": "journal", "book": "publisher", "inproceedings": "booktitle", "techreport": "institution",
              "phdthesis": "school", "misc": "publisher"}  # fmt: skip
    assert read_value(fields.get(venues[kind], "")) == plain(work.venue)
    # Nothing in a name may part it: outside braces there is one "and" between two authors.
    bare = re.sub(r"\{[^{}]*\}", "", re.sub(r"\{[^{}]*\}", "", fields["author"]))
    assert bare.count(" and ") == len(work.authors) - 1
    for author in work.authors:
        assert plain(author.name) in read_value(fields["author"])


def test_a_model_is_cited_with_its_version_and_digest() -> None:
    document = iris()
    work = model_work(document, document["versions"][0], PAGE)
    assert citation_text(work).startswith(
        "Jane Doe, The Modelport authors (2026). Iris forest (version 1.1.0) [machine-learning model]. Modelport. https"
    )
    assert work.digest in citation_text(work)
    kind, key, fields = read_entry(bibtex(work, "iris-forest-1.1.0"))
    assert (kind, key) == ("misc", "iris-forest-1.1.0")
    assert fields == {
        "title": "{Iris forest}",
        "author": "Jane Doe and {The Modelport authors}",
        "year": "2026",
        "publisher": "Modelport",
        "version": "1.1.0",
        "howpublished": "Machine-learning model",
        "url": PAGE,
        "note": work.digest,
    }


PAPER = {
    "type": "inproceedings",
    "title": "Packaging & Sharing 100% of {Models}",
    "authors": ["Shuai Zhao", "Plato", "Anders och Jürgen, and Sons"],
    "year": 2018,
    "venue": "ICMLA",
    "doi": "10.1109/ICMLA.2018.00-1",
    "arxiv": "1810.07159",
}


def test_the_publisher_s_work_is_cited_beside_it() -> None:
    work = cited_work({"citation": PAPER})
    assert work
    assert work_key(work) == "zhao2018"
    kind, _, fields = read_entry(bibtex(work, work_key(work)))
    assert kind == "inproceedings"
    assert fields["title"] == r"{Packaging \& Sharing 100\% of \textbraceleft{}Models\textbraceright{}}"
    assert fields["author"] == "Shuai Zhao and Plato and {Anders och Jürgen, and Sons}"
    assert (fields["eprint"], fields["archiveprefix"], fields["booktitle"]) == ("1810.07159", "arXiv", "ICMLA")
    assert citation_text(work).endswith("ICMLA. https://doi.org/10.1109/ICMLA.2018.00-1 arXiv:1810.07159.")


@pytest.mark.parametrize("citation", [None, {"text": "See the web."}, {"title": "No authors"}, {"authors": ["A B"]}])
def test_a_sentence_is_no_work(citation: dict[str, Any] | None) -> None:
    assert cited_work({"citation": citation} if citation else {}) is None


def odd() -> list[dict[str, Any]]:
    """Documents whose parts CFF has no place for, or another form."""
    line = " ".join(" ".join(HOSTILE[:40]).split())
    twice = [{"name": "A"}, {"name": "A"}]
    return [
        model("one", citation=PAPER, license={"weights": "MIT OR Apache-2.0"}, tags=["a", "b"]),
        model("two", citation=PAPER | {"doi": "10.1/not<cff>", "url": "https://ümlaut.example/ü"}, authors=twice),
        model("three", citation={"text": "Two\n\nlines: {x}"}, license={"weights": "MIT AND LicenseRef-x"}),
        model("four", title=line[:80].strip(), summary=line[:240].strip(), authors=[{"name": line[:120].strip()}]),
        *(model(f"m-{kind}", citation=PAPER | {"type": kind})
          for kind in ("article", "book", "misc", "report", "software", "thesis")),
    ]  # fmt: skip


def test_every_file_is_valid_cff_1_2_0(tmp_path: Path) -> None:
    files = []
    for document in [*catalog(), *odd()]:
        release = document["versions"][0] if document["versions"] else None
        for number, url in enumerate((PAGE, "")):
            files.append(tmp_path / f"{document['name']}-{number}.cff")
            files[-1].write_text(cff(document, model_work(document, release, url)), "utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.citation-file-format"]
    done = subprocess.run(
        [*command, "--default-filetype", "yaml", *map(str, files)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_licence_that_is_written_is_in_the_format_s_list() -> None:
    listed = json.loads(BUILTIN.read_text("utf-8"))["definitions"]["license-enum"]["enum"]
    assert set(listed) >= LICENSES


def test_the_file_says_what_the_entry_says() -> None:
    document = iris() | {"citation": PAPER}
    said = yaml.safe_load(cff(document, model_work(document, document["versions"][0], PAGE)))
    assert said["authors"] == [
        {"given-names": "Jane", "family-names": "Doe", "orcid": "https://orcid.org/0000-0002-1825-0097"},
        {"name": "The Modelport authors"},
    ]
    assert (said["version"], said["date-released"], said["license"]) == ("1.1.0", "2026-11-21", "Apache-2.0")
    assert said["identifiers"][0]["value"] == document["versions"][0]["digest"]
    assert said["preferred-citation"]["authors"][1] == {"family-names": "Plato"}
    assert said["preferred-citation"]["collection-title"] == "ICMLA"


@given(st.text(min_size=1).filter(lambda text: text.strip() != "" and not re.search("[\ud800-\udfff]", text)))
@example("a\x85b")
@example("a\u2028 \u2029b")
def test_any_text_survives_the_yaml(text: str) -> None:
    document = model("one", title=text, summary=text)
    said = yaml.safe_load(cff(document, model_work(document, None, "")))
    assert (said["title"], said["abstract"]) == (text, text)


def test_keys_are_ascii() -> None:
    for name in ("Jürgen Ångström", "Лев Толстой", "O'Brien, Jr.", "{x}"):
        key = work_key(Work(kind="misc", title="t", authors=(Author(name, person=True),)))
        assert re.fullmatch("[a-z0-9]+", key), unicodedata.name(name[0])
