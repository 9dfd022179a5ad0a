"""What users of Acumos's client 1.0.1 know: its types, requirements, options and sessions."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from modelport import acumos
from modelport.acumos import (
    AcumosSession,
    Dict,
    Empty,
    List,
    Model,
    Options,
    Requirements,
    create_dataframe,
    create_namedtuple,
    new_type,
)
from modelport.errors import InputError, SignatureError
from modelport.model import About
from modelport.package import Package, model_from_file
from modelport.package.changes import Changes
from modelport.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

ADDER = Path(__file__).parent / "projects" / "adder.py"
CACHE = Path(__file__).parents[1] / "build" / "test-cache"


def typed(function: Callable[..., Any], **annotations: Any) -> Callable[..., Any]:  # noqa: ANN401 - types made here
    """Return *function* with these annotations; ``returns`` is the result's."""
    returns = annotations.pop("returns")
    function.__annotations__ = {**annotations, "return": returns}
    return function


@pytest.fixture
def session(tmp_path: Path) -> AcumosSession:
    folders = {"HOME": str(tmp_path), "MODELPORT_STORE": str(tmp_path / "store"), "MODELPORT_CACHE": str(CACHE)}
    return AcumosSession(settings=load_settings(tmp_path, {**folders, "MODELPORT_DATA": str(tmp_path / "data")}))


@pytest.fixture
def adder() -> Model:
    return model_from_file(ADDER)


def test_all_names_are_there() -> None:
    assert sorted(acumos.__all__) == acumos.__all__
    assert all(hasattr(acumos, name) for name in acumos.__all__)


def test_a_named_tuple_belongs_to_who_asked_for_it() -> None:
    one = create_namedtuple("One", [("a", List[float]), ("b", Dict[str, int])])
    assert (one.__module__, one._fields) == (__name__, ("a", "b"))
    assert create_dataframe("Two", pd.DataFrame({"a": [1]})).__module__ == __name__
    with pytest.raises(SignatureError, match="is not a pair of a name and a type"):
        create_namedtuple("One", ["a"])


def test_the_columns_of_a_data_frame_become_lists() -> None:
    data = pd.DataFrame({
        "sepal length (cm)": [1.0], "n": np.array([1], np.int32), "whole": [2], "ok": [True], "name": ["a"],
        "kind": pd.Categorical(["b"]),
    })  # fmt: skip
    flowers = create_dataframe("Flowers", data)

    def count(df):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - annotated below
        return [*df.name, str(len(np.column_stack(df[:3])))]

    model = Model(count=typed(count, df=flowers, returns=List[str]))
    assert [(f.name, str(f.type)) for f in model.spec.message("Flowers").fields] == [
        ("sepal_length_cm", "list of double"), ("n", "list of int32"), ("whole", "list of int64"),
        ("ok", "list of bool"), ("name", "list of string"), ("kind", "list of string"),
    ]  # fmt: skip
    arguments = {
        "sepal_length_cm": [1, 2],
        "n": [1, 2],
        "whole": [3, 4],
        "ok": [True] * 2,
        "name": ["a"],
        "kind": ["b"],
    }
    assert model.call("count", arguments) == {"value": ["a", "2"]}


def test_what_is_no_data_frame_is_refused() -> None:
    with pytest.raises(SignatureError, match="is given a list") as caught:
        create_dataframe("Flowers", [1])
    assert caught.value.hint
    with pytest.raises(SignatureError, match="has the type datetime64"):
        create_dataframe("Flowers", pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}))


@pytest.mark.parametrize(
    ("raw", "media_type", "value"), [(str, "text/plain", "a"), (bytes, "application/octet-stream", "YQ==")]
)
def test_raw_types_have_media_types(raw: type, media_type: str, value: str) -> None:
    kind = new_type(raw, "Image", {"source": "a camera", "n": 1}, "a picture")
    model = Model(same=typed(lambda image: image, image=kind, returns=kind))
    (field,) = model.spec.message("SameIn").fields
    assert field.about == About("a picture (source: a camera, n: 1)", media_types=media_type)
    assert model.call("same", {"image": value}) == {"value": value}
    assert new_type(raw, "Image").__metadata__[0].doc == "Image"


