"""The page at ``/``: what is served and how to call it. It documents without a script, and with one it has forms.

Nothing comes from elsewhere. What the forms are made from lies in the page as JSON, in a block that no browser runs.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from modelport.model.kinds import MessageRef, single
from modelport.serve.costs import costs
from modelport.serve.limits import Limits
from modelport.serve.page_service import badges, costs_and_counts, doors
from modelport.serve.raw import raw_answer_types, raw_types
from modelport.serve.samples import sample
from modelport.serve.shell import curl_line, raw_curl_line
from modelport.serve.static import static_folder
from modelport.words import Words

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from modelport.model import Model
    from modelport.model.spec import Message, MethodSpec, ModelSpec
    from modelport.serve.info import ServiceInfo

__all__ = ["page_html"]


def page_html(
    model: Model,
    info: ServiceInfo,
    url: str,
    *,
    limits: Limits | None = None,
    paths: Collection[str] = (),
    grpc: str = "",
) -> str:
    """Return the page of a service that is reached at *url*.

    Args:
        model: The model.
        info: What is known about it.
        url: The service's address, without a slash at its end.
        limits: What a call may cost; `Limits` of their own accord unless told otherwise.
        paths: The paths that the service answers; only those are linked to.
        grpc: The address of the service's gRPC doors, when they are open.
    """
    folder, spec = static_folder(), model.spec
    methods = "".join(_method(m, model, url) for m in spec.methods)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(info.name)}</title>
<link rel="icon" href="{folder}/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="{folder}/page.css">
<script type="module" src="{folder}/main.js"></script>
</head>
<body>
<header class="title">
<h1><img src="{folder}/mark.svg" alt="" width="36" height="36"> {escape(info.name)}</h1>
<ul class="badges">{badges(info)}</ul>
{_toc(spec)}
</header>
<main>
{methods}
{costs_and_counts(costs(model, info, limits or Limits()))}<section class="doors" aria-labelledby="doors">
<h2 id="doors">Other doors</h2>
<ul>{doors(info, paths, grpc)}</ul>
</section>
</main>
<script type="application/json" id="model">{_data(spec)}</script>
</body>
</html>
"""


def _toc(spec: ModelSpec) -> str:
    if len(spec.methods) == 1:
        return ""
    links = "".join(f'<li><a href="#{escape(m.name)}"><code>{escape(m.name)}</code></a></li>' for m in spec.methods)
    return f'<nav aria-label="Methods"><ul class="toc">{links}</ul></nav>'


def _data(spec: ModelSpec) -> str:
    """Return what the forms are made from, with nothing in it that could end the block."""
    signature = spec.to_json()
    words = Words.of(signature)
    said = {m.name: {f.name: words.field(f.to_json(), column=m.table) for f in m.fields} for m in spec.messages}
    samples = {m.name: sample(m.name, spec) for m in spec.messages}
    text = json.dumps({"signature": signature, "words": said, "samples": samples})
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _method(method: MethodSpec, model: Model, url: str) -> str:
    taken, given = (model.spec.message(name) for name in (method.input, method.output))
    words = Words.of(model.spec.to_json())
    sides = (("takes", taken, raw_types(taken)), ("gives", given, raw_answer_types(given)))
    parts = [_message(message, raw, words, side) for side, message, raw in sides]
    parts += [_message(m, (), words) for m in _inner(method, model.spec)]
    name, line = escape(method.name), escape(curl_line(method, model, url))
    doc = escape(method.doc).replace("\n\n", "</p><p>")
    return f"""<section class="method" id="{name}" aria-labelledby="{name}-title">
<h2 id="{name}-title"><code>{name}</code></h2>
<div class="lead"><p>{doc}</p></div>
<div class="try" data-method="{name}"></div>
<details class="words"><summary>What <code>{name}</code> takes and gives</summary>
<div class="parts">{"".join(parts)}</div></details>
<details class="shell" open><summary>From a shell</summary>
<pre tabindex="0"><code>{line}</code></pre>{_raw_curl(method, model, url)}</details>
</section>
"""


def _raw_curl(method: MethodSpec, model: Model, url: str) -> str:
    line = raw_curl_line(method, model, url)
    return f'\n<p>Or with a file, as it is:</p>\n<pre tabindex="0"><code>{escape(line)}</code></pre>' if line else ""


def _message(message: Message, raw: Sequence[str], words: Words, side: str = "") -> str:
    head = f"{side} <code>{escape(message.name)}</code>".strip()
    table = ", a table: its fields are columns of one length" if message.table else ""
    either = f"; or a body of {escape(' or '.join(raw))}" if raw else ""
    empty = "" if message.fields else ", which has no fields"
    doc = f"<p>{escape(message.doc)}</p>" if message.doc else ""
    return f"<div><h3>{head}{table}{either}{empty}</h3>{doc}{_fields(message, words)}</div>"


def _fields(message: Message, words: Words) -> str:
    """Return what each field is: its type, unit, range and default, and its words below."""
    said = ((f, words.field(f.to_json(), column=message.table)) for f in message.fields)
    fields = "".join(
        f"<div><dt><code>{escape(f.name)}</code>:</dt> <dd>{escape(kind)}</dd>"
        + (f"<dd>{escape(f.about.doc)}</dd></div>" if f.about.doc else "</div>")
        for f, kind in said
    )
    return f"<dl>{fields}</dl>" if fields else ""


def _inner(method: MethodSpec, spec: ModelSpec) -> list[Message]:
    """Return the messages inside those that a method takes and gives, each once, in the order in which they are met."""
    found = dict.fromkeys((method.input, method.output))
    for name in (names := list(found)):
        inner = (single(f.type) for f in spec.message(name).fields)
        new = [one.name for one in inner if isinstance(one, MessageRef) and one.name not in names]
        names += dict.fromkeys(new)
    return [spec.message(name) for name in names if name not in found]
