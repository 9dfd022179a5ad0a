"""One call of a package's method: ``python -m modelport.package.call FOLDER METHOD``, the arguments on stdin as JSON.

Prints one JSON document on stdout, ``{"answer": ...}``, or ``{"error": ..., "hint": ...}``, or ``{"error": ...,
"problems": [...]}`` where the arguments do not fit, with status 1. What the model's code prints goes to stderr.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from modelport.errors import CallError, ModelError, ModelportError
from modelport.package.answer import keep_stdout
from modelport.package.load import load_package

__all__ = ["main", "told"]


def main(folder: str, method: str) -> int:
    """Load the package in *folder*, call *method*, and print its answer."""
    with keep_stdout() as answer:
        document = _call(Path(folder), method, sys.stdin.read())
        answer.write(json.dumps(document, ensure_ascii=False) + "\n")
    return 0 if "answer" in document else 1


def _call(folder: Path, method: str, text: str) -> dict[str, Any]:
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError) as error:
        return {"error": f"the arguments are not JSON: {error}"}
    try:
        return {"answer": load_package(folder).model.call(method, arguments)}
    except CallError as error:
        return {"error": "the arguments do not fit", "problems": list(error.problems)}
    except ModelportError as error:
        return {"error": told(error), "hint": error.hint}


def told(error: ModelportError) -> str:
    """Return in one line what went wrong; what a class of pydantic's refuses is told by field, as misfits are."""
    cause = error.__cause__
    refused = getattr(cause, "errors", None) if type(cause).__module__.startswith("pydantic") else None
    if isinstance(error, ModelError) and refused is not None:
        found = [f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in refused()]
        method = error.message.partition(" failed: ")[0]
        return f"{method} failed: what it made does not fit {getattr(cause, 'title', 'its class')}: {'; '.join(found)}"
    return "; ".join(line.strip() for line in error.message.splitlines() if line.strip())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
