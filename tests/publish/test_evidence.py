"""Evidence: written newest first, read with suspicion."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.errors import FormatError, InputError
from modelport.publish.evidence import Reproduction, parse_evidence, read_evidence, record_reproduction

if TYPE_CHECKING:
    from pathlib import Path

RIGHT = {"schema": "modelport/evidence/1", "model": "tally", "reproduced": []}


def one(date: str, version: str = "1.0.0") -> Reproduction:
    return Reproduction(
        version=version, digest=f"sha256:{'a' * 64}", date=date, outcome="identical", platform="linux x86_64",
        python="3.11",
    )  # fmt: skip


def test_the_newest_comes_first_and_the_same_is_said_once(tmp_path: Path) -> None:
    for date in ("2026-11-20", "2026-11-22", "2026-11-21", "2026-11-22"):
        record_reproduction(tmp_path, "tally", one(date))
    document = read_evidence(tmp_path)["tally"]
    assert [rebuild["date"] for rebuild in document["reproduced"]] == ["2026-11-22", "2026-11-21", "2026-11-20"]


def test_many_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    days = [f"2026-11-{day:02}" for day in range(1, 17)]
    threads = [threading.Thread(target=record_reproduction, args=(tmp_path, "tally", one(day))) for day in days]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [r["date"] for r in read_evidence(tmp_path)["tally"]["reproduced"]] == days[::-1]


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    for number in range(70):
        record_reproduction(tmp_path, "tally", one("2026-11-20", f"1.0.{number}"))
    versions = [r["version"] for r in read_evidence(tmp_path)["tally"]["reproduced"]]
    assert (len(versions), versions[0]) == (64, "1.0.69")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "modelport/evidence/9"}, "schema"),
        ({"model": "other"}, "speaks of other"),
        ({"model": "../x"}, "model"),
        ({"reproduced": {}}, "reproduced"),
        ({"more": 1}, "more"),
        ({"reproduced": [one("2026-11-20").to_json() | {"version": "1.0.0.0"}]}, "is not a version"),
        ({"reproduced": [one("2026-13-40").to_json()]}, "date"),
        ({"reproduced": [one("2026-11-20").to_json() | {"outcome": "nearly"}]}, "outcome"),
        ({"reproduced": [one("2026-11-20").to_json() | {"digest": "sha256:0"}]}, "digest"),
    ],
)
def test_what_is_no_evidence_is_told_and_left_as_it_is(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    file = tmp_path / "tally.json"
    file.write_text(json.dumps(RIGHT | change), "utf-8")
    before = file.read_bytes()
    with pytest.raises(FormatError, match=said):
        read_evidence(tmp_path)
    with pytest.raises(FormatError, match=said):
        record_reproduction(tmp_path, "tally", one("2026-11-20"))
    assert file.read_bytes() == before


def test_all_that_is_wrong_in_a_folder_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{", "utf-8")
    (tmp_path / "b.json").mkdir()
    (tmp_path / "c.json").write_text('{"a": 1, "a": 2}', "utf-8")
    with pytest.raises(FormatError) as caught:
        read_evidence(tmp_path)
    for name in ("a.json", "b.json", "c.json"):
        assert name in caught.value.message
    assert caught.value.hint


def test_a_folder_may_be_absent_but_not_a_file(tmp_path: Path) -> None:
    assert read_evidence(tmp_path / "nowhere") == {}
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(InputError, match="is not a folder"):
        read_evidence(tmp_path / "file")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["modelport/evidence/1", "1.0.0"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*RIGHT, "version", "date"]) | st.text(), inner),
)


@given(st.binary() | _JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_evidence_or_a_problem(raw: bytes) -> None:
    with suppress(FormatError):
        assert parse_evidence(raw, "here")["schema"] == "modelport/evidence/1"
