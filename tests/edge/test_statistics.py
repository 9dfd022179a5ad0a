"""What devices measured: joined by day without loss, bounded, given out the same each time, and planned from."""

from __future__ import annotations

import json
import shutil
import threading
from math import isclose
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.commands import Workplace

from modelport.catalog import variants_yaml
from modelport.edge.documents import checked
from modelport.edge.learning import Lessons, Tally
from modelport.edge.statistics import Statistics, export, text_of
from modelport.edge.types import Spread, Variant
from modelport.errors import FormatError, InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES = Path(__file__).parents[1] / "examples/positive"
FAST, SMALL = (
    Variant(name=name, model="trees", digest="sha256:" + digit * 64) for name, digit in (("a", "5"), ("b", "6"))
)
KNOWN = {("trees", FAST.digest), ("trees", SMALL.digest)}


def batch(
    values: Sequence[float], *, variant: Variant = FAST, device: str = "phone", requests: int = 0
) -> dict[str, Any]:
    tally = Tally()
    for value in values:
        tally.add(variant, "device", "infer", value)
    for _ in range(requests):
        tally.request("trees", in_time=True, remote=False, fallback=False)
    made = tally.take(device)
    assert made is not None
    assert tally.take(device) is None
    return checked(json.loads(json.dumps(made)), "edge-batch", "the batch")


times = st.lists(st.floats(1e-6, 100), min_size=1, max_size=8)


@given(st.lists(times, min_size=1, max_size=5))
def test_batches_on_any_days_are_what_one_list_would_be(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[float]]
) -> None:
    file = tmp_path_factory.mktemp("field") / "field.sqlite"
    field = Statistics(file)
    for number, part in enumerate(parts):
        assert field.add(batch(part), KNOWN, day=f"2026-11-{1 + number % 3:02d}")
    together = [value for part in parts for value in part]
    (one,) = export(file)["devices"]["phone"]["figures"]
    assert one["n"] == len(together)
    assert isclose(one["mean"], fmean(together), rel_tol=1e-9)
    assert isclose(one["sd"], stdev(together) if len(together) > 1 else 0.0, rel_tol=1e-6, abs_tol=1e-6)


def test_an_export_is_one_period_and_the_same_each_time(tmp_path: Path) -> None:
    file = tmp_path / "field.sqlite"
    field = Statistics(file)
    for day, device in (("2026-10-31", "watch"), ("2026-11-01", "phone"), ("2026-11-22", "phone")):
        field.add(batch([0.1, 0.2], device=device, requests=2), KNOWN, day=day)
    november = export(file, "2026-11")
    assert (november["from"], november["to"], list(november["devices"])) == ("2026-11-01", "2026-11-22", ["phone"])
    assert november["devices"]["phone"]["requests"][0]["count"] == 4
    assert text_of(november) == text_of(export(file, "2026-11"))
    assert checked(json.loads(text_of(november)), "statistics", "the export") == november
    assert set(export(file)["devices"]) == {"phone", "watch"}
    with pytest.raises(NotFoundError, match="no figures of 2025"):
        export(file, "2025")


def test_what_is_old_or_too_much_does_not_stay(tmp_path: Path) -> None:
    file = tmp_path / "field.sqlite"
    field = Statistics(file)
    field.add(batch([0.1]), KNOWN, day="2024-01-01")
    for number in range(256):
        field.add(batch([0.1], device=f"device-{number}"), KNOWN, day="2026-11-22")
    with pytest.raises(InputError, match="256 classes of devices"):
        field.add(batch([0.1], device="one-more"), KNOWN, day="2026-11-22")
    field.add(batch([0.1], device="device-7"), KNOWN, day="2026-11-22")
    assert export(file)["from"] == "2026-11-22"


def test_a_batch_that_contradicts_itself_is_refused_whole(tmp_path: Path) -> None:
    file = tmp_path / "field.sqlite"
    field = Statistics(file)
    good = batch([0.1], requests=1)
    figure = good["figures"][0]
    for wrong, said in (
        ({"figures": [figure, figure]}, "is there twice"),
        ({"figures": [figure | {"m2": 1.0}]}, "deviates from nothing"),
        ({"figures": [figure | {"digest": "sha256:" + "0" * 64}]}, "does not know it"),
        ({"requests": good["requests"] * 2}, "is there twice"),
    ):
        with pytest.raises(InputError, match=said):
            field.add(good | wrong, KNOWN)
    with pytest.raises(NotFoundError, match="any day"):
        export(file)
    assert field.add(good, KNOWN)
    assert not field.add(good, KNOWN)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_whatever_is_no_batch_is_refused_in_words(document: object) -> None:
    with pytest.raises(FormatError, match="the batch: "):
        checked(document, "edge-batch", "the batch")


