"""What a model prints and warns of: lines of the log like all others, whatever a caller makes it print."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.running import serving
from tests.support.waiting import eventually

from modelport.serve.log import log_to_stderr
from modelport.serve.printed import Printed, begin, end, printed_to, request_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serve.running import Running

FORGED = 'x\n{"level":"error","message":"forged"}\n'
WAYS = {
    "print_out": ("model.stdout", "info"),
    "print_part": ("model.stdout", "info"),
    "write_bytes": ("model.stderr", "warning"),
    "warn": ("py.warnings", "warning"),
    "log_it": ("mine", "warning"),
    "log_to_its_own": ("model.stderr", "warning"),
}


@pytest.fixture(scope="module")
def loud() -> Iterator[Running]:
    with serving("loud") as service:
        yield service


def lines(service: Running) -> list[dict[str, Any]]:
    """Return every line that the service has written to stderr; each must be a JSON object."""
    written = os.pread(service.stderr.fileno(), 10**6, 0).decode().splitlines()
    return [json.loads(line) for line in written]


def of_request(service: Running, request_id: str) -> list[dict[str, Any]]:
    return [line for line in lines(service) if line.get("request_id") == request_id]


@pytest.mark.parametrize("way", WAYS)
def test_whatever_it_says_is_a_line_with_the_requests_id(loud: Running, way: str) -> None:
    assert loud.call(way, {"text": "a word"}, headers={"X-Request-ID": f"of-{way}"}).status_code == 200
    eventually(lambda: len(of_request(loud, f"of-{way}")) >= 2)
    said = [line for line in of_request(loud, f"of-{way}") if line["message"] != "request"]
    assert ("a word", *WAYS[way]) in [
        (line["message"].split(": ")[-1].split("\n")[0], line["logger"], line["level"]) for line in said
    ]


@pytest.mark.parametrize("way", WAYS)
def test_no_caller_forges_a_line_by_what_the_model_says(loud: Running, way: str) -> None:
    assert loud.call(way, {"text": FORGED}).status_code == 200
    assert not [line for line in lines(loud) if line["message"] == "forged"]


def test_the_examples_that_a_service_calls_itself_say_so(loud: Running) -> None:
    said = of_request(loud, "warm-up")
    assert said
    assert {line["message"] for line in said} == {"an example"}


def test_calls_that_go_together_are_all_named(loud: Running) -> None:
    def call(number: int) -> int:
        more = {"headers": {"X-Request-ID": f"together-{number}"}}
        return loud.call("print_each", {"words": [f"word-{number}"]}, **more).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call, range(8))) == {200}
    said = [line for line in lines(loud) if line["logger"] == "model.stdout" and "word-" in line["message"]]
    for line in said:
        ids = line.get("request_ids") or [line["request_id"]]
        assert [f"together-{word.removeprefix('word-')}" for word in line["message"].split()] == ids
    assert any("request_ids" in line for line in said)


def test_a_stream_has_its_requests_id(loud: Running) -> None:
    headers = {"X-Request-ID": "streamed"}
    with loud.client.stream(
        "POST", "/model/methods/print_stream", json={"text": "in a stream"}, headers=headers
    ) as answer:
        assert "in a stream" in answer.read().decode()
    assert "in a stream" in [line["message"] for line in of_request(loud, "streamed")]


class Kept(logging.Handler):
    """Keeps the messages."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@given(st.lists(st.text("ab\n\r ", max_size=8)))
def test_lines_are_what_was_written_however_it_was_cut(parts: list[str]) -> None:
    kept, text = Kept(), "".join(parts)
    printed = Printed("model.stdout", logging.INFO, kept, io.StringIO())
    begin(("a",))
    assert sum(printed.write(part) for part in parts) == len(text)
    end()
    assert request_fields() == {}
    last_drawn = [line.rpartition("\r")[2] or line.strip() for line in text.split("\n")]
    assert kept.messages == [line for line in last_drawn if line]


def test_a_line_without_end_is_not_kept_for_ever() -> None:
    kept = Kept()
    printed = Printed("model.stdout", logging.INFO, kept, io.StringIO())
    printed.write("x" * 200_000)
    assert sum(map(len, kept.messages)) > 100_000
    end()
    assert "".join(kept.messages) == "x" * 200_000


def test_a_log_that_cannot_be_written_stops_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", buffering=1) as broken:
        monkeypatch.setattr(sys, "stderr", broken)
        try:
            with printed_to(log_to_stderr()):
                print("nobody reads this")  # noqa: T201 - that is the point
                logging.getLogger("mine").error("nor this")
        finally:
            root.handlers[:] = before
            root.setLevel(level)
            monkeypatch.undo()
            os.dup2(os.open(os.devnull, os.O_WRONLY), writing)  # so that it can be closed
