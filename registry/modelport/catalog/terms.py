"""What a licence allows, in one word, by lists of SPDX identifiers.

Permissive is a list of what is known to be, not what is left over: a licence that nobody looked at must not be found
by who filters for one that lets them do anything.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["license_class"]

_CLASSES = ("permissive", "weak-copyleft", "copyleft", "restricted")
"""From the freest to the strictest."""

_LISTS = {
    # Before all others: their names look like those of freer ones.
    "restricted": """
        BSD-3-Clause-No-Military-License BSD-3-Clause-No-Nuclear-License BSD-3-Clause-No-Nuclear-License-2014
        CC-BY-NC-* CC-BY-ND-*
    """,
    # Of what is derived from it, some or all that is passed on (or run for others) is under the same terms.
    "copyleft": """
        AGPL-* BSD-Protection CAL-1.0* CC-BY-SA-* CC-SA-* CDLA-Sharing-* CECILL-1.* CECILL-2.* CERN-OHL-1.*
        CERN-OHL-S-2.0 copyleft-next-* CPAL-1.0 D-FSL-1.0 EUPL-* GFDL-* GPL-* IPA LAL-* LiLiQ-Rplus-1.1
        Linux-man-pages-copyleft* NGPL NPOSL-3.0 ODbL-* OSL-* Parity-* QPL-1.0* RPL-* SimPL-2.0 Sleepycat
        TAPR-OHL-1.0 TGPPL-1.0
    """,
    # Only its own files, or the work itself, stay under the same terms; what uses it need not.
    "weak-copyleft": """
        APSL-2.0 BitTorrent-1.1 CATOSL-1.1 CDDL-* CECILL-C CERN-OHL-W-2.0 CPL-1.0 CUA-OPL-1.0 eCos-2.0 EPL-* ErlPL-1.1
        IPL-1.0 LGPL-* LGPLLR LiLiQ-R-1.1 LPPL-* Motosoto MPL-* MS-PL MS-RL NASA-1.3 Nokia NPL-* OCCT-PL OFL-* SPL-1.0
        wxWindows
    """,
    # Keep the notices, name who made it, say what was changed; or not even that.
    "permissive": """
        0BSD AFL-* Apache-* Artistic-2.0 Beerware blessing BlueOak-1.0.0 Boehm-GC* BSD-* BSL-1.0 bzip2-* CC-BY-[1-9]*
        CC-PDDC CC-PDM-1.0 CC0-1.0 CDLA-Permissive-* CECILL-B CERN-OHL-P-2.0 CNRI-Python COIL-1.0 Community-Spec-1.0
        curl DL-DE-BY-2.0 DL-DE-ZERO-2.0 ECL-* EFL-2.0 etalab-2.0 FreeBSD-DOC FSFAP* FTL HDF5 HPND* ICU IJG IJG-short
        ImageMagick ISC ISC-Veillard Libpng libpng-2.0 libtiff LiLiQ-P-1.1 Minpack MIT MIT-* MITNFA mpich2 MulanPSL-*
        NCGL-UK-2.0 NCSA NIST-PD* NIST-Software NLOD-* NTP NTP-0 O-UDA-1.0 ODC-By-1.0 OGDL-Taiwan-1.0 OGL-Canada-2.0
        OGL-UK-* OLDAP-2.* OpenSSL OpenSSL-standalone PDDL-1.0 PHP-* PostgreSQL PSF-2.0 Python-2.0* SGI-B-2.0 SMLNJ
        SSH-OpenSSH StandardML-NJ TCL UCAR Unicode-3.0 Unicode-DFS-* Unlicense* UPL-1.0 W3C* WTFPL X11* XFree86-1.1
        Xnet Zend-2.0 Zlib zlib-acknowledgement ZPL-2.*
    """,
}
_TOKEN = re.compile(r"[()]|[^\s()]+")


def license_class(expression: str) -> str:
    """Return permissive, weak-copyleft, copyleft or restricted: the terms of an SPDX expression in one word.

    Restricted is what forbids a use (no commerce, no derivatives), and what is on no list here. Of alternatives (OR)
    the freest counts, of terms that hold together (AND) the strictest; an exception (WITH) only adds freedom, and does
    not count.
    """
    # AND binds closer than OR (SPDX 2.3, annex D.4.5).
    tokens = iter([*_TOKEN.findall(expression), ")"])
    return _CLASSES[_any_of(tokens)]


def _any_of(tokens: Iterator[str]) -> int:
    """Return the rank of what stands before the next closing bracket."""
    alternatives: list[int] = []
    together: list[int] = []
    for token in tokens:
        match token.upper():
            case ")":
                break
            case "(":
                together.append(_any_of(tokens))
            case "OR":
                alternatives.append(_strictest(together))
                together = []
            case "WITH":
                next(tokens, None)
            case "AND":
                pass
            case _:
                together.append(_rank(token))
    return min([*alternatives, _strictest(together)])


def _strictest(ranks: list[int]) -> int:
    return max(ranks, default=_CLASSES.index("restricted"))


def _rank(identifier: str) -> int:
    bare = identifier.removesuffix("+").lower()
    found = next((name for name, known in _patterns().items() if known.fullmatch(bare)), "restricted")
    return _CLASSES.index(found)


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    """Return what the lists match: ``*`` stands for any ending."""
    return {
        name: re.compile("|".join(word.lower().replace(".", r"\.").replace("*", ".*") for word in words.split()))
        for name, words in _LISTS.items()
    }
