"""Licences: expressions over the SPDX licence list (SPDX 2.3, annex D), as ``packaging`` knows it."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from modelport.catalog.document import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.catalog.document import Document, Path
    from modelport.catalog.problem import Problem

__all__ = ["COMMON", "check_licenses", "nearest_license"]

COMMON = (
    "0BSD", "AFL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause",
    "BSD-3-Clause", "BSL-1.0", "CC-BY-4.0", "CC-BY-3.0", "CC-BY-NC-4.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-SA-4.0",
    "CC-BY-ND-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC0-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0",
    "CDLA-Sharing-1.0", "ECL-2.0", "EPL-2.0", "EUPL-1.2", "GFDL-1.3-only", "GPL-2.0-only", "GPL-2.0-or-later",
    "GPL-3.0-only", "GPL-3.0-or-later", "ISC", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only",
    "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0", "MS-PL", "NCSA", "ODC-By-1.0", "ODbL-1.0", "OFL-1.1", "OSL-3.0",
    "PDDL-1.0", "PSF-2.0", "Python-2.0", "Unlicense", "WTFPL", "Zlib", "etalab-2.0",
)  # fmt: skip
"""The licences that models, code and data mostly have: what a misspelt one may have meant."""

_OPERATORS = {"AND", "OR", "WITH"}
_NOISE = re.compile(r"\b(?:the|licen[cs]e|version|public|v)\b|v(?=[0-9])|[^a-z0-9]")


def check_licenses(model: Document) -> Iterator[Problem]:
    """Yield a problem for each licence in ``model.yaml`` that is not an SPDX expression, or is spelt otherwise."""
    given = model.value.get("license", {})
    parts = {(): given} if isinstance(given, str) else {(part,): text for part, text in given.items()}
    licenses: dict[Path, str] = {("license", *part): text for part, text in parts.items()}
    for place, data in enumerate(model.value.get("training_data", ())):
        if "license" in data:
            licenses["training_data", place, "license"] = data["license"]
    for path, text in licenses.items():
        try:
            canonical = canonicalize_license_expression(text)
        except InvalidLicenseExpression:
            message = f"{shown(text)} is not an SPDX licence expression"
            yield model.problem(path, message, hint=nearest_license(text), rule="license")
        else:
            if canonical != text:
                message = f"{shown(text)} is not the canonical spelling"
                yield model.problem(path, message, hint=f"write {canonical}", rule="license")


def nearest_license(text: str) -> str:
    """Return a hint: the licence that *text* may mean, or where the licences are listed."""
    words = re.findall(r"[A-Za-z0-9.+-]+", text)
    if _OPERATORS & set(words):
        text = next((w for w in words if w not in _OPERATORS and not _is_known(w)), text)
    keys = {_key(name): name for name in reversed(COMMON)}
    keys |= {key.removesuffix("only").removesuffix("0"): name for key, name in keys.items() if key.endswith("only")}
    near = difflib.get_close_matches(_key(text[:80]), keys, n=1, cutoff=0.7)
    if near:
        return f"did you mean {keys[near[0]]}?"
    return "take an identifier of https://spdx.org/licenses/, or LicenseRef-NAME for a licence that is not there"


def _key(text: str) -> str:
    return _NOISE.sub("", text.lower())


def _is_known(word: str) -> bool:
    try:
        canonicalize_license_expression(word)
    except InvalidLicenseExpression:
        return False
    return True
