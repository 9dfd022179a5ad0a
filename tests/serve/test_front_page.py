"""The front page as it comes: whole without a script, bound to nothing else, and each of its lines runs."""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape
from typing import TYPE_CHECKING

import pytest
from tests.serve.models import kinds as make_kinds
from tests.serve.reading_html import Page
from tests.serve.running import problem_of
from tests.support.every_kind import PNG, every_kind

from modelport.model import Model
from modelport.serve import ServiceInfo
from modelport.serve.openapi import openapi_document
from modelport.serve.page import page_html
from modelport.serve.static import static_folder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.serve.running import Running


MODEL = make_kinds()
DOCUMENT = openapi_document(MODEL, ServiceInfo(name="kinds"))
EVERY = every_kind()
EVERY_DOCUMENT = openapi_document(EVERY, ServiceInfo(name="every"))


class TestPage:
    def test_its_links_lead_somewhere_and_it_needs_nothing_else(self, kinds: Running) -> None:
        answer = kinds.client.get("/")
        page = Page()
        page.feed(answer.text)
        links = [attributes["href"] or "" for tag, attributes in page.tags if tag in {"a", "link"}]
        links += [attributes["src"] or "" for _, attributes in page.tags if "src" in attributes]
        assert len(links) >= 10
        pages = [link for link in links if not link.startswith("#")]
        assert {kinds.client.get(link).status_code for link in pages} == {200}
        assert not [link for link in pages if ":" in link or link.startswith("/")]  # it may lie under any path
        scripts = [attributes for tag, attributes in page.tags if tag == "script"]
        assert [one.get("type") for one in scripts] == ["module", "application/json"]
        assert not {tag for tag, _ in page.tags} & {"style", "iframe", "base"}
        assert not [name for _, attributes in page.tags for name in attributes if name == "style" or name[:2] == "on"]
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'" in policy
        assert "unsafe" not in policy
        assert "Nothing is <changed> & nothing is lost." in page.words

    def test_it_says_in_words_what_every_kind_is(self) -> None:
        page = Page()
        page.feed(page_html(EVERY, ServiceInfo(name="every"), "http://h"))
        for words in (
            "length: optional double (cm), 0 to 10", "How long it is.", "season: one of spring, summer",
            "petal: column of double (cm)", "its fields are columns", "or a body of image/png or image/jpeg",
            "share: double (%), at least 0", "Of the whole.", "--data-binary @FILE",
        ):  # fmt: skip
            assert words in page.words

    def test_its_files_are_kept_for_good(self, kinds: Running) -> None:
        for name, kind in {"main.js": "text/javascript", "page.css": "text/css", "mark.svg": "image/svg+xml"}.items():
            answer = kinds.client.get(f"/{static_folder()}/{name}")
            assert "immutable" in answer.headers["cache-control"]
            assert answer.headers["content-type"].startswith(kind)
        problem_of(kinds.client.get(f"/{static_folder()}/../openapi.py"), 404, "not-found")
        problem_of(kinds.client.get("/assets/0123456789abcdef/main.js"), 404, "not-found")

    @pytest.mark.parametrize("name", ["kinds", "every"])
    def test_its_curl_lines_run_as_they_are_printed(
        self, name: str, request: pytest.FixtureRequest, tmp_path: Path
    ) -> None:
        service, model = request.getfixturevalue(name), {"kinds": MODEL, "every": EVERY}[name]
        (tmp_path / "FILE").write_bytes(PNG)
        lines = printed_lines(service.client.get("/").text)
        assert len(lines) == len(model.spec.methods) + {"kinds": 0, "every": 2}[name]
        for line in lines:
            raw = "@FILE" in line and "text/plain" in line
            (tmp_path / "FILE").write_bytes(b"One\ntwo." if raw else PNG)
            done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, check=True)
            answer = (tmp_path / "ANSWER").read_bytes() if "-o ANSWER" in line else done.stdout
            assert answer == (tmp_path / "FILE").read_bytes() if "@FILE" in line else json.loads(answer) is not None
            assert b"urn:modelport:problem" not in answer

    def test_a_host_that_is_no_host_is_not_shown(self, kinds: Running) -> None:
        text = kinds.client.get("/", headers={"Host": "<script>alert(1)</script>"}).text
        assert "alert" not in text
        assert "http://shown.example:80/model" in kinds.client.get("/", headers={"Host": "shown.example:80"}).text

    def test_long_arguments_come_from_the_service_itself(self) -> None:
        def length(text: str) -> int:
            return len(text)

        model = Model(length=length)
        assert "{&quot;text&quot;: &quot;&quot;}" in page_html(model, ServiceInfo(name="m"), "http://h")
        model.add_example("length", {"text": "x" * 1000})
        text = page_html(model, ServiceInfo(name="m"), "http://h")
        assert "curl -s http://h/model/artifacts/examples/length |" in text
        assert "xxxx" not in text

    def test_nothing_ends_the_block_that_the_forms_are_made_from(self) -> None:
        def show(text: str = "</script><script>alert(1)</script><!--") -> str:
            """Show </script><script>alert(1)</script> & "more"."""
            return text

        text = page_html(Model(show=show), ServiceInfo(name="m"), "http://h")
        page = Page()
        page.feed(text)
        assert [tag for tag, _ in page.tags].count("script") == 2
        (block,) = re.findall(r'<script type="application/json" id="model">(.*?)</script>', text)
        assert json.loads(block)["signature"]["messages"][0]["fields"][0]["default"].startswith("</script>")
        assert not set("<>&") & set(block)


def printed_lines(html: str) -> list[str]:
    """Return the command lines of a page, as a browser shows them."""
    return [unescape(line) for line in re.findall(r"<pre[^>]*><code>(curl .*?)</code></pre>", html, re.DOTALL)]
