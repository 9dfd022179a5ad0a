"""The user's own modules: which files go along, and whose imports count."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.package.installing import install, python

from modelport.errors import PackError
from modelport.package.imports import follow_imports
from modelport.package.modules import beside
from modelport.package.own import LARGEST, own_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")


@contextmanager
def project(folder: Path, files: dict[str, str]) -> Iterator[None]:
    """Write the files of modules; they can be imported until the context ends."""
    write(folder, files)
    with beside(folder):
        yield


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ("import own_a", {"numpy": {"own_a/__init__"}}),
        ("import own_a.b", {"numpy": {"own_a/__init__"}, "yaml": {"own_a/b"}, "json": {"own_a/c"}}),
        ("from own_a import b", {"numpy": {"own_a/__init__"}, "yaml": {"own_a/b"}, "json": {"own_a/c"}}),
        ("from own_a.b import x", {"numpy": {"own_a/__init__"}, "yaml": {"own_a/b"}, "json": {"own_a/c"}}),
        ("import own_single", {"skops": {"own_single"}}),
        ("from own_a.inner import *", {"numpy": {"own_a/__init__"}, "httpx": {"own_a/inner/d"}}),
        ("import own_open", {"pkgutil.iter_modules": {"own_open/__init__"}, "h11": {"own_open/plugins/one"}}),
    ],
)
def test_imports_count_where_they_are_reached(source: str, needed: dict[str, set[str]], tmp_path: Path) -> None:
    files = {
        "own_a/__init__.py": "import numpy",
        "own_a/b.py": "import yaml\nfrom .c import y\nx = 1",
        "own_a/c.py": "import json\ny = 1",
        "own_a/inner/__init__.py": "",
        "own_a/inner/d.py": "import httpx",
        "own_a/tests/test_a.py": "import pytest",
        "own_a/broken.py": "this is no Python",
        "own_single.py": "def late():\n    import skops",
        "own_open/__init__.py": "from pkgutil import iter_modules\n\nfound = list(iter_modules(__path__))",
        "own_open/plugins/one.py": "import h11",
    }
    found: dict[str, Path] = {}
    with project(tmp_path, files):
        modules = follow_imports(source, found)
    assert modules == {name: {f"code/{p}.py" for p in places} for name, places in needed.items()}
    top = source.split()[1].partition(".")[0]
    assert found.keys() == {path for path in files if path.startswith((f"{top}/", f"{top}."))}


def test_secrets_links_and_large_files_stay_out_and_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = {"own_kept/__init__.py": "", "own_kept/data/words.txt": "", "own_kept/__pycache__/x.pyc": ""}
    left = {"own_kept/.env": "", "own_kept/.git/config": "", "own_kept/data/id_rsa": "", "own_kept/Server.PEM": ""}
    with project(tmp_path, files | left), caplog.at_level(logging.WARNING):
        (tmp_path / "own_kept" / "elsewhere").symlink_to(tmp_path, target_is_directory=True)
        (tmp_path / "own_kept" / "lost").symlink_to(tmp_path / "nothing")
        os.mkfifo(tmp_path / "own_kept" / "pipe")
        with (tmp_path / "own_kept" / "data" / "large.bin").open("wb") as large:
            large.truncate(LARGEST + 1)
        found = own_files("own_kept.data")
    assert list(found) == ["own_kept/__init__.py", "own_kept/data/words.txt"]
    assert sorted(caplog.messages[0].removeprefix("left out of the package's code: ").split(", ")) == [
        "own_kept/.env (hidden)",
        "own_kept/.git (hidden)",
        "own_kept/Server.PEM (its name is that of a secret)",
        "own_kept/data/id_rsa (its name is that of a secret)",
        "own_kept/data/large.bin (larger than 100 MB)",
        "own_kept/elsewhere (a link to a folder)",
        "own_kept/lost (no regular file)",
        "own_kept/pipe (no regular file)",
    ]


@pytest.mark.parametrize("file", ["own_fast.abi3.so", "own_fast/core.so", "own_fast/libcore.so.2", "own_fast/core.pyd"])
def test_compiled_modules_are_refused_with_the_way_out(file: str, tmp_path: Path) -> None:
    with (
        project(tmp_path, {file: ""} | ({"own_fast/__init__.py": ""} if "/" in file else {})),
        pytest.raises(PackError, match="'own_fast' is compiled or holds what is") as caught,
    ):
        follow_imports("import own_fast", {})
    assert "publish it as a distribution" in caught.value.hint


def test_a_module_without_source_is_refused(tmp_path: Path) -> None:
    script = f"import zipfile; zipfile.ZipFile({str(tmp_path / 'x.zip')!r}, 'w').writestr('own_zipped.py', '')"
    python(script)
    with beside(tmp_path / "x.zip"), pytest.raises(PackError, match="'own_zipped' has no source file in a folder"):
        follow_imports("import own_zipped", {})


def test_an_editable_install_goes_along_as_the_users_own(tmp_path: Path) -> None:
    site, source = tmp_path / "site", tmp_path / "checkout" / "src"
    install(site, "edited", {"edited.pth": str(source)}, url='{"url": "file:///x", "dir_info": {"editable": true}}')
    write(source, {"edited/__init__.py": "import yaml", "edited/table.csv": ""})
    script = (
        "import site; site.addsitedir({!r})\n"
        "from modelport.package.imports import follow_imports\n"
        "files = {{}}\n"
        "print(*follow_imports('import edited', files), *files)"
    )
    assert python(script.format(str(site))) == "yaml edited/__init__.py edited/table.csv"
