"""The model's code, written by `modelport pack`."""

from __future__ import annotations

from collections import Counter
from collections import OrderedDict
from collections import defaultdict
from collections import deque
from datetime import date
from datetime import datetime as _datetime
from datetime import time
from datetime import timedelta
from datetime import timezone
from decimal import Decimal
from fractions import Fraction
from functools import partial
from logging import getLogger
from math import sqrt
from pathlib import Path
from pathlib import PurePosixPath
from pathlib import PureWindowsPath

BEGIN = _datetime(2020, 1, 1, 2, 3, 0, 0, timezone(timedelta(0, 7200, 0), 'here'), fold=1)

COUNTS = Counter({'h': 1, 'e': 1, 'l': 2, 'o': 1})

DAYS = [date(2020, 2, 29), timedelta(-1, 0, 5), time(1, 2, 0, 0, timezone(timedelta(0, 0, 0)))]

GROUPS = defaultdict(list, {'a': [1]})

LAST = deque([1, 2], 2)

ORDER = OrderedDict({'b': 1, 'a': 2})

PARTS = (slice(1, None, 2), bytearray(b'ab'))

PLACES = (Path('words/one.txt'), PurePosixPath('/model'), PureWindowsPath('C:\\model'))

PRICES = {'a': Decimal('1.10'), 'b': Decimal('NaN'), 'c': Fraction(1, 3)}

STEPS = [sqrt, partial(round, ndigits=2)]

half = partial(max, 0.5)

inner = getLogger(__name__ + '.inner')

log = getLogger(__name__)

other = getLogger('other.one')

root = getLogger('root')

def scale(factor, x, *, offset=0.0):
    return factor * x + offset

twice = partial(scale, 2.0, offset=1.0)

def check(x: float) -> str:
    """Tell whether every value is what it was."""
    log.debug("called"), inner.debug("called")
    assert inner.parent is log and log.name == __name__ and other.name == "other.one" and root.parent is None
    assert twice(x) == 2 * x + 1 and half(x) == max(0.5, x) and STEPS[0](4) == 2 and STEPS[1](1.234) == 1.23
    assert PLACES == (Path("words/one.txt"), PurePosixPath("/model"), PureWindowsPath("C:/model"))
    assert DAYS[0].isoformat() == "2020-02-29" and DAYS[1].total_seconds() == -86400 + 5e-6 and DAYS[2].utcoffset().seconds == 0
    assert BEGIN.isoformat() == "2020-01-01T02:03:00+02:00" and BEGIN.fold == 1 and BEGIN.tzname() == "here"
    assert PRICES["a"] == Decimal("1.1") and PRICES["b"].is_nan() and PRICES["c"] * 3 == 1
    assert type(COUNTS) is Counter and COUNTS["l"] == 2 and list(ORDER) == ["b", "a"] and type(ORDER) is OrderedDict
    assert GROUPS["a"] == [1] and GROUPS.default_factory is list and LAST == deque([1, 2]) and LAST.maxlen == 2
    assert "abcd"[PARTS[0]] == "bd" and PARTS[1] == b"ab" and type(PARTS[1]) is bytearray
    return f"{twice(x)} {half(x)}"

METHODS = {
    "check": check,
}
