"""What a package requires: all of it, nothing else, and the same lock each time."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.errors import FormatError, PackError, SetupError
from modelport.package.environment import satisfied
from modelport.package.imports import follow_imports
from modelport.package.modules import Origin, origin
from modelport.package.requirements import closure, lock, parse_lock, requirements_of
from modelport.package.statements import imports_in

REGISTRY = str(Path(__file__).parents[2] / "registry")
NOWHERE = {"UV_INDEX_URL": "http://127.0.0.1:1/simple", "UV_HTTP_RETRIES": "0", "HTTPS_PROXY": "http://127.0.0.1:1"}


def install(site: Path, name: str, files: dict[str, str], requires: tuple[str, ...] = ()) -> None:
    """Put a distribution into a folder, as an installer does."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text, "utf-8")
    lines = "".join(f"Requires-Dist: {one}\n" for one in requires)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{lines}", "utf-8")
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in files), "utf-8")


def python(script: str, *paths: Path, **variables: str) -> str:
    """Run a script with more folders on its path; return what it prints."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([REGISTRY, *map(str, paths)])} | variables
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_standard_library_is_never_required() -> None:
    assert requirements_of(sorted(sys.stdlib_module_names)) == {}
    assert requirements_of(["modelport.model", "__main__"]) == {}


def test_a_module_is_required_by_the_name_of_its_distribution() -> None:
    version = importlib.metadata.version
    assert requirements_of(["sklearn.tree", "yaml", "numpy"]) == {
        "numpy": version("numpy"),
        "pyyaml": version("pyyaml"),
        "scikit-learn": version("scikit-learn"),
    }


def test_a_shared_name_means_only_who_has_the_module(tmp_path: Path) -> None:
    install(tmp_path, "google-cloud-fake", {"google/cloud/fake.py": ""})
    install(tmp_path, "google-auth-fake", {"google/auth_fake/__init__.py": ""})
    script = "from modelport.package.requirements import requirements_of as r; print(*map(sorted, map(r, {})))"
    asked = '[["google.protobuf.message"], ["google.cloud.fake"], ["google.auth_fake.Token"], ["google"]]'
    assert python(script.format(asked), tmp_path) == (
        "['protobuf'] ['google-cloud-fake'] ['google-auth-fake'] ['google-auth-fake', 'google-cloud-fake', 'protobuf']"
    )


def test_a_file_of_the_user_hides_a_distribution_of_that_name(tmp_path: Path) -> None:
    site, own = tmp_path / "site", tmp_path / "own"
    install(site, "helper", {"helper.py": "from_site = True"})
    own.mkdir()
    (own / "helper.py").write_text("from_site = False", "utf-8")
    script = (
        "from modelport.package.modules import origin\n"
        "from modelport.package.own import own_files as f\n"
        "print(origin('helper').name, *(f('helper') if origin('helper').name == 'LOCAL' else ()))"
    )
    assert python(script, own, site) == "LOCAL helper.py"
    assert python(script, site).startswith("DISTRIBUTION")


def test_folders_without_init_go_along(tmp_path: Path) -> None:
    for file in ("bare/inner/tool.py", "bare/.hidden/x.py", "bare/__pycache__/tool.pyc", "bare/data.csv"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("", "utf-8")
    script = "from modelport.package.own import own_files; print(*own_files('bare.inner'))"
    assert python(script, tmp_path) == "bare/data.csv bare/inner/tool.py"


def test_a_module_of_nobody_is_refused() -> None:
    assert origin("nothing_of_this_name") is Origin.MISSING
    with pytest.raises(PackError, match="'nothing_of_this_name', which no installed distribution provides"):
        requirements_of(["nothing_of_this_name.inner"])


def test_the_closure_has_all_that_is_needed_and_extras_only_where_asked(tmp_path: Path) -> None:
    install(tmp_path, "one", {"one.py": ""}, ("Two[fast]>=1", "never; python_version < '3'"))
    install(tmp_path, "Two", {"two.py": ""}, ("three; extra == 'fast'", "absent; extra == 'slow'"))
    install(tmp_path, "three", {"three.py": ""}, ("one",))
    script = "from modelport.package.requirements import closure; print(closure({'one': '1.0'}))"
    assert python(script, tmp_path) == "{'one': '1.0', 'three': '1.0', 'two': '1.0'}"


@pytest.mark.parametrize(
    ("needs", "said"),
    [("absent>1", "one needs absent, which is not installed"), ("not a requirement", "which is no requirement")],
)
def test_broken_installations_are_said(needs: str, said: str, tmp_path: Path) -> None:
    install(tmp_path, "one", {"one.py": ""}, (needs,))
    script = """
