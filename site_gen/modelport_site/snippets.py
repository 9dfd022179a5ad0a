"""What to type to use a model: in a shell, with curl, in Python; complete, so that it can be pasted."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from modelport_site.shorten import plain_json
from modelport_site.signature import skeleton

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PORT", "Block", "Tab", "code_html", "input_file_name", "usage_tabs"]

PORT = 3330
_INLINE = 360  # longer arguments are read from a file
_FORMATTER = HtmlFormatter(nowrap=True)


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of code with the sentence above it.

    Attributes:
        caption: The sentence.
        language: What the code is coloured as.
        code: What to type.
        ending: What to add for a package that was not packed on the user's machine; empty when nothing.
    """

    caption: str
    language: str
    code: str
    ending: str = ""

    @property
    def html(self) -> Markup:
        """The code, coloured."""
        return code_html(self.code, self.language)


@dataclass(frozen=True, slots=True)
class Tab:
    """One way to use the model."""

    label: str
    blocks: tuple[Block, ...]


def usage_tabs(name: str, release: Mapping[str, Any], *, recipe: bool) -> tuple[tuple[Tab, ...], bool]:
    """Return the tabs, and whether they read the input from the file :func:`input_file_name`."""
    reference = f"{name}:{release['version']}"
    method, arguments = _first_call(release)
    text = plain_json(arguments)
    from_file = len(text) > _INLINE
    file = input_file_name(name)
    url = f"http://localhost:{PORT}/model/methods/{method}"
    shell_input = f'"$(cat {file})"' if from_file else shlex.quote(text)
    curl_input = f"@{file}" if from_file else shlex.quote(text)
    allow = "" if release["tier"] == "data-only" else "--allow-code"
    serve = Block("Start the service", "console", f"modelport serve {reference} --port {PORT}", allow)
    built = Block(
        "Or build it from its reviewed recipe, in a checkout of the catalog",
        "console",
        f"modelport pack catalog/models/{name}",
    )
    tabs = (
        Tab(
            "Command line",
            (
                Block("Fetch it; nothing is run", "console", f"modelport pull {reference}"),
                *([built] if recipe else []),
                Block(
                    "One prediction, no server", "console", f"modelport call {reference} {method} {shell_input}", allow
                ),
                replace(serve, caption=f"Or serve it over HTTP, on port {PORT}"),
            ),
        ),
        Tab(
            "curl",
            (
                serve,
                Block(
                    "Call it",
                    "console",
                    f"curl -s {url} \\\n  -H 'Content-Type: application/json' \\\n  -d {curl_input}",
                ),
            ),
        ),
        Tab(
            "Python",
            (
                serve,
                Block(
                    "Call it; the standard library is enough",
                    "python",
                    _python(url, arguments, file if from_file else None),
                ),
            ),
        ),
    )
    return tabs, from_file


def input_file_name(name: str) -> str:
    """Return the name under which the first example's input is offered for download."""
    return f"{name}-input.json"


def code_html(code: str, language: str) -> Markup:
    """Return code as HTML with Pygments' classes; everything in it is escaped."""
    lexer = get_lexer_by_name("sh" if language == "console" else language)
    return Markup(highlight(code, lexer, _FORMATTER).rstrip("\n"))  # noqa: S704 - the formatter escapes


def _first_call(release: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if release["examples"]:
        example = release["examples"][0]
        return example["method"], example["input"]
    method = release["signature"]["methods"][0]["name"]
    return method, skeleton(release["signature"], method)


def _python(url: str, arguments: dict[str, Any], file: str | None) -> str:
    if file:
        imports, body = "import json\nfrom pathlib import Path\n", f"body = Path({file!r}).read_bytes()"
    else:
        # A Python literal: repr of JSON values is one.
        entries = "".join(f"    {key!r}: {value!r},\n" for key, value in arguments.items())
        imports, body = "import json\n", f"arguments = {{\n{entries}}}\nbody = json.dumps(arguments).encode()"
    return (
        f"{imports}from urllib.request import Request, urlopen\n\n{body}\n"
        f"request = Request(\n    {url!r},\n    body,\n"
        "    {'Content-Type': 'application/json'},\n)\n"
        "with urlopen(request) as answer:\n    print(json.load(answer))"
    )
