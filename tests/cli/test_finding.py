"""What a name on the command line finds: the store, a folder, an entry; and what is said where it finds nothing."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from tests.package.conftest import adder
from tests.support.commands import ROOT, Workplace

from modelport.oci import Layout
from modelport.package import pack
from modelport.package.store import keep_package

if TYPE_CHECKING:
    from pathlib import Path

ADD = ("add", '{"x": 1, "y": 2}')


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """Give a folder that holds a package, ``pulled``, of a model that the store does not have."""
    pack(adder(), "adder", tmp_path / "pulled", verify_in=None)
    return Workplace(tmp_path)


def test_a_folder_beside_needs_no_slash(place: Workplace) -> None:
    done = place.modelport("call", "pulled", *ADD, "--allow-code", check=True)
    assert done.stdout == '{"value": 3.0}\n'
    assert "pulled is not in the store: taking the folder ./pulled" in done.stderr
    assert place.modelport("show", "pulled", check=True).stdout.startswith("adder")


def test_a_folder_whose_name_is_none_of_a_model_is_found(place: Workplace) -> None:
    (place.folder / "pulled").rename(place.folder / "Pulled_Here")
    assert place.modelport("call", "Pulled_Here", *ADD, "--allow-code", check=True).stdout == '{"value": 3.0}\n'


def test_the_store_comes_first(place: Workplace, tmp_path: Path) -> None:
    other = pack(adder(), "pulled", tmp_path / "other", verify_in=None)
    keep_package(other, place.folder / "store", tags=["latest"])
    assert place.modelport("show", "pulled", check=True).stdout.startswith("pulled")


@pytest.mark.parametrize("command", [("call", "out/app", *ADD), ("show", "out/app"), ("push", "out/app", "a.b/c")])
def test_a_folder_that_is_not_there_is_said(place: Workplace, command: tuple[str, ...]) -> None:
    done = place.modelport(*command)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no folder out/app" in done.stderr


def test_push_takes_a_folder_beside_too(place: Workplace) -> None:
    done = place.modelport("push", "pulled", "localhost:1/models/adder")
    assert "pushing adder" in done.stderr


def test_an_entry_by_its_path_is_shown_and_not_called(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    entry = ROOT / "catalog/models/iris-forest"
    assert place.modelport("show", entry, check=True).stdout.startswith("iris-forest")
    done = place.modelport("call", entry, "classify", "{}")
    assert done.returncode == 1
    assert "is a catalog's entry, not a package" in done.stderr


def test_a_short_name_says_what_was_pulled_under_a_longer_one(place: Workplace) -> None:
    store = place.folder / "store"
    kept = keep_package(place.folder / "pulled", store)
    Layout(store).tag("registry.example/models/app:1", kept.index)
    done = place.modelport("call", "app", *ADD)
    assert done.returncode == 1
    assert "hint: registry.example/models/app:1 is there" in done.stderr


def test_a_list_outside_a_catalog_tells_of_the_store(place: Workplace) -> None:
    done = place.modelport("list")
    assert (done.returncode, done.stdout) == (1, "")
    assert "modelport store list" in done.stderr


def test_a_busy_port_is_said_before_anything_is_made(place: Workplace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        done = place.modelport("serve", "pulled", "--allow-code", "--port", str(busy.getsockname()[1]))
    assert (done.returncode, done.stdout) == (1, "")
    assert "Address already in use" in done.stderr
    assert "making the clean environment" not in done.stderr
    assert "pulled" not in done.stderr


@pytest.mark.parametrize("given", ["hello.py", "./hello.py", "hello.py:model", "tree.skops"])
@pytest.mark.parametrize("command", [("serve",), ("call",), ("show",)])
def test_a_file_that_is_not_packed_yet_is_said_with_the_way_to_pack_it(
    tmp_path: Path, command: tuple[str, ...], given: str
) -> None:
    for name in ("hello.py", "tree.skops"):
        (tmp_path / name).touch()
    done = Workplace(tmp_path).modelport(*command, given, *(ADD if command == ("call",) else ()))
    assert (done.returncode, done.stdout) == (1, "")
    assert "is a file, not a package" in done.stderr
    assert f"pack it first: modelport pack {given}" in done.stderr
