"""The judge: a process with protoc's generated classes and none of ours.

Called as ``python judge.py FOLDER``: FOLDER holds ``model_pb2.py`` and ``cases.json``, a list of ``[message, base64 of
our bytes]``. It prints a list of ``[our bytes parsed and written again, the protobuf JSON of them]``.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
from pathlib import Path

from google.protobuf.json_format import MessageToDict


def main(folder: Path) -> None:
    sys.path.insert(0, str(folder))
    generated = importlib.import_module("model_pb2")
    assert not any(name.startswith("modelport") for name in sys.modules)
    answers = []
    for name, ours in json.loads((folder / "cases.json").read_text("utf-8")):
        message = getattr(generated, name).FromString(base64.b64decode(ours))
        # Each field goes through the generated class's own setters.
        again = type(message)(**{f.name: value for f, value in message.ListFields()})
        theirs = base64.b64encode(again.SerializeToString()).decode()
        shown = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        answers.append([theirs, shown])
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
