"""What devices measured, as evidence: refused whole when anything is wrong, attached once, joined without loss."""

from __future__ import annotations

import json
from math import isclose
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.publish.conftest import NAME, NEWEST, Scratch
from tests.publish.test_publish import files_of, pinned

from modelport.catalog import variants_yaml
from modelport.edge.exports import export, text_of
from modelport.edge.field import field_classes, records_for
from modelport.edge.statistics import Statistics
from modelport.errors import FormatError, NotFoundError
from modelport.publish.collect import collect
from modelport.publish.evidence import evidence_document, merged, parse_evidence, read_evidence
from modelport.publish.field import Released, field_records, newest_records

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.support.registry import DockerRegistry

SMALL, WHOLE, OLD = (f"sha256:{digit * 64}" for digit in "567")
KNOWN = {
    (NAME, SMALL): Released("1.1.0", WHOLE, "int8"),
    (NAME, WHOLE): Released("1.1.0", WHOLE, "original"),
    (NAME, OLD): Released("1.0.0", OLD, "original"),
}
Figure = dict[str, Any]


def figure(values: list[float], **changes: object) -> Figure:
    said = {"model": NAME, "variant": "int8", "digest": SMALL, "place": "device", "quantity": "infer"}
    sd = stdev(values) if len(values) > 1 else 0.0
    return said | {"mean": fmean(values), "sd": sd, "n": len(values)} | changes


def exported(*figures: Figure, first: str = "2025-10-01", last: str = "2025-10-31", **changes: object) -> Figure:
    requests = [{"model": NAME, "count": 9, "in_time": 8, "remote": 2, "fallback": 1}]
    part = {"figures": list(figures), "requests": requests} | changes
    return {"schema": "modelport/statistics/1", "from": first, "to": last, "devices": {"board-1": part}}


def write(folder: Path, name: str, document: Figure) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document), "utf-8")
    return file


values = st.lists(st.floats(1e-6, 100), min_size=1, max_size=6)


@given(st.lists(values, min_size=1, max_size=6), st.randoms())
def test_servers_and_periods_are_joined_as_one_list_would_be_in_any_order(
    parts: list[list[float]], chance: random.Random
) -> None:
    records = []
    for number, part in enumerate(parts):
        document = exported(figure(part), first=f"2025-0{number + 1}-01", last=f"2025-0{number + 1}-28")
        records += [record for _, record in field_records(document, f"shop-{number % 2}", KNOWN)]
    whole = merged(evidence_document(NAME, (), records), None)
    chance.shuffle(records)
    known = None
    for record in [*records, *records]:
        known = merged(evidence_document(NAME, (), [record]), known)
    assert known == whole == parse_evidence(json.dumps(whole).encode(), "here", model=NAME)
    (one,) = field_classes(records_for(whole, WHOLE)).values()
    together = [value for part in parts for value in part]
    infer = one.times["device", SMALL].infer
    assert infer.n == len(together)
    assert isclose(infer.mean, fmean(together), rel_tol=1e-9)
    assert isclose(infer.sd, stdev(together) if len(together) > 1 else 0, rel_tol=1e-6, abs_tol=1e-6)
    assert (one.first, one.last) == ("2025-01-01", f"2025-0{len(parts)}-28")
    assert one.requests == {"count": 9 * len(parts), "in_time": 8 * len(parts), "remote": 2 * len(parts),
                            "fallback": len(parts)}  # fmt: skip
    assert records_for(whole, OLD) == []


def test_of_exports_that_share_days_the_one_that_goes_further_counts() -> None:
    def record(first: str, last: str, server: str = "shop") -> Figure:
        ((_, one),) = field_records(exported(figure([1.0]), first=first, last=last), server, KNOWN)
        return one

    early, longer, next_one = (record(*days) for days in (("10-01", "10-15"), ("10-01", "10-31"), ("11-01", "11-02")))
    elsewhere = record("10-01", "10-15", "other")
    assert newest_records([early, elsewhere, longer, next_one]) == [next_one, longer, elsewhere]


