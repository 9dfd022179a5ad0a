"""What to type to use a model: in a shell, in Python, with curl, in a container; complete, so that it can be pasted.

References are pinned by digest. A reader sees the first digits of it, and copies all.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from modelport_site.shorten import plain_json
from modelport_site.signature import skeleton

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["PORT", "Block", "Call", "Tab", "code_html", "first_calls", "usage_tabs"]

PORT = 3330
_INLINE = 360  # longer arguments are read from a file
_FORMATTER = HtmlFormatter(nowrap=True)
_DIGEST = re.compile(r"(sha(?:256|512):[0-9a-f]{64,128})")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of code with the sentence above it.

    Attributes:
        caption: The sentence.
        language: What the code is coloured as.
        code: What to type.
        ending: What to add for a package that was not packed on the user's machine; empty when nothing.
        note: A sentence below the code.
    """

    caption: str
    language: str
    code: str
    ending: str = ""
    note: str = ""

    @property
    def html(self) -> Markup:
        """The code, coloured; of a digest a few digits are seen, and all are there."""
        parts = _DIGEST.split(self.code)
        pinned = Markup('<span class="mp-pin" title="{0}"><span>{0}</span></span>')
        return Markup("").join(
            pinned.format(part) if number % 2 else code_html(part, self.language) for number, part in enumerate(parts)
        )


@dataclass(frozen=True, slots=True)
class Tab:
    """One way to use the model."""

    label: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of one method with arguments that work.

    Attributes:
        file: The name of the file that holds the arguments, where they are too long to be typed.
        example: The number of the example that they are from, counted from 1; 0 where there is none.
    """

    method: str
    arguments: Mapping[str, Any]
    file: str
    example: int

    @property
    def text(self) -> str:
        """The arguments as JSON."""
        return plain_json(self.arguments)


def first_calls(name: str, release: Mapping[str, Any]) -> tuple[Call, ...]:
    """Return a call of each method: its first example, or arguments of the right form."""
    calls = []
    for method in (one["name"] for one in release["signature"]["methods"]):
        found = ((n, e["input"]) for n, e in enumerate(release["examples"], 1) if e["method"] == method)
        number, arguments = next(found, (0, None))
        if arguments is None:
            arguments = skeleton(release["signature"], method)
        long = number and len(plain_json(arguments)) > _INLINE
        calls.append(Call(method, arguments, f"{name}-{method}.json" if long else "", number))
    return tuple(calls)


def usage_tabs(name: str, release: Mapping[str, Any], *, recipe: bool) -> tuple[Tab, ...]:
    """Return the ways to use a release, each complete by itself."""
    reference = f"{name}:{release['version']}@{release['digest']}"
    calls = first_calls(name, release)
    allow = "" if release["tier"] == "data-only" else "--allow-code"
    return (
        Tab("CLI", tuple(_shell(name, reference, calls, allow, recipe=recipe))),
        Tab("Python", tuple(_python(name, reference, calls, allow))),
        Tab("curl", (_serve("Start the service", reference, allow), *map(_curl, calls), *_files(release["signature"]))),
        Tab("Container", (_container(reference, allow),)),
    )


def code_html(code: str, language: str) -> Markup:
    """Return code as HTML with Pygments' classes; everything in it is escaped."""
    lexer = get_lexer_by_name("sh" if language == "console" else language, stripnl=False, ensurenl=False)
    return Markup(highlight(code, lexer, _FORMATTER).rstrip("\n"))  # noqa: S704 - the formatter escapes


def _shell(name: str, reference: str, calls: tuple[Call, ...], allow: str, *, recipe: bool) -> list[Block]:
    fetch = [Block("Fetch it; nothing is run", "console", f"modelport pull {reference}")]
    if recipe:
        note = "A rebuild that is not the same to the byte has another digest: leave out @sha256:… to use it."
        caption = "Or build it from its reviewed recipe, in a checkout of the catalog"
        fetch.append(Block(caption, "console", f"modelport pack catalog/models/{name}", note=note))
    return [
        *fetch,
        *(
            Block(
                f"Call {call.method} once, without a server",
                "console",
                f"modelport call {reference} {call.method} {f'@{call.file}' if call.file else shlex.quote(call.text)}",
                allow,
            )
            for call in calls
        ),
        _serve(f"Or serve it over HTTP, on port {PORT}", reference, allow),
    ]


