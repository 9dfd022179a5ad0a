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
        streams_in: Whether the arguments are the messages of a stream.
        streams_out: Whether the answer is a stream.
    """

    method: str
    arguments: Any
    file: str
    example: int
    streams_in: bool = False
    streams_out: bool = False

    @property
    def streams(self) -> bool:
        """Whether a stream goes in or comes out."""
        return self.streams_in or self.streams_out

    @property
    def text(self) -> str:
        """The arguments as JSON; of a stream, each message on a line."""
        return _text(self.arguments)


def first_calls(name: str, release: Mapping[str, Any]) -> tuple[Call, ...]:
    """Return a call of each method: its first example, or arguments of the right form."""
    calls = []
    for said in release["signature"]["methods"]:
        method, (taken, given) = said["name"], (said.get(side, False) for side in ("streams_in", "streams_out"))
        found = ((n, e["input"]) for n, e in enumerate(release["examples"], 1) if e["method"] == method)
        number, arguments = next(found, (0, None))
        if arguments is None:
            arguments = skeleton(release["signature"], method)
            arguments = {"stream": [arguments]} if taken else arguments
        arguments = arguments["stream"] if taken else arguments
        file = f"{name}-{method}.{'ndjson' if taken else 'json'}"
        long = number and len(_text(arguments)) > _INLINE
        calls.append(Call(method, arguments, file if long else "", number, taken, given))
    return tuple(calls)


def _text(arguments: Any) -> str:  # noqa: ANN401 - a JSON value
    return "\n".join(map(plain_json, arguments)) if isinstance(arguments, list) else plain_json(arguments)


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
    curl = f"curl -s{'N' if call.streams_out else ''} {_url(call.method)}"
    if call.streams_in:  # whose line feeds -d would take out of a file
        lines = (curl, "-H 'Content-Type: application/x-ndjson'", f"--data-binary {data}")
    else:
        lines = (curl, "-H 'Content-Type: application/json'", f"-d {data}")
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
    inside = "".join(
        _printed(f"model.call({call.method!r}, {_literal(call)})", streams=call.streams_out) for call in calls
    )
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
    head = f"import json\n{path}from urllib.request import Request, urlopen\n\n\n"
    kinds = {call.streams for call in calls}
    ways = [way for streams, way in ((False, _CALL), (True, _STREAM)) if streams in kinds]
    inside = "".join(
        _printed(f"{'stream' if c.streams else 'call'}({c.method!r}, {_literal(c)})", streams=c.streams) for c in calls
    )
    return (head + "".join(f"{way}\n\n\n" for way in ways) + inside).strip()


def _printed(expression: str, *, streams: bool) -> str:
    return f"for message in {expression}:\n    print(message)\n" if streams else f"print({expression})\n"


def _literal(call: Call) -> str:
    """Return the arguments as a Python expression; the repr of JSON values is one."""
    if call.file and call.streams_in:
        return f"[json.loads(line) for line in Path({call.file!r}).open()]"
    if call.file:
        return f"json.loads(Path({call.file!r}).read_text())"
    if call.streams_in:
        return "[\n" + "".join(f"    {message!r},\n" for message in call.arguments) + "]"
    entries = "".join(f"    {key!r}: {value!r},\n" for key, value in call.arguments.items())
    return f"{{\n{entries}}}" if entries else "{}"


def _url(method: str) -> str:
    return f"http://localhost:{PORT}/model/methods/{method}"


_CALL = f"""\
def call(method, arguments):
    url = f'{_url("{method}")}'
    body = json.dumps(arguments).encode()
    with urlopen(Request(url, body, {{'Content-Type': 'application/json'}})) as answer:
        return json.load(answer)"""
_STREAM = f"""\
def stream(method, arguments):
    url = f'{_url("{method}")}'
    messages = arguments if isinstance(arguments, list) else [arguments]
    body = ''.join(json.dumps(message) + '\\n' for message in messages).encode()
    with urlopen(Request(url, body, {{'Content-Type': 'application/x-ndjson'}})) as answers:
        yield from map(json.loads, answers)"""
