"""A model that streams on its page: the tables say so, and what the page tells to type works against a real service."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from tests.serve.running import running
from tests.serve.streaming import streams

from modelport_site.diff import facts_of
from modelport_site.examples import view_examples
from modelport_site.signature import method_tables
from modelport_site.snippets import PORT, usage_tabs
from modelport_site.templating import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serve.running import Running

METHODS = ("count", "mean", "total", "plain")


@pytest.fixture(scope="module")
def release() -> dict[str, Any]:
    model = streams()
    model.add_example("mean", [{"x": float(number)} for number in range(100)])
    signature = model.spec.to_json()
    signature["methods"] = [m for m in signature["methods"] if m["name"] in METHODS]
    examples = [asdict(one) for one in reversed(model.examples)]  # the long one is the first of its method
    return {
        "signature": signature, "examples": examples, "version": "1.0.0", "digest": f"sha256:{'0' * 64}",
        "tier": "data-only", "evaluations": [], "requirements": [], "files": [], "size": 1, "python": "3.11",
    }  # fmt: skip


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    with running("tests.serve.streaming", "streams") as one:
        yield one


def test_tables_and_facts_say_stream(release: dict[str, Any]) -> None:
    tables = {one.name: one for one in method_tables(release["signature"], release["examples"])}
    assert (tables["count"].takes_stream, tables["count"].gives_stream) == ("", "a stream of CountOut")
    assert tables["mean"].takes_stream == "a stream of Point"
    assert tables["mean"].inputs[0].example == "0.0", "the first message of the first example"
    page = ENVIRONMENT.from_string('{% import "macros.html" as part %}{% include "model/signature.html" %}')
    html = page.render(methods=[(one, None) for one in tables.values()], independent={}, root="")
    assert "<caption>mean takes a stream of Point, each with</caption>" in html
    assert "<caption>plain takes</caption>" in html
    signature = facts_of(release)["signature"]
    assert signature["method mean"].shown == "stream of Point → stream of Point"
    assert signature["method count"].shown == "CountIn → stream of CountOut"
    assert signature["method plain"].shown == "PlainIn → PlainOut"


@pytest.mark.parametrize("label", ["curl", "Python"])
def test_what_the_page_says_can_be_typed(
    release: dict[str, Any], service: Running, tmp_path_factory: pytest.TempPathFactory, label: str
) -> None:
    folder = tmp_path_factory.mktemp("typed")
    _, files = view_examples("tally", release)
    written = next(content for path, content in files.items() if path.endswith("/1-input.ndjson"))
    (folder / "tally-mean.ndjson").write_bytes(written)
    tab = next(one for one in usage_tabs("tally", release, recipe=False) if one.label == label)
    blocks = [one.code for one in tab.blocks if f"localhost:{PORT}" in one.code]
    host, port = service.address
    said = ""
    for code in (one.replace(f"localhost:{PORT}", f"{host}:{port}") for one in blocks):
        command = ["bash", "-c", code] if label == "curl" else [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said += done.stdout
    told = said.replace(" ", "").replace("'", '"')
    assert '{"value":1}\n{"value":2}' in told, "count"
    assert '{"x":0.0}\n{"x":0.5}\n{"x":1.0}' in told, "mean"
    assert told.count('"x"') == 100
