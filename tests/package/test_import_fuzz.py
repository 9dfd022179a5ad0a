"""Whatever a source says: it is refused with a reason, or its entry passes every check."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from tests.model.strategies import json_documents
from tests.package.acumos_bundles import metadata, write_bundle
from tests.package.onnx_files import GOOD

from modelport.catalog import check_all
from modelport.catalog.scaffold import facts_of_package, scaffold
from modelport.errors import FormatError, ModelportError
from modelport.package.importers import import_model
from modelport.package.importers.licenses import spdx
from modelport.package.state.safetensors import write_tensors

if TYPE_CHECKING:
    from modelport.package.importers.found import Imported

_WORDS = st.text(max_size=300) | st.sampled_from(
    ["", "TODO", "a\nb", "\u202e", "'\"#: {", "apache-2.0", "LicenseRef-x"]
)


def checked(found: Imported, folder: Path) -> list[str]:
    """Return what is wrong with the entry that is made of *found*."""
    facts: dict[str, Any] = {}
    methods = ""
    if found.signature:
        facts, methods = facts_of_package(found.signature, found.origin.get("requirements", ()), ())
    known = {**facts, **found.known, "imported": found.origin}
    entry = folder / "entries" / found.name
    entry.mkdir(parents=True)
    for name, text in scaffold(found.name, known, recipe=False, methods=methods + found.card).items():
        (entry / name).write_text(text, encoding="utf-8")
    return [str(one) for one in check_all([entry]).problems]


@st.composite
def changed(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """Return *document* with some of its values, at any depth, put in other ones' places."""
    made: dict[str, Any] = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 3))):
        inner: Any = made
        while isinstance(inner, dict | list) and inner:
            key = draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else list(range(len(inner)))))
            if not isinstance(inner[key], dict | list) or draw(st.integers(0, 3)) == 0:
                inner[key] = draw(_WORDS | json_documents)
                break
            inner = inner[key]
    return made


@given(
    changed(metadata("0.9.4")) | changed(metadata("0.8.0")),
    json_documents
    | st.fixed_dictionaries({"license": _WORDS})
    | st.fixed_dictionaries({"copyright": json_documents | st.fixed_dictionaries({"company": json_documents})}),
)
def test_an_acumos_bundle(document: dict[str, Any], terms: object) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        said, licence = json.dumps(document), json.dumps(terms)
        place, marker = Path(scratch) / "bundle", Path(scratch) / "touched"
        bundle = write_bundle(place, "0.8.0", marker, metadata_json=said, license_json=licence)
        try:
            found = import_model("acumos", bundle)
        except FormatError as error:
            assert error.message.startswith(str(bundle))  # noqa: PT017 - either is right
        else:
            assert checked(found, Path(scratch)) == []
        assert not (Path(scratch) / "touched").exists()


_MATTER = st.fixed_dictionaries(
    {},
    optional={
        key: _WORDS | st.lists(_WORDS, max_size=3) | json_documents
        for key in (
            "license", "license_name", "license_link", "tags", "language", "datasets", "base_model",
            "base_model_relation", "pipeline_tag", "library_name", "model-index",
        )
    },
)  # fmt: skip


_STARTS = st.sampled_from(
    [b"", b"c", b"(", b"\x93NUMPY\1\0v\0{'descr': ", b"PK\3\4", (50).to_bytes(8, "little") + b"{"]
)


@given(_MATTER, _WORDS, json_documents, st.builds(bytes.__add__, _STARTS, st.binary(max_size=100)))
def test_a_folder_of_the_hub(matter: dict[str, Any], prose: str, config: object, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "folder"
        folder.mkdir()
        text = f"---\n{json.dumps(matter)}\n---\n# {prose}\n\n{prose}"
        (folder / "README.md").write_bytes(text.encode("utf-8", "replace"))
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        write_tensors(folder / "model.safetensors", {}, {})
        (folder / "other.safetensors").write_bytes(content)
        (folder / "data").write_bytes(content)
        try:
            found = import_model("huggingface-folder", folder)
        except FormatError as error:
            assert error.message.startswith(str(folder))  # noqa: PT017 - either is right
        else:
            assert checked(found, Path(scratch)) == []


@given(json_documents, json_documents, json_documents)
def test_an_mlflow_folder(document: object, signature: object, flavour: object) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "folder"
        folder.mkdir()
        said = {"flavors": {"sklearn": flavour, "onnx": flavour}, "signature": signature, "mlflow_version": document}
        (folder / "MLmodel").write_text(json.dumps(said), encoding="utf-8")
        try:
            import_model("mlflow", folder)
        except ModelportError as error:
            assert error.message  # noqa: PT017 - there is no model in it


_NUMBERS = st.lists(st.floats() | st.integers() | _WORDS, max_size=4)
_EXAMPLES = (
    json_documents
    | st.fixed_dictionaries({"columns": st.lists(_WORDS, max_size=3), "data": st.lists(_NUMBERS, max_size=3)})
    | st.dictionaries(st.sampled_from("xyz"), _NUMBERS | st.lists(_NUMBERS, max_size=3), max_size=3)
)


@given(
    _EXAMPLES
    | st.dictionaries(st.sampled_from(["inputs", "instances", "dataframe_split"]), _EXAMPLES, min_size=1)
    | st.fixed_dictionaries({"instances": st.lists(st.dictionaries(st.sampled_from("xy"), _NUMBERS), max_size=3)})
)
def test_the_example_of_an_mlflow_folder(example: object) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "folder"
        folder.mkdir()
        info = {"artifact_path": "example.json"}
        said = {"flavors": {"onnx": {"data": "model.onnx"}}, "saved_input_example_info": info}
        (folder / "MLmodel").write_text(json.dumps(said), encoding="utf-8")
        (folder / "model.onnx").write_bytes(GOOD)
        (folder / "example.json").write_text(json.dumps(example), encoding="utf-8")
        found = import_model("mlflow", folder)
        assert found.model is not None
        assert bool(found.model.examples) != ("## Its input example is left out" in found.card)


@given(_WORDS | json_documents)
def test_any_licence_becomes_an_expression_that_stays_what_it_is(said: object) -> None:
    assert spdx(spdx(said)) == spdx(said)
