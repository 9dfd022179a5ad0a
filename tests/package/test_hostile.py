"""Packages that mean harm, as folders: each is refused for its own reason, quickly, in little memory."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.package.hostile import MIB, edit, instead, judge, sparse, write
from tests.package.onnx_files import ELSEWHERE, EXTERNAL, GOOD, scaled, tensor

from modelport import OnnxModel
from modelport.package import pack

if TYPE_CHECKING:
    from tests.package.hostile import Change, Reader


def listed(path: str, content: bytes = b"") -> Change:
    """Put a file of code there, and say so."""

    def change(folder: Path) -> None:
        write(path, content)(folder)
        edit("package.json", code=["code/model.py", path])(folder)

    return change


def example(text: str, name: str = "add-001") -> Change:
    return write(f"examples/{name}.json", '{"method": "add", "output": {}, "input": {"x": ' + text + "}}")


NOT_REGULAR = "is not a regular file"

FOLDERS: dict[str, tuple[Change, str]] = {
    # Things that are no files
    "link to a secret": (instead("package.json", lambda p: p.symlink_to("/etc/passwd")), f"package.json {NOT_REGULAR}"),
    "link to a folder": (lambda f: (f / "state").symlink_to("/etc"), f"state {NOT_REGULAR}"),
    "link that leads nowhere": (lambda f: (f / "LICENSE").symlink_to("nothing"), f"LICENSE {NOT_REGULAR}"),
    "link to itself": (instead("signature.json", lambda p: p.symlink_to(p)), f"signature.json {NOT_REGULAR}"),
    "pipe for a document": (instead("package.json", os.mkfifo), f"package.json {NOT_REGULAR}"),
    "pipe for a lock": (instead("requirements.lock", os.mkfifo), f"requirements.lock {NOT_REGULAR}"),
    "socket": (lambda f: bind(f / "socket"), f"socket {NOT_REGULAR}"),
    "folder for a document": (instead("package.json", os.mkdir), f"package.json {NOT_REGULAR}"),
    # Names
    "backslash": (listed("code/..\\x.py"), "'code/..\\\\x.py' cannot be a file's name"),
    "drive letter": (listed("code/c:x.py"), "'code/c:x.py' cannot be a file's name"),
    "reserved name": (listed("code/nul.py"), "'code/nul.py' cannot be a file's name"),
    "trailing dot": (listed("code/x."), "'code/x.' cannot be a file's name"),
    "line break": (listed("code/x\n.py"), "'code/x\\n.py' cannot be a file's name"),
    "not NFC": (listed("code/e\u0301.py"), "'code/e\u0301.py' cannot be a file's name"),
    "case twin": (listed("code/Model.py"), "'code/model.py' and 'code/Model.py' are the same"),
    "said to be outside": (edit("package.json", code=["code/model.py", "code/../../x"]), "code/../../x is missing"),
    "said with NUL": (edit("package.json", code=["code/model.py", "code/x\0"]), "code/x\0 is missing"),
    "state outside": (
        edit("package.json", state=[{"path": "state/../x", "type": "x"}]),
        "package.json breaks its schema",
    ),
    # More and less than it says
    "code unsaid": (write("code/more.py", ""), "code/more.py is not listed"),
    "state unsaid": (write("state/more.pkl", b"\x80\x04N."), "state/more.pkl is not listed"),
    "start-up file": (write("evil.pth", "import os"), "evil.pth is no part of a package"),
    "tests' settings": (write("conftest.py", "1/0"), "conftest.py is no part of a package"),
    "bytecode": (write("code/__pycache__/model.cpython-311.pyc", b"x"), "code/__pycache__ holds bytecode"),
    "code missing": (lambda f: (f / "code/model.py").unlink(), "code/model.py is missing"),
    "lock missing": (lambda f: (f / "requirements.lock").unlink(), "requirements.lock is missing"),
    "state missing": (edit("package.json", state=[{"path": "state/x.npy", "type": "x"}]), "state/x.npy is missing"),
    # JSON
    "deep": (write("package.json", "[" * 1_000_000), "package.json holds 1000000 values, more than the 40000"),
    "deep, closed": (write("signature.json", "[" * 39_000 + "]" * 39_000), "signature.json is not JSON: "),
    "deep in objects": (example('{"a":' * 100_000 + "1" + "}" * 100_000), "examples/add-001.json is not JSON: "),
    "large": (sparse("package.json", 65 * MIB), "package.json has more than 67108864 bytes"),
    "endless": (sparse("signature.json", 2**40), "signature.json has more than 67108864 bytes"),
    "endless lock": (sparse("requirements.lock", 2**40), "requirements.lock has more than 8388608 bytes"),
    "many small things": (example(f"[{'{},' * 9_000_000}1]"), "examples/add-001.json holds more values than"),
    "many empty lists": (example(f"[{'[],' * 9_000_000}1]"), "examples/add-001.json holds more values than"),
    "a wide text": (example('"' + "x" * 60 * MIB + '\U0001f600"'), "examples/add-001.json holds more values than"),
    "many keys": (
        example("{" + ",".join(f'"{n}":1' for n in range(2_000_000)) + "}"),
        "examples/add-001.json holds more values than",
    ),
    "a number of many digits": (example("9" * 1_000_000), "examples/add-001.json is not JSON: Exceeds the limit"),
    "a float of many digits": (example("9" * 1_000_000 + ".0"), "examples/add-001.json is not JSON: 9999"),
    "more than a float": (example("1e999"), "examples/add-001.json is not JSON: 1e999 is more than a float holds"),
    "NaN": (example("NaN"), "examples/add-001.json is not JSON: NaN is not JSON"),
    "Infinity": (example("-Infinity"), "examples/add-001.json is not JSON: -Infinity is not JSON"),
    "a key twice": (example('1, "x": 2'), "examples/add-001.json is not JSON: the key 'x' is there twice"),
    "a huge key twice": (
        example('{"' + "k" * MIB + '": 1, "' + "k" * MIB + '": 2}'),
        "examples/add-001.json is not JSON: the key 'kkk",
    ),
    "half a character": (example('"\\ud800"'), "examples/add-001.json is not JSON: 'utf-8' codec can't encode"),
    "not UTF-8": (write("package.json", b"\xff\xfe{"), "package.json is not JSON: "),
    "examples without end": (
        lambda f: [write(f"examples/x-{n}.json", "{}")(f) for n in range(2_000)],
        "PACKAGE has 2001 examples",
    ),
    "large examples, many": (
        lambda f: [example(f"[{'1,' * 200_000}1]", f"x-{n}")(f) for n in range(12)],
        "examples/x-6.json holds more values than",
    ),
    "figures without end": (
        write("evaluations.json", json.dumps([{}] * 300_000)),
        "evaluations.json holds 600000 values, more than the 40000",
    ),
    "figures of nothing": (
        write("evaluations.json", json.dumps([{}] * 19_000)),
        "evaluations.json breaks its schema: (top): [{}, ",
    ),
    "a lock of lines": (write("requirements.lock", "a\\\n" * 2_000_000), "the lock's line 1 is no pin"),
    "a lock of blanks": (write("requirements.lock", "a==1 ;" + " '" * 2_000_000), "the lock's line 1 is no pin"),
    "a lock with options": (write("requirements.lock", "--index-url http://x\n"), "the lock's line 1 is no pin"),
    # Signatures
    "a method by a regular name": (
        edit("signature.json", methods=[{"name": "a" * 100_000 + "!", "input": "A", "output": "B"}]),
        "signature.json breaks its schema: methods.0.name",
    ),
    "methods without end": (
        edit("signature.json", methods=[{"name": "add", "input": "AddIn", "output": "AddOut"}] * 100_000),
        "signature.json",
    ),
    "messages without end": (
        edit("signature.json", messages=[{"name": f"M{n}", "fields": []} for n in range(100_000)]),
        "signature.json",
    ),
    "fields without end": (
        edit(
            "signature.json",
            messages=[
                {"name": "AddIn", "fields": [{"name": f"f{n}", "type": {"scalar": "double"}} for n in range(100_000)]}
            ],
        ),
        "signature.json",
    ),
    "another interface's name": (edit("signature.json", proto_package="modelport.s" + "0" * 16), "signature.json"),
    "a name with a line break": (edit("package.json", name="adder\n"), "package.json breaks its schema: name: "),
    "rows of nobody": (
        edit("package.json", rows={"add": {"independent": 1}}),
        "package.json breaks its schema: rows.add.independent",
    ),
}
"""What is done to a good package, and how the refusal begins."""


def bind(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path has to be short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize("case", FOLDERS)
def test_folders(case: str, coded: Path, reader: Reader) -> None:
    change, said = FOLDERS[case]
    change(coded)
    judge(reader, coded, said)


# Data-only packages


@pytest.fixture
def filed(tmp_path: Path, lock: str) -> Path:
    """A data-only package of one ONNX file."""
    (tmp_path / "scaled.onnx").write_bytes(GOOD)
    model = OnnxModel(tmp_path / "scaled.onnx", method="scale")
    model.add_example("scale", {"x": [[1, 2, 3], [4, 5, 6]]})
    return pack(model, "hostile", tmp_path / "package", known_lock=lock, verify_in=None)


GRAPHS: dict[str, tuple[Change, str]] = {
    "weights in a file outside": (
        write("state/scaled.onnx", scaled(weights=tensor("w", 1, 2, 3, extra=EXTERNAL + ELSEWHERE))),
        "PACKAGE: it keeps 1 of its tensors in other files",
    ),
    "a sparse file": (sparse("state/scaled.onnx", 2**40), "PACKAGE: state/scaled.onnx has more than 2 GiB"),
    "a file cut off": (write("state/scaled.onnx", GOOD[:-3]), "PACKAGE: it is not an ONNX file"),
    "a link to a file": (
        instead("state/scaled.onnx", lambda p: p.symlink_to("/etc/passwd")),
        f"state/scaled.onnx {NOT_REGULAR}",
    ),
    "code beside it": (write("code/model.py", "1/0"), "code/model.py is not listed"),
    "code beside it, and said": (
        lambda f: (write("code/model.py", "1/0")(f), edit("package.json", code=["code/model.py"])(f)),
        "it says that it is data-only, and holds or needs code/model.py",
    ),
    "another distribution": (
        write("requirements.lock", f"requests==2.0 --hash=sha256:{'0' * 64}\n"),
        "it says that it is data-only, and holds or needs requests",
    ),
    "another file for a method": (
        edit("package.json", methods={"scale": {"file": "state/../x", "inputs": {}, "outputs": {}}}),
        "package.json breaks its schema: methods.scale.file",
    ),
    "no file for a method": (
        edit("package.json", methods={"other": {"file": "state/scaled.onnx", "inputs": {}, "outputs": {}}}),
        "package.json does not say which file each method runs",
    ),
}


@pytest.mark.parametrize("case", GRAPHS)
def test_data_only_packages(case: str, filed: Path, reader: Reader) -> None:
    change, said = GRAPHS[case]
    change(filed)
    stage = "load" if said.startswith("PACKAGE: ") else "read"
    judge(reader, filed, said, stage)
