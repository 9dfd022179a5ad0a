import datetime
import functools
import logging
import math
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath

from modelport import Model

log = logging.getLogger(__name__)
inner = logging.getLogger(f"{__name__}.inner")
other = logging.getLogger("other.one")
root = logging.getLogger()


def scale(factor, x, *, offset=0.0):
    return factor * x + offset


twice = functools.partial(scale, 2.0, offset=1.0)
half = functools.partial(max, 0.5)
STEPS = [math.sqrt, functools.partial(round, ndigits=2)]
PLACES = (Path("words") / "one.txt", PurePosixPath("/model"), PureWindowsPath("C:/model"))
DAYS = [datetime.date(2020, 2, 29), datetime.timedelta(days=-1, microseconds=5), datetime.time(1, 2, tzinfo=datetime.timezone.utc)]
BEGIN = datetime.datetime(2020, 1, 1, 2, 3, tzinfo=datetime.timezone(datetime.timedelta(hours=2), "here"), fold=1)
PRICES = {"a": Decimal("1.10"), "b": Decimal("NaN"), "c": Fraction(1, 3)}
COUNTS = Counter("hello")
ORDER = OrderedDict([("b", 1), ("a", 2)])
GROUPS = defaultdict(list, {"a": [1]})
LAST = deque([1, 2], maxlen=2)
PARTS = (slice(1, None, 2), bytearray(b"ab"))


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


model = Model(check=check)
model.add_example("check", {"x": 1.0})
