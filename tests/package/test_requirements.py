"""What a package requires: all of it, nothing else, and the same lock each time."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.package.installing import install, python

from modelport.errors import FormatError, PackError, SetupError
from modelport.package.environment import satisfied
from modelport.package.imports import follow_imports
from modelport.package.modules import Origin, origin
from modelport.package.requirements import closure, lock, parse_lock, requirements_of
from modelport.package.statements import imports_in

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = {"UV_INDEX_URL": "http://127.0.0.1:1/simple", "UV_HTTP_RETRIES": "0", "HTTPS_PROXY": "http://127.0.0.1:1"}


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
        "['protobuf'] ['google-cloud-fake'] ['google-auth-fake']"
        " ['google-auth-fake', 'google-cloud-fake', 'googleapis-common-protos', 'protobuf']"
    )


def test_a_file_of_the_user_hides_a_distribution_of_that_name(tmp_path: Path) -> None:
    site, own = tmp_path / "site", tmp_path / "own"
    install(site, "helper", {"helper.py": "from_site = True"})
    own.mkdir()
    (own / "helper.py").write_text("from_site = False", "utf-8")
    script = (
        "from modelport.package.modules import origin\n"
        "from modelport.package.own import own_sources as f\n"
        "print(origin('helper').name, *(f('helper') if origin('helper').name == 'LOCAL' else ()))"
    )
    assert python(script, own, site) == "LOCAL helper.py"
    assert python(script, site).startswith("DISTRIBUTION")


LEFT = {"PKG-INFO": "Name: pinned\nVersion: 2.0\n", "top_level.txt": "mine\n", "SOURCES.txt": "mine/__init__.py\n"}


def test_metadata_that_a_build_left_beside_a_module_installs_nothing(tmp_path: Path) -> None:
    site, own = tmp_path / "site", tmp_path / "own"
    install(site, "pinned", {"pinned.py": ""})
    (own / "pinned.egg-info").mkdir(parents=True)
    for name, text in LEFT.items():
        (own / "pinned.egg-info" / name).write_text(text, "utf-8")
    (own / "mine").mkdir()
    (own / "mine" / "__init__.py").touch()
    script = (
        "from modelport.package.imports import follow_imports\n"
        "from modelport.package.requirements import requirements_of\n"
        "files = {}\n"
        "print(requirements_of(follow_imports('import mine', files)), *files, requirements_of(['pinned']))"
    )
    assert python(script, own, site) == "{} mine/__init__.py {'pinned': '1.0'}"


def test_folders_without_init_go_along(tmp_path: Path) -> None:
    for file in ("bare/inner/tool.py", "bare/.hidden/x.py", "bare/__pycache__/tool.pyc", "bare/data.csv"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("", "utf-8")
    script = "from modelport.package.own import own_sources; print(*own_sources('bare.inner'))"
    assert python(script, tmp_path) == "bare/inner/tool.py"


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


# Imports that may not be needed


def test_other_pythons_and_platforms_are_not_this_one() -> None:
    text = """
import sys, os
if sys.version_info >= (3, 8):
    import a
else:
    import b
if sys.platform == "none":
    import c
if not TYPE_CHECKING and False:
    import d
if not os.name == "none":
    import e
if sys.version_info[:2] > unknown:
    import f
"""
    found = imports_in(text)
    assert found.required == {"sys", "os", "a", "e"}
    assert found.guarded == {"f"}


@pytest.mark.parametrize(
    ("test", "truth"),
    [
        ("sys.platform.startswith('win')", False),
        ("not sys.platform.lower().startswith(('win', 'cygwin'))", True),
        ("platform.system() == 'Nowhere'", False),
        ("platform.system() in ['Nowhere', 'Elsewhere']", False),
        ("sys.version_info[0] == 2", False),
        ("sys.version_info.major >= 3 and sys.version_info[:2] >= (3, 11)", True),
        ("TYPE_CHECKING or sys.platform == 'none'", False),
        ("unknown and sys.version_info < (3,)", False),
        ("unknown or sys.version_info < (3,)", None),
        ("importlib.util.find_spec('nothing_of_this_name')", False),
        ("find_spec('nothing_of_this_name') is not None", False),
        ("find_spec('numpy') is not None", True),
        ("HAS_GPU", None),
        ("sys.platform.unknown()", None),
        ("sys.version_info[9]", None),
        ("find_spec()", None),
        ("sys.version_info < 3", None),
    ],
)
def test_conditions_are_told_where_they_can_be(test: str, truth: bool | None) -> None:  # noqa: FBT001 - a table's column
    found = imports_in(f"if {test}:\n    import a\nelse:\n    import b")
    assert (found.required, found.guarded) == ({True: {"a"}, False: {"b"}, None: set()}[truth], _both(truth))
    assert imports_in(f"x = import_module('a') if {test} else import_module('b')") == found


def _both(truth: bool | None) -> set[str]:  # noqa: FBT001 - as above
    return set() if truth is not None else {"a", "b"}


def test_what_nobody_provides_and_only_some_case_imports_is_told(caplog: pytest.LogCaptureFixture) -> None:
    text = "if GPU:\n    import nothing_of_this_name\n    import numpy"
    assert follow_imports(text, {}) == {"numpy": {"code/model.py"}}
    assert caplog.messages == ["code/model.py imports nothing_of_this_name in some case, and nothing here provides it"]
    assert "nothing_of_this_name" in follow_imports(f"{text}\nimport nothing_of_this_name", {})


def test_imports_are_found_in_every_part_of_a_statement() -> None:
    text = """
