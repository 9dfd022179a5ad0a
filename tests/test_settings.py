"""Settings: found by walking up, the environment over the file, all slips told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelport.errors import FormatError, InputError, SetupError
from modelport.settings import FILE_NAME, Settings, load_settings

HOME = {"HOME": "/home/somebody"}


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE_NAME).write_text(text, "utf-8")
    return folder


def load(folder: Path, **environment: str) -> Settings:
    return load_settings(folder, HOME | environment)


def test_outside_any_catalog(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert found == Settings(
        root=None,
        data=Path("/home/somebody/.local/share/modelport"),
        store=Path("/home/somebody/.local/share/modelport/store"),
        cache=Path("/home/somebody/.cache/modelport"),
        registry=None,
        insecure=frozenset(),
        docker_config=Path("/home/somebody/.docker/config.json"),
        site={},
    )
    assert found.catalog is None
    with pytest.raises(InputError, match=r"there is no catalog here: no modelport.toml") as caught:
        found.need_catalog()
    assert caught.value.hint


def test_the_file_is_found_by_walking_up_and_the_nearest_wins(tmp_path: Path) -> None:
    outer = write(tmp_path / "outer", '[registry]\nprefix = "outer.example/models"')
    inner = write(outer / "a" / "inner", '[registry]\nprefix = "inner.example/models"')
    (deep := inner / "b" / "c").mkdir(parents=True)
    assert (load(deep).root, load(deep).registry) == (inner, "inner.example/models")
    assert (load(outer / "a").root, load(outer / "a").registry) == (outer, "outer.example/models")
    (inner / "catalog").mkdir()
    assert load(deep).need_catalog() == inner / "catalog"
    with pytest.raises(InputError):
        load(outer).need_catalog()


def test_a_folder_of_that_name_is_no_settings_file(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    assert load(tmp_path).root is None


def test_what_the_file_says(tmp_path: Path) -> None:
    text = """
        store.path = "build/store"
        registry = {prefix = "localhost:5000/models", insecure = ["a.example", "b.example"]}
        site = {title = "T", url = "https://example.org"}
    """
    found = load(write(tmp_path, text))
    assert found.store == tmp_path / "build/store"
    assert found.registry == "localhost:5000/models"
    assert found.insecure == {"a.example", "b.example"}
    assert found.site == {"title": "T", "url": "https://example.org"}


def test_variables_come_before_the_file(tmp_path: Path) -> None:
    write(tmp_path, '[store]\npath = "s"\n[registry]\nprefix = "file.example/models"')
    found = load(
        tmp_path, MODELPORT_STORE="/mine/store", MODELPORT_CACHE="/mine/cache", MODELPORT_REGISTRY="env.example/models"
    )
    assert (found.store, found.cache) == (Path("/mine/store"), Path("/mine/cache"))
    assert found.registry == "env.example/models"


def test_a_repository_cannot_move_the_users_data(tmp_path: Path) -> None:
    write(tmp_path, '[store]\npath = "s"')
    found = load(tmp_path, MODELPORT_DATA="/mine", DOCKER_CONFIG="/docker")
    assert (found.data, found.store) == (Path("/mine"), tmp_path / "s")
    assert found.docker_config == Path("/docker/config.json")
    assert load(tmp_path.parent, MODELPORT_DATA="/mine").store == Path("/mine/store")


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    write(tmp_path, '[store]\npath = "s"\n[registry]\nprefix = "file.example/models"')
    found = load(
        tmp_path, MODELPORT_STORE="", MODELPORT_CACHE="", MODELPORT_REGISTRY="", XDG_CACHE_HOME="", XDG_DATA_HOME=""
    )
    assert found.store == tmp_path / "s"
    assert found.cache == Path("/home/somebody/.cache/modelport")
    assert found.registry == "file.example/models"


def test_relative_and_home_folders(tmp_path: Path) -> None:
    assert load(tmp_path, MODELPORT_STORE="here").store == Path.cwd() / "here"
    assert load(tmp_path, MODELPORT_STORE="~/there").store == Path("/home/somebody/there")
    assert load(tmp_path, MODELPORT_CACHE="~").cache == Path("/home/somebody")


def test_the_xdg_folders_count_when_absolute(tmp_path: Path) -> None:
    found = load(tmp_path, XDG_CACHE_HOME="/x/cache", XDG_DATA_HOME="/x/data")
    assert (found.store, found.cache) == (Path("/x/data/modelport/store"), Path("/x/cache/modelport"))
    found = load(tmp_path, XDG_CACHE_HOME="x", XDG_DATA_HOME="./y")
    assert found.store == Path("/home/somebody/.local/share/modelport/store")
    assert found.cache == Path("/home/somebody/.cache/modelport")


@pytest.mark.parametrize(
    "text",
    ["[store", 'a = "', "a = 1\na = 2", "\ufeff[store]", "x = [1,"],
    ids=["table", "text", "twice", "mark", "list"],
)
def test_what_is_not_toml(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    with pytest.raises(FormatError, match=r"modelport.toml is not TOML: "):
        load(tmp_path)


def test_bytes_that_are_not_text(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"\xff\xfe")
    with pytest.raises(FormatError, match=r"modelport.toml is not TOML: "):
        load(tmp_path)


def test_all_slips_are_told_at_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        unknown = 1
        store = {path = ""}
        registry = {prefix = "https://registry.example/models", insecure = "a.example"}
        site = {url = "example.org", colour = "red"}
        """,
    )
    with pytest.raises(FormatError) as caught:
        load(tmp_path)
    told = caught.value.message
    assert told.startswith(f"{tmp_path / FILE_NAME} breaks its schema: (top): ")
    assert told.count("; ") == 5
    for path in ("registry.insecure: ", "registry.prefix: ", "site: ", "site.url: ", "store.path: "):
        assert path in told


