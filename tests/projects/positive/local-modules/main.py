from typing import TYPE_CHECKING

import words_of_local_modules
from tables_of_local_modules import lookup
from words_of_local_modules import LIMIT as MOST

from modelport import Model

if TYPE_CHECKING:
    import nothing_that_exists


def count(text: str) -> int:
    """Count known words, MOST at most."""
    from late_of_local_modules import least  # imported only where it is needed

    known = lookup("animals")
    return least(MOST, sum(w in known for w in words_of_local_modules.split(text)))


model = Model(count=count)
model.add_example("count", {"text": "cat dog stone horse"})
