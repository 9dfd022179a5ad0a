import enum
import math
import re

from modelport import Model


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Access(enum.Flag):
    READ = 1
    WRITE = 2


NOTHING = None
NUMBERS = [float("nan"), math.inf, -math.inf, -0.0, 1e-300, 2**70, True]
COMPLEX = complex(-0.0, math.inf)
LARGE = 1 << 10_001
TEXT = "Grüße,\n\"you\" \ud83d \x00"
BYTES = b"\x00\xff"
SETS = ({3, 1, 2}, frozenset({"b", "a"}), set(), frozenset(), ())
TABLE = {("a", 1): [{"deep": None}], ...: (1,)}
WORD = re.compile(r"\w+", re.ASCII)
FAVOURITE, MIXED = Colour.BLUE, Access.READ | Access.WRITE
COUNT = range(2, 20, 3)


def check(x: float) -> str:
    """Tell whether every constant is what it was."""
    nan, *rest = NUMBERS
    assert math.isnan(nan) and rest == [math.inf, -math.inf, 0.0, 1e-300, 2**70, True] and rest[-1] is True
    assert math.copysign(1, rest[2]) == -1 and COMPLEX.imag == math.inf and math.copysign(1, COMPLEX.real) == -1
    assert NOTHING is None and LARGE == 1 << 10_001 and TEXT[0] == "G" and TEXT[-3:] == "\ud83d \x00"
    assert BYTES == bytes([0, 255]) and SETS == ({1, 2, 3}, {"a", "b"}, set(), set(), ()) and type(SETS[3]) is frozenset
    assert TABLE[..., ] if (...,) in TABLE else TABLE[...] == (1,)
    assert WORD.findall("añb") == ["a", "b"]
    assert FAVOURITE is Colour.BLUE and MIXED == Access.READ | Access.WRITE
    return " ".join(map(str, COUNT))


model = Model(check=check)
model.add_example("check", {"x": 0.0})
