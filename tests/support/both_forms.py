"""Call every example of a package by JSON and by protobuf, outside any service: ``python both_forms.py FOLDER``."""

import json
import sys
from pathlib import Path

from modelport.package import load_package


def main(folder: str) -> None:
    """Print, for each example, its method, its output, and the two answers."""
    loaded = load_package(Path(folder))
    answers = []
    for example in loaded.model.examples:
        method, codec = loaded.model.methods[example.method], loaded.model.codec
        data = codec.to_bytes(codec.from_json(example.input, method.spec.input), method.spec.input)
        answer = codec.to_json(codec.from_bytes(method.call_bytes(data), method.spec.output), method.spec.output)
        answers.append({"method": example.method, "json": method.call_json(example.input), "protobuf": answer})
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1])
