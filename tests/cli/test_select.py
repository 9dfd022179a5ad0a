"""``select``, ``device``, ``network`` and the variants in ``show``: by the kept index alone, with exact hints."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.commands import Workplace

from modelport.cli.terminal import human_time

EXAMPLES = Path(__file__).parents[1] / "examples/positive"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    root = tmp_path_factory.mktemp("select")
    shutil.copytree(EXAMPLES / "a-catalog", root / "catalog")
    (root / "modelport.toml").write_text("", "utf-8")
    return Workplace(root, store=root / "store")


def fails(place: Workplace, *arguments: str) -> list[str]:
    done = place.modelport(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr.splitlines()


def test_the_most_accurate_that_fits_is_chosen_and_the_others_say_why_not(place: Workplace) -> None:
    done = place.modelport("select", "iris-forest", "--device", "board-1", "--deadline-ms", "3", check=True)
    assert done.stderr == ""
    assert (
        done.stdout
        == """\
iris-forest 2.0.0 for board-1: int8 on the device, 1.8 ms
  the most accurate that fits: accuracy 0.94, 1.98 ms of 3 ms

variant      place   time (ms)  bound (ms)  accuracy          size  why
int8         device       1.80        1.98  0.940 ±0.020  140.0 kB  chosen
float32      device       4.00        4.40  0.950 ±0.020  400.0 kB  too slow: 4.4 ms of 3 ms
weight-int8  device       4.10        4.51  0.950 ±0.020  150.0 kB  too slow: 4.51 ms of 3 ms
onnx         device          -           -  0.950 ±0.020  410.0 kB  its time there was never measured

