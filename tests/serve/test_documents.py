"""What a service says about itself and where: artifacts, judged by protoc, and the addresses that there are."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import openapi_spec_validator
import pytest
from tests.serve.models import kinds as make_kinds
from tests.serve.reading_html import Page
from tests.serve.running import problem_of
from tests.support.every_kind import every_kind

from modelport.model import Codec, ModelSpec
from modelport.serve import ServiceInfo
from modelport.serve.documents import metadata
from modelport.serve.metrics import FAMILIES
from modelport.serve.openapi import openapi_document

if TYPE_CHECKING:
    from pathlib import Path

    from tests.serve.running import Running


MODEL = make_kinds()
DOCUMENT = openapi_document(MODEL, ServiceInfo(name="kinds"))
EVERY = every_kind()
EVERY_DOCUMENT = openapi_document(EVERY, ServiceInfo(name="every"))
GETS = (
    "/", "/openapi.json", "/health/live", "/health/ready", "/model/artifacts/metadata", "/model/artifacts/protobuf",
    "/model/artifacts/license", "/model/artifacts/examples", "/model/artifacts/examples/move",
)  # fmt: skip


class TestArtifacts:
    def test_metadata(self, kinds: Running) -> None:
        document = kinds.client.get("/model/artifacts/metadata").json()
        assert document == metadata(MODEL, ServiceInfo(
            name="kinds", version="1.2.0", digest="sha256:" + "0" * 64, tier="data-only", python="3.11",
            requirements=("numpy==2.4.6",), license="Do what you like.\n",
        ))  # fmt: skip
        assert document["runtime"]["dependencies"]["pip"]["requirements"] == [{"name": "numpy", "version": "2.4.6"}]
        assert document["methods"]["move"]["input"]["name"] == "Shape"
        assert ModelSpec.from_json(document["signature"]) == MODEL.spec

    def test_the_signature_in_it_is_all_that_a_client_needs(self, kinds: Running) -> None:
        spec = ModelSpec.from_json(kinds.client.get("/model/artifacts/metadata").json()["signature"])
        codec, example = Codec.bare(spec), MODEL.examples[0]
        data = codec.to_bytes(codec.from_json(example.input, "Many"), "Many")
        answer = kinds.call("echo", None, content=data, headers={"Content-Type": "application/protobuf"})
        assert codec.to_json(codec.from_bytes(answer.content, "Many"), "Many") == example.output

    def test_protoc_reads_the_proto_file(self, kinds: Running, tmp_path: Path) -> None:
        answer = kinds.client.get("/model/artifacts/protobuf")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        (tmp_path / "model.proto").write_bytes(answer.content)
        subprocess.run(
            [sys.executable, "-m", "grpc_tools.protoc", f"-I{tmp_path}", f"-o{tmp_path / 'set'}", "model.proto"],
            check=True,
        )  # fmt: skip

    def test_the_licence(self, kinds: Running, trouble: Running) -> None:
        assert kinds.client.get("/model/artifacts/license").text == "Do what you like.\n"
        problem_of(trouble.client.get("/model/artifacts/license"), 404, "not-found")
        assert "/model/artifacts/license" not in trouble.client.get("/openapi.json").json()["paths"]
        assert "license" not in trouble.client.get("/openapi.json").json()["info"]
        assert "model/artifacts/license" not in trouble.client.get("/").text
        assert kinds.client.get("/openapi.json").json()["info"]["license"] == {"name": "Do what you like."}
        assert kinds.client.get("/").text.count('"model/artifacts/license"') == 2  # the badge and the door

    def test_the_licence_that_only_the_catalog_knows(self, wide: Running) -> None:
        answer = wide.client.get("/model/artifacts/license")
        assert (answer.text, answer.headers["content-type"]) == ("Apache-2.0 OR MIT\n", "text/plain; charset=utf-8")
        document = wide.client.get("/openapi.json").json()
        openapi_spec_validator.validate(document)
        assert document["info"]["license"] == {"name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT"}
        assert wide.client.get("/model/artifacts/metadata").json()["license"] == "Apache-2.0 OR MIT"
        assert ">Apache-2.0 OR MIT</code></a>" in wide.client.get("/").text

    def test_what_a_call_may_cost_and_what_runs_the_model(self, strict: Running, wide: Running) -> None:
        limits = strict.client.get("/model/artifacts/metadata").json()["limits"]
        assert (limits["body_bytes"], limits["body_seconds"], limits["json_depth"]) == (2000, 0.5, 4)
        page = Page()
        page.feed(wide.client.get("/").text)
        for words in ("16 MiB", "65,536 rows", "30 s", "429", "ONNX Runtime in place of scikit-learn", "queue_calls"):
            assert words in page.words
        for status, name in {"413": "body_bytes", "504": "call_seconds", "429": "Retry-After"}.items():
            assert name in DOCUMENT["components"]["responses"][f"problem.{status}"]["description"]

    def test_the_metrics_that_the_page_names_are_those_that_there_are(self, kinds: Running) -> None:
        kinds.call("nothing", {})
        families = re.findall(r"^# TYPE (modelport_\w+) ", kinds.client.get("/metrics").text, re.MULTILINE)
        assert set(families) == set(FAMILIES)


class TestAddresses:
    @pytest.mark.parametrize("path", GETS)
    def test_head_is_get_without_the_body(self, kinds: Running, path: str) -> None:
        got, head = kinds.client.get(path), kinds.client.head(path)
        assert got.status_code == head.status_code == 200
        assert head.content == b""
        for name in ("content-length", "content-type"):
            assert head.headers[name] == got.headers[name]
        assert head.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize("path", GETS)
    def test_they_are_read_only(self, kinds: Running, path: str) -> None:
        problem = problem_of(kinds.client.delete(path), 405, "method-not-allowed")
        assert problem["headers"]["allow"] == "GET, HEAD"

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS"])
    def test_a_method_is_only_posted_to(self, kinds: Running, method: str) -> None:
        answer = kinds.client.request(method, "/model/methods/move")
        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST"

    def test_an_unknown_method_names_the_known_ones(self, kinds: Running) -> None:
        assert "echo, lists, move" in problem_of(kinds.call("moves", {}), 404, "not-found")["detail"]

    @pytest.mark.parametrize(
        "path",
        [
            "/x", "/health", "/health/live/", "/model/methods/", "/model/methods/move/", "/model/methods/a%2Fb",
            "/%2e%2e/%2e%2e/etc/passwd", "/model/methods/%00", "/model/methods/__class__", "/%ff", "/favicon.ico",
        ],
    )  # fmt: skip
    def test_there_is_nothing_else(self, kinds: Running, path: str) -> None:
        problem_of(kinds.client.post(path, json={}), 404, "not-found")

    def test_what_is_not_there_names_where_all_is_listed(self, kinds: Running) -> None:
        detail = problem_of(kinds.client.get("/x"), 404, "not-found")["detail"]
        assert "/openapi.json" in detail
        listed = kinds.client.get("/openapi.json").json()["paths"]
        for other in ("/v1/models", "/v2/models/stats", "/metrics", "/health/live"):
            assert kinds.client.get(other).status_code == 200
            assert (other in listed) != (other in detail)
