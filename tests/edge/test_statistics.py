"""What devices measured: joined by day without loss, bounded, given out the same each time, and planned from."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from contextlib import closing
from math import inf, isclose
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.commands import Workplace

from modelport.catalog import variants_yaml
from modelport.edge.documents import checked
from modelport.edge.exports import export, text_of
from modelport.edge.learning import Lessons, Tally
from modelport.edge.statistics import FullError, Receipt, Statistics
from modelport.edge.types import Spread, Variant
from modelport.errors import FormatError, InputError, NotFoundError
from modelport.publish.field import Released, wrong_figures

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
        assert field.take(batch(part), KNOWN, day=f"2026-11-{1 + number % 3:02d}")
    together = [value for part in parts for value in part]
    (one,) = export(file)["devices"]["phone"]["figures"]
    assert one["n"] == len(together)
    assert isclose(one["mean"], fmean(together), rel_tol=1e-9)
    assert isclose(one["sd"], stdev(together) if len(together) > 1 else 0.0, rel_tol=1e-6, abs_tol=1e-6)


def test_an_export_is_one_period_and_the_same_each_time(tmp_path: Path) -> None:
    file = tmp_path / "field.sqlite"
    field = Statistics(file)
    for day, device in (("2026-10-31", "watch"), ("2026-11-01", "phone"), ("2026-11-22", "phone")):
        field.take(batch([0.1, 0.2], device=device, requests=2), KNOWN, day=day)
    november = export(file, "2026-11")
    assert (november["from"], november["to"], list(november["devices"])) == ("2026-11-01", "2026-11-22", ["phone"])
    assert november["devices"]["phone"]["requests"][0]["count"] == 4
    assert text_of(november) == text_of(export(file, "2026-11"))
    assert checked(json.loads(text_of(november)), "statistics", "the export") == november
    assert set(export(file)["devices"]) == {"phone", "watch"}
    with pytest.raises(NotFoundError, match="no figures of 2025"):
        export(file, "2025")


def test_what_is_too_much_does_not_stay(tmp_path: Path) -> None:
    file = tmp_path / "field.sqlite"
    field = Statistics(file)
    for number in range(256):
        field.take(batch([0.1], device=f"device-{number}"), KNOWN, day="2026-11-22")
    with pytest.raises(FullError, match="256 classes of devices"):
        field.take(batch([0.1], device="one-more"), KNOWN, day="2026-11-22")
    field.take(batch([0.1], device="device-7"), KNOWN, day="2026-11-22")
    assert len(export(file)["devices"]) == 256


def test_a_batch_that_contradicts_itself_is_refused_whole(tmp_path: Path) -> None:
    file = tmp_path / "field.sqlite"
    field = Statistics(file)
    good = batch([0.1], requests=1)
    figure = good["figures"][0]
    for wrong, said in (
        ({"figures": [figure, figure]}, "is there twice"),
        ({"figures": [figure | {"m2": 1.0}]}, "deviates from nothing"),
        ({"figures": [figure | {"count": 2, "mean": 0.0, "m2": 1e15}]}, "cannot deviate by"),
        ({"figures": [figure | {"count": 10, "mean": 0.02, "m2": 100.0}]}, "cannot deviate by"),
        ({"requests": good["requests"] * 2}, "is there twice"),
        ({"requests": [good["requests"][0] | {"deadlines": [{"seconds": 0.1, "count": 2}]}]}, "more than all"),
    ):
        with pytest.raises(InputError, match=said):
            field.take(good | wrong, KNOWN)
    with pytest.raises(NotFoundError, match="any day"):
        export(file)
    assert field.take(good, KNOWN)
    assert not field.take(good, KNOWN)


def test_what_is_not_known_is_left_and_told_and_the_rest_is_taken(tmp_path: Path) -> None:
    field = Statistics(tmp_path / "field.sqlite")
    good = batch([0.1], requests=1)
    (figure,), (request,) = good["figures"], good["requests"]
    strange, renamed = figure | {"digest": "sha256:" + "0" * 64}, figure | {"variant": "b", "quantity": "load"}
    sent = good | {"figures": [strange, figure, renamed], "requests": [request | {"model": "bushes"}, request]}
    receipt = field.take(sent, {("trees", FAST.digest): "a"})
    assert receipt is not None
    assert [one.path for one in receipt.left] == ["figures/0", "figures/2", "requests/0"]
    assert field.take(sent, KNOWN) is None, "the rest came before"
    assert field.demand("phone") == {"trees": 1}
    assert field.spreads("phone") == {(FAST.digest, "device", "infer"): Spread(0.1, 0.0, 1)}


@given(st.lists(times, min_size=1, max_size=4), st.integers(1, 10**6), st.floats(0, 1e5), st.floats(0, 1))
def test_no_single_batch_makes_a_class_what_it_is_not(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[float]], count: int, mean: float, spread: float
) -> None:
    file = tmp_path_factory.mktemp("field") / "field.sqlite"
    field = Statistics(file)
    field.take(batch([0.02, 0.03] * 100), KNOWN)
    for part in parts:
        field.take(batch(part), KNOWN)
    stranger = batch([0.1])
    m2 = spread * mean**2 * count * (count - 1)
    if m2 <= 1e15:
        stranger["figures"][0] |= {"count": count, "mean": mean, "m2": m2}
        field.take(checked(stranger, "edge-batch", "the batch"), KNOWN)
    honest = [0.02, 0.03] * 100 + [value for part in parts for value in part]
    found = field.spreads("phone")[FAST.digest, "device", "infer"]
    assert found.n <= len(honest) + 1000
    assert found.mean <= 101 * max(fmean(honest), 0.025)
    checked(json.loads(text_of(export(file))), "statistics", "the export")
    assert list(wrong_figures(export(file), {("trees", FAST.digest): Released("1.0.0", FAST.digest, "a")})) == []


def test_a_day_counts_for_no_more_than_it_may(tmp_path: Path) -> None:
    field = Statistics(tmp_path / "field.sqlite")
    many = batch([0.1, 0.2])
    many["figures"][0] |= {"count": 10**6, "m2": 10.0}
    for number in range(100):
        assert field.take(many | {"batch": f"{number:032x}"}, KNOWN, day="2026-11-22") == Receipt(())
    receipt = field.take(many | {"batch": "e" * 32}, KNOWN, day="2026-11-22")
    assert receipt is not None
    assert "enough of" in receipt.left[0].message
    found = field.spreads("phone")[FAST.digest, "device", "infer"]
    assert (found.n, round(found.mean, 9)) == (100_000, 0.15)
    assert field.take(many | {"batch": "f" * 32}, KNOWN, day="2026-11-23")
    assert field.spreads("phone")[FAST.digest, "device", "infer"].n == 101_000


def test_figures_that_cannot_be_and_came_in_before_do_not_go_out(tmp_path: Path) -> None:
    file = tmp_path / "field.sqlite"
    field = Statistics(file)
    field.take(batch([0.1]), KNOWN, day="2026-11-22")
    with closing(sqlite3.connect(file)) as database:
        row = ("2026-11-21", "phone", "trees", "a", FAST.digest, "device", "infer", 2, 0.0, 1e15)
        database.execute("INSERT INTO figures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        database.commit()
    assert field.spreads("phone") == {(FAST.digest, "device", "infer"): Spread(0.1, 0.0, 1)}
    checked(export(file), "statistics", "the export")


def test_deadlines_are_added_up_by_their_steps(tmp_path: Path) -> None:
    field = Statistics(tmp_path / "field.sqlite")
    for number, told in enumerate(([(0.05, 3), (0.049, 1)], [(0.05, 2), (1.0, 4)])):
        made = batch([0.1], requests=10)
        made["requests"][0]["deadlines"] = [{"seconds": seconds, "count": count} for seconds, count in told]
        field.take(checked(made, "edge-batch", "the batch") | {"batch": f"{number:032x}"}, KNOWN)
    assert field.deadlines("phone") == {"trees": {0.047: 6, 1.0: 4, inf: 10}}
    assert field.deadlines("watch") == {}


def test_a_tally_tells_its_deadlines_by_steps_and_those_without_one_not() -> None:
    tally = Tally()
    for deadline in (0.05, 0.0499, 1.0, inf, inf):
        tally.request("trees", in_time=True, remote=False, fallback=False, deadline=deadline)
    tally.request("trees", in_time=True, remote=False, fallback=False)
    made = tally.take("phone")
    (request,) = checked(json.loads(json.dumps(made)), "edge-batch", "the batch")["requests"]
    assert request["count"] == 6
    assert request["deadlines"] == [{"seconds": 0.047, "count": 2}, {"seconds": 1.0, "count": 1}]


def test_only_statistics_are_opened_and_an_export_changes_nothing(tmp_path: Path) -> None:
    file, other = tmp_path / "field.sqlite", tmp_path / "diary.sqlite"
    Statistics(file).take(batch([0.1]), KNOWN)
    for mode in ("delete", "wal"):
        with closing(sqlite3.connect(other)) as database:
            database.execute(f"PRAGMA journal_mode = {mode}")
            database.execute("CREATE TABLE IF NOT EXISTS figures (day TEXT)")  # its own, by the same name
            database.commit()
        (tmp_path / "empty.sqlite").write_bytes(b"")
        before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
        for strange in (other, tmp_path / "empty.sqlite"):
            with pytest.raises(FormatError, match="holds no statistics"):
                export(strange)
        with pytest.raises(FormatError, match="holds no statistics"):
            Statistics(other)
        export(file)
        assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before


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
            field.take(batch([0.1, 0.3], requests=1), KNOWN)

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
            field.take(json.loads(json.dumps(renamed).replace('"b"', '"int8"')), known, day="2026-11-22")
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


def test_a_class_that_asked_for_nothing_has_nothing_planned(place: Workplace) -> None:
    document = json.loads((place.folder / "2026-11.json").read_text("utf-8"))
    document["devices"]["my-phone"]["requests"] = []
    (place.folder / "part.json").write_text(json.dumps(document), "utf-8")
    options = ["--from", "part.json", "--budget", "300kB", "--deadline-ms", "500", "--json"]
    done = place.modelport("plan", *options)
    assert [one["device"] for one in json.loads(done.stdout)] == ["board-1"]
    assert "my-phone asked for nothing" in done.stderr
    done = place.modelport("plan", *options, "--device", "my-phone")
    assert (done.returncode, done.stdout, "asked for nothing" in done.stderr) == (1, "", True), done.stderr
    (one,) = json.loads(place.modelport("plan", "iris-trees", *options, "--device", "my-phone").stdout)
    assert one["device"] == "my-phone"


def test_mistakes_are_told_in_words(place: Workplace) -> None:
    (place.folder / "bad.json").write_text('{"schema": "modelport/statistics/1"}', "utf-8")
    (place.folder / "cut.json").write_text('{"schema":', "utf-8")
    for options, said in (
        (["--from", "none.json"], "there is no file"),
        (["--from", "bad.json"], "bad.json: 'from' is a required property"),
        (["--from", "bad.json"], "hint: modelport edge export makes such files"),
        (["--from", "cut.json"], "hint: modelport edge export makes such files"),
        (["--from", "field.sqlite"], "field.sqlite is a SQLite file and not JSON"),
        (["--from", "field.sqlite"], "modelport edge export field.sqlite --out FILE"),
        (["--from", "2026-11.json", "--device", "watch"], "has no figures of watch"),
        (["--from", "2026-11.json", "--device", "my-phone"], "the catalog has no profile of my-phone to say"),
        (["--from", "2026-11.json"], "what models may take of its storage"),
        ([], "a plan is one for a device"),
    ):
        done = place.modelport("plan", *options)
        assert (done.returncode, said in done.stderr) == (1, True), done.stderr
    done = place.modelport("edge", "export", "field.sqlite", "--period", "November")
    assert (done.returncode, "is no period" in done.stderr) == (1, True)
    for period in ("2026-13", "2026-02-30", "2026-00"):
        done = place.modelport("edge", "export", "field.sqlite", "--period", period)
        assert (done.returncode, f"{period} is no period" in done.stderr) == (1, True), done.stderr
    for asked, said in (
        (("export", "field.sqlite", "--out", "nowhere/x.json"), "there is no folder nowhere"),
        (("serve", "iris-trees", "--statistics", "catalog"), "catalog is a folder"),
        (("serve", "iris-trees", "--statistics", "nowhere/x.sqlite"), "there is no folder nowhere"),
    ):
        done = place.modelport("edge", *asked)
        assert (done.returncode, said in done.stderr) == (1, True), done.stderr
        assert done.stderr.endswith("hint: name a file in a folder that is there\n")
    assert not (place.folder / "nowhere").exists()
    done = place.modelport("edge", "export", "field.sqlite", "--period", "2025")
    assert (done.returncode, "has no figures of 2025" in done.stderr) == (1, True)
    assert "hint: it has figures from 2026-11-22 to 2026-11-22" in done.stderr
