"""The largest files that are read, made to be slow or large: ``python -m tests.fuzz.large_inputs`` measures them all.

It prints a JSON object: the most seconds of computing that one took, which one, and the most memory of the process.
"""

from __future__ import annotations

import json
import resource
import sys
import time

from modelport.catalog import read_yaml
from modelport.catalog.files import VERSION_LIMIT

_REPEATED = [
    "[", "{a: ", "- ", "? ", ": ", "#\n", "\n", " ", "\r\n", "\t", "%a\n", "---\n", "...\n", "&a a\n", "!a b\n", "9",
    "k: 1\n", "- 1\n", "word ", "word\n  ", "'", '"\\n"\n', "a,b,c: {", "\\x41", "<<: ", "é: ", "- - - a\n", "|\n", "`",
    "\ufeff",
]  # fmt: skip


def _texts() -> list[str]:
    """Return texts of about a mebibyte: one thing again and again, bare and within brackets and quotes."""
    repeated = [(one * (VERSION_LIMIT // len(one)))[: VERSION_LIMIT // 2] for one in _REPEATED]
    framed = [frame.format(text) for text in repeated for frame in ("{}", "[{}", '"{}', "a: |\n  {}", "a: {}\nb: c: d")]
    return [
        *framed,
        "a: [" + ", ".join(["255"] * 99_000) + "]",
        "[" + "1," * 99_000 + "]]",
        "a: [" + ", ".join(["255"] * 49_000) + "]\nb: &x 1",
        "".join(f"k{i}: {i}\n" for i in range(49_000)) + "a: b: c",
        "%YAML " + "9" * 1_000_000 + ".1\n---\na",
    ]


def main() -> int:
    """Read them all."""
    times = []
    for number, text in enumerate(_texts()):
        content = text.encode()[:VERSION_LIMIT]
        start = time.process_time()
        document = read_yaml(content, "x.yaml")
        times.append((time.process_time() - start, number, text[:30]))
        assert document.value is not None or document.problems
    seconds, _, text = max(times)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "slowest": text, "memory": memory, "texts": len(times)}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