time: the mean; bound: two standard deviations more, which has to be in time; what is slower goes by it
accuracy: with half its 95 % interval; what lies within that of the most accurate ties with it
"""
    )  # int4 failed


def test_who_wins_a_tie_and_by_what_is_told_in_the_columns_of_one_unit(place: Workplace) -> None:
    options = ["--device", "phone-1", "--server", "server-1", "--network", "campus"]
    done = place.modelport("select", "iris-forest", *options, check=True)
    head, _, rest = done.stdout.partition("\n\n")
    rows = [line.split() for line in rest.partition("\n\n")[0].splitlines()]
    assert head.splitlines()[:3] == [
        "iris-forest 2.0.0 for phone-1: int8 on the device, about 7.2 ms",
        "  the most accurate that fits: accuracy 0.94, 7.92 ms",
        "  7 others tie with it within the accuracy's interval, and it is quicker than the next, float32",
    ]
    assert [row[:2] for row in rows[1:3]] == [["int8", "device"], ["float32", "device"]]
    assert rows[1][-1] == "chosen"
    assert rows[2][-2:] == ["is", "slower"]
    assert "about: estimated from the times on another device" in rest
    assert len(rows) == 9


def test_json_says_all_that_was_reckoned_with(place: Workplace) -> None:
    arguments = ["iris-forest:2.0.0", "--device", "board-1", "--network", "campus", "--server", "server-1", "--json"]
    done = place.modelport("select", *arguments, "--deadline-ms", "150", "--min-accuracy", "0.9", check=True)
    said = json.loads(done.stdout)
    assert (said["model"], said["version"], said["server"], said["deadline_ms"]) == (
        "iris-forest", "2.0.0", "server-1", 150,
    )  # fmt: skip
    choice = said["choice"]
    assert (choice["variant"], choice["place"], choice["estimated"], choice["degraded"]) == (
        "int8",
        "device",
        False,
        False,
    )
    assert choice["digest"] == "sha256:" + "2" * 64
    remote = next(row for row in said["ranking"] if (row["variant"], row["place"]) == ("float32", "server"))
    assert remote["estimated"]
    assert remote["expected"] == pytest.approx(2 * 0.058 + 0.004 / 4)  # there and back, and a fourth of the board's
    assert said["ranking"][0]["variant"] == "int8"


def test_what_fits_nothing_is_told_with_status_1_and_the_best_of_the_rest(place: Workplace) -> None:
    done = place.modelport("select", "iris-forest", "--device", "phone-1", "--deadline-ms", "1")
    assert done.returncode == 1
    assert done.stdout.startswith("iris-forest 2.0.0 for phone-1: int8 on the device, about 7.2 ms\n  none is in time")
    assert "estimated from another device's" in done.stdout
    assert done.stderr == "no variant fits what is asked for: this is the best of the others\n"


def test_a_device_without_figures_is_said_to_be_one(place: Workplace) -> None:
    done = place.modelport("select", "iris-forest", "--device", "phone-2", "--deadline-ms", "100")
    assert done.returncode == 1
    assert "no time is known: the one that moves the fewest bytes" in done.stdout
    whenever = place.modelport("select", "iris-forest", "--device", "phone-2", "--cold", check=True)
    assert "nan" not in whenever.stdout
    assert "loading not counted: how long that takes is not known" in whenever.stdout
    assert "the most accurate there is: accuracy 0.94, its time is not known" in whenever.stdout
    assert "no time of iris-forest is known on phone-2: nothing was measured there, and it has no" in done.stderr


def test_what_may_be_fetched_is_a_limit(place: Workplace) -> None:
    done = place.modelport("select", "iris-forest", "--device", "board-1", "--max-bytes", "115kB", check=True)
    assert done.stdout.startswith("iris-forest 2.0.0 for board-1: int8 on the device, 1.8 ms\n  the most accurate")
    assert "1.98  0.940 ±0.020  140.0 kB  chosen\n\ntime: " in done.stdout  # the only one
    assert done.stderr == "left out, more than 115.0 kB to fetch: float32, weight-int8, onnx\n"
    told = fails(place, "select", "iris-forest", "--device", "board-1", "--max-bytes", "1kB")
    assert told == [
        "error: every variant of iris-forest 2.0.0 is more than 1.0 kB to fetch",
        "  hint: the smallest is int8: 110000 bytes",
    ]  # fmt: skip


def test_loading_and_fetching_count_when_they_are_to(place: Workplace) -> None:
    def expected(*options: str) -> float:
        done = place.modelport("select", "iris-forest", "--device", "board-1", "--json", *options)
        said = json.loads(done.stdout)
        return float(next(row["expected"] for row in said["ranking"] if row["variant"] == "int8"))

    warm = expected()
    assert expected("--cold") == pytest.approx(warm + 0.01)
    fetched = expected("--fetch", "--network", "cable")
    assert fetched == pytest.approx(warm + 2 * 0.001 + 110_000 / 12_500_000)


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["nobody", "--device", "board-1"], "nobody is not in the catalog", "there are: gpt, iris-forest"),
        (["iris-tree", "--device", "board-1"], "iris-tree is not in the catalog", "did you mean iris-trees?"),
        (
            ["iris-trees", "--device", "board-1"],
            "the catalog has no figures of variants of iris-trees 1.0.0",
            "variants measure iris-trees:1.0.0 --write, after modelport variants build iris-trees:1.0.0; there are ",
        ),
        (["iris-forest", "--device", "this"], "no device this", "`modelport variants measure NAME --write` makes this"),
        (["iris-forest:1.0.0", "--device", "board-1"], "of variants of iris-forest 1.0.0", "of iris-forest:2.0.0"),
        (["iris-forest:7.0.0", "--device", "board-1"], "iris-forest has no version 7.0.0", "--versions lists"),
        (["gpt", "--device", "board-1"], "gpt has no version yet", "modelport submit gpt 1.0.0"),
        (["iris-forest", "--device", "bord-1"], "no device bord-1", "did you mean board-1?"),
        (["iris-forest", "--device", "board-1", "--network", "x"], "no network x", "there are: cable, campus"),
        (["iris-forest", "--device", "board-1", "--server", "server-1"], "reached by a network", "add --network ID"),
        (["iris-forest", "--device", "board-1", "--min-accuracy", "90"], "90 is not an accuracy", "0.9, not 90"),
        (["iris-forest", "--device", "board-1", "--deadline-ms", "nan"], "cannot be met", "above 0"),
        (["iris-forest", "--device", "board-1", "--max-bytes", "much"], "'much' is not a size", "20MB"),
    ],
)
def test_a_mistake_has_a_way_out(place: Workplace, arguments: list[str], error: str, hint: str) -> None:
    told, way = fails(place, "select", *arguments)
    assert error in told
    assert hint in way


def test_all_that_is_wrong_with_what_is_asked_for_is_told_at_once(place: Workplace) -> None:
    wrong = ["--max-bytes", "-5kB", "--payload", "x", "--deadline-ms", "-3", "--min-accuracy", "4", "--network", "lawn"]
    told = fails(place, "select", "nobody", "--device", "board-7", *wrong)
    assert told == [
        "error: 7 things are wrong with what is asked for:",
        "  a deadline of -3 ms cannot be met (give milliseconds above 0)",
        "  4 is not an accuracy (give a share from 0 to 1: 0.9, not 90)",
        "  --payload: 'x' is not a size (write a number of bytes, or for instance 20MB or 64MiB)",
        "  --max-bytes -5kB: a size is not negative (write for instance 20MB)",
        "  the catalog has no network lawn (there are: cable, campus)",
        "  the catalog has no device board-7 (did you mean board-1?)",
        "  nobody is not in the catalog (there are: gpt, iris-forest, iris-trees, opt, resnet-18, resnet-19)",
    ]


def test_a_broken_profile_matters_to_those_alone_who_name_it(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "a-catalog", tmp_path / "catalog")
    (tmp_path / "modelport.toml").write_text("", "utf-8")
    (tmp_path / "catalog/devices/phone-2.yaml").write_text("title: x\nsource: [\n", "utf-8")
    (tmp_path / "catalog/networks/cable.yaml").write_text("title: x\n", "utf-8")
    place = Workplace(tmp_path, store=tmp_path / "store")
    broken = [
        f"left out: {file} has {count}; `modelport check` shows what is wrong"
        for file, count in (("devices/phone-2.yaml", "1 problem"), ("networks/cable.yaml", "3 problems"))
    ]
    for command in ("select", "plan"):
        done = place.modelport(command, "iris-forest", "--device", "board-1", check=True)
        assert done.stderr.splitlines() == broken
        named = fails(place, command, "iris-forest", "--device", "phone-2")
        assert named[0] == "error: the device phone-2 cannot be reckoned with:"
        assert "catalog/devices/phone-2.yaml" in named[1]
    assert place.modelport("device", "list", check=True).stderr.splitlines() == broken[:1]
    assert place.modelport("network", "list", check=True).stderr.splitlines() == broken[1:]
    assert "left out" not in place.modelport("list", check=True).stderr
    assert (
        place.modelport("search", "iris", "--device", "board-1", "--all", check=True).stderr.splitlines() == broken[:1]
    )
    assert fails(place, "network", "show", "cable")[0] == "error: the network cable cannot be reckoned with:"
    checked = place.modelport("check")
    assert checked.returncode == 1
    assert "devices/phone-2.yaml" in checked.stdout


def test_devices_and_networks_are_listed_and_shown(place: Workplace) -> None:
    for kind, names, heads in (
        ("device", ["board-1", "phone-1", "phone-2", "server-1"], "id kind cores memory figures estimates title"),
        ("network", ["cable", "campus"], "id one way carries figures title"),
    ):
        listed, legend = place.modelport(kind, "list", check=True).stdout.split("\n\n")
        head, *lines = listed.splitlines()
        assert " ".join(head.split()) == heads
        assert [line.split()[0] for line in lines] == names
        assert "figures: " in legend
        assert f"modelport {kind} show ID" in legend
        assert [one["id"] for one in json.loads(place.modelport(kind, "list", "--json", check=True).stdout)] == names
        for name in names:
            shown = place.modelport(kind, "show", name, check=True).stdout
            assert shown.startswith(f"{name}: ")
            assert json.loads(place.modelport(kind, "show", name, "--json", check=True).stdout)["id"] == name
    assert (
        "cite         Ada Example, Boris Beispiel. A paper on phones. 2018"
        in place.modelport("device", "show", "phone-1").stdout
    )
    assert fails(place, "network", "show", "cabel") == [
        "error: the catalog has no network cabel",
        "  hint: did you mean cable?",
    ]


def test_show_lists_the_variants_there_are(place: Workplace) -> None:
    shown = place.modelport("show", "iris-forest", check=True).stdout
    lines = shown[shown.index("variants\n") :].splitlines()[1:6]
    assert [line.split()[0] for line in lines] == ["float32", "int8", "weight-int8", "onnx", "int4"]
    assert "140.0 kB (110.0 kB to fetch)  accuracy 0.940 (0.920 to 0.960), 1.8 ms on board-1" in lines[1]
    assert "failed: It answers 0.62" in lines[4]
    for other in ("iris-trees", "iris-forest:1.0.0", "gpt"):
        assert "\nvariants\n" not in place.modelport("show", other, check=True).stdout


def test_a_variant_is_called_by_its_version_too(place: Workplace) -> None:
    def hint(name: str) -> str:
        return fails(place, "call", name, "classify", "{}")[-1].removeprefix("  hint: ")

    assert hint("iris-forest:int8") == "a variant is called by its version, too: iris-forest:2.0.0-int8"
    assert hint("iris-forest:9.0.0") == "its versions are: 2.0.0, 2.0.0-rc.1, 1.0.1, 1.0.0"
    assert "2.0.0 (sha256:cccc" in hint("iris-forest@sha256:" + "0" * 64)


def test_a_warm_index_answers_without_yaml(place: Workplace) -> None:
    place.modelport("select", "iris-forest", "--device", "board-1", check=True)
    code = (
        "import sys; from modelport.cli import main;"
        "main(['select', 'iris-forest', '--device', 'board-1', '--network', 'campus', '--server', 'server-1']);"
        "print(sorted({'yaml', 'jsonschema', 'numpy', 'google'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=place.folder, env=place.variables, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\n[]\n")


def test_times_are_read_with_three_digits() -> None:
    said = [
        human_time(seconds) for seconds in (0, 4e-9, 1.234e-4, 0.00198, 0.99949, 0.9996, 12.345, 4321.0, float("nan"))
    ]
    assert said == ["0 µs", "0.004 µs", "123 µs", "1.98 ms", "999 ms", "1 s", "12.3 s", "4321 s", "-"]


def test_models_are_found_by_what_answers_in_time_on_a_device(place: Workplace) -> None:
    def found(*options: str) -> list[tuple[str, str]]:
        done = place.modelport(*options, "--all", "--json")
        return [(row["name"], row["fits"]["variant"]) for row in json.loads(done.stdout)]

    assert found("list", "--device", "board-1") == [("iris-forest", "int8")]
    assert found("search", "iris", "--device", "phone-1", "--deadline-ms", "8") == [("iris-forest", "int8")]
    assert found("search", "iris", "--device", "phone-1", "--deadline-ms", "7") == []
    assert found("list", "--device", "phone-2") == []
    listed = place.modelport("list", "--all", "--device", "board-1", check=True).stdout
    assert "  int8 1.8 ms  tabular-classification  " in listed
    told = fails(place, "list", "--deadline-ms", "8")
    assert told == ["error: a deadline is one on a device", "  hint: add --device ID: modelport device list"]
