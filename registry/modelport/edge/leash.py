"""``python -m modelport.edge.leash``: ``python -m modelport.serve`` that ends with the process that started it.

The leash is standard input, a pipe whose other end only that process has. The operating system closes it with the
process, however that ends, by SIGKILL also, and on every system alike.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from threading import Thread

__all__ = ["end_with_parent", "main"]

_SECONDS = 20.0
"""How long calls that run may take to their end."""


def end_with_parent() -> None:
    """Ask this process to end (SIGTERM) when its standard input ends, and end it after 20 seconds."""
    leash = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # a model that reads its standard input does not hold the leash
    os.close(nothing)
    Thread(target=_watch, args=(leash,), name="leash", daemon=True).start()


def _watch(leash: int) -> None:
    while os.read(leash, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_SECONDS)
    os._exit(1)


def main() -> int:
    """Serve the package that the command line names; return the exit status."""
    end_with_parent()
    from modelport.serve.__main__ import main as serve

    return serve()


if __name__ == "__main__":
    sys.exit(main())
