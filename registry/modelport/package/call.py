"""One call of a package's method: ``python -m modelport.package.call FOLDER METHOD``, the arguments on stdin as JSON.

Prints one JSON document on stdout, ``{"answer": ...}``, or ``{"error": ..., "problems": [...]}`` with status 1. What
the model's code prints goes to stderr.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from modelport.errors import CallError, ModelportError
from modelport.package.answer import keep_stdout
from modelport.package.load import load_package

__all__ = ["main"]


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
        return {"error": str(error)}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
