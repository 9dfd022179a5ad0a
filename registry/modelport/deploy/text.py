"""YAML as people keep it in git: PyYAML's, in the order of writing, with comments.

A comment is a key that begins with ``#``, with the value None. It stands above the key that follows. It must not come
first in an item of a list, whose dash it would hide.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

__all__ = ["manifest_text"]

_COMMENT = re.compile(r"^( *)(?P<key>(['\"]?)# .*\3): null$", re.MULTILINE)
_LONGEST = 110  # longer keys are written in another form


def manifest_text(document: dict[str, Any]) -> str:
    """Return *document* as YAML, each key that begins with ``#`` as a comment."""
    text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)
    return _COMMENT.sub(lambda match: f"{match[1]}{yaml.safe_load(match['key'])}", text)


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, and writes what occurs twice twice."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002 - PyYAML's
        del indentless
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401 - any node
        del data
        return True
