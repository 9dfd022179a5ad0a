"""Reading and loading a package folder: each fault is its own error, and nothing hostile is taken."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.errors import FormatError, ModelError, ModelportError
from modelport.package import Package, is_package, load_package
from modelport.package.documents import read_document

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = """\
from __future__ import annotations

def add(x: float, y: float) -> float:
    '''Add two numbers.'''
    return x + y

METHODS = {'add': add}
"""


def write(path: str, text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")

    return change


def remove(path: str) -> Callable[[Path], None]:
    return lambda folder: (folder / path).unlink()


def edit(path: str, **changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        document = json.loads((folder / path).read_text("utf-8"))
        (folder / path).write_text(json.dumps({**document, **changes}), "utf-8")

    return change


def link(path: str, target: str) -> Callable[[Path], None]:
    return lambda folder: (folder / path).symlink_to(target)


def test_a_loaded_package_answers(packed: Callable[[str], Package]) -> None:
    loaded = load_package(packed("adder").folder)
    assert loaded.name == "adder"
    assert loaded.model.call("add", {"x": 1.0, "y": 2.0}) == {"value": 3.0}
    assert [e.method for e in loaded.model.examples] == ["add"]


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (remove("package.json"), FormatError, "package.json is missing"),
        (remove("signature.json"), FormatError, "signature.json is missing"),
        (remove("code/model.py"), FormatError, "has no code/model.py"),
        (write("package.json", "[]"), FormatError, "JSON, but not an object"),
        (write("signature.json", "{}"), FormatError, "its methods have no names"),
        (edit("signature.json", methods=[1]), FormatError, "its methods have no names"),
        (
            edit("signature.json", proto_package="modelport.s0"),
            FormatError,
            "not a signature as this modelport writes it",
        ),
        (write("examples/x.json", "[]"), FormatError, "JSON, but not an object"),
        (write("examples/x.json", '{"method": "add"}'), FormatError, "is not an example"),
        (write("examples/x.json", "{"), FormatError, "is not JSON"),
        (write("code/model.py", MODEL.replace("float", "int")), FormatError, "its code has the signature"),
        (write("code/model.py", MODEL.replace("x: float", "x")), FormatError, "its code has no signature"),
        (write("code/model.py", MODEL.replace("METHODS", "OTHERS")), FormatError, "its code has no method add"),
        (write("code/model.py", "METHODS = 5"), FormatError, "its code has no method add"),
        (write("code/model.py", "METHODS = {'add': 5}"), FormatError, "its code has no method add"),
        (write("code/model.py", "def add(:"), ModelError, "SyntaxError"),
        (write("code/model.py", "import nothing_of_this_name"), ModelError, "No module named 'nothing_of_this_name'"),
        (write("code/model.py", "1 / 0"), ModelError, "ZeroDivisionError"),
        (write("code/model.py", "raise SystemExit"), ModelError, "SystemExit"),
        (write("code/model.py", "\0"), ModelError, "failed while it was loaded"),
        (
            write(
                "code/model.py", "from modelport.package.state import load_state\nload_state(__file__, 'state/x.npy')"
            ),
            FormatError,
            "is missing from the package",
        ),
        (write("code/json/__init__.py", "mine = True"), ModelError, "has a module 'json' of its own"),
        (write("code/nntplib.py", ""), ModelError, "'nntplib' of its own, and another one is from Python itself"),
        (write("code/mkdocs.py", ""), ModelError, "'mkdocs' of its own, and another one is from .*mkdocs.__init__.py"),
        (write("code/mkdocs/__init__.py", ""), ModelError, "has a module 'mkdocs' of its own"),
    ],
)
def test_what_cannot_be_loaded_is_said(
    change: Callable[[Path], None], kind: type[Exception], said: str, packed: Callable[[str], Package]
) -> None:
    folder = packed("adder").folder
    change(folder)
    with pytest.raises(kind, match=said):
        load_package(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (remove("package.json"), "package.json is missing"),
        (remove("model.proto"), "model.proto is missing"),
        (remove("requirements.lock"), "requirements.lock is missing"),
        (remove("code/model.py"), "code/model.py is missing"),
        (write("package.json", ""), "is not JSON"),
        (write("package.json", "NaN"), "NaN is not JSON"),
        (write("package.json", '{"schema": 1, "schema": 2}'), "the key 'schema' is there twice"),
        (write("package.json", "[" * 39_000), "is not JSON"),
        (write("package.json", "[" * 900 + "]" * 900), "breaks its schema|nested too deeply"),
        (write("package.json", "null"), "breaks its schema"),
        (write("package.json", '"' + "x" * (65 * 1024 * 1024) + '"'), "too many for a document"),
        (lambda folder: (folder / "package.json").write_bytes(b"\xff\xfe{"), "is not JSON"),
        (edit("package.json", name="Not A Name"), "name: "),
        (edit("package.json", name="adder\n"), "name: "),
        (edit("package.json", more=1), "more"),
        (edit("package.json", state=[{"path": "state/..", "type": "x"}]), r"state/\.\."),
        (edit("package.json", state=[{"path": "state/x.npy", "type": "x"}]), "state/x.npy is missing"),
        (edit("package.json", code=["code/model.py", "code/../../x"]), r"code/\.\./\.\./x is missing"),
        (edit("package.json", code=["code/model.py", "code/x.py"]), "code/x.py is missing"),
        (write("code/more.py", ""), "code/more.py is not listed"),
        (write("state/more.pkl", ""), "state/more.pkl is not listed"),
        (link("passwords", "/etc/passwd"), "passwords is not a regular file"),
        (link("more", "/etc"), "more is not a regular file"),
        (lambda folder: os.mkfifo(folder / "pipe"), "pipe is not a regular file"),
        (write("signature.json", "[]"), "signature.json"),
        (edit("signature.json", proto_package="modelport.s" + "0" * 16), "signature.json"),
        (write("evaluations.json", '[{"n": 1}]'), "evaluations.json breaks its schema"),
        (write("evaluations.json", "[Infinity]"), "Infinity is not JSON"),
        (write("examples/x.json", '{"method": "add", "input": [], "output": {}}'), "x.json breaks its schema"),
        (write("model.proto", ""), "model.proto is not that of signature.json"),
        (write("model.proto", 'syntax = "proto3";\npackage other;\n'), "model.proto is not that of signature.json"),
        (lambda folder: (folder / "model.proto").write_bytes(b"\xff"), "model.proto is not that of signature.json"),
        (write("model.proto", "//" + "x" * (65 * 1024 * 1024)), "too many for a document"),
    ],
)
def test_what_is_not_a_whole_package_is_not_read(
    change: Callable[[Path], None], said: str, packed: Callable[[str], Package]
) -> None:
    folder = packed("adder").folder
    change(folder)
    with pytest.raises(FormatError, match=said):
        Package.read(folder)


def test_all_problems_are_told_at_once(packed: Callable[[str], Package]) -> None:
    folder = packed("adder").folder
    for change in (
        edit("package.json", name="Not A Name", more=1),
        write("signature.json", "{"),
        write("examples/x.json", "[]"),
        write("notes.txt", "mine"),
        write("code/CON.py", ""),
        remove("evaluations.json"),
        link("state", "/etc"),
    ):
        change(folder)
    with pytest.raises(FormatError) as caught:
        Package.read(folder)
    said = caught.value.message
    assert said.startswith(
        f"{folder} is not a package: {folder / 'state'} is not a regular file; ".replace(f": {folder}/", ": ")
    )
    for one in (
        "'code/CON.py' cannot be a file's name",
        "package.json breaks its schema: ",
        "name: 'Not A Name' does not match",
        "'more' was unexpected",
        "signature.json is not JSON",
        "examples/x.json breaks its schema",
        "evaluations.json is missing",
    ):
        assert one in said


def test_comments_in_the_proto_file_may_differ(packed: Callable[[str], Package]) -> None:
    folder = packed("adder").folder
    file = folder / "model.proto"
    text = file.read_text("utf-8")
    file.write_text("// By another version.\n" + text.replace("//", "//  //").replace(";\n", ";  // more\n"), "utf-8")
    assert Package.read(folder).name == "adder"
    file.write_text(text.replace("double", "float", 1), "utf-8")
    with pytest.raises(FormatError, match=r"model\.proto is not that of signature\.json"):
        Package.read(folder)


def test_what_lies_beside_its_parts_is_no_package(packed: Callable[[str], Package]) -> None:
    folder = packed("adder").folder
    for path in ("notes.txt", "LICENSE/x", "examples/x.txt", "examples/deeper/x.json", "package", "lib/x.py"):
        write(path, "{}")(folder)
    with pytest.raises(FormatError) as caught:
        Package.read(folder)
    for path in ("notes.txt", "LICENSE/x", "examples/x.txt", "examples/deeper/x.json", "package", "lib/x.py"):
        assert f"{path} is no part of a package" in caught.value.message


def test_a_thousand_problems_are_told_in_short(packed: Callable[[str], Package]) -> None:
    folder = packed("adder").folder
    for number in range(1000):
        write(f"code/{number}.py", "")(folder)
    write("evaluations.json", json.dumps([{"data": "x" * 100_000}] * 1000))(folder)
    with pytest.raises(FormatError, match=r"and 981 more$") as caught:
        Package.read(folder)
    assert len(caught.value.message) < 10_000


def test_a_folder_is_a_package_only_with_its_documents(packed: Callable[[str], Package], tmp_path: Path) -> None:
    assert is_package(packed("adder").folder)
    assert not is_package(tmp_path / "nothing")
    with pytest.raises(FormatError, match="is not a package"):
        Package.read(tmp_path / "nothing")


@given(st.binary(max_size=64) | st.text(max_size=64).map(str.encode))
def test_any_bytes_are_a_document_or_a_format_error(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.json"
        file.write_bytes(content)
        try:
            found = read_document(file)
        except FormatError:
            return
    assert found == json.loads(content)


def test_two_packages_with_one_module_do_not_mix(packed: Callable[[str], Package]) -> None:
    folders = []
    for name, factor in (("first", 2), ("second", 3)):
        folder = packed(name).folder
        code = MODEL.replace("METHODS", "import helper_of_two_packages\n\nMETHODS", 1)
        write("code/model.py", code)(folder)
        write("code/helper_of_two_packages.py", f"FACTOR = {factor}\n")(folder)
        folders.append(folder)
    load_package(folders[0])
    load_package(folders[0])
    with pytest.raises(ModelError, match="has a module 'helper_of_two_packages' of its own, and another one is from"):
        load_package(folders[1])


def test_a_module_of_its_own_does_not_answer_for_one_that_is_installed(packed: Callable[[str], Package]) -> None:
    folder = packed("adder").folder
    write("code/mkdocs.py", "mine = True")(folder)
    with pytest.raises(ModelError):
        load_package(folder)
    assert str(folder / "code") not in sys.path
    there = find_spec("mkdocs")
    assert there is not None
    assert Path(str(there.origin)).parent.name == "mkdocs"


def test_a_package_may_have_the_very_module_that_is_installed(packed: Callable[[str], Package]) -> None:
    folder, there = packed("adder").folder, find_spec("iniconfig")
    assert there is not None
    write("code/iniconfig/__init__.py", Path(str(there.origin)).read_text("utf-8"))(folder)
    assert load_package(folder).name == "adder"


def test_every_error_of_this_room_is_modelports() -> None:
    assert issubclass(FormatError, ModelportError)
