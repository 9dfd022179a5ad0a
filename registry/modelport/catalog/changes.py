"""What changed in the catalog since a commit, and what may not have: versions are immutable, names are never freed.

A catalog's history is git's. Compared are the files as they lie here, committed or not, with the commit at which this
work began: the merge base with the branch that it goes to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from modelport.catalog.document import printable
from modelport.catalog.folder import PROFILES, entry_folders, stray_file
from modelport.catalog.git import git, run_git
from modelport.catalog.problem import Problem
from modelport.errors import FormatError, InputError, NotFoundError
from modelport.types import Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Changes", "changes_since"]

_YANK = "list it under 'yanked' in model.yaml when nobody should use it"
_NEW = "what is new is a new version: modelport submit NAME VERSION"
_IN_A_CATALOG = re.compile(r"((?:.*/)?catalog)/models/[^/]+/versions/[^/]+\.yaml")


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since a commit.

    Attributes:
        base: The commit's id.
        entries: The folders of the entries that changed and are still there, sorted.
        problems: What may not have changed, sorted.
        profiles: The files of devices and networks that changed and are still there, sorted.
    """

    base: str
    entries: tuple[Path, ...]
    problems: tuple[Problem, ...]
    profiles: tuple[Path, ...] = ()


def changes_since(ref: str, catalog: Path, *, root: Path | None = None) -> Changes:
    """Return what changed in *catalog* since the merge base of the commit *ref* and what is checked out.

    When an entry or a profile was taken away, or the settings beside the catalog changed, all entries count as changed:
    they may refer to what is gone, and settings hold for all of them.

    Args:
        ref: A branch, a tag or a commit.
        catalog: The catalog's folder.
        root: Files are named from here; the working directory when it is None.

    Raises:
        SetupError: git is not installed.
        InputError: The catalog is in no git repository, or in one of its own, or leads elsewhere by a link.
        NotFoundError: There is no such commit, or nothing that it has in common with what is checked out.
    """
    catalog = _in_place(catalog)
    base = _merge_base(ref, catalog)
    shown = _Shown(catalog, (root or Path.cwd()).resolve())
    states = _changed(base, catalog)
    before = _versions(_git(catalog, "ls-tree", "-r", "--name-only", "-z", base, "--", "models").split("\0"))
    folders = {folder.name: folder for folder in entry_folders(catalog)}
    gone = {name for name in before if name not in folders or _is_empty(folders[name])}
    problems = [
        *([] if before else _moved(base, catalog, shown)),
        *_removed(gone, before, shown),
        *_changed_versions(states, gone, shown),
        *_older(states, before, shown),
        *(stray_file(shown(path)) for path, state in states.items() if state != "D" and _is_stray(path)),
    ]
    touched = {name for path in states if (name := _entry_of(path)) is not None}
    profiles = {path: state for path, state in states.items() if PurePosixPath(path).parts[0] in PROFILES}
    everything = touched & gone or "D" in profiles.values() or _settings_changed(base, catalog)
    entries = sorted((folders.keys() if everything else touched) - gone)
    return Changes(
        base,
        tuple(folders[name] for name in entries),
        tuple(sorted(problems)),
        tuple(catalog / path for path, state in sorted(profiles.items()) if state != "D"),
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """How reports name the files of a catalog."""

    catalog: Path
    root: Path

    def __call__(self, path: str) -> str:
        file = self.catalog / path
        return printable(file.relative_to(self.root).as_posix() if file.is_relative_to(self.root) else str(file))


def _in_place(catalog: Path) -> Path:
    """Return where *catalog* lies: git compares the files of one place, so no link may lead to another.

    Raises:
        InputError: It is a link, or its ``models/`` is.
    """
    # What is above it may be links: they are not in the repository.
    catalog = catalog.parent.resolve() / catalog.name
    for folder in (catalog, catalog / "models"):
        if folder.is_symlink():
            message = f"{folder} is a symbolic link: git would compare the files of another place"
            raise InputError(message, hint="put the folder itself in its place, where it was before")
    return catalog


def _moved(base: str, catalog: Path, shown: _Shown) -> Iterator[Problem]:
    """Yield the catalogs of *base* that had versions and lost one, when there was nothing where *catalog* lies now."""
    top = _top(catalog)
    paths = _git(top, "ls-tree", "-r", "--name-only", "-z", base).split("\0")
    versions = [(found[1], path) for path in paths if (found := _IN_A_CATALOG.fullmatch(path))]
    for other in sorted({place for place, path in versions if not (top / path).is_file()}):
        message = f"was {other} before: a catalog stays where it is, or its versions could change unseen"
        yield Problem(file=shown(""), rule="catalog-moved", message=message, hint=f"move it back to {other}")


def _removed(gone: Iterable[str], before: dict[str, list[str]], shown: _Shown) -> Iterator[Problem]:
    """Yield the entries that were taken away; a draft that never had a version may be."""
    for name in gone:
        if before[name]:
            message = "was removed: a name that had a version stays taken"
            hint = "put it back, with 'lifecycle: yanked' and a reason"
            yield Problem(file=shown(f"models/{name}"), rule="entry-removed", message=message, hint=hint)


def _changed_versions(states: dict[str, str], gone: set[str], shown: _Shown) -> Iterator[Problem]:
    for path, state in states.items():
        if state != "A" and _version_of(path) and _entry_of(path) not in gone:
            what = "removed" if state == "D" else "changed"
            hint = f"put it back as it was, and {_YANK}" if state == "D" else f"put it back as it was; {_NEW}"
            message = f"was {what}: a version is immutable"
            yield Problem(file=shown(path), rule="version-immutable", message=message, hint=hint)


def _older(states: dict[str, str], before: dict[str, list[str]], shown: _Shown) -> Iterator[Problem]:
    """Yield the new versions that are older than one of their line, MAJOR.MINOR, that was there."""
    for path, state in states.items():
        new = _parsed(_version_of(path)) if state == "A" else None
        if new is None:
            continue
        known = [v for stem in before.get(str(_entry_of(path)), ()) if (v := _parsed(stem)) is not None]
        line = [v for v in known if (v.major, v.minor) == (new.major, new.minor)]
        if line and new < max(line):
            message = f"comes after {max(line)}, which is newer"
            hint = f"a new version is newer than those of its line: take one after {max(known)}, or a new line"
            yield Problem(file=shown(path), rule="version-order", message=message, hint=hint)


def _versions(paths: Iterable[str]) -> dict[str, list[str]]:
    """Return the entries among *paths* and the stems of their versions' files."""
    found: dict[str, list[str]] = {}
    for path in paths:
        name, version = _entry_of(path), _version_of(path)
        if name is not None:
            found.setdefault(name, []).extend([version] if version else [])
    return found


def _entry_of(path: str) -> str | None:
    parts = PurePosixPath(path).parts
    return parts[1] if len(parts) > 2 and parts[0] == "models" else None  # noqa: PLR2004 - models/NAME/FILE


def _version_of(path: str) -> str | None:
    parts = PurePosixPath(path).parts
    is_version = len(parts) == 4 and parts[2] == "versions" and parts[3].endswith(".yaml")  # noqa: PLR2004 - as above
    return parts[3].removesuffix(".yaml") if is_version else None


def _is_stray(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return len(parts) == 2 and parts[0] == "models" and parts[1] != ".gitkeep"  # noqa: PLR2004 - models/FILE


def _is_empty(folder: Path) -> bool:
    # Python's leavings are no file of an entry, and git does not see them.
    return all(item.name == "__pycache__" for item in folder.iterdir())


def _parsed(stem: str | None) -> Version | None:
    try:
        return Version.parse(stem) if stem else None
    except FormatError:
        return None  # that it is no version is told where the entry is checked


def _merge_base(ref: str, catalog: Path) -> str:
    inside = run_git(catalog, "rev-parse", "--is-inside-work-tree")
    if inside.stdout.strip() != b"true":
        why = _text(inside.stderr).strip().removeprefix("fatal: ").partition("\n")[0] or "it is git's own folder"
        raise InputError(f"git knows no history of {catalog}: {why}", hint="name entries or files instead of a commit")
    if _top(catalog) == catalog:
        message = f"{catalog} is a repository of its own, and its history is not that of the settings beside it"
        raise InputError(message, hint="commit its files to the repository of modelport.toml, without a submodule")
    commit = _try_git(catalog, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if commit is None:
        raise NotFoundError(
            f"there is no commit {ref!r} in the repository of {catalog}",
            hint="name a branch, a tag or a commit; fetch it first if it is elsewhere: git fetch origin",
        )
    base = _try_git(catalog, "merge-base", commit.strip(), "HEAD")
    if base is None:
        raise NotFoundError(
            f"{ref} and what is checked out have no commit in common",
            hint="fetch the whole history: git fetch --unshallow (in a workflow: fetch-depth: 0)",
        )
    return base.strip()


def _changed(base: str, catalog: Path) -> dict[str, str]:
    """Return the files of entries and profiles that are not as at *base*.

    A is for added, D for removed, M for any other way.
    """
    places = ("models", *PROFILES)
    how = ("--name-status", "--no-renames", "--no-ext-diff", "--relative", "-z")
    fields = _git(catalog, "diff", *how, base, "--", *places).split("\0")
    states = {path: state if state in "AD" else "M" for state, path in zip(fields[::2], fields[1::2], strict=False)}
    others = _git(catalog, "ls-files", "--others", "--exclude-standard", "-z", "--", *places)
    return states | {path: "M" if states.get(path) == "D" else "A" for path in others.split("\0") if path}


def _settings_changed(base: str, catalog: Path) -> bool:
    return bool(
        _git(catalog.parent, "diff", "--name-only", "--no-ext-diff", "--relative", base, "--", "modelport.toml")
    )


def _top(folder: Path) -> Path:
    return Path(_git(folder, "rev-parse", "--show-toplevel").removesuffix("\n"))


def _git(folder: Path, *arguments: str) -> str:
    return _text(git(folder, *arguments))


def _try_git(folder: Path, *arguments: str) -> str | None:
    done = run_git(folder, *arguments)
    return None if done.returncode else _text(done.stdout)


def _text(printed: bytes) -> str:
    # Names of files may be any bytes.
    return printed.decode("utf-8", "surrogateescape")
