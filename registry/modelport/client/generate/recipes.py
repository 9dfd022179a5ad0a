"""Java and Go: standard generators serve there; this writes the commands that were tried, with the files they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.client.generate.words import filled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model.spec import ModelSpec

__all__ = ["RECIPES", "recipe"]

RECIPES = ("java", "go")


def recipe(language: str, spec: ModelSpec, name: str, documents: Mapping[str, str]) -> dict[str, str]:
    """Return the files for *language*: the given documents, and a README.md with the commands.

    Args:
        language: One of ``RECIPES``.
        spec: The signature.
        name: The model's name.
        documents: ``model.proto`` and ``openapi.json``, as the service has them.
    """
    method = spec.methods[0]
    parts = {
        "NAME": name, "METHOD": method.name, "INPUT": method.input, "OUTPUT": method.output,
        "PACKAGE": spec.proto_package,
    }  # fmt: skip
    files = {**documents, "README.md": filled(f"{language}.md", parts)}
    return files | ({"Call.java": filled("java.tmpl", parts)} if language == "java" else {})
