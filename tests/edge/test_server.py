"""``modelport edge serve`` as devices meet it: plans, statistics and answers of a real process on loopback."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.edge.devices import Made, eventually, plan_of, relay, teller
from tests.support.commands import Workplace
from tests.support.loops import in_loop

from modelport.edge import Runtime
from modelport.edge.server import BODY_BYTES, create_app
from modelport.edge.statistics import Statistics
from modelport.package import Package
from modelport.package.modelpack import manifest_digest
from modelport.package.store import keep_package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.registry import DockerRegistry

EXAMPLES = Path(__file__).parents[1] / "examples/positive"


def as_variant(made: Made, parent: Made, name: str) -> Made:
    """Return the package as a variant of another."""
    file = made.package.folder / "package.json"
    info = json.loads(file.read_text("utf-8"))
    info["variant"] = {"name": name, "of": parent.digest, "recipe": {}, "tools": {}}
    file.write_text(json.dumps(info), "utf-8")
    package = Package.read(made.package.folder)
    return Made(package, str(manifest_digest(package)), made.accuracy)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace(tmp_path_factory.mktemp("edge"))


@pytest.fixture(scope="module")
def made(place: Workplace) -> dict[str, Made]:
    parent = teller(place.folder / "parent", "strong", accuracy=0.95)
    variants = {
        name: as_variant(teller(place.folder / name, "small", accuracy=accuracy), parent, name)
        for name, accuracy in (("int8", 0.9), ("float16", 0.94))
    }
    keep_package(parent.package.folder, place.folder / "store", tags=["1.0.0", "latest"])
    for name, one in variants.items():
        keep_package(one.package.folder, place.folder / "store", tags=[f"1.0.0-{name}"])
    return {"original": parent, **variants}


@contextmanager
def edge_server(place: Workplace, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command until the context ends; it must then end by itself, with all its services."""
    command = [sys.executable, "-m", "modelport", "edge", "serve", "teller", "--port", "0", "--allow-code", *options]
    with subprocess.Popen(
        command, cwd=place.folder, env=place.variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("serving teller for devices at http://"), process.stderr and process.stderr.read()
            yield process, line.split()[-1]
        finally:
            process.terminate()
            assert process.wait(40) == 0


@pytest.fixture(scope="module")
def url(place: Workplace, made: dict[str, Made]) -> Iterator[str]:
    assert made
    with edge_server(place, "--statistics", "field.sqlite") as (_, address):
        yield address


def batch(made: Made, *, number: int = 1, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - members of a batch
    figure = {
        "model": "teller", "variant": "int8", "digest": made.digest, "place": "device", "quantity": "infer",
        "count": 10, "mean": 0.02, "m2": 0.0001,
    }  # fmt: skip
    request = {"model": "teller", "count": 10, "in_time": 9, "remote": 1, "fallback": 1}
    known = {"schema": "modelport/edge-batch/1", "batch": f"{number:032x}", "device": "phone"}
    return known | {"figures": [figure], "requests": [request]} | more


def test_the_server_says_what_it_has_and_plans_for_a_budget(url: str, made: dict[str, Made]) -> None:
    (model,) = httpx.get(f"{url}/edge/variants").json()["models"]
    assert {one["name"] for one in model["device"]} == {"int8", "float16"}
    (served,) = model["server"]
    assert (served["name"], served["digest"]) == ("original", made["original"].digest)
    assert served["infer"]["n"] > 1
    sizes = {one["name"]: one["size"] for one in model["device"]}
    whole = httpx.get(f"{url}/edge/plan", params={"device": "phone"}).json()
    assert {one["name"] for one in whole["models"][0]["keep"]} <= set(sizes)
    tight = httpx.get(f"{url}/edge/plan", params={"device": "phone", "budget": max(sizes.values())}).json()
    assert len(tight["models"][0]["keep"]) == 1
    refused = httpx.get(f"{url}/edge/plan", params={"device": "phone", "budget": 0})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:modelport:problem:arguments-do-not-fit")
    assert "cannot hold one variant" in refused.json()["detail"]


def test_a_plan_keeps_to_the_storage_of_the_profile(url: str, place: Workplace, tmp_path: Path) -> None:
    whole = httpx.get(f"{url}/edge/plan", params={"device": "board-1"}).json()
    sizes = [one["size"] for one in whole["models"][0]["keep"]]
    assert (len(sizes), whole["budget"]) == (2, sum(sizes)), "it knows no catalog"
    shutil.copytree(EXAMPLES / "a-catalog", tmp_path / "catalog")
    profile = tmp_path / "catalog/devices/board-1.yaml"
    text, found = re.subn(r"(?m)^storage: .*$", f"storage: {max(sizes)}", profile.read_text("utf-8"))
    assert found
    profile.write_text(text, "utf-8")
    (tmp_path / "modelport.toml").write_text("", "utf-8")
    with edge_server(Workplace(tmp_path, store=place.folder / "store")) as (_, address):
        tight = httpx.get(f"{address}/edge/plan", params={"device": "board-1"}).json()
        other = httpx.get(f"{address}/edge/plan", params={"device": "phone"}).json()
    assert (len(tight["models"][0]["keep"]), tight["budget"]) == (1, max(sizes))
    assert other["budget"] == whole["budget"]


def test_a_device_asks_for_its_plan_is_answered_and_reports(
    url: str, place: Workplace, made: dict[str, Made], tmp_path: Path
) -> None:
    with Runtime.open(
        tmp_path / "device", server=url, device="tablet", source=place.folder / "store", allow_code=True, probe=0.2
    ) as runtime:
        eventually(lambda: runtime.call("tell", {"x": 1.0}, min_accuracy=0.945).place == "server")
        assert runtime.call("tell", {"x": 1.0}, deadline=60).value
        assert runtime.report()
        assert runtime.plan.models["teller"].keep
    exported = json.loads(place.modelport("edge", "export", "field.sqlite", check=True).stdout)
    tablet = exported["devices"]["tablet"]
    assert tablet["requests"][0]["count"] >= 2
    assert {one["quantity"] for one in tablet["figures"]} >= {"transfer"}
    assert {one["digest"] for one in tablet["figures"]} <= {one.digest for one in made.values()}
    assert "2.5" not in json.dumps(exported)


def test_a_report_whose_receipt_is_lost_counts_once(
    url: str, place: Workplace, made: dict[str, Made], tmp_path: Path
) -> None:
    with relay(int(url.rpartition(":")[2])) as way:
        way.cut = 20
        plan = plan_of([made["int8"].item("int8")]) | {"device": "lost"}
        with Runtime.open(
            tmp_path / "device", server=f"http://127.0.0.1:{way.port}", plan=plan, source=place.folder / "store",
            allow_code=True,
        ) as runtime:  # fmt: skip
            for _ in range(3):
                runtime.call("tell", {"x": 1.0})
            assert not runtime.report()
            way.cut = None
            runtime.call("tell", {"x": 1.0})
            assert runtime.report()
    exported = json.loads(place.modelport("edge", "export", "field.sqlite", check=True).stdout)
    (requests,) = exported["devices"]["lost"]["requests"]
    assert (requests["count"], requests["in_time"], requests["remote"]) == (4, 4, 0)


def test_a_short_life_is_told_at_its_end(url: str, place: Workplace, made: dict[str, Made], tmp_path: Path) -> None:
    plan = plan_of([made["int8"].item("int8")]) | {"device": "mayfly"}
    with Runtime.open(
        tmp_path / "device", server=url, plan=plan, source=place.folder / "store", allow_code=True
    ) as runtime:
        runtime.call("tell", {"x": 1.0})
    exported = json.loads(place.modelport("edge", "export", "field.sqlite", check=True).stdout)
    assert exported["devices"]["mayfly"]["requests"][0]["count"] == 1


def test_what_devices_measured_is_in_the_next_plan(url: str, made: dict[str, Made]) -> None:
    assert httpx.post(f"{url}/edge/statistics", json=batch(made["int8"])).json() == {"taken": True}
    again = httpx.post(f"{url}/edge/statistics", json=batch(made["int8"]))
    assert again.json() == {"taken": False}
    known = httpx.get(f"{url}/edge/plan", params={"device": "phone"}).json()
    other = httpx.get(f"{url}/edge/plan", params={"device": "watch"}).json()
    figures = {one["name"]: one.get("infer") for one in known["models"][0]["keep"]}
    assert figures.get("int8", {"n": 10})["n"] == 10
    assert all("infer" not in one for one in other["models"][0]["keep"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "modelport/edge-batch/2"}, "schema"),
        ({"inputs": [1, 2, 3]}, "inputs"),
        ({"batch": "me"}, "batch"),
        ({"device": "x" * 200}, "device"),
        ({"figures": [{"count": -1}]}, "figures"),
        ({"requests": [{"model": "teller", "count": 1, "in_time": 2, "remote": 0, "fallback": 0}]}, "more than all"),
    ],
)
def test_a_bad_batch_is_refused_in_words(url: str, made: dict[str, Made], change: dict[str, Any], said: str) -> None:
    answer = httpx.post(f"{url}/edge/statistics", json=batch(made["int8"], number=77, **change))
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_what_is_no_batch_is_refused_before_it_costs_much(url: str) -> None:
    json_type = {"Content-Type": "application/json"}
    post = f"{url}/edge/statistics"
    assert httpx.post(post, content=b"{", headers=json_type).status_code == 400
    assert httpx.post(post, content=b'{"mean": NaN}', headers=json_type).status_code == 400
    assert httpx.post(post, content=b"[" * 60_000, headers=json_type).status_code in {400, 422}
    assert httpx.post(post, content=b"[]", headers=json_type).status_code == 422
    assert httpx.post(post, content=b"x" * 10).status_code == 415
    assert httpx.post(post, content=b" " * (BODY_BYTES + 1), headers=json_type).status_code == 413
    assert httpx.get(post).status_code == 405
    assert httpx.get(f"{url}/edge/none").status_code == 404
    assert httpx.get(f"{url}/edge/plan").status_code == 422
    assert httpx.get(f"{url}/health/live").json() == {"live": True}


