"""What a licence allows, in one word: permissive is what is known to be, never what nobody looked at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.licenses import _spdx

from modelport.catalog.rules.licenses import COMMON
from modelport.catalog.terms import license_class

KNOWN = [license_["id"] for license_ in _spdx.LICENSES.values()]
CLASSES = ("permissive", "weak-copyleft", "copyleft", "restricted")
RESTRICTED = """
    PolyForm-Noncommercial-1.0.0 PolyForm-Small-Business-1.0.0 BUSL-1.1 SSPL-1.0 Elastic-2.0 Hippocratic-2.1 Aladdin
    JSON FSL-1.1-MIT SUL-1.0 C-UDA-1.0 CC-BY-NC-4.0 CC-BY-NC-SA-4.0 CC-BY-NC-ND-4.0 CC-BY-ND-4.0
    BSD-3-Clause-No-Military-License BSD-3-Clause-No-Nuclear-License LicenseRef-OpenRAIL-M LicenseRef-MIT Nobody-1.0
"""
COPYLEFT = """
    GPL-2.0-only GPL-3.0-or-later GPL-2.0+ AGPL-3.0-only OSL-3.0 EUPL-1.2 CC-BY-SA-4.0 ODbL-1.0 CDLA-Sharing-1.0
    GFDL-1.3-only CECILL-2.1 RPL-1.5 CERN-OHL-S-2.0 NPOSL-3.0 Parity-7.0.0 CPAL-1.0 Sleepycat copyleft-next-0.3.1
"""
WEAK = """
    LGPL-2.1-or-later LGPL-3.0-only MPL-2.0 EPL-2.0 CDDL-1.1 MS-PL MS-RL CECILL-C CERN-OHL-W-2.0 OFL-1.1 LPPL-1.3c
    CPL-1.0 IPL-1.0 APSL-2.0
"""
PERMISSIVE = """
    MIT MIT-0 mit Apache-2.0 Apache-2.0+ BSD-2-Clause BSD-3-Clause BSD-3-Clause-Clear ISC 0BSD Zlib BSL-1.0 Unlicense
    CC0-1.0 CC-BY-4.0 CC-BY-3.0-US PDDL-1.0 ODC-By-1.0 CDLA-Permissive-2.0 PSF-2.0 Python-2.0 NCSA AFL-3.0 ECL-2.0
    etalab-2.0 WTFPL Artistic-2.0 CECILL-B CERN-OHL-P-2.0 PostgreSQL UPL-1.0 MulanPSL-2.0 BlueOak-1.0.0
"""
CASES = [
    (one, name)
    for name, texts in zip(CLASSES, (PERMISSIVE, WEAK, COPYLEFT, RESTRICTED), strict=True)
    for one in texts.split()
]


@pytest.mark.parametrize(("expression", "expected"), CASES)
def test_a_licence_is_of_its_class(expression: str, expected: str) -> None:
    assert license_class(expression) == expected


@pytest.mark.parametrize("license_", COMMON)
def test_what_models_mostly_have_is_on_a_list(license_: str) -> None:
    # The only ones that are restricted are so by what they forbid.
    assert license_class(license_) != "restricted" or license_.startswith(("CC-BY-NC", "CC-BY-ND"))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT OR GPL-3.0-only", "permissive"),
        ("MIT AND GPL-3.0-only", "copyleft"),
        ("BUSL-1.1 OR MPL-2.0 AND MIT", "weak-copyleft"),
        ("MIT OR BUSL-1.1 AND ISC", "permissive"),
        ("(MIT OR BUSL-1.1) AND LGPL-3.0-only", "weak-copyleft"),
        ("MIT AND (GPL-2.0-only WITH Classpath-exception-2.0 OR (SSPL-1.0))", "copyleft"),
        ("Apache-2.0 WITH LLVM-exception AND CC-BY-NC-4.0", "restricted"),
        ("", "restricted"),
    ],
)
def test_of_alternatives_the_freest_counts_and_of_all_together_the_strictest(expression: str, expected: str) -> None:
    assert license_class(expression) == expected


@given(st.lists(st.sampled_from(KNOWN), min_size=1, max_size=5))
def test_no_alternative_makes_it_stricter_and_no_further_term_freer(licenses: list[str]) -> None:
    ranks = [CLASSES.index(license_class(one)) for one in licenses]
    assert CLASSES.index(license_class(" OR ".join(licenses))) == min(ranks)
    assert CLASSES.index(license_class(" AND ".join(f"({one})" for one in licenses))) == max(ranks)