def test_evidence_of_the_field_does_not_grow_for_ever() -> None:
    document = exported(figure([1.0]))
    documents = [document | {"from": f"{year}-01-01", "to": f"{year}-12-31"} for year in range(1000, 2000)]
    records = [record for one in documents for _, record in field_records(one, "shop", KNOWN)]
    kept = newest_records(records)
    assert (len(kept), kept[0]["to"]) == (512, "1999-12-31")
    many = [figure([1.0], variant=f"v{n}", digest=f"sha256:{n:064}") for n in range(200)]
    known = {(NAME, one["digest"]): Released("1.1.0", WHOLE, one["variant"]) for one in many}
    documents = [exported(*many, first=f"{year}-01-01", last=f"{year}-12-31") for year in range(1970, 2025)]
    records = [record for one in documents for _, record in field_records(one, "shop", known)]
    parse_evidence(json.dumps(merged(evidence_document(NAME, (), records), None)).encode(), "here")


def test_requests_of_several_versions_are_nobodys() -> None:
    document = exported(figure([1.0]), figure([2.0], variant="original", digest=OLD))
    records = {one["version"]: one for _, one in field_records(document, "shop", KNOWN)}
    assert records.keys() == {"1.0.0", "1.1.0"}
    assert not any("requests" in one for one in records.values())


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "field"
    good, twice = figure([1.0]), [{"model": NAME, "count": 1, "in_time": 2, "remote": 0, "fallback": 0}] * 2
    requests = [{"model": "other", "count": 1, "in_time": 1, "remote": 0, "fallback": 0}]
    for name, document, _ in (wrong := [
        ("shop/a.json", exported(figure([1.0], digest="sha256:" + "0" * 64)), "has no such package of it: sha256:000"),
        ("shop/b.json", exported(figure([1.0], variant="int4")), f"{NAME}:int4: {SMALL} is int8 in the catalog"),
        ("shop/c.json", exported(figure([1.0], model="other")), "other:int8: the catalog has no such model"),
        ("shop/d.json", exported(good, good), "its infer on the device is there twice"),
        ("shop/e.json", exported(good | {"sd": 0.1}), "1 times of 1 s cannot deviate by 0.1 s"),
        ("shop/f.json", exported(figure([1.0] * 4) | {"sd": 2.1}), "cannot deviate by 2.1 s"),
        ("shop/g.json", exported(good, first="2025-11-01"), "ends on 2025-10-31, before it begins on 2025-11-01"),
        ("shop/h.json", exported(good, last="9999-12-31"), "still to come"),
        ("shop/i.json", exported(good, requests=twice), "requests/tally: is there twice"),
        ("shop/j.json", exported(good, requests=twice[:1]), "more than all of them"),
        ("shop/k.json", exported(good, requests=requests), "requests/other: the catalog has no such model"),
        ("shop/l.json", exported(good) | {"more": 1}, "'more' was unexpected"),
        ("shop/m.json", exported(good | {"n": 0}), "devices/board-1/figures/0/n: 0 is less than the minimum of 1"),
        ("Shop/n.json", exported(good), "'Shop' is no name of an edge server"),
        ("o.json", exported(good), "does not say of which edge server it is"),
        ("twice/p.json", exported(good), ""),
        ("twice/q.json", exported(good, first="2025-10-31", last="2025-11-30"), "tells of 2025-10-31 to 2025-10-31"),
    ]):  # fmt: skip
        write(folder, name, document)
    (folder / "shop/r.json").write_text('{"a": 1, "a": 2}', "utf-8")
    (folder / "shop/s.json").symlink_to("r.json")
    with pytest.raises(FormatError) as caught:
        collect([folder], KNOWN)
    lines = caught.value.message.splitlines()
    for name, _, said in [*wrong, ("shop/r.json", {}, "is there twice"), ("shop/s.json", {}, "symbolic link")]:
        assert not said or any(name in line and said in line for line in lines), (name, caught.value.message)
    assert "modelport edge export" in caught.value.hint
    with pytest.raises(NotFoundError, match="no file or folder"):
        collect([tmp_path / "none"], KNOWN)
    (one,) = collect([folder / "o.json"], KNOWN, server="shop")[NAME]
    assert (one["server"], one["device"], one["version"]) == ("shop", "board-1", "1.1.0")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["schema", "from", "to", "devices"]) | st.text(), x),
)


