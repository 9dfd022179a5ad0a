"""What went along only because it lay beside the code is shown by name and size."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.commands import Workplace

SOURCE = """\
from greetings import said

from modelport import Model


def greet(name: str) -> str:
    return f"{said()}, {name}"


model = Model(greet=greet)
"""


def test_pack_lists_the_data_in_the_code_by_name_and_size(workplace: Workplace) -> None:
    (workplace.folder / "greetings").mkdir()
    (workplace.folder / "greetings" / "__init__.py").write_text("def said():\n    return 'Hello'\n", "utf-8")
    (workplace.folder / "greetings" / "long.csv").write_bytes(bytes(2500))
    for number in range(22):
        (workplace.folder / "greetings" / f"words-{number:02d}.txt").write_text("Hello", "utf-8")
    (workplace.folder / "greetings" / "api_token.txt").write_text("private", "utf-8")
    (workplace.folder / "main.py").write_text(SOURCE, "utf-8")
    told = workplace.modelport("pack", "main.py", "--no-verify", check=True).stderr
    assert "data in code  code/greetings/long.csv (2.5 kB)\n" in told
    assert "code/greetings/words-18.txt (5 B)\n" in told
    assert "words-19" not in told
    assert "                and 3 more\n" in told
    assert "left out of the package's code: greetings/api_token.txt (its name is that of a secret)" in told
    listed = json.loads(workplace.modelport("pack", "main.py", "--no-verify", "--json", check=True).stdout)["code_data"]
    assert len(listed) == 23
    assert listed["code/greetings/long.csv"] == 2500
