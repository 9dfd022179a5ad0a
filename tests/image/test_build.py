"""Images: the same for the same package on every machine, whole on every platform, and what they say of themselves."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.commands import ROOT, Workplace
from tests.support.elf import read_elf
from tests.support.images import ask, confined, manifest_of, members, serving, unpacked

from modelport.errors import FormatError, SetupError
from modelport.image.base.make import TAG as TAG_OF_BASE
from modelport.image.distributions import Distribution
from modelport.image.requirements import check_service, unneeded
from modelport.image.wheels import install, target_of
from modelport.oci import Layout
from modelport.package.locks import read_lock, read_pins

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.images import Tar

TAG = "iris-forest:1.4.0-service"
GOLDEN = Path(__file__).parent / "golden"
MACHINES = {"linux/amd64": 62, "linux/arm64": 183}  # e_machine of programs (elf(5))
SYSTEM = ("usr/lib", "usr/lib64")


@pytest.fixture(scope="session")
def layout(iris: Workplace, built: dict[str, Any]) -> Layout:
    assert built["image"] == TAG
    assert iris.store is not None
    return Layout(iris.store)


@pytest.fixture(scope="session")
def root(layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(layout, TAG, "amd64", tmp_path_factory.mktemp("image"))


def config_of(layout: Layout, platform: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(layout.read(manifest_of(layout, TAG, platform)[1].config))
    return document


def test_two_builds_give_one_digest(iris: Workplace, base: Path, tmp_path: Path) -> None:
    digests = []
    for number, (zone, locale, mask) in enumerate([("UTC", "C", "022"), ("Asia/Tokyo", "C.UTF-8", "077")]):
        place = tmp_path / str(number)
        package = place / "iris-forest"
        shutil.copytree(iris.package("iris-forest"), package, copy_function=shutil.copyfile)
        for file in package.rglob("*"):
            os.utime(file, (number * 1000, number * 1000))
        environment = iris.variables | {
            "TZ": zone, "LC_ALL": locale, "MODELPORT_STORE": str(place / "store"),
            "MODELPORT_CACHE": str(place / "cache"), "PYTHONHASHSEED": str(number), "SOURCE_DATE_EPOCH": "1700000000",
        }  # fmt: skip
        words = ["image", "build", "./iris-forest", "--base", str(base), "--platform", "linux/amd64", "--allow-code"]
        script = f'umask {mask}; exec "$0" -m modelport "$@"'
        done = subprocess.run(
            ["sh", "-c", script, sys.executable, *words, "--json"],
            cwd=place, env=environment, capture_output=True, check=False, text=True, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        digests.append(json.loads(done.stdout)["digest"])
    assert digests[0] == digests[1]


def test_what_was_built_before_is_not_made_again(iris: Workplace, base: Path, built: dict[str, Any]) -> None:
    again = iris.modelport("image", "build", "iris-forest", "--base", base, "--json", check=True)
    assert json.loads(again.stdout)["digest"] == built["digest"]
    assert "installing" not in again.stderr


def test_the_build_names_what_it_built_on(
    iris: Workplace, base: Path, built: dict[str, Any], layout: Layout, tmp_path: Path
) -> None:
    assert built["base"] == TAG_OF_BASE
    words: list[str | Path] = ["image", "build", "iris-forest", "--base", base, "--platform", "linux/amd64"]
    words += ["--out", tmp_path / "out"]
    told = iris.modelport(*words, check=True).stdout
    for platform, one in built["platforms"].items():
        labels = config_of(layout, platform)["config"]["Labels"]
        assert labels["org.opencontainers.image.base.name"] == built["base"]
        assert labels["org.opencontainers.image.base.digest"] == one["base"]
    assert f"on {TAG_OF_BASE}@{built['platforms']['linux/amd64']['base']}" in told


def test_the_config_is_as_agreed(layout: Layout, golden: Callable[[Path, str], None]) -> None:
    document = config_of(layout, "linux/amd64")
    text = json.dumps(document, indent=1)
    golden(GOLDEN / "config.json", re.sub(r"sha256:[0-9a-f]{64}", "sha256:...", text) + "\n")


def test_every_layer_has_its_entry_in_the_history(layout: Layout) -> None:
    for platform in MACHINES:
        document, layers = config_of(layout, platform), manifest_of(layout, TAG, platform)[1].layers
        assert len(document["history"]) == len(layers)


def test_every_diff_id_is_its_layers_digest(layout: Layout) -> None:
    for platform in MACHINES:
        layers = manifest_of(layout, TAG, platform)[1].layers
        assert config_of(layout, platform)["rootfs"]["diff_ids"] == [str(layer.digest) for layer in layers]


@pytest.mark.parametrize("platform", list(MACHINES))
def test_every_program_is_the_platforms_and_finds_its_libraries(layout: Layout, platform: str) -> None:
    there = members(layout, manifest_of(layout, TAG, platform)[1])
    programs = {path: elf for path, (m, raw) in there.items() if m.isfile() and (elf := read_elf(raw))}
    assert {elf.machine for elf in programs.values()} == {MACHINES[platform]}
    lost = {
        (path, name)
        for path, elf in programs.items()
        for name in elf.needed
        if not found(name, path, elf.runpath, there)
    }
    assert lost == set()
    assert len(programs) > 60


def found(name: str, path: str, runpath: tuple[str, ...], there: dict[str, Tar]) -> bool:
    """Tell whether the dynamic linker finds the library *name* for the file at *path* (ld.so(8))."""
    above = os.path.dirname(path)  # noqa: PTH120 - a path in an image
    own = [os.path.normpath(one.replace("$ORIGIN", above).lstrip("/")) for one in runpath]
    triples = [f"usr/lib/{triple}-linux-gnu" for triple in ("x86_64", "aarch64")]
    return any(f"{folder}/{name}" in there for folder in (*own, *triples, *SYSTEM))


def test_it_answers_read_only_as_nobody_and_says_what_its_labels_promise(
    layout: Layout, root: Path, iris: Workplace
) -> None:
    config = config_of(layout, "linux/amd64")["config"]
    command = [*config["Entrypoint"], "--host", "127.0.0.1", "--port", "0", "--grpc-port", "0"]
    (example,) = (iris.package("iris-forest") / "examples").glob("*-002.json")
    expected = json.loads(example.read_text())
    with serving(confined(root, config, command)) as port:
        status, answer = ask(port, "/model/methods/classify", json.dumps(expected["input"]).encode())
        assert (status, json.loads(answer)) == (200, expected["output"])
        digest = subprocess.run(["sha256sum"], input=ask(port, "/openapi.json")[1], capture_output=True, check=True)
        proto = subprocess.run(
            ["sha256sum"], input=ask(port, "/model/artifacts/protobuf")[1], capture_output=True, check=True
        )
        said = {
            name: f"sha256:{one.stdout.split()[0].decode()}"
            for name, one in [("openapi", digest), ("interface", proto)]
        }
        assert said == {name: config["Labels"][f"org.modelport.{name}.digest"] for name in said}
        health = [*config["Healthcheck"]["Test"][1:], "--port", str(port)]
        assert subprocess.run(confined(root, config, health), check=False).returncode == 0
    gone = subprocess.run(confined(root, config, health), check=False, capture_output=True)
    assert gone.returncode == 1


def test_the_other_platforms_image_answers_under_an_emulator(layout: Layout, iris: Workplace, tmp_path: Path) -> None:
    emulator = shutil.which("qemu-aarch64-static")
    if emulator is None:
        pytest.skip(
            "not run: qemu-user-static is not installed (`make test` installs it); its programs are checked above"
        )
    config = config_of(layout, "linux/arm64")["config"]
    command = [*config["Entrypoint"], "--host", "127.0.0.1", "--port", "0", "--grpc-port", "0"]
    (example,) = (iris.package("iris-forest") / "examples").glob("*-002.json")
    expected = json.loads(example.read_text())
    with serving(confined(unpacked(layout, TAG, "arm64", tmp_path), config, command, emulator=emulator)) as port:
        status, answer = ask(port, "/model/methods/classify", json.dumps(expected["input"]).encode())
        assert (status, json.loads(answer)) == (200, expected["output"])


def test_the_framework_answers_from_an_image_of_its_own(iris: Workplace, base: Path, tmp_path: Path) -> None:
    # Libraries look through all that others name: what was cut too short shows only when they are loaded.
    words: list[str | Path] = ["image", "build", "iris-forest", "--base", base, "--platform", "linux/amd64"]
    iris.modelport(*words, "--runtime", "framework", "--out", tmp_path / "layout", check=True)
    layout = Layout(tmp_path / "layout")
    config = config_of(layout, "linux/amd64")["config"]
    command = [*config["Entrypoint"], "--host", "127.0.0.1", "--port", "0", "--grpc-port", "0"]
    (example,) = (iris.package("iris-forest") / "examples").glob("*-001.json")
    expected = json.loads(example.read_text())
    with serving(confined(unpacked(layout, TAG, "amd64", tmp_path), config, command)) as port:
        status, answer = ask(port, "/model/methods/classify", json.dumps(expected["input"]).encode())
        assert (status, json.loads(answer)) == (200, expected["output"])


def test_the_framework_is_left_out_of_the_image_that_does_without(layout: Layout) -> None:
    names = {
        path.split("/")[2]
        for path in members(layout, manifest_of(layout, TAG, "linux/amd64")[1])
        if path.count("/") > 1
    }
    assert {"onnxruntime", "numpy"} <= names
    assert not {"sklearn", "scipy", "skops", "joblib", "pip"} & names


def test_nothing_of_how_the_services_libraries_are_made_and_tested_is_there(layout: Layout) -> None:
    there = members(layout, manifest_of(layout, TAG, "linux/amd64")[1])
    names = "jsonschema|referencing|jsonschema_specifications|uvloop|httptools|numpy|onnxruntime"
    left_over = re.compile(rf"opt/modelport/(?:{names})/(?:.*/tests?/.*|.*\.(?:pyx|pxd|pyi|c|h))")
    assert [path for path in there if left_over.fullmatch(path)] == []


def test_only_the_rooms_that_serve_are_there(layout: Layout) -> None:
    there = members(layout, manifest_of(layout, TAG, "linux/amd64")[1])
    own = {path.split("/")[3] for path in there if path.startswith("opt/modelport/modelport/")}
    assert {"serve", "model", "package", "schemas"} <= own
    assert not {"cli", "image", "publish", "catalog", "client", "deploy", "acumos", "sdk.py", "__main__.py"} & own


def test_only_what_nothing_else_needs_is_left_out() -> None:
    needs = {
        "framework": ("shared>=1", "own; python_version >= '3.11'", "windows; sys_platform == 'win32'", "more[extra]"),
        "more": ("by-extra; extra == 'extra'", "test; extra == 'test'"),
        "runtime": ("shared",),
    }
    environment = {"python_version": "3.11", "sys_platform": "linux", "extra": ""}
    left = unneeded(["framework", "runtime"], ["framework"], needs, environment)
    assert left == {"framework", "own", "more", "by-extra"}
    assert unneeded(["framework", "runtime"], [], needs, environment) == set()


def test_what_is_kept_keeps_what_its_extras_and_any_patch_release_of_python_need() -> None:
    needs = {
        "framework": ("one", "two", "three"),
        "runtime": ("one; extra == 'more'", "two; python_full_version < '3.11.3'"),
    }
    environment = {"python_version": "3.11", "sys_platform": "linux"}
    roots, pinned = ["framework==1", "Runtime[more]==2"], {"framework", "runtime", "one", "two", "three"}
    complete = needs | dict.fromkeys(("one", "two", "three"), ())
    assert unneeded(roots, ["framework"], complete, environment, pinned) == {"framework", "three"}
    # Nobody knows what ``one`` needs.
    assert unneeded(roots, ["framework"], needs, environment, pinned) == set()


def test_a_package_whose_versions_the_service_cannot_be_run_with_is_refused() -> None:
    def one(name: str, version: str, *needs: str) -> Distribution:
        return Distribution(name, version, "", (), (), needs)

    needs = ("Protobuf<8,>=7.35.1", "other>1; sys_platform == 'win32'", "extra>1; extra == 'more'", "absent>1")
    service, environment = (
        [one("grpcio-reflection", "1.85.1", *needs)],
        {"python_version": "3.11", "sys_platform": "linux"},
    )
    package = [one("other", "1"), one("extra", "1")]
    check_service(service, [*package, one("protobuf", "7.36.2")], environment)
    with pytest.raises(SetupError, match=r"needs Protobuf<8,>=7\.35\.1 .*pins 5\.29\.0") as caught:
        check_service(service, [*package, one("protobuf", "5.29.0")], environment)
    assert "pack" in caught.value.hint


def test_a_requirement_without_a_wheel_is_named_with_the_way_out(tmp_path: Path) -> None:
    wanted = {"atheris", "tensorflow-cpu", "packaging"}
    pins = [pin for pin in read_pins(read_lock(ROOT / "requirements/dev.lock")) if pin.name in wanted]
    with pytest.raises(SetupError, match=r"atheris==\S+, tensorflow-cpu==\S+: no wheel for linux/arm64") as caught:
        install(
            [replace(pin, marker="") for pin in pins], tmp_path / "a", target=target_of("linux/arm64"), python="3.11"
        )
    assert "--platform" in caught.value.hint
    assert "image dockerfile" in caught.value.hint


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(FormatError, match="linux/riscv64"):
        target_of("linux/riscv64")


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("127.0.0.1:1/library/python:3.11-slim", "cannot be had"),
        ("./none", "no image layout"),
        ("build/none", "no image layout"),
    ],
)
def test_a_base_that_is_not_there_is_said_with_the_way_out(iris: Workplace, base: str, said: str) -> None:
    done = iris.modelport("image", "build", "iris-forest", "--base", base, "--platform", "linux/amd64")
    assert done.returncode == 1
    assert said in done.stderr
    assert "make base" in done.stderr


def test_code_of_others_is_not_put_into_an_image_unasked(iris: Workplace, base: Path, tmp_path: Path) -> None:
    other = Workplace(tmp_path, store=tmp_path / "store")
    package = iris.package("iris-forest")
    done = other.modelport("image", "build", package, "--base", base)
    assert done.returncode == 1
    assert "--allow-code" in done.stderr