@given(st.binary() | _JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_lies_there_is_refused_in_words(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    file = tmp_path_factory.mktemp("field") / "a.json"
    file.write_bytes(raw)
    with pytest.raises(FormatError, match="cannot be taken"):
        collect([file], KNOWN, server="shop")


def measured_in_the_field(scratch: Scratch) -> str:
    """Put a variant into the catalog, and what boards measured of it in two months; return its digest."""
    digest = f"sha256:{'5' * 64}"
    file = scratch.catalog / f"models/{NAME}/variants/{NEWEST}.yaml"
    file.parent.mkdir()
    listed = {"name": "int8", "status": "ok", "digest": digest, "runtime": "litert", "size": 1000}
    document = {"schema": "modelport/variants/1", "of": pinned(scratch), "tools": {}, "variants": [listed]}
    file.write_text(variants_yaml(document), "utf-8")
    database = Statistics(scratch.root / "field.sqlite")
    for day in ("2025-10-01", "2025-10-02", "2025-11-01"):
        said = {"model": NAME, "variant": "int8", "digest": digest, "place": "device", "quantity": "infer"}
        batch = {
            "batch": day.replace("-", "") * 4, "device": "board-1", "requests": [],
            "figures": [said | {"count": 2, "mean": 0.2, "m2": 0.02}],
        }  # fmt: skip
        database.take(batch, {(NAME, digest)}, day=day)
    for month in ("2025-10", "2025-11"):
        target = scratch.catalog / f"field/shop-north/{month}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text_of(export(scratch.root / "field.sqlite", month)), "utf-8")
    return digest


def test_what_devices_measured_is_attached_fetched_and_shown(
    scratch: Scratch, docker_registry: DockerRegistry, tmp_path: Path
) -> None:
    digest = measured_in_the_field(scratch)
    assert "2 inferences" in scratch.publish("field", "--check").stdout
    waiting = scratch.publish("field")
    assert "waits for it" in waiting.stderr
    scratch.publish("push", scratch.handover())
    output = tmp_path / "output"
    done = scratch.publish("field", "--github-output", output)
    assert f"attached what was measured in the field to {NEWEST} ({pinned(scratch)})" in done.stderr
    assert output.read_text("utf-8") == "attached=1\n"
    before = files_of(docker_registry, scratch)
    assert "attached what" not in scratch.publish("field").stderr
    assert files_of(docker_registry, scratch) == before
    scratch.publish("evidence", "--out", tmp_path / "evidence")
    document = read_evidence(tmp_path / "evidence")[NAME]
    assert document["reproduced"]  # what was known besides stays
    (boards,) = field_classes(records_for(document, pinned(scratch))).values()
    times = boards.times["device", digest]
    assert (times.infer.n, round(times.infer.mean, 6)) == (6, 0.2)
    assert (boards.first, boards.last, boards.servers) == ("2025-10-01", "2025-11-01", ("shop-north",))


def test_show_and_the_list_of_variants_tell_what_devices_measured(scratch: Scratch) -> None:
    digest = measured_in_the_field(scratch)
    (scratch.root / "modelport.toml").write_text("", "utf-8")
    assert "in the field" not in scratch.place.modelport("show", NAME, check=True).stdout
    done = scratch.publish("field")
    assert "no registry" in done.stderr
    text = scratch.place.modelport("show", NAME, check=True).stdout
    assert "200 ms in the field on board-1 (n = 6)" in text
    assert "in the field board-1: 2025-10-01 to 2025-11-01, told by shop-north" in text
    (row,) = json.loads(scratch.place.modelport("show", NAME, "--json", check=True).stdout)["field"]
    assert (row["variant"], row["device"], row["place"], row["infer"]["n"]) == ("int8", "board-1", "device", 6)
    assert digest in json.dumps(json.loads((scratch.root.parent / f"evidence/{NAME}.json").read_text("utf-8")))
    assert "field" not in json.loads(scratch.place.modelport("show", f"{NAME}:1.0.0", "--json", check=True).stdout)
    (scratch.root.parent / f"evidence/{NAME}.json").write_text("{}", "utf-8")
    done = scratch.place.modelport("show", NAME, check=True)
    assert "note: what was measured in the field is left out" in done.stderr
    assert "in the field" not in done.stdout


def test_a_wrong_file_attaches_nothing_and_ends_with_1(scratch: Scratch) -> None:
    measured_in_the_field(scratch)
    wrong = write(scratch.catalog / "field", "shop-south/a.json", exported(figure([1.0], digest="sha256:" + "0" * 64)))
    for options in (["--check"], []):
        done = scratch.publish("field", *options, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"{wrong}: devices/board-1: {NAME}:int8: the catalog has no such package of it" in done.stderr
    assert not (scratch.root.parent / "evidence").exists()
    for file in (scratch.catalog / "field").rglob("*.json"):
        file.unlink()
    assert "has no files of it" in scratch.publish("field").stderr
