"""What a model prints and warns of: lines of the log like all others, whatever a caller makes it print."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.running import serving
from tests.support.waiting import eventually

from modelport.serve.log import log_to_stderr
from modelport.serve.printed import Printed, begin, end, request_fields

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
    "set_up": ("model.stderr", "warning"),
    "log_numbers": ("mine", "warning"),
    "log_as_packed": ("model", "warning"),
}


@pytest.fixture(scope="module")
def loud() -> Iterator[Running]:
    with serving("loud") as service:
        yield service


def lines(service: Running) -> list[dict[str, Any]]:
    """Return every line that the service has written to stderr; each must be a JSON object, as the standard has it."""

    def refused(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    written = os.pread(service.stderr.fileno(), 10**6, 0).decode().splitlines()
    return [json.loads(line, parse_constant=refused) for line in written]


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


def test_of_calls_that_fail_together_each_has_its_own(loud: Running) -> None:
    words = ["bad", *(f"good{number}" for number in range(7))]

    def call(word: str) -> int:
        return loud.call("print_each", {"words": [word]}, headers={"X-Request-ID": f"own-{word}"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, words)) == [500, *[200] * 7]
    for word in words:
        said = [line["message"] for line in of_request(loud, f"own-{word}") if line["logger"] == "model.stdout"]
        assert said in ([], [word]), "where it went well together, all are named"
    assert [line["message"] for line in of_request(loud, "own-bad") if line["logger"] == "model.stdout"] == ["bad"]


@pytest.mark.parametrize("way", ["print_stream", "print_elsewhere"])
def test_a_stream_has_its_requests_id(loud: Running, way: str) -> None:
    headers = {"X-Request-ID": f"streamed-{way}"}
    with loud.client.stream("POST", f"/model/methods/{way}", json={"text": "in a stream"}, headers=headers) as answer:
        assert "in a stream" in answer.read().decode()
    assert "in a stream" in [line["message"] for line in of_request(loud, f"streamed-{way}")]


def test_what_a_thread_has_begun_is_not_lost_with_it(loud: Running) -> None:
    assert loud.call("print_in_thread", {"text": "from a thread"}).status_code == 200
    eventually(lambda: "from a thread" in [line["message"] for line in lines(loud)])


def test_a_thread_that_fails_is_one_line(loud: Running) -> None:
    assert loud.call("fail_in_thread", {"text": "lost"}).status_code == 200
    (said,) = [line for line in lines(loud) if line["message"] == "thread helper failed"]
    assert said["exception"].endswith("ValueError: lost")
    assert "fail_there" in said["exception"]


def test_where_a_model_ends_its_process_is_told(loud: Running) -> None:
    answer = loud.call("leave", {}, headers={"X-Request-ID": "left"})
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:modelport:problem:model-failed")
    assert "under this request's id, left" in answer.json()["detail"]
    (said,) = [line["exception"] for line in of_request(loud, "left") if "exception" in line]
    assert "SystemExit: 3" in said
    assert "in leave" in said


def test_a_text_that_waits_for_who_prints_holds_nobody_up() -> None:
    with serving("loud") as service, ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(service.call, way, {"text": "x"}) for way in ("print_locked", "log_slow")]
        assert [call.result(20).status_code for call in calls] == [200, 200]
        assert service.client.get("/health/ready").status_code == 200


class Kept:
    """Keeps the messages, with their ids."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.ids: list[object] = []

    def log(self, name: str, level: int, message: str, **fields: object) -> None:
        assert (name, level) == ("model.stdout", logging.INFO)
        self.messages.append(message)
        self.ids.append(fields.get("request_id"))


def printed_to(kept: Kept) -> Printed:
    return Printed("model.stdout", logging.INFO, kept, 1)


@given(st.lists(st.text("ab\n\r ", max_size=8)))
def test_lines_are_what_was_written_however_it_was_cut(parts: list[str]) -> None:
    kept, text = Kept(), "".join(parts)
    printed = printed_to(kept)
    begin(("a",))
    assert sum(printed.write(part) for part in parts) == len(text)
    end()
    assert request_fields() == {}
    seen = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    assert kept.messages == [line for line in seen if line.strip()]
    assert set(kept.ids) <= {"a"}


@given(st.text(), st.integers(1, 5))
def test_bytes_are_what_they_say_however_they_were_cut(text: str, size: int) -> None:
    kept, data = Kept(), text.encode("utf-8", "replace")
    printed = printed_to(kept)
    for start in range(0, len(data), size):
        printed.buffer.write(data[start : start + size])
    end()
    whole = Kept()
    printed_to(whole).write(data.decode())
    end()
    assert kept.messages == whole.messages


