"""The user's own modules: which files go along, and whose imports count."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.package.installing import install, python

from modelport.errors import PackError
from modelport.package.confidential import holds_key, named_secret
from modelport.package.imports import follow_imports
from modelport.package.modules import beside
from modelport.package.own import LARGEST

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


def files_of(source: str) -> list[str]:
    files: dict[str, Path] = {}
    follow_imports(source, files)
    return sorted(files)


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
        (tmp_path / "outside.txt").write_text("private", "utf-8")
        (tmp_path / "own_kept" / "notes.txt").symlink_to(tmp_path / "outside.txt")
        (tmp_path / "own_kept" / "settings.txt").symlink_to(".env")
        (tmp_path / "own_kept" / "same.txt").symlink_to("data/words.txt")
        (tmp_path / "own_kept" / "account.json").write_text(KEY.replace("\n", "\\n"), "utf-8")
        found = files_of("import own_kept.data")
    assert found == ["own_kept/__init__.py", "own_kept/data/words.txt", "own_kept/same.txt"]
    assert sorted(caplog.messages[0].removeprefix("left out of the package's code: ").split(", ")) == [
        "own_kept/.env (hidden)",
        "own_kept/.git (hidden)",
        "own_kept/Server.PEM (its name is that of a secret)",
        "own_kept/account.json (it holds a private key)",
        "own_kept/data/id_rsa (its name is that of a secret)",
        "own_kept/data/large.bin (larger than 100 MB)",
        "own_kept/elsewhere (a link to a folder)",
        "own_kept/lost (no regular file)",
        "own_kept/notes.txt (a link to what lies elsewhere)",
        "own_kept/pipe (no regular file)",
        "own_kept/settings.txt (a link to what is hidden)",
    ]


def test_what_a_folder_holds_besides_modules_goes_along_only_beside_those_that_are_imported(tmp_path: Path) -> None:
    files = ["util.py", "words.txt", "train/customers.csv", "inner/one.py", "inner/one.csv", "whole/__init__.py"]
    files += ["whole/data/table.csv", "other/__init__.py", "other/table.csv"]
    with project(tmp_path, {f"own_bare/{file}": "" for file in files} | {"own_data/rows.csv": ""}):
        sources = [f"own_bare/{file}" for file in files if file.endswith(".py")]
        assert files_of("import own_bare.util") == sorted([*sources, "own_bare/words.txt"])
        assert files_of("from own_bare.inner import one") == sorted([*sources, "own_bare/inner/one.csv"])
        assert files_of("from own_bare import whole") == sorted([*sources, "own_bare/whole/data/table.csv"])
        found: dict[str, Path] = {}
        text = "try:\n    import own_data\nexcept ImportError:\n    pass"
        assert follow_imports(text, found) == {}
        assert found == {}  # Python takes any folder for a package
        assert follow_imports("import own_data", {}) == {"own_data": {"code/model.py"}}  # which nobody provides


def test_more_data_than_anybody_would_call_code_is_refused(tmp_path: Path) -> None:
    with project(tmp_path, {"own_large/__init__.py": ""}):
        for number in range(3):
            with (tmp_path / "own_large" / f"{number}.csv").open("wb") as large:
                large.truncate(LARGEST)
        with pytest.raises(PackError, match="'own_large' is more than 250 MB; most of it: own_large/0") as caught:
            follow_imports("import own_large", {})
    assert "move what the model does not need" in caught.value.hint


KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "name",
    [
        "credentials", "secret.json", "client_secret.json", "client_secret_12-ab.apps.json", "service-account.json",
        "serviceAccountKey.json", "api_token.txt", "id_rsa.bak", "id_ed25519", "terraform.tfstate", "prod.tfvars",
        "terraform.tfstate.backup", "server.key.old", "AWS-credentials.csv", "openai_api_key", "access-keys.csv",
        "token.json", "passwords.txt", "secrets.py", "kubeconfig.yaml",
    ],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert named_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "tokenizer.json", "tokens.txt", "special_tokens_map.json", "keys.csv", "keyboard.txt", "token.py",
        "secret_word.py", "secretary.csv", "accounts.csv", "words.txt", "monkey.json", "server.crt", "passage.txt",
    ],
)  # fmt: skip
def test_names_of_data(name: str) -> None:
    assert not named_secret(name)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (KEY, True),
        (f"text around\n{KEY}".replace("\n", "\r\n").replace("PRIVATE", "RSA PRIVATE"), True),
        (KEY.replace("KEY-", "KEY BLOCK-").replace("PRIVATE", "PGP PRIVATE"), True),
        (KEY.replace("PRIVATE", "PUBLIC"), False),
        ('re.compile("-----BEGIN PRIVATE KEY-----")', False),
    ],
)
def test_private_keys_are_seen_wherever_they_stand(text: str, holds: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a table's column
    (tmp_path / "file").write_text(text, "utf-8", newline="")
    assert holds_key(tmp_path / "file") is holds


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
