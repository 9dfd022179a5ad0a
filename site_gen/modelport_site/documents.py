"""The input: the JSON API documents of a catalog, checked for what the pages rely on.

The documents are published as they are under ``/api/v1``; the pages are made from the same values, so that the two
cannot disagree. Their parts are what the entry's schemas say, so those schemas judge them here, too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.edge.profiles import usable_variants
from modelport.errors import FormatError
from modelport.schema import validator
from modelport.types import Name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["CatalogDocuments", "check_model", "to_json"]

_INDEX_SCHEMA, _MODEL_SCHEMA = "modelport/api-index/2", "modelport/api-model/2"
_ADDED = {"schema", "card", "recipe", "versions", "latest", "variants"}
"""What a model's document has besides the fields of model.yaml."""
_USABLE = {"digest", "runtime", "size"}
"""What a variant that can be used says."""


@dataclass(frozen=True, slots=True)
class CatalogDocuments:
    """The index document of a catalog and the document of each model, ordered by name."""

    index: Mapping[str, Any]
    models: tuple[Mapping[str, Any], ...]
    devices: Mapping[str, Mapping[str, Any]]
    """The profiles of devices by name, ordered by title."""
    networks: Mapping[str, Mapping[str, Any]]
    """The profiles of networks in the same way."""

    @classmethod
    def parse(
        cls,
        index: Mapping[str, Any],
        models: Iterable[Mapping[str, Any]],
        devices: Mapping[str, Mapping[str, Any]] | None = None,
        networks: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> CatalogDocuments:
        """Put the documents in order; each model's own content is checked later, by :func:`check_model`.

        Raises:
            FormatError: A document is of another kind, a name is no name or comes twice, the index and the models
                disagree, or a profile breaks its schema.
        """
        listed = tuple(models)
        kinds = {str(document.get("schema")) for document in listed} | {_MODEL_SCHEMA}
        if index.get("schema") != _INDEX_SCHEMA or kinds != {_MODEL_SCHEMA}:
            raise FormatError(
                f"these are not the documents of a catalog but {index.get('schema')} and {', '.join(sorted(kinds))}",
                hint=f"give a document of {_INDEX_SCHEMA} and documents of {_MODEL_SCHEMA}",
            )
        names = sorted(str(Name.parse(str(model.get("name")))) for model in listed)
        rows = sorted(str(row["name"]) for row in index["models"])
        if names != rows or len(names) != len(set(names)):
            raise FormatError(
                f"the index lists {', '.join(rows) or 'nothing'} and the models are {', '.join(names) or 'none'}",
                hint="make both from the same entries",
            )
        ordered = tuple(sorted(listed, key=lambda model: str(model["name"])))
        return cls(index, ordered, _profiles("device", devices or {}), _profiles("network", networks or {}))

    @property
    def rows(self) -> dict[str, Mapping[str, Any]]:
        """The index's row of each model by name: those in use first, then drafts, then those to avoid; then by name."""
        ordered = sorted(self.index["models"], key=lambda row: (_rank(row), str(row["name"])))
        return {row["name"]: row for row in ordered}

    @property
    def downloads(self) -> dict[str, int]:
        """The bytes of the smallest variant of each model's latest version, as a download; of those that have some."""
        found = {
            model["name"]: [one.get("download", one["size"]) for one in usable_variants(model)]
            for model in self.models
            if model["latest"]
        }
        return {name: min(sizes) for name, sizes in found.items() if sizes}


def check_model(model: Mapping[str, Any]) -> None:
    """Check a model's document with the schemas of its entry.

    Raises:
        FormatError: It breaks them; every problem is in the message.
    """
    said = {key: value for key, value in model.items() if key not in _ADDED}
    problems = _problems("model", {"schema": "modelport/model/2", **said}, "")
    if not isinstance(model.get("card"), str) or not isinstance(model.get("recipe"), bool):
        problems.append("card is not a text, or recipe not true or false")
    versions = model.get("versions", [])
    for number, version in enumerate(versions):
        problems += _problems("version", {"schema": "modelport/version/2", **version}, f"versions.{number}.")
    for number, one in enumerate(model.get("variants", ())):
        said = {"schema": "modelport/variants/1", **{key: value for key, value in one.items() if key != "version"}}
        problems += _problems("variants", said, f"variants.{number}.")
        usable = [each for each in one.get("variants", ()) if each.get("status") == "ok"]
        problems += [
            f"variants.{number}: {each.get('name')} has no {key}" for each in usable for key in _USABLE - set(each)
        ]
    if model.get("latest") not in {None, *(version.get("version") for version in versions)}:
        problems.append(f"latest: there is no version {model.get('latest')}")
    if problems:
        raise FormatError(f"the document of {model['name']} cannot be shown: {'; '.join(problems)}")


def to_json(document: object) -> bytes:
    """Return JSON whose bytes depend on the content alone.

    Raises:
        FormatError: A number in it is not finite, which JSON cannot say.
    """
    try:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode() + b"\n"
    except ValueError as error:  # UnicodeEncodeError, of a lone surrogate, is one
        raise FormatError(f"a document cannot be written as JSON: {error}") from error


def _profiles(kind: str, found: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    problems: list[str] = []
    for name, profile in found.items():
        Name.parse(name)  # it becomes part of an address
        problems += _problems(kind, {"schema": f"modelport/{kind}/1", **profile}, f"{name}: ")
    if problems:
        raise FormatError(f"a {kind} cannot be shown: {'; '.join(problems)}")
    return dict(sorted(found.items(), key=lambda one: (str(one[1]["title"]).lower(), one[0])))


def _rank(row: Mapping[str, Any]) -> int:
    if row["lifecycle"] in {"deprecated", "yanked"}:
        return 2
    return 0 if row["latest"] and row["lifecycle"] == "published" else 1


def _problems(schema: str, document: dict[str, Any], where: str) -> list[str]:
    return [
        f"{where}{'.'.join(map(str, error.absolute_path)) or '(top)'}: {error.message[:200]}"
        for error in validator(schema).iter_errors(document)
    ]
