"""Locks: whatever an installer would take from one, the parser has seen; what it does not understand, nobody gets."""

from __future__ import annotations

import hashlib
import re
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from modelport.errors import FormatError, ModelportError
from modelport.package import Package, load_package
from modelport.package.environment import make_environment, satisfied
from modelport.package.files.reviewed import foreign_requirements, is_reviewed
from modelport.package.locks import Pin, lock_text, parse_lock, plain_lock, read_pins
from modelport.package.tools import uv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

H = "--hash=sha256:" + "0" * 64
GOOD = f"numpy==2.5.0 {H}\n"
EVIL = f"evil==1.0 {H}"

HIDDEN = {
    "a blank before it": f"{GOOD} {EVIL}\n",
    "a tab before it": f"{GOOD}\t{EVIL}\n",
    "a form feed before it": f"{GOOD}\x0c{EVIL}\n",
    "a comment that goes on": f"{GOOD}# note \\\n{EVIL}\n",
    "a comment behind a pin that goes on": f"{GOOD[:-1]} # note \\\n{EVIL}\n",
    "a comment that a carriage return ends": f"{GOOD}# note\r{EVIL}\n",
    "a comment that a line separator ends": f"{GOOD}# note\u2028{EVIL}\n",
    "a mark of the byte order": f"\ufeff{EVIL}\n",
    "a comment without a blank": f"{GOOD[:-1]}# {H}\n",
    "two in a line": f"{GOOD[:-1]} {EVIL}\n",
    "a line that begins in the one before": f"{GOOD}\\\n{EVIL}\n",
    "an address": f"evil @ https://example.org/evil.whl {H}\n",
    "an address in a marker": f"numpy==2.5.0 ; extra == 'x' @ https://example.org {H}\n",
    "an option": f"{GOOD}--index-url https://example.org\n",
    "an option in a marker": f"numpy==2.5.0 ; python_version > '3' --pre {H}\n",
    "an option in a quoted text": f"numpy==2.5.0 ; python_version > '3 --pre' {H}\n",
    "a variable": f"numpy==${{VERSION}} {H}\n",
    "any version": f"numpy==2.* {H}\n",
    "no hash": "numpy==2.5.0\n",
    "a weak hash": "numpy==2.5.0 --hash=md5:0\n",
    "a file": "./evil-1.0-py3-none-any.whl\n",
    "a pin twice": GOOD + GOOD,
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_the_parser_cannot_see_is_refused_everywhere(name: str, tmp_path: Path) -> None:
    text = HIDDEN[name]
    for use in (parse_lock, is_reviewed, foreign_requirements, satisfied, plain_lock):
        with pytest.raises(FormatError, match="the lock"):
            use(text)
    with pytest.raises(FormatError, match="the lock"):
        make_environment(text, tmp_path, python="3.11")


def test_a_line_is_named_by_its_number() -> None:
    with pytest.raises(FormatError, match=r"line 4 is no pin with hashes: '-e \.'"):
        read_pins(f"numpy==2.5.0 \\\n    {H}\n# fine\n-e .\n")


@pytest.mark.parametrize("content", [b"\xff", *(text.encode() for text in HIDDEN.values())])
def test_a_package_with_such_a_lock_is_none(content: bytes, packed: Callable[[str], Package]) -> None:
    package = packed("adder")
    (package.folder / "requirements.lock").write_bytes(content)
    with pytest.raises(FormatError, match="lock"):
        Package.read(package.folder)
    assert load_package(package.folder).model.call("add", {"x": 1.0, "y": 1.0})  # nothing is installed by that


def test_all_that_a_lock_may_hold_is_read() -> None:
    marker = "python_full_version < '3.12' and (sys_platform == \"linux\" or platform_machine != 'x86-64')"
    text = f"# note: größe\r\n\n  # via x\nNum_Py[all,x.y]==2.5.0+cpu.1 ; {marker} \\\n    {H} \\\n\t{H} # why\n"
    assert read_pins(text) == (Pin("num-py", "2.5.0+cpu.1", ("sha256:" + "0" * 64,), marker),)
    assert plain_lock(text) == f"num-py==2.5.0+cpu.1 ; {marker} \\\n    {H}\n"


PIECES = [
    *("a==1", "b==1", "c==1", "B ==1", f"a==1 {H}", f"b==1 {H}", f"\nc==1 {H}\n", f" {H}", f" \\\n    {H}"),
    *("\n", "\r", "\r\n", "\\\n", "\\\r\n", "\\", "#", " # ", "# note", "# note \\\n", " ", "\t", "\f", "\v"),
    *(
        "\x85",
        "\u2028",
        "\xa0",
        "\x00",
        "\ufeff",
        ";",
        " ; python_version > '3'",
        "'",
        '"',
        "[x]",
        " @ ",
        "-r x",
        "--pre",
    ),
]
texts = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Three tiny wheels in a folder: their hashes by name, and the folder as ``""``."""
    folder = tmp_path_factory.mktemp("wheels")
    found = {"": str(folder)}
    for name in "abc":
        file, info = folder / f"{name}-1-py3-none-any.whl", f"{name}-1.dist-info"
        with zipfile.ZipFile(file, "w") as wheel:
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
        found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def installed_by_uv(text: str, wheels: dict[str, str], folder: Path) -> set[str]:
    """Return what uv would install from a lock; nothing, where it refuses it."""
    for name in "abc":
        text = re.sub(
            rf"(?i)(\b{name}\b[^=\n]*==1[^\n]*?(?:\\\r?\n[^\n]*?)?sha256:)0{{64}}", rf"\g<1>{wheels[name]}", text
        )
    install = uv("pip", "install", "--dry-run", "--no-deps", "--no-index", "--find-links", wheels[""], "--offline")
    (folder / "lock.txt").write_text(text, "utf-8", newline="")
    command = [*install, "--no-config", "--target", str(folder / "target"), "-r", str(folder / "lock.txt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return set(re.findall(r"^ \+ (\w+)==1", done.stderr, re.MULTILINE)) if done.returncode == 0 else set()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(text=f"a==1 {H}\nb==1 {H}\n")
@example(text=f"a==1 {H}\n c==1 {H}\n")
@example(text=f"a==1 {H}\n# note \\\nc==1 {H}\n")
@example(text=f"a==1 {H}\n# note\rc==1 {H}\n")
@given(text=texts.filter(lambda text: "==1" in text))
def test_uv_installs_nothing_that_was_not_seen(text: str, wheels: dict[str, str], tmp_path: Path) -> None:
    try:
        seen = {name for name, _ in parse_lock(text)}
    except FormatError:
        return  # and make_environment hands nothing to uv
    for one in (text, plain_lock(text)):
        assert installed_by_uv(one, wheels, tmp_path) <= seen


def test_the_comparison_with_uv_compares_something(wheels: dict[str, str], tmp_path: Path) -> None:
    assert installed_by_uv(f"a==1 {H}\nb==1 {H}\n", wheels, tmp_path) == {"a", "b"}
    assert installed_by_uv(f"a==1 {H}\n# note \\\n c==1 {H}\n", wheels, tmp_path) == {"a", "c"}


names = st.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,4})?", fullmatch=True)
versions = st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}(rc1|\.post2)?", fullmatch=True)
digests = st.integers(0, 2**256 - 1).map(lambda n: f"sha256:{n:064x}")
markers = st.sampled_from(["", "python_version > '3'", "sys_platform == 'linux' or (extra == 'x')"])
pins = st.builds(Pin, names, versions, st.sets(digests, min_size=1, max_size=3).map(sorted).map(tuple), markers)


@given(st.lists(pins, unique_by=lambda pin: (pin.name, pin.version)))
def test_a_lock_is_read_as_it_was_written(written: list[Pin]) -> None:
    assert sorted(read_pins(lock_text(written)), key=str) == sorted(written, key=str)


@given(texts | st.text())
def test_the_plain_form_is_one(text: str) -> None:
    try:
        plain = plain_lock(text)
    except ModelportError:
        return
    assert plain_lock(plain) == plain
    assert parse_lock(plain) == parse_lock(text)


@pytest.mark.parametrize(
    ("name", "version", "reviewed"),
    [
        ("onnxruntime", "1.31.1", True),
        ("onnxruntime", "1.31.2", True),
        ("onnxruntime", "2.0", True),
        ("onnxruntime", "1.31", False),
        ("onnxruntime", "1.17.3", False),
        ("onnxruntime", "0!1.31.1", False),
        ("onnxruntime", "1!0.1", False),
        ("onnxruntime", "1.32.0rc1", False),
        ("onnxruntime", "1.32.0+mine", False),
        ("numpy", "1.26.4", False),
        ("sympy", "1.14.0", False),
    ],
)
def test_a_loader_is_reviewed_from_a_release_on(name: str, version: str, *, reviewed: bool) -> None:
    lock = f"{name}=={version} {H}\n"
    assert is_reviewed(lock) == reviewed
    assert (foreign_requirements(lock) == []) == reviewed


def test_why_a_release_is_not_reviewed_is_said() -> None:
    said = foreign_requirements(f"onnxruntime==1.17.3 {H}\nsympy==1 {H}\n")
    assert said == ["onnxruntime 1.17.3 (reviewed from 1.31.1 on)", "sympy"]


def test_a_lock_may_name_what_the_loaders_of_its_own_files_need_and_no_others() -> None:
    lock = f"numpy==2.4.6 {H}\nskops==0.16.0 {H}\n"
    assert foreign_requirements(lock, ["package.json", "state/model.skops"]) == []
    assert foreign_requirements(lock, ["state/model.onnx"]) == ["skops"]
    assert foreign_requirements(lock, ["state/model.keras"]) == ["numpy", "skops"]
