"""How ``show`` tells what a model takes and gives."""

from __future__ import annotations

from typing import Any

from tests.support.every_kind import signature

from modelport.cli.interface import interface_lines

SIGNATURE = signature().to_json()


def test_units_ranges_defaults_choices_and_words_are_told() -> None:
    example = {"method": "fold", "input": {"text": "a"}, "output": {"text": "a"}}
    lines = list(interface_lines(SIGNATURE, [example], [{"method": "sort", "rows": 6}]))
    text = "\n".join(lines)
    for line in (
        "describe: Say what a leaf is like.",
        "  takes colour                   one of red, green, blue",
        "                                 Seen in daylight.",
        "  takes width                    double (cm), 0 to 10, default 5",
        "  takes parts.share              double (%), at least 0",
        "  gives photo                    optional bytes, image/png or image/jpeg",
        "  takes petal                    column of double (cm), 0 to 10",
        "  rows are independent (shown by 6 rows), so calls can be batched",
        '  example {"text": "a"}',
    ):
        assert line in lines, text
    assert max(map(len, lines)) <= 100
    assert text.count("rows are independent") == 1


def test_messages_that_hold_themselves_come_to_an_end() -> None:
    field: dict[str, Any] = {"name": "m", "type": {"optional": {"message": "M"}}}
    message = {"name": "M", "fields": [field]}
    method = {"name": "f", "input": "M", "output": "Empty"}
    signature = {"methods": [method], "messages": [message, {"name": "Empty", "fields": []}]}
    lines = list(interface_lines(signature, (), ()))
    assert [line.split()[1] for line in lines[1:-1]] == ["m", "m.m", "m.m.m", "m.m.m.m", "m.m.m.m.m"]
    assert lines[-1] == "  gives nothing"
