"""Acumos bundles: what they say becomes an interface, requirements and terms; nothing of them is loaded."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from tests.package.acumos_bundles import CLIENTS, PROTO, Payload, metadata, write_bundle

from modelport.errors import FormatError, NotFoundError
from modelport.model.spec import Field, ListOf, MapOf, ModelSpec, Scalar
from modelport.package.importers.acumos import import_acumos

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """Give the file that the bundles' code would write."""
    return tmp_path / "touched"


def test_the_payload_is_real(marker: Path) -> None:
    pickle.loads(pickle.dumps(Payload(marker))).close()  # noqa: S301 - our own
    assert marker.exists()


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_bundle_of_each_client(client: str, tmp_path: Path, marker: Path, *, zipped: bool) -> None:
    found = import_acumos(write_bundle(tmp_path / "bundle", client, marker, zipped=zipped))
    said = CLIENTS[client]
    assert found.name == "example-model"
    assert found.model is None
    assert found.origin["format"] == said["schema"]
    assert found.origin["runtime"] == {
        "language": "python", "version": said["python"], "client": f"acumos {client}",
    }  # fmt: skip
    assert set(found.origin["requirements"]) == {f"acumos=={client}", f"dill=={said['dill']}"}
    spec = ModelSpec.from_json(found.signature)
    assert [(m.name, m.input, m.output) for m in spec.methods] == [
        ("add", "AddIn", "AddOut"), ("count", "CountIn", "CountOut"),
    ]  # fmt: skip
    assert spec.method("count").doc == "Counts the occurrences of words in `strings`"
    assert spec.message("AddIn").fields == (Field("x", Scalar("int64")), Field("y", Scalar("int64")))
    assert spec.message("CountIn").fields == (Field("strings", ListOf(Scalar("string"))),)
    assert spec.message("CountOut").fields == (Field("value", MapOf(Scalar("int64"))),)
    files = {file["path"]: file for file in found.origin["files"]}
    assert files.keys() >= {"metadata.json", "model.proto", "model.zip"}
    assert files["model.proto"]["size"] == len(PROTO)
    assert not marker.exists()


def test_what_0_5_0_and_0_6_0_added(tmp_path: Path, marker: Path) -> None:
    newest = metadata("0.9.4")
    newest["schema"] = "acumos.schema.model:0.5.0"
    newest["runtime"] = [newest["runtime"]]
    raw = {"name": "Picture", "media_type": ["application/octet-stream"], "metadata": {}, "description": "A PNG"}
    newest["methods"]["look"] = {"input": raw, "output": {**raw, "media_type": ["text/plain"]}, "description": ""}
    newest["methods"]["reset"] = {"input": None}
    bundle = write_bundle(tmp_path / "bundle", "0.9.4", marker, metadata_json=json.dumps(newest))
    spec = ModelSpec.from_json(import_acumos(bundle).signature)
    look = spec.method("look")
    (taken,), (given,) = spec.message(look.input).fields, spec.message(look.output).fields
    assert (taken.type, taken.about.media_types) == (Scalar("bytes"), ("application/octet-stream",))
    assert (taken.about.doc, given.type) == ("A PNG", Scalar("string"))
    assert spec.message(spec.method("reset").input).fields == ()


TERMS = {
    "an SPDX keyword": ({"keyword": "Apache-2.0", "licenseName": "Apache License 2.0"}, "Apache-2.0", "Apache"),
    "a keyword in another spelling": ({"keyword": "apache-2.0"}, "Apache-2.0", "apache-2.0"),
    "a text that people know": ({"license": "MIT License\n\nCopyright (c) Somebody"}, "MIT", "MIT License\n"),
    "a text that nobody knows": ({"license": "Ask Bob.\nThen ask Eve."}, "LicenseRef-TODO", "Ask Bob.\nThen ask Eve."),
    "a keyword of its own": ({"keyword": "Acme-1"}, "LicenseRef-Acme-1", "Acme-1"),
    "nothing": ({}, "LicenseRef-TODO", ""),
}  # fmt: skip


@pytest.mark.parametrize(("terms", "license_", "words"), TERMS.values(), ids=TERMS)
def test_the_licence(terms: dict[str, Any], license_: str, words: str, tmp_path: Path, marker: Path) -> None:
    terms = {**terms, "copyright": {"year": 2019, "company": "Acme", "suffix": "All rights"}}
    found = import_acumos(write_bundle(tmp_path / "b", "0.8.0", marker, license_json=json.dumps(terms)))
    assert found.known["license"] == license_
    assert found.origin.get("license", "").startswith(words)
    assert found.known["author"] == "Acme"


