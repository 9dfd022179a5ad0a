"""The service does what its OpenAPI document says, as schemathesis judges it."""

from __future__ import annotations

import pytest
from tests.serve.judging import CASES, judge


@pytest.mark.parametrize("name", ["kinds", "every"])
def test_a_service_does_what_its_document_says(name: str, request: pytest.FixtureRequest) -> None:
    service, methods = request.getfixturevalue(name), {"kinds": 6, "every": 4}[name]
    # The Open Inference Protocol's door is the same for any signature: once is enough.
    doors = ["--exclude-path-regex", "^/v2"] if name == "every" else []
    counted = judge(str(service.client.base_url), CASES, *doors)
    assert counted["operations"] >= methods + 5
    assert counted["cases"] >= methods * CASES