def test_a_raw_dict_is_a_dict_in_the_function() -> None:
    kind = new_type(dict, "Wishes", doc="what is wished for")
    model = Model(count=typed(lambda wishes: {"n": len(wishes)}, wishes=kind, returns=kind))
    assert model.spec.message("Wishes").doc == "what is wished for"
    assert model.spec.message("Wishes").fields[0].about.media_types == ("application/json",)
    assert model.call("count", {"value": '{"a": 1}'}) == {"value": '{"n": 1}'}


@pytest.mark.parametrize(("raw", "name"), [(int, "Image"), (str, "an image"), (dict, "größe")])
def test_what_is_no_raw_type_is_refused(raw: type, name: str) -> None:
    with pytest.raises(SignatureError) as caught:
        new_type(raw, name)
    assert caught.value.hint


def test_empty_is_the_message_without_fields() -> None:
    model = Model(
        nothing=typed(lambda empty: empty, empty=Empty, returns=Empty), void=typed(lambda: None, returns=None)
    )
    assert model.call("nothing", {}) == model.call("void", {}) == {}
    assert model.spec.message("Empty").fields == ()


def test_requirements_become_changes() -> None:
    assert Requirements().changes() == Changes()
    found = Requirements(
        reqs=["numpy==1.0", "packaging", np],
        req_map={"yaml": "PyYAML", "sklearn": "scikit-learn-intelex", "nowhere": "somewhere", json: "jsonlib"},
    ).changes()
    assert found == Changes(
        add=("numpy==1.0", "packaging", "numpy", "somewhere"),
        drop=("nowhere",),
        replace={"scikit-learn": "scikit-learn-intelex"},
    )


def test_packages_that_are_not_there_are_refused(session: AcumosSession, adder: Model, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.py is not there"):
        session.dump(adder, "adder", tmp_path, Requirements(scripts=[tmp_path / "missing.py"]))


def test_a_dump_is_a_package_with_its_licence(
    session: AcumosSession, adder: Model, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "unused.py").write_text("", encoding="utf-8")
    unused = Requirements(scripts=[tmp_path / "unused.py"])
    folder = session.dump(adder, "adder", tmp_path / "out", unused, options=Options(license="Mine alone."))
    assert folder == tmp_path / "out" / "adder"
    assert Package.read(folder).name == "adder"
    assert (folder / "LICENSE").read_bytes() == b"Mine alone.\n"
    assert "the model does not import unused" in caplog.text

    with pytest.raises(InputError, match="adder is there") as caught:
        session.dump(adder, "adder", tmp_path / "out")
    assert "replace=True" in caught.value.hint
    session.dump(adder, "adder", tmp_path / "out", replace=True)
    assert not (folder / "LICENSE").exists()


def test_a_zip_has_the_same_bytes_each_time(session: AcumosSession, adder: Model, tmp_path: Path) -> None:
    one = session.dump_zip(adder, "adder", tmp_path / "a" / "adder.zip")
    other = session.dump_zip(adder, "adder", tmp_path / "adder.zip")
    assert one.read_bytes() == other.read_bytes()
    with zipfile.ZipFile(one) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert Package.read(tmp_path / "unpacked").name == "adder"
    with pytest.raises(InputError, match=r"adder\.zip is there"):
        session.dump_zip(adder, "adder", other)


def test_a_push_says_what_it_does_not_do(
    session: AcumosSession, adder: Model, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    licence = tmp_path / "license.txt"
    licence.write_text("As one likes.", encoding="utf-8")
    options = Options(deploy=True, license=licence)
    pushed = session.push(adder, "adder", extra_headers={"a": "b"}, options=options)
    assert str(pushed).startswith("adder:latest@sha256:")
    for said in ("deploy=True does nothing", "extra_headers are not used"):
        assert said in caplog.text
    AcumosSession("https://acumos.example/push", settings=session._settings)
    assert "push_api='https://acumos.example/push' is not used" in caplog.text


def test_licences_are_texts_paths_or_objects(tmp_path: Path) -> None:
    file = tmp_path / "license.json"
    file.write_text("{}", encoding="utf-8")
    assert Options(license=str(file)).license_text() == b"{}"
    assert Options(license={"license": "mine"}).license_text() == b'{\n "license": "mine"\n}\n'
    assert Options().license_text() == b""
    with pytest.raises(InputError, match="cannot be read"):
        Options(license=tmp_path / "none.txt").license_text()
