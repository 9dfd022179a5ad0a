"""The page at ``/``: what is served and how to call it. No script, nothing from elsewhere."""

from __future__ import annotations

import json
import shlex
from html import escape
from typing import TYPE_CHECKING

from modelport.model.kinds import MessageRef, single
from modelport.serve.raw import raw_answer_types, raw_types
from modelport.serve.samples import sample
from modelport.words import Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelport.model import Model
    from modelport.model.spec import Message, MethodSpec, ModelSpec
    from modelport.serve.info import ServiceInfo

__all__ = ["page_html"]

_STYLE = """
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
pre { overflow-x: auto; padding: .75rem; border: 1px solid; border-radius: .25rem }
table { border-collapse: collapse } td, th { padding: .1rem 1rem .1rem 0; text-align: left; vertical-align: top }
dl { margin: 0 } dd { margin: 0 0 .4rem 1rem } code { overflow-wrap: anywhere }
"""
_SHOWN = 600

_LINKS = {
    "/openapi.json": "the contract, as OpenAPI 3.1",
    "/model/artifacts/protobuf": "the methods and messages, as a .proto file",
    "/model/artifacts/metadata": "what is served, as JSON",
    "/model/artifacts/license": "the model's licence",
    "/health/live": "does the process run?",
    "/health/ready": "are calls answered?",
}


def page_html(model: Model, info: ServiceInfo, url: str) -> str:
    """Return the page of a service that is reached at *url*."""
    named = {"version": info.version, "digest": info.digest, "tier": info.tier, "python": info.python}
    rows = "".join(_row(name, f"<code>{escape(value)}</code>") for name, value in named.items() if value)
    links = "".join(
        f'<li><a href="{path}">{path}</a>: {text}</li>'
        for path, text in _LINKS.items()
        if info.license is not None or not path.endswith("license")
    )
    methods = "".join(_method(m, model, url) for m in model.spec.methods)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(info.name)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(info.name)}</h1>
<table>{rows}</table>
<h2>Methods</h2>
{methods}
<h2>More</h2>
<ul>{links}</ul>
</main>
</body>
</html>
"""


def _method(method: MethodSpec, model: Model, url: str) -> str:
    taken, given = (model.spec.message(name) for name in (method.input, method.output))
    words = Words.of(model.spec.to_json())
    sides = (("takes", taken, raw_types(taken)), ("gives", given, raw_answer_types(given)))
    rows = "".join(_row(side, _message(message, raw, words)) for side, message, raw in sides)
    inner = "".join(_row(f"<code>{escape(m.name)}</code>", _fields(m, words)) for m in _inner(method, model.spec))
    return f"""<section>
<h3 id="{escape(method.name)}"><code>{escape(method.name)}</code></h3>
<p>{escape(method.doc).replace(chr(10) * 2, "</p><p>")}</p>
<table>{rows}{inner}</table>
<pre><code>{escape(_curl(method, model, url))}</code></pre>{_raw_curl(method, model, url)}
</section>
"""


def _curl(method: MethodSpec, model: Model, url: str) -> str:
    """Return a command line that calls *method*, with the first golden example if it is short."""
    examples = [e.input for e in model.examples if e.method == method.name]
    arguments = json.dumps(examples[0] if examples else sample(method.input, model.spec), ensure_ascii=False)
    data = shlex.quote(arguments) if len(arguments) <= _SHOWN else "@arguments.json"
    address = shlex.quote(f"{url}/model/methods/{method.name}")
    return f"curl {address} \\\n  -H 'Content-Type: application/json' \\\n  -d {data}"


def _raw_curl(method: MethodSpec, model: Model, url: str) -> str:
    """Return a command line that sends a file as it is, where the method takes one."""
    raw = raw_types(model.spec.message(method.input))
    if not raw:
        return ""
    address = shlex.quote(f"{url}/model/methods/{method.name}")
    answer = " -o ANSWER" if raw_answer_types(model.spec.message(method.output)) == raw[:1] else ""
    line = f"curl {address} \\\n  -H 'Content-Type: {raw[0]}' \\\n  --data-binary @FILE{answer}"
    return f"\n<p>Or with a file, as it is:</p>\n<pre><code>{escape(line)}</code></pre>"


def _message(message: Message, raw: Sequence[str], words: Words) -> str:
    name = f"<code>{escape(message.name)}</code>"
    table = ", a table: its fields are columns of one length" if message.table else ""
    either = f"; or a body of {escape(' or '.join(raw))}" if raw else ""
    doc = f"<br>{escape(message.doc)}" if message.doc else ""
    return f"{name}{table}{either}{doc}{_fields(message, words)}" if message.fields else f"{name}, which has no fields"


def _fields(message: Message, words: Words) -> str:
    """Return what each field is: its type, unit, range and default, and its words below."""
    said = ((f, words.field(f.to_json(), column=message.table)) for f in message.fields)
    fields = "".join(
        f"<dt><code>{escape(f.name)}</code>: {escape(kind)}</dt>"
        + (f"<dd>{escape(f.about.doc)}</dd>" if f.about.doc else "")
        for f, kind in said
    )
    return f"<dl>{fields}</dl>"


def _inner(method: MethodSpec, spec: ModelSpec) -> list[Message]:
    """Return the messages inside those that a method takes and gives, each once, in the order in which they are met."""
    found = dict.fromkeys((method.input, method.output))
    for name in (names := list(found)):
        inner = (single(f.type) for f in spec.message(name).fields)
        new = [one.name for one in inner if isinstance(one, MessageRef) and one.name not in names]
        names += dict.fromkeys(new)
    return [spec.message(name) for name in names if name not in found]


def _row(name: str, html: str) -> str:
    return f"<tr><th>{name}</th><td>{html}</td></tr>"
