from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.licenses import canonicalize_license_expression

from modelport.catalog.rules.licenses import COMMON, nearest_license


@pytest.mark.parametrize("name", COMMON)
def test_every_suggestion_is_in_the_spdx_list(name: str) -> None:
    assert canonicalize_license_expression(name) == name


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Apache 2.0", "Apache-2.0"), ("Apache License, Version 2.0", "Apache-2.0"), ("apache2", "Apache-2.0"),
        ("The MIT License", "MIT"), ("BSD 3 Clause", "BSD-3-Clause"), ("GPLv3", "GPL-3.0-only"),
        ("CC BY 4.0", "CC-BY-4.0"), ("CC0", "CC0-1.0"), ("MIT OR Apache2", "Apache-2.0"), ("MPL 2", "MPL-2.0"),
        ("AGPL3", "AGPL-3.0-only"),
    ],
)  # fmt: skip
def test_what_people_write_is_understood(text: str, meant: str) -> None:
    assert nearest_license(text) == f"did you mean {meant}?"


@given(st.text(max_size=300))
def test_there_is_always_a_way_out(text: str) -> None:
    assert nearest_license(text)