def test_what_one_call_has_begun_no_other_ends() -> None:
    kept = Kept()
    printed = printed_to(kept)
    printed.write("before")
    for name in ("a", "a", "b"):
        begin((name,))
        printed.write(name)
    end()
    assert list(zip(kept.messages, kept.ids, strict=True)) == [("before", None), ("a", "a"), ("a", "a"), ("b", "b")]


def test_a_thread_that_ends_leaves_what_it_had_begun() -> None:
    kept = Kept()
    thread = threading.Thread(target=printed_to(kept).write, args=("half a line",))
    thread.start()
    thread.join()
    end()
    assert kept.messages == ["half a line"]


def test_bytes_of_one_call_are_not_anothers() -> None:
    kept = Kept()
    printed = printed_to(kept)
    for name, data in (("a", "€".encode()[:2]), ("b", b"of b\n")):
        begin((name,))
        printed.buffer.write(data)
        end()
    assert list(zip(kept.messages, kept.ids, strict=True)) == [("\\xe2\\x82", "a"), ("of b", "b")]


def test_what_is_no_text_is_refused_and_nothing_is_lost() -> None:
    kept = Kept()
    printed = printed_to(kept)
    printed.write("half ")
    for wrong in (b"x", None):
        with pytest.raises(TypeError):
            printed.write(wrong)  # type: ignore[arg-type] # that is the point
    printed.write("a line\n")
    assert kept.messages == ["half a line"]


FORKING = """
import os, sys, subprocess, threading, time
from modelport.serve.log import log_to_stderr

log_to_stderr()
begun, over = threading.Event(), threading.Event()


def half():
    print("half of a thread", end="")
    begun.set()
    over.wait()


thread = threading.Thread(target=half)
thread.start()
begun.wait()
print("half of the main thread", end="")
subprocess.run(["true"], preexec_fn=lambda: None, timeout=20)
child = os.fork()
if not child:
    print("of the child")
    os._exit(0)
os.waitpid(child, 0)
over.set()
thread.join()
"""


def test_a_process_that_is_forked_writes_its_own_lines_alone_and_the_last_ones_are_not_lost() -> None:
    done = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, check=True, timeout=60)
    said = [json.loads(line)["message"] for line in done.stderr.splitlines()]
    assert sorted(said) == ["half of a thread", "half of the main thread", "of the child"]


def test_what_a_model_says_of_itself_takes_no_fields_place(capsys: pytest.CaptureFixture[str]) -> None:
    undo = log_to_stderr()
    try:
        logging.getLogger().handlers[0].setFormatter(logging.Formatter("%(message)s"))
        strange = {"level": "error", "time": "never", "v": float("nan"), "w": [1, 2], "d": {(1, 2): 3}}
        begin(("a", "b"))
        logging.getLogger("mine").warning("one\ntwo", extra=strange)
        end()
    finally:
        undo()
    (line,) = [json.loads(one) for one in capsys.readouterr().err.splitlines()]
    assert (line["level"], line["logger"], line["message"]) == ("warning", "mine", "one\ntwo")
    assert (line["request_ids"], line["w"], line["v"], line["level_"]) == (["a", "b"], [1, 2], "nan", "error")


@pytest.mark.parametrize("end_of_line", ["", "\n"])
def test_a_long_line_is_cut(end_of_line: str) -> None:
    kept = Kept()
    text = "x" * 200_000
    printed_to(kept).write(text + end_of_line)
    end()
    assert "".join(kept.messages) == text
    assert max(map(len, kept.messages)) == 2**16


def test_a_bar_of_progress_costs_no_more_than_its_last_state() -> None:
    kept = Kept()
    printed = printed_to(kept)
    for step in range(100_000):
        printed.write(f"\r{step} of 100000")
    printed.write("\n")
    assert kept.messages == ["99999 of 100000"]


def test_a_log_that_cannot_be_written_stops_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with os.fdopen(writing, "w", buffering=1) as broken:
        monkeypatch.setattr(sys, "stderr", broken)
        undo = log_to_stderr()
        try:
            print("nobody reads this")  # noqa: T201 - that is the point
            logging.getLogger("mine").error("nor this")
            os.dup2(nowhere, writing)  # what waits in it can go
            broken.close()
            print("nor this")  # noqa: T201 - as above
        finally:
            undo()
            os.close(nowhere)


def test_all_is_put_back_as_it_was() -> None:
    root = logging.getLogger()
    before = sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__, root.handlers[:], root.level
    undo = log_to_stderr()
    assert isinstance(sys.stdout, Printed)
    undo()
    assert (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__, root.handlers[:], root.level) == before
