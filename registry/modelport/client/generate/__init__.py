"""Clients in other languages, made from a signature.

Python and TypeScript are written here, each as one file without dependencies (`python`, `typescript`): small, readable,
and in the names of the wire. For Java and Go a standard generator does as well; `recipes` writes its command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.client.generate.python import python_client
from modelport.client.generate.recipes import RECIPES, recipe
from modelport.client.generate.typescript import typescript_client

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelport.model.spec import ModelSpec

__all__ = ["LANGUAGES", "generate"]

_WRITTEN: Mapping[str, tuple[str, Callable[[ModelSpec, str, str], str]]] = {
    "python": ("_client.py", python_client),
    "typescript": ("_client.ts", typescript_client),
}
LANGUAGES = (*_WRITTEN, *RECIPES)


def generate(
    language: str, spec: ModelSpec, *, name: str, version: str, documents: Callable[[], Mapping[str, str]]
) -> dict[str, str]:
    """Return the files of a client, by name.

    Args:
        language: One of ``LANGUAGES``.
        spec: The signature.
        name: The model's name.
        version: The model's version; may be empty.
        documents: Gives ``model.proto`` and ``openapi.json``, for those languages that need them.
    """
    if language not in _WRITTEN:
        return recipe(language, spec, name, documents())
    ending, write = _WRITTEN[language]
    stem = "".join(c if c.isalnum() else "_" for c in name) or "model"
    return {f"{stem}{ending}": write(spec, name, version)}
