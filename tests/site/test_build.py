"""Whole builds: the same input gives the same bytes, nothing is written twice, what is gone goes away."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from tests.site.edge_samples import DEVICES, NETWORKS
from tests.site.payloads import HOSTILE
from tests.site.samples import catalog, index_of, model

from modelport.errors import FormatError, InputError
from modelport_site import SiteReport, build_site
from modelport_site.output import LIST_FILE


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def times(folder: Path) -> dict[str, int]:
    return {p.relative_to(folder).as_posix(): p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def build(models: list[dict[str, Any]], out: Path, cache: Path, **settings: str) -> SiteReport:
    profiles: dict[str, Any] = {"devices": DEVICES, "networks": NETWORKS}
    return build_site(index_of(*models), models, out, cache=cache, settings=settings, **profiles)


def test_two_builds_elsewhere_are_equal(site: Path, tmp_path: Path) -> None:
    # Another process, folder, cache, order, locale, time zone and hash seed.
    script = (
        "import sys; from pathlib import Path; from tests.site.samples import catalog, index_of;"
        "from tests.site.edge_samples import DEVICES, NETWORKS;"
        "from modelport_site import build_site; models = catalog()[::-1];"
        "build_site(index_of(*models), models, Path(sys.argv[1]), cache=Path(sys.argv[2]),"
        " devices=dict(reversed(DEVICES.items())), networks=NETWORKS)"
    )
    root = Path(__file__).parents[2]
    environment = os.environ | {
        "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C",
        "PYTHONPATH": f"{root}:{root}/registry:{root}/site_gen",
    }  # fmt: skip
    out, cache = tmp_path / "elsewhere" / "out", tmp_path / "cache"
    subprocess.run([sys.executable, "-c", script, str(out), str(cache)], check=True, env=environment, cwd=tmp_path)
    assert tree(out) == tree(site)


def test_a_second_build_writes_nothing(cache: Path, tmp_path: Path) -> None:
    first = build(catalog(), tmp_path / "out", cache)
    before = times(tmp_path / "out")
    second = build(catalog(), tmp_path / "out", cache)
    assert (second.written, second.removed) == (0, 0)
    assert second.unchanged == first.written == len(before) - 1
    assert times(tmp_path / "out") == before
    assert "5 models; 0 files written" in str(second)


def test_one_changed_model_changes_its_own_files(cache: Path, tmp_path: Path) -> None:
    models = catalog()
    build(models, tmp_path / "out", cache)
    before = tree(tmp_path / "out")
    models[0]["card"] += "\n\nOne more line."
    report = build(models, tmp_path / "out", cache)
    after = tree(tmp_path / "out")
    changed = {path for path in after if after[path] != before.get(path)} - {LIST_FILE}
    assert changed == {"models/iris-forest/index.html", "api/v1/models/iris-forest.json"}
    assert report.written == 2


def test_a_removed_model_disappears(cache: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(catalog(), out, cache)
    build([m for m in catalog() if m["name"] != "fashion-classifier"], out, cache)
    assert not [path for path in tree(out) if "fashion-classifier" in path]
    assert not (out / "models/fashion-classifier").exists()
    assert b"fashion-classifier" not in (out / "models/index.html").read_bytes()
    assert b"fashion" not in (out / "api/v1/search.json").read_bytes()
    fresh = tmp_path / "fresh"
    build([m for m in catalog() if m["name"] != "fashion-classifier"], fresh, cache)
    assert tree(out) == tree(fresh)


def test_damaged_and_missing_files_are_made_again(cache: Path, site: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(site, out)
    (out / "models/iris-forest/index.html").write_text("tampered")
    (out / "api/v1/index.json").unlink()
    shutil.rmtree(out / "assets")
    build(catalog(), out, cache)
    assert tree(out) == tree(site)


def test_a_foreign_folder_is_left_alone(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match="not made by a build of a site"):
        build(catalog(), tmp_path, cache)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_foreign_files_in_a_built_folder_stay(cache: Path, tmp_path: Path) -> None:
    build(catalog(), tmp_path / "out", cache)
    (tmp_path / "out/CNAME").write_text("models.example.org")
    build(catalog()[:1], tmp_path / "out", cache)
    assert (tmp_path / "out/CNAME").read_text() == "models.example.org"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": "other/1", "groups": {}}'])
def test_a_list_that_cannot_be_read_is_named(content: str, cache: Path, tmp_path: Path) -> None:
    (tmp_path / LIST_FILE).write_text(content)
    with pytest.raises(FormatError, match="modelport-site"):
        build(catalog(), tmp_path, cache)


def test_names_that_need_the_same_file_are_refused(cache: Path, tmp_path: Path) -> None:
    iris = catalog()[0]
    with pytest.raises(InputError, match="both make"):
        build([iris, iris | {"name": "iris-forest.json"}], tmp_path / "out", cache)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lifecycle": "sleeping"}, "lifecycle"),
        ({"title": 3}, "title"),
        ({"versions": [{"version": "1.0.0"}]}, "versions.0"),
        ({"latest": "9.9.9"}, "no version 9.9.9"),
        ({"card": None}, "card"),
        ({"schema": "modelport/api-model/9"}, "modelport/api-model/9"),
        ({"name": "../etc"}, "not a model name"),
    ],
)
def test_a_document_that_cannot_be_shown_is_named(
    change: dict[str, Any], words: str, cache: Path, tmp_path: Path
) -> None:
    one = model("one") | change
    index = index_of(one | {"card": ""})  # the catalog makes its index of sound entries
    with pytest.raises(FormatError, match=re.escape(words)):
        build_site(index, [one], tmp_path / "out", cache=cache)


def test_the_index_and_the_models_must_agree(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="make both from the same entries"):
        build_site(index_of(model("one")), [model("two")], tmp_path / "out", cache=cache)


def test_an_empty_catalog_has_a_site(cache: Path, tmp_path: Path) -> None:
    build([], tmp_path / "out", cache)
    assert "no models yet" in (tmp_path / "out/models/index.html").read_text()
    assert "no models yet" in (tmp_path / "out/index.html").read_text()


def test_the_owner_names_and_places_the_site(tmp_path: Path) -> None:
    build(catalog()[:1], tmp_path / "out", tmp_path / "cache", title='Our "models" & more', url="https://m.example/a")
    page = (tmp_path / "out/models/iris-forest/index.html").read_text()
    assert '<link rel="canonical" href="https://m.example/a/models/iris-forest/">' in page
    assert "Our &#34;models&#34; &amp; more" in page or "Our &quot;models&quot; &amp; more" in page
    sitemap = (tmp_path / "out/sitemap.xml").read_text()
    assert "<loc>https://m.example/a/models/iris-forest/</loc>" in sitemap
    assert "modelport-slot" not in sitemap
    with pytest.raises(InputError, match="no setting colour"):
        build([], tmp_path / "other", tmp_path / "cache", colour="red")


def test_no_slot_is_left_and_no_other_origin_is_named(site: Path) -> None:
    for path, content in tree(site).items():
        assert b"modelport-slot" not in content, path
        if path.endswith(".html"):
            for match in re.findall(rb'(?:src|action|srcset)="(?:https?:)?//[^"]*', content):
                pytest.fail(f"{path} loads {match}")
            assert b"Content-Security-Policy" in content
            assert b"fonts.g" not in content


class Links(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name in {"href", "src", "action", "data-index"} and value]
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag == "h1":
            self.headings.append(tag)


def test_every_link_inside_the_site_leads_somewhere(site: Path) -> None:
    for page in sorted(site.rglob("*.html")):
        parsed = Links(page.read_text("utf-8"))
        assert len(parsed.ids) == len(set(parsed.ids)), page
        assert len(parsed.headings) == 1, page
        for link in parsed.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            base = site if link.startswith("/") else page.parent
            target = (base / unquote(parts.path).lstrip("/")).resolve()
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), f"{page.relative_to(site)} -> {link}"
            if parts.fragment and target.suffix == ".html":
                assert parts.fragment in Links(target.read_text("utf-8")).ids, f"{page.relative_to(site)} -> {link}"


def test_the_api_holds_the_documents(site: Path) -> None:
    models = catalog()
    assert json.loads((site / "api/v1/index.json").read_text()) == index_of(*models)
    for one in models:
        assert json.loads((site / f"api/v1/models/{one['name']}.json").read_text()) == one
    example = models[1]["versions"][0]["examples"][0]
    folder = site / "api/v1/models/fashion-classifier/examples"
    assert json.loads((folder / "1.json").read_text()) == example
    assert json.loads((folder / "1-input.json").read_text()) == example["input"]


def test_what_a_page_says(site: Path) -> None:
    def text(name: str) -> str:
        return (site / f"models/{name}/index.html").read_text("utf-8")

    assert "Not released yet" in text("bird-songs")
    assert "modelport pack catalog/models/bird-songs" in text("bird-songs")
    assert '<a href="../iris-forest/"><code>iris-forest</code></a>' in text("old-iris")
    assert "It had been trained on its own test data." in text("bad-scores")
    assert "modelport pull bad-scores" not in text("bad-scores")
    for part in ("0.895 to 0.9965", "code-bearing", "2026-11-21", "152 kB", "CC-BY-4.0 data", "10,000"):
        bare = re.sub(r"<[^>]*>", "", text("iris-forest") + text("fashion-classifier"))
        assert part in bare, part


def test_the_note_on_code_follows_each_line_that_runs_it(site: Path) -> None:
    page = (site / "models/iris-forest/index.html").read_text("utf-8")
    lines = [one.partition("</div>") for one in page.split('<div class="highlight">')[1:]]
    running = [rest for line, _, rest in lines if re.search(r"modelport (call|serve) ", re.sub(r"<[^>]*>", "", line))]
    assert len(running) == 5  # call and serve in a shell; serve before curl and Python, and in a container
    for rest in running:
        note = re.match(r'\s*<p class="mp-hint">(.*?)</p>', rest, re.DOTALL)
        assert note
        assert "<code>--allow-code</code> to the end of this line" in note[1]
    assert page.count("--allow-code") == len(running)


def test_hostile_words_in_every_field_stay_words(cache: Path, tmp_path: Path) -> None:
    lines = [" ".join(text.split()) for text in HOSTILE]
    lines = [line for line in lines if "\x01" not in line and "\x02" not in line]
    models = []
    for number, line in enumerate(lines):
        models.append(
            model(
                f"m{number}",
                title=line[:80].strip(),
                summary=line[:240],
                publisher={"name": line[:120].strip()},
                authors=[{"name": line[:120].strip()}],
                maintainers=[{"name": line[:120].strip()}],
                intended_use=line,
                limits=line,
                citation={"text": line},
                card=line,
                training_data=[{"name": line[:120].strip(), "source": line}],
                lifecycle="yanked",
                reason=line,
            )
        )
    build(models, tmp_path / "out", cache)
    reference = model(
        "plain",
        lifecycle="yanked",
        reason="x",
        citation={"text": "x"},
        training_data=[{"name": "x", "source": "x"}],
        card="x",
    )
    build([reference], tmp_path / "plain", cache)
    allowed = scripts((tmp_path / "plain/models/plain/index.html").read_text())
    for page in (tmp_path / "out/models").glob("m*/index.html"):
        found = scripts(page.read_text("utf-8"))
        assert found == allowed, page
        assert "<img" not in page.read_text("utf-8")
        assert "<iframe" not in page.read_text("utf-8")


def scripts(page: str) -> tuple[int, int, int]:
    """Count what can run: script elements, event attributes, style attributes."""

    class Count(HTMLParser):
        script = event = style = 0

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.script += tag == "script"
            self.event += sum(name.startswith("on") for name, _ in attrs)
            self.style += sum(name == "style" for name, _ in attrs)

    count = Count()
    count.feed(page)
    return count.script, count.event, count.style