with import_module("a").errstate(), open(import_module("b").file) as file:
    import c
try:
    import d
except import_module("e").Error:
    import f
except* ValueError:
    pass
"""
    assert imports_in(text.replace("except*", "except")).required == {"a", "b", "c", "d", "e", "f"}
    assert imports_in("try:\n    import a\nexcept* ImportError:\n    import b").optional == {"a"}


def test_a_module_whose_absence_is_always_an_error_is_required() -> None:
    caught = "try:\n    import nothing_of_this_name\nexcept ImportError as error:\n    "
    for handler in (
        "raise RuntimeError('install it') from error",
        "if x:\n        raise\n    else:\n        raise error",
    ):
        assert imports_in(caught + handler).required == {"nothing_of_this_name"}
    for handler in ("if x:\n        raise", "def f():\n        raise error"):
        assert imports_in(caught + handler).required == set()
    again = "\n".join(f"    {line}" for line in (caught + "raise").splitlines())
    assert imports_in(f"try:\n{again}\nexcept ImportError:\n    pass").optional == {"nothing_of_this_name"}


def test_what_replaces_a_missing_module_is_needed_only_then() -> None:
    text = """
try:
    import numpy
except ImportError:
    import never
try:
    from sys import version, nothing_of_this_name
except ImportError:
    import a
try:
    import nothing_of_this_name
except ModuleNotFoundError:
    import b
try:
    from atheris import Nothing
except ImportError:
    import c
with contextlib.suppress(ImportError):
    import d
"""
    found = imports_in(text)
    assert found.required == {"a", "b"}
    assert found.optional >= {"numpy", "nothing_of_this_name", "c", "d"}
    assert "never" not in found.optional


def test_modules_may_be_imported_by_name_or_from_around() -> None:
    text = """
from importlib import import_module
import_module("a.b"), __import__("c"), import_module(".d", __package__)
from . import e
from ..f import g
from .... import outside
"""
    found = imports_in(text, "one.two")
    assert found.required == {"importlib.import_module", "a.b", "c", "one.two.d", "one.two.e", "one.f.g"}
    assert not found.is_open
    text = "from importlib import import_module as load\nload(package=__package__, name='.d')"
    assert imports_in(text, "one.two").required == {"importlib.import_module", "one.two.d"}
    assert imports_in("import_module(name)").is_open
    assert imports_in("pkgutil.walk_packages(path)").is_open


@given(st.text(alphabet="abc.\n =(),:importfomaselxcphd*'\"", max_size=200))
def test_any_source_has_imports_or_is_none(text: str) -> None:
    try:
        found = imports_in(text)
    except (SyntaxError, ValueError):
        return
    assert not found.required & found.optional


def test_one_content_is_one_distributions(tmp_path: Path) -> None:
    content, record = "x = 1", "module.py,sha256={},5\n"
    good = "cTgFgK3-L2pGjP6nKzXlA7o0tJ5lW0h8YwYQdVn0d3E"
    for name in ("first", "second"):
        install(tmp_path, name, {"module.py": content})
        (tmp_path / f"{name}-1.0.dist-info" / "RECORD").write_text(
            record.format(good if name == "first" else digest_of(content))
        )
    script = "from modelport.package.requirements import requirements_of as r; print(*r(['module']))"
    assert python(script, tmp_path) == "second"


def digest_of(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
