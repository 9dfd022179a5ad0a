"""What strangers call their licences -> SPDX (the licence list of spdx.org, as ``packaging`` knows it)."""

from __future__ import annotations

import re

from modelport.package.importers.words import one_line

__all__ = ["UNKNOWN", "spdx"]

UNKNOWN = "LicenseRef-TODO"
"""What an entry says until somebody has looked."""

_OTHER_NAMES = {
    "afl-3.0": "AFL-3.0", "agpl-3.0": "AGPL-3.0-only", "apache": "Apache-2.0", "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0", "apache license, version 2.0": "Apache-2.0",
    "bsd": "BSD-3-Clause", "cc0": "CC0-1.0", "cc-by-2.0": "CC-BY-2.0", "gpl": "GPL-1.0-or-later",
    "gpl-2.0": "GPL-2.0-only", "gpl-3.0": "GPL-3.0-only", "gfdl": "GFDL-1.1-or-later", "lgpl": "LGPL-2.0-or-later",
    "lgpl-2.1": "LGPL-2.1-only", "lgpl-3.0": "LGPL-3.0-only", "lgpl-lr": "LGPLLR", "mit license": "MIT",
    "odbl": "ODbL-1.0", "pddl": "PDDL-1.0", "the mit license": "MIT", "wtfpl": "WTFPL", "zlib": "Zlib",
}  # fmt: skip
_TEXTS = (
    (r"\s*(the )?mit license\b", "MIT"),
    (r"\s*apache license\s+version 2\.0", "Apache-2.0"),
    (r"\s*gnu general public license\s+version 3", "GPL-3.0-only"),
    (r"\s*mozilla public license,? version 2\.0", "MPL-2.0"),
    (r"\s*bsd 3-clause license", "BSD-3-Clause"),
    (r"\s*bsd 2-clause license", "BSD-2-Clause"),
)
_LONGEST = 200  # characters of an expression, as the entry's schema has it
_NONE = {"other", "unknown", "none", "proprietary", ""}


def spdx(said: object) -> str:
    """Return the SPDX expression for what a source says of its licence: an identifier, a name, or the text itself.

    A name that SPDX does not have becomes ``LicenseRef-NAME``; what says nothing, or is another text, is
    :data:`UNKNOWN`.
    """
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    words = one_line(said, _LONGEST)
    known = _OTHER_NAMES.get(words.lower())
    if known:
        return known
    if words.lower() in _NONE:
        return UNKNOWN
    try:
        found = str(canonicalize_license_expression(words))
    except InvalidLicenseExpression:
        found = ""
    if found:
        return found if len(found) <= _LONGEST else UNKNOWN
    if isinstance(said, str):
        for pattern, name in _TEXTS:
            if re.match(pattern, said[:2000], re.IGNORECASE):
                return name
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,40}", words):
        return f"LicenseRef-{re.sub(r'[^A-Za-z0-9.-]', '-', words)}"
    return UNKNOWN
