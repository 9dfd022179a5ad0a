"""``modelport init``: a new entry, as a draft that passes every check and says what is still to be written."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from modelport.cli.terminal import data, talk
from modelport.errors import InputError
from modelport.settings import Settings, load_settings
from modelport.types import Name

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

__all__ = ["check_free", "configure", "git_user", "run", "write_entry"]

_QUESTIONS = {
    "title": "its name as people write it",
    "summary": "in one sentence, what it does, and from what",
    "task": "the kind of work it does, for instance tabular-classification",
    "license": "its licence, an SPDX expression, for instance Apache-2.0",
    "author": "who made it",
}
"""What may be given, and asked for on a terminal."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="the model's name: lowercase letters and digits, joined by '-'")
    for key, meaning in _QUESTIONS.items():
        default = " (default: git's user.name)" if key == "author" else ""
        parser.add_argument(f"--{key}", metavar="TEXT", help=f"{meaning}{default}")
    parser.add_argument("--github", metavar="ACCOUNT", help="the GitHub account of who answers for the entry")
    parser.add_argument(
        "--package", metavar="PACKAGE", help="take what a package knows, a reference or a folder; no recipe is written"
    )


def run(options: argparse.Namespace) -> int:
    """Write the entry, and say what to do next."""
    settings = load_settings()
    catalog, name = settings.need_catalog(), str(Name.parse(options.name))
    check_free(name, catalog)
    known, methods = _from_package(options.package, name, settings) if options.package else ({}, "")
    known |= _answers(options, name, known)
    if options.github:
        known["maintainers"] = [{"name": known.get("author", options.github), "github": options.github}]
    write_entry(name, known, catalog, settings, methods=methods if options.package else None)
    _tell_what_next(catalog / "models" / name, options.package)
    return 0


def check_free(name: str, catalog: Path) -> None:
    """Raise InputError when the name is taken, or can be taken for one that is."""
    from modelport.catalog.folder import entry_folders
    from modelport.catalog.rules.names import Names

    taken = [folder.name for folder in entry_folders(catalog)]
    if name in taken or (catalog / "models" / name).exists():
        raise InputError(f"{name} is in the catalog already", hint="choose another name; nothing was written")
    if others := Names(taken).confusable_with(name):
        raise InputError(
            f"{name} can be taken for {' and '.join(others)} of the catalog",
            hint="choose a name that differs by more than a character or a separator",
        )


def _from_package(text: str, name: str, settings: Settings) -> tuple[dict[str, Any], str]:
    """Return what the package that *text* names says of its model, and of its methods."""
    from modelport.catalog.scaffold import facts_of_package
    from modelport.cli.models import find_model

    package = find_model(text, settings).package
    if package.name != name:
        talk(f"the package calls itself {package.name}, not {name}: give both the same name")
    return facts_of_package(package.spec.to_json(), package.info.get("requirements", ()), package.evaluations)


def _answers(options: argparse.Namespace, name: str, known: Mapping[str, Any]) -> dict[str, str]:
    """Return what the user says: by options, or on a terminal when asked."""
    from modelport.catalog.scaffold import title_of

    defaults = {"title": title_of(name), "author": git_user(), **known}
    answers: dict[str, str] = {}
    asks = sys.stdin.isatty() and sys.stderr.isatty()
    if asks:
        talk("Press Enter for what stands in [brackets], or to leave a question for later.")
    for key, question in _QUESTIONS.items():
        given = getattr(options, key)
        default = str(defaults.get(key, ""))
        answer = given if given is not None else _ask(key, question, default) if asks else default
        if given is not None and (problem := _problem(key, answer)):
            raise InputError(f"--{key}: {problem}")
        if answer:
            answers[key] = answer
    return answers


def _ask(key: str, question: str, default: str) -> str:
    """Ask until the answer will do; nothing is an answer, too."""
    while True:
        sys.stderr.write(f"{key}: {question}" + (f" [{default}]" if default else "") + ": ")
        sys.stderr.flush()
        answer = sys.stdin.readline().strip() or default
        problem = _problem(key, answer) if answer else ""
        if not problem:
            return answer
        talk(f"  {problem}")


def _problem(key: str, answer: str) -> str:
    """Return what is wrong with a value of ``model.yaml``, and the way out."""
    from modelport.catalog.document import Document
    from modelport.catalog.rules.licenses import check_licenses
    from modelport.catalog.rules.shape import check_shape

    if key == "author":
        document = Document("model.yaml", {"publisher": {"name": answer}})
    else:
        document = Document("model.yaml", {key: answer})
    problems, sound = check_shape(document, "model")
    problems = [one for one in problems if one.rule != "schema-missing"] + list(check_licenses(sound))
    return "; ".join(f"{one.message} ({one.hint})" if one.hint else one.message for one in problems)


def git_user() -> str:
    """Return whom git knows, where that can be written down as a name."""
    command = ["git", "config", "user.name"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    name = done.stdout.strip()
    # A name in another encoding is no name to write down: its letters are lost.
    return "" if not name or "\ufffd" in name or _problem("author", name) else name


def write_entry(
    name: str,
    known: Mapping[str, Any],
    catalog: Path | None,
    settings: Settings,
    *,
    methods: str | None,
    out: Path | None = None,
) -> Path:
    """Write the entry's folder as a whole, once it passes, and return it.

    Args:
        name: The model's name, which is free.
        known: What is known of it: see :func:`modelport.catalog.scaffold.scaffold`.
        catalog: The catalog that it goes to, and with which it is compared.
        settings: The settings.
        methods: What the card says of the methods; None for an entry with a recipe.
        out: Where its folder goes instead.

    Raises:
        InputError: It would not pass, or its folder is there already; nothing was written.
    """
    from modelport.catalog import check_all
    from modelport.catalog.scaffold import scaffold

    files = scaffold(name, known, recipe=methods is None, methods=methods or "")
    models = out or settings.need_catalog() / "models"
    if out:
        out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out or catalog, prefix=".init-") as scratch:
        made = Path(scratch) / name
        made.mkdir()
        for file, text in files.items():
            (made / file).write_text(text, encoding="utf-8")
        problems = check_all([made], catalog, root=made.parent, audience=settings.audience).problems
        if problems:
            raise InputError(
                "\n       ".join(str(one) for one in problems), hint="give other texts; nothing was written"
            )
        models.mkdir(exist_ok=True)
        try:
            made.rename(models / name)
        except OSError as error:
            raise InputError(
                f"{models / name} is there already: {error.strerror}", hint="give another name, or remove it"
            ) from error
    return models / name


def _tell_what_next(entry: Path, package: str | None) -> None:
    shown = entry.relative_to(Path.cwd()) if entry.is_relative_to(Path.cwd()) else entry
    data(str(shown))
    talk(f"wrote {', '.join(sorted(one.name for one in entry.iterdir()))}. It is a draft. Next:")
    steps = [f"write what is still TODO; this says what users miss most:  modelport check {entry.name}"]
    build = f"modelport pack {shlex.quote(str(shown))} --lock"
    if package is None:
        steps.append(f"put your own training into recipe.py, and build it:  {build}")
        steps.append(f"write its first version from the recipe:  modelport submit {entry.name} 1.0.0")
    else:
        pinned = f"modelport submit {entry.name} 1.0.0 --package {shlex.quote(package)}"
        steps.append(f"write its first version, which pins that package:  {pinned}")
    steps.append("write 'lifecycle: published' into model.yaml, and open a pull request")
    for number, step in enumerate(steps, 1):
        talk(f"  {number}. {step}")