def test_many_devices_report_at_once(tmp_path: Path) -> None:
    file = tmp_path / "field.sqlite"
    Statistics(file)

    def report() -> None:
        field = Statistics(file)
        for _ in range(10):
            field.add(batch([0.1, 0.3], requests=1), KNOWN)

    threads = [threading.Thread(target=report) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    phone = export(file)["devices"]["phone"]
    assert (phone["figures"][0]["n"], phone["requests"][0]["count"]) == (80, 40)


def test_what_was_learned_outweighs_what_was_said_and_is_kept() -> None:
    lessons = Lessons()
    said = Spread(0.1, 0.01, 5)
    assert lessons.spread(FAST, "device", "infer", said) == said
    for _ in range(200):
        lessons.add(FAST, "device", "infer", 1.0, said)
    assert lessons.spread(FAST, "device", "infer", said).mean > 0.9
    assert Lessons(lessons.to_json()).spread(FAST, "device", "infer", said).mean > 0.9
    assert lessons.spread(SMALL, "device", "infer", said) == said


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Give a catalog with two variants of iris-trees, and a file of what phones and boards measured of them."""
    root = tmp_path_factory.mktemp("plan")
    shutil.copytree(EXAMPLES / "a-catalog", root / "catalog")
    (root / "modelport.toml").write_text("", "utf-8")
    file = root / "catalog/models/iris-trees/variants/1.0.0.yaml"
    file.parent.mkdir()
    listed = [_listed("a", FAST.digest, 300_000, 0.97), _listed("b", SMALL.digest, 100_000, 0.9)]
    document = {"schema": "modelport/variants/1", "of": "sha256:" + "e" * 64, "tools": {}, "variants": listed}
    file.write_text(variants_yaml(document), "utf-8")
    field = Statistics(root / "field.sqlite")
    known = {("iris-trees", one.digest) for one in (FAST, SMALL)}
    for device in ("board-1", "my-phone"):
        for variant, seconds in ((FAST, [4.0, 4.1] * 200), (SMALL, [0.001] * 9)):
            made = batch(seconds, variant=variant, device=device, requests=5)
            renamed = json.loads(json.dumps(made).replace('"trees"', '"iris-trees"').replace('"a"', '"float32"'))
            field.add(json.loads(json.dumps(renamed).replace('"b"', '"int8"')), known, day="2026-11-22")
    place = Workplace(root, store=root / "store")
    place.modelport("edge", "export", "field.sqlite", "--out", "2026-11.json", check=True)
    return place


def _listed(name: str, digest: str, size: int, accuracy: float) -> dict[str, Any]:
    infer = {"mean": 0.001, "sd": 0.0, "n": 100}
    return {
        "name": {"a": "float32", "b": "int8"}[name], "status": "ok", "digest": digest, "runtime": "litert",
        "size": size,
        "accuracy": {"value": accuracy, "n": 1000, "interval": [accuracy - 0.01, accuracy + 0.01]},
        "measured": {"board-1": {"threads": 1, "load": infer, "infer": infer}},
    }  # fmt: skip


def test_plans_follow_what_was_measured_in_the_field(place: Workplace) -> None:
    options = ["iris-trees", "--budget", "300kB", "--deadline-ms", "500", "--json"]
    before = json.loads(place.modelport("plan", "--device", "board-1", *options).stdout)
    assert [one["variant"] for one in before["keep"]] == ["float32"]
    done = place.modelport("plan", "--from", "2026-11.json", *options[1:])
    plans = json.loads(done.stdout)
    assert {one["device"]: [kept["variant"] for kept in one["keep"]] for one in plans} == {
        "board-1": ["int8"],
        "my-phone": ["int8"],  # a class that the catalog does not know: what it measured is enough
    }
    assert plans[1]["needs"][0]["weight"] == 10  # how often it was asked for
    (one,) = json.loads(place.modelport("plan", "--from", "2026-11.json", "--device", "board-1", *options).stdout)
    assert one["keep"][0]["infer"] < 0.01


def test_mistakes_are_told_in_words(place: Workplace) -> None:
    (place.folder / "bad.json").write_text('{"schema": "modelport/statistics/1"}', "utf-8")
    for options, said in (
        (["--from", "none.json"], "there is no file"),
        (["--from", "bad.json"], "is a required property"),
        (["--from", "2026-11.json", "--device", "watch"], "has no figures of watch"),
        (["--from", "2026-11.json"], "does not say what models may take"),
        ([], "a plan is one for a device"),
    ):
        done = place.modelport("plan", *options)
        assert (done.returncode, said in done.stderr) == (1, True), done.stderr
    done = place.modelport("edge", "export", "field.sqlite", "--period", "November")
    assert (done.returncode, "is no period" in done.stderr) == (1, True)
