"""What commands take from a catalog's entry: the licence, as one expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelport.cli.entry import entry_of, license_of
from modelport.settings import load_settings

if TYPE_CHECKING:
    from modelport.settings import Settings


@pytest.fixture
def settings() -> Settings:
    return load_settings()


@pytest.mark.parametrize(
    ("said", "expression"),
    [
        ({}, ""),
        ({"weights": "MIT"}, "MIT"),
        ({"weights": "MIT", "code": "MIT", "data": "CC-BY-4.0"}, "MIT"),
        ({"weights": "MIT OR Apache-2.0", "code": "MIT OR Apache-2.0"}, "MIT OR Apache-2.0"),
        ({"weights": "OpenRAIL", "code": "MIT OR Apache-2.0"}, "(MIT OR Apache-2.0) AND OpenRAIL"),
    ],
)
def test_the_licence_covers_weights_and_code(said: dict[str, str], expression: str) -> None:
    assert license_of({"license": said} if said else {}) == expression


def test_the_catalog_knows_its_models_and_no_others(settings: Settings) -> None:
    assert license_of(entry_of("iris-forest", settings)) == "Apache-2.0"
    assert entry_of("nobody-knows", settings) == {}
