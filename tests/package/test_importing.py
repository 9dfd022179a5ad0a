"""Packages are imported while other threads import: neither meets what the other changes."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from modelport.package.importing import import_as_it_lies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def hurried() -> Iterator[None]:
    """Let threads take turns a thousand times as often as they do."""
    before, places = sys.getswitchinterval(), set(sys.path_importer_cache)
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)
    for place in set(sys.path_importer_cache) - places:
        del sys.path_importer_cache[place]


@pytest.mark.usefixtures("hurried")
def test_packages_come_and_others_import_at_once(tmp_path: Path) -> None:
    failed: list[Exception] = []

    def again(work: Callable[[int], object]) -> None:
        try:
            for number in range(400):
                work(number)
        except Exception as error:  # noqa: BLE001 - whatever the thread met is what is asked
            failed.append(error)

    works: list[Callable[[int], object]] = [
        lambda number: import_as_it_lies(tmp_path / f"package-{number}"),
        lambda number: PathFinder.find_spec("nothing_here", [str(tmp_path / f"other-{number}")]),
    ]
    threads = [Thread(target=again, args=(work,)) for work in works * 2]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not failed