def test_statistics_that_cannot_be_read_are_the_servers_fault(made: dict[str, Made], tmp_path: Path) -> None:
    file = tmp_path / "field.sqlite"
    app = create_app([], Statistics(file))
    file.write_text("no database, and long enough to be taken for one " * 99, "utf-8")
    empty = batch(made["int8"], figures=[], requests=[])

    async def posted() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge") as client:
            return await client.post("/edge/statistics", json=empty)

    answer = in_loop(posted())
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:modelport:problem:service-failed")


def test_what_is_not_counted_is_told_in_the_log_once(
    made: dict[str, Made], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app([], Statistics(tmp_path / "field.sqlite"))  # started again without the model

    async def posted() -> list[dict[str, Any]]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge") as client:
            sent = [batch(made["int8"], number=1), batch(made["int8"], number=2)]
            return [(await client.post("/edge/statistics", json=one)).json() for one in sent]

    assert [len(one["left"]) for one in in_loop(posted())] == [2, 2]
    (line,) = [one.getMessage() for one in caplog.records if one.name == "modelport.edge.server"]
    assert line.startswith("not all that phone measured is counted: this server does not know teller:int8 (sha256:")
    assert line.endswith("); and 1 more")


def test_several_variants_of_a_model_answer_side_by_side(
    place: Workplace, made: dict[str, Made], tmp_path: Path
) -> None:
    with edge_server(place, "--statistics", "several.sqlite", "--variant", "all") as (process, url):
        (model,) = httpx.get(f"{url}/edge/variants").json()["models"]
        served = {one["name"]: one for one in model["server"]}
        assert {name: one["digest"] for name, one in served.items()} == {n: one.digest for n, one in made.items()}
        assert len({one["port"] for one in served.values()}) == len(_children(process.pid)) == 3
        with Runtime.open(
            tmp_path / "device", server=url, plan=plan_of([], model["server"]), source=place.folder / "store",
        ) as runtime:  # fmt: skip
            eventually(lambda: all(one.up for one in runtime._hand.endpoints.values()))
            assert runtime.call("tell", {"x": 1.0}, min_accuracy=0.945).variant.name == "original"


def test_the_services_of_a_server_that_is_killed_end_with_it(place: Workplace, made: dict[str, Made]) -> None:
    assert made
    command = [sys.executable, "-m", "modelport", "edge", "serve", "teller", "--port", "0", "--allow-code"]
    with subprocess.Popen(
        [*command, "--statistics", "killed.sqlite"], cwd=place.folder, env=place.variables, stdout=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        port = httpx.get(f"{url}/edge/variants").json()["models"][0]["server"][0]["port"]
        (child,) = (int(one) for one in _children(process.pid))
        assert os.getpgid(child) != os.getpgid(process.pid), "what a terminal sends to the server is for it alone"
        assert _is_ready(port)
        process.kill()
    eventually(lambda: not _is_there(child))
    assert not _is_ready(port)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_service_that_ends_is_started_again_and_all_end_together(place: Workplace, made: dict[str, Made]) -> None:
    assert made
    with edge_server(place, "--statistics", "other.sqlite") as (process, url):
        port = httpx.get(f"{url}/edge/variants").json()["models"][0]["server"][0]["port"]
        (child,) = (int(one) for one in _children(process.pid))
        os.kill(child, 9)
        eventually(lambda: _children(process.pid) not in ([], [str(child)]))
        eventually(lambda: _is_ready(port))
    assert not _is_ready(port)


def _children(pid: int) -> list[str]:
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.split()


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def test_mistakes_are_told_in_words(place: Workplace, made: dict[str, Made]) -> None:
    assert made
    done = place.modelport("edge", "serve", "teller", "--port", "0")
    assert (done.returncode, "nobody vouches for it" in done.stderr) == (1, True)
    done = place.modelport("edge", "serve", "teller", "--port", "0", "--allow-code", "--variant", "int4")
    assert (done.returncode, "no variant 'int4'" in done.stderr) == (1, True), done.stderr
    assert "float16, int8, original" in done.stderr
    done = place.modelport("edge", "export", "none.sqlite")
    assert (done.returncode, "there is no file" in done.stderr) == (1, True)
    (place.folder / "text.sqlite").write_text("no database, and long enough to be taken for one " * 99, "utf-8")
    done = place.modelport("edge", "export", "text.sqlite")
    assert (done.returncode, "holds no statistics" in done.stderr) == (1, True), done.stderr


def said_at_start(place: Workplace, *options: str) -> str:
    """Return what the command says on stderr, from its start to its end."""
    with edge_server(place, *options) as (process, _):
        process.terminate()
        assert process.stderr is not None
        return process.stderr.read()


def test_what_devices_cannot_fetch_is_said_at_the_start(
    place: Workplace, made: dict[str, Made], docker_registry: DockerRegistry, unique_repository: str
) -> None:
    assert made
    said = said_at_start(place)
    assert "warning: devices cannot get variants from here: no registry is named" in said
    assert re.search(r"what devices measure is kept in /.+/edge-statistics\.sqlite$", said, re.MULTILINE)
    exported = place.modelport("edge", "export")
    assert "edge-statistics.sqlite has no figures of any day" in exported.stderr  # the same file
    assert "127.0.0.1:9/models/teller cannot be asked" in said_at_start(place, "--registry", "127.0.0.1:9/models")
    prefix = f"{docker_registry.host}/{unique_repository}"
    place.modelport("push", "teller:1.0.0", f"{prefix}/teller:1.0.0", check=True)
    said = said_at_start(place, "--registry", prefix)
    assert f"devices cannot get 2 variants of teller from {prefix}/teller: float16, int8" in said
    place.modelport("variants", "push", "teller:1.0.0", f"{prefix}/teller:1.0.0", check=True)
    assert "warning" not in said_at_start(place, "--registry", prefix)
