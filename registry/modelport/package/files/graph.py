"""What an ONNX file must not hold: it is looked through here, with the standard library, before any runtime gets it.

Source: ``onnx.proto`` (github.com/onnx/onnx, IR version 13). Two things would make the file more than the data in it:
tensors kept in other files (a path, which a runtime would follow), and operators of a domain that a library of
somebody's would have to bring. Both may hide in nested graphs, in attributes and in functions.
"""

from __future__ import annotations

from modelport.errors import FormatError
from modelport.package.files.wire import fields, passing

__all__ = ["check_graph"]

_MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Which fields of a message hold which messages; the others hold nothing that matters here."""

_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of a tensor
_NAMES = {"node": (7, 4, 8), "function": (10, 1, 13)}
"""Where an operator's domain, name and overload stand in what uses it, and in the function that may define it."""
_STANDARD = {"", "ai.onnx", "ai.onnx.ml"}
_PASSED = {"attribute": passing(frozenset(_MESSAGES["attribute"]))}
"""The look of what does not matter, where there is much of it: a forest's numbers are attributes, millions of them."""
_MOST_PARTS, _DEEPEST = 5_000_000, 100  # protobuf's own parsers stop at a depth of 100


def check_graph(content: bytes) -> None:
    """Check that the ONNX file in *content* is whole in itself.

    Raises:
        FormatError: It is no ONNX file, keeps tensors elsewhere, or needs operators that ONNX does not define.
    """
    look = _Look()
    waiting = [("model", memoryview(content), 0)]
    while waiting:
        kind, data, depth = waiting.pop()
        if depth > _DEEPEST:
            raise FormatError("it is not a plain ONNX file: its graphs are nested too deeply")
        try:
            waiting += [(inner, part, depth + 1) for inner, part in look.into(kind, data)]
        except FormatError as error:
            raise FormatError(f"it is not an ONNX file: it holds {error.message}") from error
    look.judge()


class _Look:
    """One look through a file, and what was seen."""

    def __init__(self) -> None:
        self.parts = self.graphs = self.external = 0
        self.named: dict[str, set[tuple[str, ...]]] = {"node": set(), "function": set()}

    def into(self, kind: str, data: memoryview) -> list[tuple[str, memoryview]]:
        """Note what matters of one message; return the messages in it."""
        inside: list[tuple[str, memoryview]] = []
        texts: dict[int, str] = {}
        external = False
        for number, value in fields(data, _PASSED.get(kind)):
            self.parts += 1
            if self.parts > _MOST_PARTS:
                raise FormatError(f"more than {_MOST_PARTS} parts")
            if inner := _MESSAGES[kind].get(number):
                inside.append((inner, _bytes(value, inner)))
            elif kind == "tensor":
                external |= number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
            elif number in _NAMES.get(kind, ()):
                if number in texts:
                    raise FormatError(f"a {kind} with two names")
                texts[number] = bytes(_bytes(value, "name")).decode("utf-8", "backslashreplace")
        self.external += external
        self.graphs += kind == "graph"
        if kind in _NAMES:
            self.named[kind].add(tuple(texts.get(number, "") for number in _NAMES[kind]))
        return inside

    def judge(self) -> None:
        """Raise FormatError for what must not be."""
        if not self.graphs or not self.named["node"]:
            raise FormatError("it is not an ONNX file: it holds no graph with operators")
        if self.external:
            raise FormatError(
                f"it keeps {self.external} of its tensors in other files",
                hint="write it as one file: onnx.save(onnx.load(PATH), NEW_PATH)",
            )
        if foreign := sorted(one for one in self.named["node"] - self.named["function"] if one[0] not in _STANDARD):
            named = ", ".join(f"{domain}.{operator}" for domain, operator, _ in foreign[:5])
            raise FormatError(
                f"it needs operators that ONNX does not define: {named}",
                hint="export it with the operators of ai.onnx and ai.onnx.ml alone",
            )


def _bytes(value: int | memoryview, kind: str) -> memoryview:
    if isinstance(value, int):
        raise FormatError(f"a number where a {kind} belongs")
    return value
