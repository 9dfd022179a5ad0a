"""What a device writes down in its folder: the plan that holds, what it learned, what its server has not been told.

::

    <folder>/plan.json     the plan that holds
    <folder>/lessons.json  what was learned
    <folder>/reports.json  what was measured and not told yet; not there when all is told

    <folder>/.held         locked by the runtime that has the folder

Each is replaced in one step. What is damaged is set aside (`modelport.edge.mending`), and the device goes on without.
What only cannot be read now stays as it is. One runtime at a time has the folder: two would tell the server the same.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import re
from typing import TYPE_CHECKING, Any, Final

from modelport.edge.documents import DevicePlan, checked, read_document
from modelport.edge.mending import set_aside
from modelport.errors import FormatError, InputError, NotFoundError, SetupError
from modelport.oci.store.files import open_own, try_lock, write_atomically
from modelport.oci.store.refusals import writing_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from io import FileIO
    from pathlib import Path

__all__ = ["Notes"]

log = logging.getLogger(__name__)

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
        self._unread: set[Path] = set()
        self._held: FileIO | None = None

    def hold(self) -> None:
        """Have the folder alone until `release`, as far as its disk lets that be said.

        Raises:
            InputError: Another runtime has it, of this process or of another one.
        """
        place = self._folder / ".held"
        try:
            self._held = open_own(place)
            is_ours = try_lock(self._held)
        except OSError as error:  # who may not write here changes nothing
            log.warning("%s: nobody can see that this runtime has the folder: %s", place, error.strerror)
            return
        if not is_ours:
            self._held.close()
            raise InputError(
                f"another runtime has the folder {self._folder}",
                hint="close it before; threads share one runtime, and each process has a folder of its own",
            )

    def release(self) -> None:
        """Leave the folder to others."""
        if self._held is not None and not self._held.closed:
            fcntl.flock(self._held, fcntl.LOCK_UN)  # else a process that was forked meanwhile has it on
            self._held.close()

    def read_plan(self, wrong: list[str]) -> DevicePlan | None:
        """Return the plan that held last; None when there is none, or it is damaged, which is added to *wrong*.

        Raises:
            SetupError: The system refuses to read it.
        """
        try:
            return DevicePlan.read(read_document(self.plan, "edge-plan"), str(self.plan))
        except NotFoundError:
            return None
        except (FormatError, SetupError) as error:
            if isinstance(error, SetupError) and not _is_damage(error.__cause__):
                raise
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
        elif self.reports not in self._unread:
            with writing_file(self.reports):
                self.reports.unlink(missing_ok=True)

    def _read(self, file: Path) -> Any:  # noqa: ANN401 - whatever JSON holds; None where there is nothing
        try:
            return json.loads(file.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            if _is_damage(error):
                set_aside(file, str(error))
            else:
                self._unread.add(file)
                log.warning("%s cannot be read now (%s): it is left as it is", file, error.strerror)
        except (ValueError, RecursionError) as error:
            set_aside(file, str(error) or type(error).__name__)
        return None

    def _write(self, file: Path, document: Mapping[str, Any]) -> None:
        if file in self._unread:
            raise SetupError(f"{file} could not be read, and is left as it is", hint="see to it, and open again")
        content = json.dumps(document, indent=1).encode()
        with writing_file(file):
            write_atomically(file, content, scratch=self._folder)


def _is_damage(error: BaseException | None) -> bool:
    """Tell whether it is the disk that cannot read what it has, which it will not be able to tomorrow."""
    return isinstance(error, OSError) and error.errno == errno.EIO


def _is_spread(one: object) -> bool:
    if not isinstance(one, dict) or set(one) != {"mean", "sd", "n"}:
        return False
    seconds, n = (one["mean"], one["sd"]), one["n"]
    return type(n) is int and 0 < n <= _MOST and all(type(s) in (int, float) and 0 <= s <= _MOST for s in seconds)
