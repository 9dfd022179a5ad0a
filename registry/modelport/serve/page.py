"""The page at ``/``: what is served and how to call it. No script, nothing from elsewhere."""

from __future__ import annotations

import json
import shlex
from html import escape
from typing import TYPE_CHECKING

from modelport.serve.schemas import sample

if TYPE_CHECKING:
    from modelport.model import Model
    from modelport.model.spec import Message, MethodSpec
    from modelport.serve.info import ServiceInfo

__all__ = ["page_html"]

_STYLE = """
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
pre { overflow-x: auto; padding: .75rem; border: 1px solid; border-radius: .25rem }
table { border-collapse: collapse } td, th { padding: .1rem 1rem .1rem 0; text-align: left; vertical-align: top }
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
    return f"""<section>
<h3 id="{escape(method.name)}"><code>{escape(method.name)}</code></h3>
<p>{escape(method.doc).replace(chr(10) * 2, "</p><p>")}</p>
<table>{_row("takes", _fields(taken))}{_row("gives", _fields(given))}</table>
<pre><code>{escape(_curl(method, model, url))}</code></pre>
</section>
"""


def _curl(method: MethodSpec, model: Model, url: str) -> str:
    """Return a command line that calls *method*, with the first golden example if it is short."""
    examples = [e.input for e in model.examples if e.method == method.name]
    arguments = json.dumps(examples[0] if examples else sample(method.input, model.spec), ensure_ascii=False)
    data = shlex.quote(arguments) if len(arguments) <= _SHOWN else "@arguments.json"
    address = shlex.quote(f"{url}/model/methods/{method.name}")
    return f"curl {address} \\\n  -H 'Content-Type: application/json' \\\n  -d {data}"


def _fields(message: Message) -> str:
    fields = "<br>".join(f"<code>{escape(f.name)}</code>: {escape(str(f.type))}" for f in message.fields)
    return f"<code>{escape(message.name)}</code>" + (f"<br>{fields}" if fields else ", which has no fields")


def _row(name: str, html: str) -> str:
    return f"<tr><th>{name}</th><td>{html}</td></tr>"
