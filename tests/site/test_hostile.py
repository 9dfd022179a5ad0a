"""Whatever a contributor writes, in whichever field: nothing runs, nobody is asked, and the page stays whole."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from tests.site.fields import Field, fill, string_fields, takes, written
from tests.site.payloads import AWKWARD, HOSTILE
from tests.site.samples import index_of, iris
from tests.site.watching import Watched, watched

from modelport_site import build_site, serve_site
from modelport_site.documents import check_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from playwright.sync_api import Browser

ENOUGH = 40
LIFECYCLES = ("published", "draft", "deprecated", "yanked")
FIELDS = {name: list(string_fields(name)) for name in ("model", "version")}
ALL = [pytest.param(name, field, id=f"{name}.{field}") for name, fields in FIELDS.items() for field in fields]


def texts_of(field: Field) -> set[str]:
    """Return what of the hostile texts can be written into a field."""
    return {text for text in (written(field.schema, one) for one in HOSTILE) if text is not None}


@pytest.mark.parametrize(("name", "field"), ALL)
def test_a_field_takes_every_text_or_no_markup_at_all(name: str, field: Field) -> None:
    texts = texts_of(field)
    assert len(texts) >= ENOUGH or not any(set(text) & set("<>\"'") - {"'"} for text in texts), name


def document(number: int, texts: Sequence[str], other: str) -> dict[str, Any]:
    """Return a model with the *texts* in turn in every field that takes them, *other* in its older version."""
    one: dict[str, Any] = iris() | {"name": f"h{number}", "lifecycle": LIFECYCLES[number % 4], "card": texts[-1]}
    for place, field in enumerate(FIELDS["model"]):
        put(one, field, "model", texts[place % len(texts)])
    one.pop("data", None)
    for version, words in zip(one["versions"], ([*texts], [other]), strict=True):
        version["examples"].append({"method": "classify", "input": {"text": words[0]}, "output": {words[0]: words}})
        version["examples"].append(deepcopy(version["examples"][0]))
        for place, field in enumerate(FIELDS["version"]):
            if field.path[0] != "examples":
                put(version, field, "version", words[place % len(words)])
        version["examples"][2]["method"] = words[-1]
    check_model(one)
    return one


def cited(number: int, text: str) -> dict[str, Any]:
    """Return a model whose citation is a sentence alone; beside a title, a page does not show it."""
    return iris() | {"name": f"cited{number}", "citation": {"text": text}, "card": text, "limits": text[:4000]}


def put(one: dict[str, Any], field: Field, name: str, text: str) -> None:
    value = written(field.schema, text)
    if len(texts_of(field)) > 1 and value is not None:
        fill(one, field, name, value)


@pytest.fixture(scope="module")
def hostile(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site of models that hold two hostile texts each, so that each field gets half of them."""
    out = tmp_path_factory.mktemp("hostile") / "out"
    models = [
        document(number, HOSTILE[number : number + 2], HOSTILE[number - 1]) for number in range(0, len(HOSTILE), 2)
    ]
    models += [cited(number, "\n\n".join(HOSTILE[number::3])) for number in range(3)]
    sources = {model["name"]: json.dumps(model) for model in models}
    build_site(index_of(*models), models, out, cache=cache, sources=sources)
    return out


def values_at(one: Any, path: tuple[str | int, ...]) -> list[str]:  # noqa: ANN401 - a JSON value
    for step in path:
        if step not in (range(len(one)) if isinstance(one, list) else one):
            return []
        one = one[step]
    return [one] if isinstance(one, str) else []


def test_the_documents_hold_enough_texts_in_every_field(hostile: Path) -> None:
    documents = [json.loads(file.read_bytes()) for file in (hostile / "api/v1/models").glob("*.json")]
    for name, fields in FIELDS.items():
        for field in (one for one in fields if len(texts_of(one)) >= ENOUGH):
            path = field.path if field.path[0] != "examples" else ("examples", 2, "method")
            tops = documents if name == "model" else [version for one in documents for version in one["versions"]]
            told = {value for top in tops for value in values_at(top, path)}
            assert len(told & texts_of(field)) >= ENOUGH, field


