"""The import table: which room may import which. Read off the source, so that lazy imports count, too."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = {"types", "errors", "schema", "strict_json", "words", "modelport"}
ALL = {
    "settings", "model", "package", "oci", "serve", "catalog", "publish", "acumos", "sdk", "deploy", "image", "edge",
}  # fmt: skip
# Besides SHARED. "modelport" itself is the package's docstring and lazy names.
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"client", "model", "package", "sdk"},
    "sdk": {"model", "package", "settings"},
    "__main__": {"cli"},
    "types": set(),
    "errors": set(),
    "accept": set(),
    "words": set(),
    "strict_json": set(),
    "schema": {"accept"},
    "settings": set(),
    "model": set(),
    "package": {"model", "oci", "catalog.reader"},
    "oci": set(),
    "serve": {"package", "model"},
    "client": {"model"},
    "image": {"package", "oci", "serve", "model"},
    "deploy": {"image", "package", "oci"},
    "edge": {"package", "oci", "serve", "client", "model", "settings"},
    "catalog": {"model.compat"},
    "publish": ALL,
    "acumos": {"model", "package", "oci", "settings"},
    "cli": ALL | {"client", "modelport_site"},
    "modelport_site": {
        "catalog",
        "model.compat",
        "edge.field",
        "edge.profiles",
        "edge.pareto",
        "edge.select",
        "edge.types",
    },
}
HEAVY = {
    "numpy",
    "sklearn",
    "keras",
    "tensorflow",
    "mkdocs",
    "jinja2",
    "starlette",
    "uvicorn",
    "httpx",
    "google",
    "jsonschema",
    "yaml",
}


def modules() -> list[Path]:
    return sorted([*(ROOT / "registry/modelport").rglob("*.py"), *(ROOT / "site_gen/modelport_site").rglob("*.py")])


def room_of(file: Path) -> str:
    if file.is_relative_to(ROOT / "site_gen"):
        return "modelport_site"
    return file.relative_to(ROOT / "registry/modelport").parts[0].removesuffix(".py")


def imports_of(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def target_room(imported: str, own: str) -> str | None:
    """Return the room that *imported* belongs to, or None where it is the room itself, shared, or a library."""
    top, _, rest = imported.partition(".")
    if top == "modelport_site":
        return None if own == "modelport_site" else "modelport_site"
    if top != "modelport" or not rest:
        return None
    room = rest.partition(".")[0]
    known = (ROOT / "registry/modelport" / room).is_dir() or (ROOT / f"registry/modelport/{room}.py").is_file()
    return None if not known or room == own or room in SHARED else room


@pytest.mark.parametrize("file", modules(), ids=lambda f: str(f.relative_to(ROOT)))
def test_a_room_imports_only_what_the_table_allows(file: Path) -> None:
    own = room_of(file)
    allowed = MAY_IMPORT[own]
    for imported in sorted(imports_of(file)):
        room = target_room(imported, own)
        if room is None:
            continue
        inner = imported.removeprefix("modelport.")
        narrow = any(inner == a or inner.startswith(f"{a}.") for a in allowed if "." in a)
        assert room in allowed or narrow, f"{file.relative_to(ROOT)} imports {imported}"


def test_every_room_stands_in_the_table() -> None:
    assert {room_of(file) for file in modules()} == set(MAY_IMPORT)


def test_nothing_else_lies_in_the_source_roots() -> None:
    # Both are on sys.path in an editable install.
    assert {p.name for p in (ROOT / "registry").iterdir()} <= {"modelport", "README.md"}
    assert {p.name for p in (ROOT / "site_gen").iterdir()} <= {"modelport_site", "README.md"}


@pytest.mark.parametrize("name", ["__init__.py", "errors.py", "types.py", "cli/__init__.py", "cli/terminal.py"])
def test_the_way_to_help_imports_nothing_heavy(name: str) -> None:
    file = ROOT / "registry/modelport" / name
    tops = {i.partition(".")[0] for i in imports_of(file)}
    assert not tops & HEAVY


def test_only_settings_reads_the_environment() -> None:
    # A child process is given the whole environment on; that is no reading.
    for file in modules():
        if room_of(file) == "settings":
            continue
        text = file.read_text("utf-8")
        assert "os.getenv" not in text, file
        assert "os.environ[" not in text, file
        assert "os.environ.get" not in text, file
