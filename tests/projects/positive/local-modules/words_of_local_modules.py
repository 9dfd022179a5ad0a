import re

try:
    import nothing_that_exists as fast
except ImportError:
    fast = None

import splitter_of_local_modules

LIMIT = 2


def split(text: str) -> list[str]:
    return splitter_of_local_modules.run(re.compile(r"\w+"), text)