@pytest.mark.parametrize("holder", ["Acme", ["Acme"], 3, {"company": ["Acme"]}, None])
def test_a_copyright_of_another_form_names_no_author(holder: object, tmp_path: Path, marker: Path) -> None:
    terms = json.dumps({"keyword": "MIT", "copyright": holder})
    found = import_acumos(write_bundle(tmp_path / "b", "0.8.0", marker, license_json=terms))
    assert "author" not in found.known


def test_repeated_keys_and_files_with_odd_names_are_told(tmp_path: Path, marker: Path) -> None:
    bundle = write_bundle(tmp_path / "b", "0.8.0", marker)
    (bundle / "plot (1).png").write_bytes(b"x")
    found = import_acumos(bundle)
    assert r"plot (1).png: its name is none that an entry can list" in found.card
    assert "plot (1).png" not in [file["path"] for file in found.origin["files"]]
    (bundle / "license.json").write_text('{"keyword": "MIT", "keyword": "GPL-3.0"}', encoding="utf-8")
    with pytest.raises(FormatError, match=r"license\.json: is not JSON: the key 'keyword' is there twice"):
        import_acumos(bundle)
    (bundle / "license.json").write_text('{"keyword": NaN}', encoding="utf-8")
    with pytest.raises(FormatError, match=r"license\.json: is not JSON: NaN is not JSON"):
        import_acumos(bundle)


def test_bundles_of_r_and_java(tmp_path: Path) -> None:
    r = tmp_path / "r"
    r.mkdir()
    needs = {"packages": [{"name": "randomForest", "version": "4.6-14"}]}
    runtime = [{"name": "r", "encoding": "protobuf", "version": "3.4.4", "dependencies": needs}]
    methods = {"predict": {"description": "", "input": "predictInput", "output": "predictOutput"}}
    document = {"schema": "acumos.schema.model:0.5.0", "name": "Iris in R", "runtime": runtime, "methods": methods}
    (r / "meta.json").write_text(json.dumps(document), encoding="utf-8")
    (r / "component.proto").write_text(
        'syntax = "proto3";\nmessage predictInput { repeated double x = 1; }\n'
        "message predictOutput { repeated string y = 1; }\n"
        "service Model { rpc predict (predictInput) returns (predictOutput) {} }\n",
        encoding="utf-8",
    )
    (r / "component.bin").write_bytes(b"RDX3")
    found = import_acumos(r)
    assert found.name == "iris-in-r"
    assert found.origin["runtime"] == {"language": "r", "version": "3.4.4"}
    assert found.origin["requirements"] == ["r:randomForest==4.6-14"]


def _with(**changes: object) -> dict[str, Any]:
    return {"metadata_json": json.dumps({**metadata("0.8.0"), **changes})}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "not JSON": ({"metadata_json": "{"}, "metadata.json: is not JSON"),
    "a list": ({"metadata_json": "[]"}, "metadata.json: is no mapping"),
    "nested without end": ({"metadata_json": "[" * 200_000}, "metadata.json: is not JSON"),
    "nested deeply": (_with(schema=json.loads("[" * 900 + "]" * 900)), "metadata.json: is not JSON: it is nested too"),
    "too large": ({"metadata_json": " " * (5 * 1024**2)}, "metadata.json: metadata.json has 5,242,880 bytes"),
    "another schema": (_with(schema="acumos.schema.model:9"), "metadata.json: schema: 'acumos.schema.model:9' is not"),
    "no name": (_with(name=""), "metadata.json: name: is missing"),
    "no runtime": (_with(runtime=None), "metadata.json: runtime: is missing"),
    "no methods": (_with(methods={}), "metadata.json: methods: is no mapping of 1 to 256 methods"),
    "a method that is none": (_with(methods={"add": 3}), "metadata.json: methods.add: is no mapping"),
    "a name that no method has": (
        _with(methods={"a-b": {"input": "AddIn", "output": "AddOut"}}), "'a-b' is no name that a signature can hold",
    ),
    "a message that is not there": (
        _with(methods={"add": {"input": "Nothing", "output": "AddOut"}}), "the message 'Nothing' is not in the .proto",
    ),
    "a service that says otherwise": (
        _with(methods={"add": {"input": "CountIn", "output": "AddOut"}}), "method 'add' has AddIn, and",
    ),
    "a method that the service lacks": (
        _with(methods={"sub": {"input": "AddIn", "output": "AddOut"}}), "its service has no method 'sub'",
    ),
    "a media type that is none": (
        _with(methods={"add": {"input": {"name": "AddIn", "media_type": "0"}, "output": "AddOut"}}),
        "metadata.json: methods.add.input.media_type: '0' is no list of media types",
    ),
    "a requirement that is an option": (
        _with(runtime={"name": "python", "version": "3.6", "dependencies": {
            "pip": {"requirements": [{"name": "--index-url=x", "version": "1"}]}}}),
        "metadata.json: requirement 1: {'name': '--index-url=x', 'version': '1'} is no package and version",
    ),
    "no protobuf text": ({"model_proto": "hello"}, "model.proto: line 1: 'hello' is nothing that"),
    "bytes": ({"model_proto": b"\xff\xfe"}, "model.proto: is not UTF-8 text"),
    "a type from elsewhere": (
        {"model_proto": PROTO.replace("int64 x", "google.protobuf.Any x")}, "AddIn.x: the type 'google.protobuf.Any'",
    ),
    "messages that hold themselves": (
        {"model_proto": PROTO.replace("int64 x", "AddIn x")}, "messages that hold themselves",
    ),
    "a licence that is no JSON": ({"license_json": "MIT"}, "license.json: is not JSON"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "message"), BAD.values(), ids=BAD)
