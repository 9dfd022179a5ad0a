"""Small ONNX files written by hand, field by field: right ones, and such as nobody should load."""

from __future__ import annotations

import struct

FLOAT, UINT8, INT32, INT64, STRING, BOOL, FLOAT16 = 1, 2, 6, 7, 8, 9, 10


def varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def field(number: int, value: int | str | bytes) -> bytes:
    """Return a protobuf field: an integer as a varint, anything else with its length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def value_info(name: str, kind: int, *shape: int | str) -> bytes:
    dims = b"".join(field(1, field(2, d) if isinstance(d, str) else field(1, d)) for d in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, dims)))


def node(operator: str, inputs: list[str], outputs: list[str], *, domain: str = "", attributes: bytes = b"") -> bytes:
    names = b"".join(field(1, one) for one in inputs) + b"".join(field(2, one) for one in outputs)
    return names + field(4, operator) + attributes + (field(7, domain) if domain else b"")


def tensor(name: str, *values: float, extra: bytes = b"") -> bytes:
    raw = struct.pack(f"<{len(values)}f", *values)
    return field(1, len(values)) + field(2, FLOAT) + field(8, name) + field(9, raw) + extra


def graph(*nodes: bytes, inputs: list[bytes], outputs: list[bytes], initializers: tuple[bytes, ...] = ()) -> bytes:
    parts = b"".join(field(1, one) for one in nodes) + field(2, "g")
    parts += b"".join(field(5, one) for one in initializers)
    return parts + b"".join(field(11, one) for one in inputs) + b"".join(field(12, one) for one in outputs)


def model(content: bytes, *extra: bytes, domains: tuple[str, ...] = ("",)) -> bytes:
    opsets = b"".join(field(8, (field(1, d) if d else b"") + field(2, 17 if not d else 1)) for d in domains)
    return field(1, 8) + field(7, content) + opsets + b"".join(extra)


X, Y = value_info("x", FLOAT, "n", 3), value_info("y", FLOAT, "n", 3)


def scaled(
    *extra: bytes, weights: bytes = b"", nodes: tuple[bytes, ...] = (), domains: tuple[str, ...] = ("",)
) -> bytes:
    """Return a file that gives y = x * (1, 2, 3), with more in it, or other weights."""
    multiply = node("Mul", ["x", "w"], ["y"])
    initializers = (weights or tensor("w", 1, 2, 3),)
    return model(graph(multiply, *nodes, inputs=[X], outputs=[Y], initializers=initializers), *extra, domains=domains)


GOOD = scaled()

EXTERNAL = field(13, field(1, "location") + field(2, "../../etc/passwd"))
ELSEWHERE = field(14, 1)


def attribute(name: str, number: int, content: bytes, kind: int) -> bytes:
    return field(5, field(1, name) + field(number, content) + field(20, kind))


def constant(value: bytes) -> bytes:
    return node("Constant", [], ["c"], attributes=attribute("value", 5, value, 4))


def nested(inner: bytes) -> bytes:
    """Return a node whose attribute is a graph with the node *inner* in it."""
    part = graph(inner, inputs=[], outputs=[value_info("c", FLOAT, 1)])
    return node("If", ["b"], ["z"], attributes=attribute("then_branch", 6, part, 5))


def deep(levels: int) -> bytes:
    inner = constant(tensor("", 1))
    for _ in range(levels):
        inner = nested(inner)
    return inner


LEAKING = tensor("", 1, extra=EXTERNAL)
OTHERS = node("Run", ["x"], ["z"], domain="com.example")

HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "no graph with operators"),
    "text": (b"not a model\n", "it is not an ONNX file"),
    "a zip": (b"PK\x03\x04" + bytes(40), "it is not an ONNX file"),
    "a pickle": (b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n", "it is not an ONNX file"),
    "cut": (GOOD[:-3], "it is not an ONNX file"),
    "a group": (GOOD + b"\x0b\x0c", "wire type 3"),
    "a number that does not end": (GOOD + b"\xff" * 12, "does not end"),
    "a graph that is a number": (GOOD + field(7, 1), "a number where a graph belongs"),
    "weights elsewhere": (scaled(weights=tensor("w", 1, 2, 3, extra=EXTERNAL + ELSEWHERE)), "1 of its tensors"),
    "weights said to be elsewhere": (scaled(weights=tensor("w", 1, 2, 3, extra=ELSEWHERE)), "1 of its tensors"),
    "weights elsewhere, taken back": (scaled(weights=tensor("w", extra=ELSEWHERE + field(14, 0))), "its tensors"),
    "a path without saying elsewhere": (scaled(weights=tensor("w", 1, 2, 3, extra=EXTERNAL)), "1 of its tensors"),
    "a constant elsewhere": (scaled(nodes=(constant(LEAKING),)), "1 of its tensors"),
    "a constant in a branch elsewhere": (scaled(nodes=(nested(constant(LEAKING)),)), "1 of its tensors"),
    "a sparse tensor elsewhere": (
        scaled(nodes=(node("Constant", [], ["c"], attributes=attribute("v", 22, field(1, LEAKING), 11)),)),
        "1 of its tensors",
    ),
    "a constant in a function elsewhere": (
        scaled(field(25, field(1, "f") + field(7, constant(LEAKING)) + field(10, "mine"))), "1 of its tensors",
    ),
    "training weights elsewhere": (scaled(field(20, field(1, field(5, LEAKING)))), "1 of its tensors"),
    "a second graph that leaks": (GOOD + field(7, field(5, LEAKING)), "1 of its tensors"),
    "an operator of somebody's": (scaled(nodes=(OTHERS,), domains=("", "com.example")), r"com\.example\.Run"),
    "one in a branch": (scaled(nodes=(nested(OTHERS),)), r"com\.example\.Run"),
    "one in a function": (scaled(field(25, field(1, "f") + field(7, OTHERS) + field(10, "mine"))), "com.example"),
    "a runtime's own operator": (
        scaled(nodes=(node("EPContext", ["x"], ["z"], domain="com.microsoft"),)), r"com\.microsoft\.EPContext",
    ),
    "graphs in graphs in graphs": (scaled(nodes=(deep(60),)), "nested too deeply"),
    "an unknown operator": (scaled(nodes=(node("Nothing", ["x"], ["z"]),)), "ONNX Runtime cannot load it"),
}  # fmt: skip
"""Each hostile or broken file, and what is said of it."""
