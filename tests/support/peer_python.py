"""Third parties in environments of their own: what they pin must not meet what Modelport pins.

Each is locked with hashes in ``requirements/peers/NAME.lock``, which is made from ``NAME.in`` beside it::

    uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate NAME.in -o NAME.lock

An environment is made on first use under ``build/peers``, one for each content of a lock.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from modelport.package.environment import make_environment

__all__ = ["OUTER", "peer_python"]

ROOT = Path(__file__).parents[2]
OUTER = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "COVERAGE"))}
"""The variables for a process of a peer: none that would let our packages in."""


def peer_python(name: str) -> Path:
    """Return the interpreter of the environment that ``requirements/peers/NAME.lock`` pins."""
    lock = (ROOT / "requirements/peers" / f"{name}.lock").read_text()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return make_environment(lock, ROOT / "build/peers", python=version).python