# What no page of the site holds, whatever it shows. Scripts of the site itself have an address inside it.
FORBIDDEN = """() => {
  const found = [];
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on")) found.push(`${element.localName} ${name}`);
      const link = ["href", "src", "action"].includes(name);
      if (link && /^\\s*(javascript|data|vbscript|blob|file):/i.test(value)) found.push(value);
    }
  }
  const kinds = "iframe, object, embed, base, style, body [style], [http-equiv=refresh], [action^=http], svg script";
  for (const element of document.querySelectorAll(kinds)) found.push(element.outerHTML.slice(0, 200));
  for (const script of document.scripts) {
    const own = script.src ? script.src.startsWith(location.origin) : /^application\\/(ld\\+)?json$/.test(script.type);
    if (!own) found.push(script.outerHTML.slice(0, 200));
  }
  return found;
}"""


def pages_of(site: Path, *patterns: str) -> list[str]:
    found = {page.parent.relative_to(site).as_posix() for one in patterns for page in site.glob(f"{one}index.html")}
    return sorted("" if page == "." else f"{page}/" for page in found)


def test_nothing_runs_and_nobody_is_asked(browser: Browser, hostile: Path) -> None:
    # What lists show are the same few fields; a part of them is enough here, and test_build looks at every file.
    lists = pages_of(hostile, "publishers/*/", "data/*/", "browse/*/*/")[::12]
    pages = pages_of(hostile, "", "models/", "models/*/", "browse/") + pages_of(hostile, "models/*/compare/")[::4]
    with serve_site(hostile, 0) as served, watched(browser, served.url) as one:
        for path in ["models/?q=script", *pages, *lists]:
            page = one.go(path)
            assert page.evaluate(FORBIDDEN) == [], path
            assert one.trouble == [], path


@pytest.fixture(scope="module")
def awkward(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("awkward") / "out"
    models = [document(4 * number, [text], "x") for number, text in enumerate(AWKWARD.values())]
    models += [cited(number, text[:4000]) for number, text in enumerate(AWKWARD.values())]
    build_site(index_of(*models), models, out, cache=cache)
    return out


@pytest.mark.parametrize("width", [390, 1440])
def test_honest_texts_of_any_kind_keep_a_page_whole(browser: Browser, awkward: Path, width: int) -> None:
    with serve_site(awkward, 0) as served, watched(browser, served.url, width=width) as one:
        paths = pages_of(awkward, "", "models/", "models/*/", "browse/") + pages_of(awkward, "*/*/", "*/*/*/")[::6]
        assert not (found := broken(one, paths, width)), "\n".join(found)


def broken(one: Watched, paths: list[str], width: int) -> list[str]:
    """Return what is wrong with pages: what is wider than the screen, which landmark is not there."""
    found = []
    for path in paths:
        page = one.go(path)
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            found.append(f"{path} is {wide} wide")
        counts = {one: page.locator(one).count() for one in ("header.md-header", "main", "footer", "h1:visible")}
        found += [f"{path} has {count} {landmark}" for landmark, count in counts.items() if count != 1]
    return found


def test_empty_texts_where_they_are_allowed_keep_a_page_whole(browser: Browser, cache: Path, tmp_path: Path) -> None:
    one = iris()
    empty: list[Mapping[str, Any]] = []
    for version in one["versions"]:
        for field in FIELDS["version"]:
            if takes(field.schema, "") and "pattern" not in field.schema:
                fill(version, field, "version", "")
                empty.append(field.schema)
    assert empty
    # In a model.yaml, no text is no key; but a signature is a tool's.
    assert not [one for one in FIELDS["model"] if takes(one.schema, "") and "signature" not in one.path]
    one |= {"card": "", "training_data": [], "tags": []}
    del one["citation"]
    build_site(index_of(one), [one], tmp_path / "out", cache=cache)
    with serve_site(tmp_path / "out", 0) as served, watched(browser, served.url, width=390) as seen:
        assert broken(seen, pages_of(tmp_path / "out", "", "**/"), 390) == []