from modelport.errors import PackError
from modelport.package.requirements import closure
try:
    closure({'one': '1.0'})
except PackError as error:
    print(error)
"""
    assert said in python(script, tmp_path)


def test_scikit_learns_closure_can_be_imported_by_it() -> None:
    found = closure(requirements_of(["sklearn"]))
    assert {"joblib", "numpy", "scikit-learn", "scipy", "threadpoolctl"} <= found.keys()
    assert "pytest" not in found


# Imports


def test_imports_are_found_wherever_they_stand() -> None:
    text = """
import a.b as c
from d import e, f as g
from h import *
from . import i
from typing import TYPE_CHECKING
import typing
if TYPE_CHECKING:
    import types_only
elif typing.TYPE_CHECKING:
    import types_only_too
else:
    import j
def late():
    import k
    try:
        import l
        import m
    except (ImportError, OSError):
        import n
    try:
        import m
    except ValueError:
        pass
"""
    found = imports_in(text)
    assert found.required == {"a.b", "d.e", "d.f", "h", "typing.TYPE_CHECKING", "typing", "j", "k", "m", "n"}
    assert found.optional == {"l"}


def test_what_may_be_missing_is_required_where_it_is_there() -> None:
    text = "try:\n    import numpy\n    import nothing_of_this_name\nexcept ImportError:\n    pass\n"
    assert follow_imports(text, {}) == {"numpy": {"code/model.py"}}


# Locks

names = st.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,4})?", fullmatch=True)
versions = st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}(rc1|\.post2)?", fullmatch=True)
digests = st.integers(0, 2**256 - 1).map(lambda n: f"sha256:{n:064x}")
locks = st.dictionaries(names, st.tuples(versions, st.sets(digests, min_size=1, max_size=3)), max_size=5)


@given(locks)
def test_a_lock_is_read_as_it_was_written(content: dict[str, tuple[str, set[str]]]) -> None:
    known = "".join(
        f"{n}=={v} ; python_version > '3' \\\n"
        + " \\\n".join(f"    --hash={h}" for h in sorted(hashes))
        + "\n    # via x\n"
        for n, (v, hashes) in content.items()
    )
    pins = {n: v for n, (v, _) in content.items()}
    text = lock(pins, known=known)
    assert parse_lock(text) == {(n, v): tuple(sorted(h)) for n, (v, h) in content.items()}
    assert lock(dict(reversed(pins.items())), known=known.replace("\n", "\r\n")) == text
    assert lock(pins, known=text) == text


@given(st.text())
def test_any_text_is_a_lock_or_none(text: str) -> None:
    try:
        found = parse_lock(text)
    except FormatError:
        return
    for (name, version), hashes in found.items():
        assert name
        assert version
        assert hashes == tuple(sorted(hashes))


def test_names_are_one_however_they_are_spelt() -> None:
    assert set(parse_lock("Typing_Extensions[x]==4.1 --hash=sha256:" + "0" * 64)) == {("typing-extensions", "4.1")}


LOCK = """
from modelport.errors import ModelportError
from modelport.package.requirements import lock
try:
    print(lock({pins}, known={known!r}), end="")
except ModelportError as error:
    print(type(error).__name__)
"""
ONE = "one==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n"


def test_known_hashes_need_no_network() -> None:
    assert python(LOCK.format(pins={"one": "1.0"}, known=ONE), **NOWHERE) == ONE.strip()
    assert python(LOCK.format(pins={}, known=""), **NOWHERE) == ""


@pytest.mark.parametrize("known", ["", ONE.replace("one", "two"), ONE.replace("1.0", "1.1")])
def test_hashes_that_nobody_knows_need_the_index(known: str) -> None:
    assert python(LOCK.format(pins={"one": "1.0"}, known=known), **NOWHERE) == SetupError.__name__


def test_satisfied_means_the_very_versions() -> None:
    version = importlib.metadata.version("numpy")
    assert satisfied("")
    pinned = " --hash=sha256:" + "0" * 64
    assert satisfied(f"numpy=={version}{pinned}\n")
    assert not satisfied(f"numpy==0.1{pinned}\n")
    assert not satisfied(f"nothing-of-this-name==1.0{pinned}\n")