@pytest.mark.parametrize("prefix", ["https://a.example/b", "a.example/B", "a b/c", "/c", "a.example/c\n", "a.example/"])
def test_a_registry_that_is_none(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(FormatError, match=r"MODELPORT_REGISTRY is .*, not HOST"):
        load(tmp_path, MODELPORT_REGISTRY=prefix)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    # A process's own memory is a regular file that nobody, root included, can read from its beginning.
    if not Path("/proc/self/mem").is_file():
        pytest.skip("needs Linux's /proc")
    (tmp_path / FILE_NAME).symlink_to("/proc/self/mem")
    with pytest.raises(SetupError, match="cannot be read"):
        load(tmp_path)


def test_a_variable_for_each_folder_needs_no_home(tmp_path: Path) -> None:
    # Run where neither HOME nor the list of users knows a home folder, it would raise SetupError otherwise.
    variables = {"MODELPORT_DATA": "/d", "MODELPORT_CACHE": "/c", "DOCKER_CONFIG": "/e"}
    found = load_settings(tmp_path, variables)
    assert (found.store, found.cache) == (Path("/d/store"), Path("/c"))


def test_proxies_are_read_in_either_case_and_lower_case_wins(tmp_path: Path) -> None:
    found = load(tmp_path, HTTP_PROXY="a", HTTPS_PROXY="b", https_proxy="c", NO_PROXY="d", no_proxy="")
    assert found.proxies == {"http": "a", "https": "c"}
    assert load(tmp_path, HTTP_PROXY="evil", REQUEST_METHOD="GET").proxies == {}
    assert load(tmp_path).proxies == {}


def test_a_users_authorities_come_before_a_repositorys(tmp_path: Path) -> None:
    root = write(tmp_path, '[registry]\nca = "certificates/ca.pem"')
    assert load(root).repository_ca == root / "certificates/ca.pem"
    assert load(root, REQUESTS_CA_BUNDLE="/b").repository_ca == root / "certificates/ca.pem"
    found = load(root, MODELPORT_CA="/a", REQUESTS_CA_BUNDLE="/b")
    assert (found.ca, found.repository_ca) == ((Path("/a"), Path("/b")), None)


def test_bases_of_images_are_references_or_folders_of_the_repository(tmp_path: Path) -> None:
    named = {"3.11": "build/base", "3.12": "docker.io/library/python:3.12-slim", "3.13": "localhost:5000/python"}
    root = write(tmp_path, "[image.base]\n" + "\n".join(f'"{key}" = "{value}"' for key, value in named.items()))
    assert load(root).image_bases == named | {"3.11": str(root / "build/base")}
    with pytest.raises(FormatError, match=r"image\.base"):
        load(write(tmp_path, '[image.base]\n"three" = "build/base"'))


def test_when_images_were_made_is_a_number_of_seconds(tmp_path: Path) -> None:
    assert (load(tmp_path).source_date, load(tmp_path, SOURCE_DATE_EPOCH="1700000000").source_date) == (0, 1700000000)
    with pytest.raises(FormatError, match="SOURCE_DATE_EPOCH"):
        load(tmp_path, SOURCE_DATE_EPOCH="yesterday")
