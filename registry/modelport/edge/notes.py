"""What a device writes down in its folder: the plan that holds, what it learned, what its server has not been told.

::

    <folder>/plan.json     the plan that holds
    <folder>/lessons.json  what was learned
    <folder>/reports.json  what was measured and not told yet; not there when all is told

Each is replaced in one step. What is damaged is set aside (`modelport.edge.mending`), and the device goes on without.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from modelport.edge.documents import DevicePlan, checked, read_document
from modelport.edge.mending import set_aside
from modelport.errors import FormatError, ModelportError
from modelport.oci.store.files import write_atomically
from modelport.oci.store.refusals import writing_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Notes"]

_LESSON: Final = re.compile(r"sha\d+:[0-9a-f]+ (device|server) [a-z]+( [^ ]+ \d{1,4})?")
_MOST: Final = 10**6


class Notes:
    """The documents in a device's folder.

    Args:
        folder: The folder, which is there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.plan, self.reports = folder / "plan.json", folder / "reports.json"
        self._lessons = folder / "lessons.json"

    def read_plan(self, wrong: list[str]) -> DevicePlan | None:
        """Return the plan that held last; None when there is none, or it is damaged, which is added to *wrong*."""
        if not self.plan.exists():
            return None
        try:
            return DevicePlan.read(read_document(self.plan, "edge-plan"), str(self.plan))
        except ModelportError as error:
            wrong.append(set_aside(self.plan, error.message))
            return None

    def write_plan(self, document: Mapping[str, Any]) -> None:
        """Keep the plan."""
        self._write(self.plan, document)

    def read_lessons(self) -> dict[str, Any]:
        """Return what was learned before, as far as that can be read: the rest can be learned again."""
        lessons = self._read(self._lessons)
        if lessons is None:
            return {}
        known = lessons if isinstance(lessons, dict) else {}
        good = {key: one for key, one in known.items() if _LESSON.fullmatch(key) and _is_spread(one)}
        if not isinstance(lessons, dict) or len(good) < len(known):
            odd = next((repr(key[:80]) for key in known if key not in good), "all of it")
            set_aside(self._lessons, f"{odd} is no time that was learned")
        return good

    def write_lessons(self, lessons: Mapping[str, Any]) -> None:
        """Keep what was learned."""
        self._write(self._lessons, {key: one for key, one in lessons.items() if one is not None})

    def read_reports(self) -> list[tuple[dict[str, Any], bool]]:
        """Return the batches that the server has not been told, and of each whether it was tried."""
        kept = self._read(self.reports)
        if kept is None:
            return []
        try:
            return [(checked(one["batch"], "edge-batch", "a batch"), bool(one["tried"])) for one in kept["batches"]]
        except (FormatError, KeyError, TypeError) as error:
            set_aside(self.reports, error.message if isinstance(error, FormatError) else "it holds no batches")
            return []

    def write_reports(self, batches: Sequence[tuple[Mapping[str, Any], bool]]) -> None:
        """Keep what the server has not been told; with nothing the file goes."""
        if batches:
            self._write(self.reports, {"batches": [{"tried": tried, "batch": one} for one, tried in batches]})
        else:
            with writing_file(self.reports):
                self.reports.unlink(missing_ok=True)

    def _read(self, file: Path) -> Any:  # noqa: ANN401 - whatever JSON holds; None where there is nothing
        try:
            return json.loads(file.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            set_aside(file, str(error) or type(error).__name__)
            return None

    def _write(self, file: Path, document: Mapping[str, Any]) -> None:
        content = json.dumps(document, indent=1).encode()
        with writing_file(file):
            write_atomically(file, content, scratch=self._folder)


def _is_spread(one: object) -> bool:
    if not isinstance(one, dict) or set(one) != {"mean", "sd", "n"}:
        return False
    seconds, n = (one["mean"], one["sd"]), one["n"]
    return type(n) is int and 0 < n <= _MOST and all(type(s) in (int, float) and 0 <= s <= _MOST for s in seconds)
