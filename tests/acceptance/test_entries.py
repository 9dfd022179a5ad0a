"""Every entry's package, rebuilt from nothing, does what its page says: by JSON and protobuf, served and called."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.commands import ROOT

from modelport.catalog import load_entry
from modelport.package.closeness import differences

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Workplace


def test_the_rebuilt_package_is_the_published_one_or_is_judged_to_do_the_same(built: Workplace, entry: Path) -> None:
    # `modelport pack` fails where a rebuild's examples or figures leave their tolerance; that it came out is the proof.
    pinned = load_entry(entry).versions[0]
    rows = json.loads(built.modelport("store", "list", "--json", check=True).stdout)
    digests = {row["name"]: row["digest"] for row in rows}
    same = digests.get(f"{entry.name}:{pinned.version}") == str(pinned.digest)
    assert same or f"{entry.name}:{pinned.version}-rebuilt" in digests


def test_json_and_protobuf_agree_in_and_out_of_the_service(built: Workplace, entry: Path) -> None:
    examples = load_entry(entry).versions[0].document["examples"]
    assert examples
    with built.service(entry.name) as service:
        for example in examples:
            by_json = service.call_json(example["method"], example["input"])
            by_protobuf = service.call_protobuf(example["method"], example["input"])
            assert by_json == by_protobuf
            assert not differences(example["output"], by_json, example["tolerance"], "answer")
    outside = json.loads(built.python(ROOT / "tests/support/both_forms.py", str(built.package(entry.name))).stdout)
    for example, answer in zip(examples, outside, strict=True):
        assert answer["json"] == answer["protobuf"]
        assert not differences(example["output"], answer["json"], example["tolerance"], "answer")


def test_call_prints_the_answer_and_nothing_else(built: Workplace, entry: Path, tmp_path: Path) -> None:
    example = load_entry(entry).versions[0].document["examples"][0]
    file = tmp_path / "input.json"
    file.write_text(json.dumps(example["input"]), encoding="utf-8")
    done = built.modelport("call", entry.name, example["method"], f"@{file}", check=True)
    assert done.stdout.count("\n") == 1
    assert not differences(example["output"], json.loads(done.stdout), example["tolerance"], "answer")


def test_a_build_that_changed_nothing_is_reused(built: Workplace) -> None:
    demo = built.modelport("demo", check=True)
    assert demo.stdout.count("unchanged, reused") == len(list((ROOT / "catalog/models").iterdir()))
    assert "no problems" in demo.stderr
    assert demo.stdout.count("-> {") == len(list((ROOT / "catalog/models").iterdir()))
    assert "Try next:" in demo.stdout