def test_what_is_wrong_with_a_bundle_is_said(files: dict[str, Any], message: str, tmp_path: Path, marker: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", "0.8.0", marker, **files)
    with pytest.raises(FormatError) as caught:
        import_acumos(bundle)
    assert message in str(caught.value)
    assert not marker.exists()


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path, marker: Path) -> None:
    files = {**_with(schema="x", name=None), "license_json": "[]", "model_proto": "message A {"}
    with pytest.raises(FormatError) as caught:
        import_acumos(write_bundle(tmp_path / "bundle", "0.8.0", marker, **files))
    assert [line.split(": ")[0].strip() for line in caught.value.message.splitlines()[1:]] == [
        "license.json", "model.proto", "metadata.json", "metadata.json",
    ]  # fmt: skip


def test_what_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is not there"):
        import_acumos(tmp_path / "none")
    with pytest.raises(FormatError, match=r"has no metadata\.json and model\.proto"):
        import_acumos(tmp_path)
    (tmp_path / "text").write_text("hello", encoding="utf-8")
    with pytest.raises(FormatError, match="is neither a folder nor a zip"):
        import_acumos(tmp_path / "text")


def _add(name: str, content: bytes = b"x", mode: int = 0) -> Callable[[zipfile.ZipFile], None]:
    def change(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, content)

    return change


TRICKS = {
    "a path upwards": (_add("../../evil"), "'../../evil' is not a name"),
    "an absolute path": (_add("/etc/passwd"), "'/etc/passwd' is not a name"),
    "a backslash": (_add("..\\evil"), "is not a name"),
    "a drive": (_add("C:evil"), "'C:evil' is not a name"),
    "a line end": (_add("a\nb"), r"'a\nb' is not a name"),
    "a link": (_add("model.bin", b"/etc/passwd", 0o120777), "'model.bin' is a link or a device"),
    "a device": (_add("model.bin", b"", 0o020666), "'model.bin' is a link or a device"),
    "the same in capitals": (_add("MODEL.PROTO"), "'model.proto' is there twice"),
    "a bomb": (_add("model.bin", b"\0" * 64 * 1024**2), "'model.bin' swells to 67,108,864 bytes"),
}


@pytest.mark.parametrize(("trick", "message"), TRICKS.values(), ids=TRICKS)
def test_tricks_with_zips(trick: Callable[[zipfile.ZipFile], None], message: str, tmp_path: Path, marker: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle.zip", "0.8.0", marker, zipped=True)
    with zipfile.ZipFile(bundle, "a") as archive:
        trick(archive)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(FormatError) as caught:
        import_acumos(bundle)
    assert message in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_damaged_and_truncated_zips(tmp_path: Path, marker: Path) -> None:
    whole = write_bundle(tmp_path / "bundle.zip", "0.8.0", marker, zipped=True).read_bytes()
    for size in range(0, len(whole), 97):
        (tmp_path / "cut.zip").write_bytes(whole[:size])
        with pytest.raises(FormatError, match=r"is neither a folder nor a zip|is no Acumos bundle|is damaged"):
            import_acumos(tmp_path / "cut.zip")
    (tmp_path / "cut.zip").write_bytes(whole.replace(b"AddIn x", b"AddIn y").replace(b"int64 x", b"int64 z"))
    with pytest.raises(FormatError, match="is damaged"):
        import_acumos(tmp_path / "cut.zip")


def test_links_and_pipes_in_a_folder(tmp_path: Path, marker: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", "0.8.0", marker)
    (bundle / "away").symlink_to("/etc/passwd")
    os.mkfifo(bundle / "pipe")
    with pytest.raises(FormatError) as caught:
        import_acumos(bundle)
    assert "'away' is a link: copy the folder with what its links lead to (cp -rL)" in caught.value.message
    assert "'pipe' is not a file" in caught.value.message