def _serve(caption: str, reference: str, allow: str) -> Block:
    return Block(caption, "console", f"modelport serve {reference} --port {PORT}", allow)


def _curl(call: Call) -> Block:
    data = f"@{call.file}" if call.file else shlex.quote(call.text)
    lines = (f"curl -s {_url(call.method)}", "-H 'Content-Type: application/json'", f"-d {data}")
    return Block(f"Call {call.method}", "console", " \\\n  ".join(lines))


def _files(signature: Mapping[str, Any]) -> Iterator[Block]:
    """Yield a call by a file for each method that takes one field's bytes or text as they are."""
    messages = {message["name"]: message["fields"] for message in signature["messages"]}
    for method in signature["methods"]:
        needed = [f for f in messages[method["input"]] if "default" not in f and "optional" not in f["type"]]
        lone = needed[0] if len(needed) == 1 and needed[0]["type"].get("scalar") in {"bytes", "string"} else {}
        for media_type in lone.get("media_types", ())[:1]:
            given = messages[method["output"]]
            raw = len(given) == 1 and given[0].get("media_types", ())[:1] == [media_type]
            file = f"--data-binary @FILE{' -o ANSWER' if raw else ''}"
            lines = (f"curl -s {_url(method['name'])}", f"-H 'Content-Type: {media_type}'", file)
            caption = f"Call {method['name']} with a file of {' or '.join(lone['media_types'])}, as it is"
            yield Block(caption, "console", " \\\n  ".join(lines))


def _container(reference: str, allow: str) -> Block:
    return Block(
        "There are no images of models yet. In a container of your own that has Modelport installed, this is the"
        " command to run",
        "console",
        f"modelport serve {reference} --host 0.0.0.0 --port {PORT}",
        allow,
        note="Everybody who reaches the port can call the model: publish it on loopback, or behind a gateway.",
    )


def _python(name: str, reference: str, calls: tuple[Call, ...], allow: str) -> list[Block]:
    runs = "  # runs the package's code" if allow else ""
    files = any(call.file for call in calls)
    imports = (
        f"{'import json' if files else ''}\nfrom pathlib import Path\n\nfrom modelport.package import load_package"
    )
    inside = "".join(f"print(model.call({call.method!r}, {_literal(call)}))\n" for call in calls)
    local = f"{imports}\n\nmodel = load_package(Path({name!r})).model{runs}\n{inside}"
    return [
        Block(
            "In your own process: first put the package into a folder, and its requirements into this environment",
            "console",
            f"modelport pull {reference} --out {name}\npip install -r {name}/requirements.lock",
        ),
        Block("Then load and call it", "python", local.strip()),
        _serve("Or from any environment, over HTTP: start the service", reference, allow),
        Block("Then call it; the standard library is enough", "python", _client(calls)),
    ]


def _client(calls: tuple[Call, ...]) -> str:
    path = "from pathlib import Path\n" if any(call.file for call in calls) else ""
    inside = "".join(f"print(call({call.method!r}, {_literal(call)}))\n" for call in calls)
    return (
        f"import json\n{path}from urllib.request import Request, urlopen\n\n\n"
        "def call(method, arguments):\n"
        f"    url = f'{_url('{method}')}'\n"
        "    body = json.dumps(arguments).encode()\n"
        "    with urlopen(Request(url, body, {'Content-Type': 'application/json'})) as answer:\n"
        f"        return json.load(answer)\n\n\n{inside}"
    ).strip()


def _literal(call: Call) -> str:
    """Return the arguments as a Python expression; the repr of JSON values is one."""
    if call.file:
        return f"json.loads(Path({call.file!r}).read_text())"
    entries = "".join(f"    {key!r}: {value!r},\n" for key, value in call.arguments.items())
    return f"{{\n{entries}}}" if entries else "{}"


def _url(method: str) -> str:
    return f"http://localhost:{PORT}/model/methods/{method}"
