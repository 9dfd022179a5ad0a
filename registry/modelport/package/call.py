"""One call of a package's method: ``python -m modelport.package.call FOLDER METHOD``, the arguments on stdin as JSON.

Prints a JSON document on a line of stdout, ``{"answer": ...}``, for each message that a stream has when it comes, and
``{"end": true}`` at last; or ``{"error": ..., "hint": ...}``, or ``{"error": ..., "problems": [...]}`` where the
arguments do not fit, with status 1. What the model's code prints goes to stderr.

A method that takes a stream reads a message from each line, when it wants one; a line may hold a list of them, too.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import CallError, ModelError, ModelportError
from modelport.package.answer import keep_stdout
from modelport.package.load import load_package

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

__all__ = ["main", "told"]


class _NotJsonError(Exception):
    """Why the arguments cannot be read."""


def main(folder: str, method: str) -> int:
    """Load the package in *folder*, call *method*, and print its answer."""
    document: dict[str, Any] = {}
    with keep_stdout() as answer, closing(_documents(Path(folder), method)) as documents:
        for document in documents:
            answer.write(json.dumps(document, ensure_ascii=False) + "\n")
            answer.flush()
    return 0 if "end" in document else 1


def _documents(folder: Path, method: str) -> Generator[dict[str, Any], None, None]:
    """Yield each answer, and at last that this is the end, or what went wrong."""
    try:
        yield from ({"answer": one} for one in _answers(folder, method))
        yield {"end": True}
    except _NotJsonError as error:
        yield {"error": f"the arguments are not JSON: {error}", "hint": 'write {"field": value}'}
    except CallError as error:
        yield {"error": "the arguments do not fit", "problems": list(error.problems)}
    except ModelportError as error:
        yield {"error": told(error), "hint": error.hint}


def _answers(folder: Path, method: str) -> Iterator[Any]:
    model = load_package(folder).model
    spec = model.spec.method(method)
    answer = model.call(method, _messages(sys.stdin) if spec.streams_in else _parsed(sys.stdin.read()))
    if not spec.streams_out:
        yield answer
        return
    with closing(answer):
        yield from answer


def _messages(lines: Iterable[str]) -> Iterator[Any]:
    for line in lines:
        if line.strip():
            message = _parsed(line)
            yield from message if isinstance(message, list) else [message]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _NotJsonError(str(error)) from error


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
