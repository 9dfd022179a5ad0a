"""Command lines that call a service, for people to copy: they run as they stand wherever there is curl."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from modelport.serve.raw import raw_answer_types, raw_types
from modelport.serve.samples import sample

if TYPE_CHECKING:
    from modelport.model import Model
    from modelport.model.spec import MethodSpec

__all__ = ["curl_line", "raw_curl_line", "starting_body"]

_SHOWN = 600


def starting_body(method: MethodSpec, model: Model) -> str:
    """Return the input of the method's first golden example, else a small one that fits, as JSON.

    A stream has a message a line.
    """
    inputs = (e.input for e in model.examples if e.method == method.name)
    found: Any = next(inputs, None) or sample(method.input, model.spec)
    if not method.streams_in:
        return json.dumps(found, ensure_ascii=False)
    messages = found["stream"] if found.keys() == {"stream"} else [found]
    return "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in messages)


def curl_line(method: MethodSpec, model: Model, url: str) -> str:
    """Return a command line that calls *method*; arguments that are long come from the service itself."""
    text = starting_body(method, model)
    address = shlex.quote(f"{url}/model/methods/{method.name}")
    flow = "-N " if method.streams_out else ""
    kind = "application/x-ndjson" if method.streams_in else "application/json"
    data = "--data-binary" if method.streams_in else "-d"
    call = f"curl {flow}{address} \\\n  -H 'Content-Type: {kind}' \\\n  {data}"
    if len(text) <= _SHOWN:
        return f"{call} {shlex.quote(text)}"
    return f"curl -s {shlex.quote(f'{url}/model/artifacts/examples/{method.name}')} |\n  {call} @-"


def raw_curl_line(method: MethodSpec, model: Model, url: str) -> str:
    """Return a command line that sends a file named ``FILE`` as it is; empty where the method takes none."""
    raw = raw_types(model.spec.message(method.input))
    if not raw:
        return ""
    address = shlex.quote(f"{url}/model/methods/{method.name}")
    answer = " -o ANSWER" if raw_answer_types(model.spec.message(method.output)) == raw[:1] else ""
    return f"curl {address} \\\n  -H 'Content-Type: {raw[0]}' \\\n  --data-binary @FILE{answer}"
