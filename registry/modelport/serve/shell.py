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

__all__ = ["curl_line", "raw_curl_line", "starting_arguments"]

_SHOWN = 600


def starting_arguments(method: MethodSpec, model: Model) -> dict[str, Any]:
    """Return the input of the method's first golden example, else a small one that fits."""
    inputs = (e.input for e in model.examples if e.method == method.name)
    return next(inputs, None) or sample(method.input, model.spec)


def curl_line(method: MethodSpec, model: Model, url: str) -> str:
    """Return a command line that calls *method*; arguments that are long come from the service itself."""
    text = json.dumps(starting_arguments(method, model), ensure_ascii=False)
    address = shlex.quote(f"{url}/model/methods/{method.name}")
    if len(text) <= _SHOWN:
        return f"curl {address} \\\n  -H 'Content-Type: application/json' \\\n  -d {shlex.quote(text)}"
    arguments = shlex.quote(f"{url}/model/artifacts/examples/{method.name}")
    return f"curl -s {arguments} |\n  curl {address} \\\n  -H 'Content-Type: application/json' \\\n  -d @-"


def raw_curl_line(method: MethodSpec, model: Model, url: str) -> str:
    """Return a command line that sends a file named ``FILE`` as it is; empty where the method takes none."""
    raw = raw_types(model.spec.message(method.input))
    if not raw:
        return ""
    address = shlex.quote(f"{url}/model/methods/{method.name}")
    answer = " -o ANSWER" if raw_answer_types(model.spec.message(method.output)) == raw[:1] else ""
    return f"curl {address} \\\n  -H 'Content-Type: {raw[0]}' \\\n  --data-binary @FILE{answer}"
