"""Rows that are made up for a trained object, to see whether another form of it answers alike.

Nothing of the training data is known. What is known is what the object keeps of it: the numbers at which trees part,
and the categories of encoders. Where there is nothing, rows are normal numbers of many sizes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.model.spec import ListOf, Scalar, TensorOf
from modelport.package.files.columns import message_taken
from modelport.package.files.objects import inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelport.model.spec import Message

__all__ = ["made_up", "strange"]

_ROWS = 64
_MOST_NUMBERS = 200_000
_STRANGE = {"missing": float("nan"), "infinite": float("inf"), "large": 1e300}


def made_up(message: Message, trained: Any) -> Iterator[dict[str, Any]]:
    """Return the fields of *message*, which *trained* takes, of several rows: also without negative numbers.

    Nothing is returned where what it takes cannot be made up.
    """
    known = message_taken(trained, "").known if hasattr(trained, "get_params") else {}
    if (rows := _rows(message, trained, known)) is not None:
        yield rows
        yield {name: _positive(value) for name, value in rows.items()}


def strange(rows: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return *rows* with numbers that many refuse, by the words for them, and with values that were never seen."""
    import numpy as np

    found = {}
    for kind, value in _STRANGE.items():
        changed = {}
        for name, given in rows.items():
            array = np.array(given)
            if array.dtype.kind == "f" and (kind != "large" or array.dtype.itemsize > 4):  # noqa: PLR2004 - a float32's bytes
                flat = array.reshape(len(array), -1)
                places = np.arange(len(flat))
                flat[places, places % flat.shape[1]] = value
                changed[name] = array if isinstance(given, np.ndarray) else array.tolist()
        if changed:
            found[kind] = {**rows, **changed}
    texts = {name: ["another"] * len(v) for name, v in rows.items() if isinstance(v[0], str)}
    return found | ({"unknown": {**rows, **texts}} if texts else {})


def _rows(message: Message, trained: Any, known: Mapping[str, list[Any]]) -> dict[str, Any] | None:
    import numpy as np

    random = np.random.default_rng(0)
    made: dict[str, Any] = {}
    count = _ROWS
    for number, one in enumerate(message.fields):
        if isinstance(one.type, ListOf) and one.name in known:
            made[one.name] = [known[one.name][n % len(known[one.name])] for n in random.permutation(_ROWS)]
        elif one.type == ListOf(Scalar("double")):
            made[one.name] = _column(random, _steps(trained, len(message.fields)).get(number, [])).tolist()
        elif one.type == ListOf(Scalar("string")):
            made[one.name] = [f"a text of {n} words" for n in range(_ROWS)]
        elif isinstance(one.type, TensorOf) and one.type.dtype.startswith("float") and len(one.type.shape or ()) > 1:
            shape = tuple(size if isinstance(size, int) else _ROWS for size in one.type.shape or ())
            made[one.name] = _tensor(random, shape, trained).astype(one.type.dtype)
            count = min(count, max(2, _MOST_NUMBERS // max(1, made[one.name][0].size)))
        else:
            return None
    return {name: value if len(value) < _ROWS else value[:count] for name, value in made.items()}


def _tensor(random: Any, shape: tuple[int, ...], trained: Any) -> Any:
    import numpy as np

    made = random.normal(size=shape) * 10.0 ** random.integers(-2, 3, size=(shape[0], *[1] * (len(shape) - 1)))
    if len(shape) == 2:  # noqa: PLR2004 - rows of features
        for feature, steps in _steps(trained, shape[1]).items():
            made[:, feature] = np.resize(_column(random, steps), shape[0])
    return made


def _column(random: Any, steps: list[float]) -> Any:
    """Return numbers: half of them those at which trees part, also as a person would write those."""
    import numpy as np

    made = random.normal(size=_ROWS) * 10.0 ** random.integers(-2, 3, size=_ROWS)
    if steps:
        chosen = random.choice(np.unique(steps), size=_ROWS)
        made = np.where(np.arange(_ROWS) % 4 == 0, chosen, made)
        made = np.where(np.arange(_ROWS) % 4 == 1, np.round(chosen, 6), made)  # 0.7 is no number of 32 bits
        made = np.where(np.arange(_ROWS) % 4 == 2, chosen + random.normal(size=_ROWS) * np.std(steps), made)  # noqa: PLR2004 - one in four
    return made


def _steps(trained: Any, width: int) -> dict[int, list[float]]:
    """Return the numbers at which the trees in *trained* that see all *width* columns part, by the column's number."""
    found: dict[int, list[float]] = {}
    for one in inside(trained) if hasattr(trained, "get_params") else ():
        tree = getattr(one, "tree_", None)
        if tree is not None and getattr(one, "n_features_in_", None) == width:
            for feature, step in zip(tree.feature.tolist(), tree.threshold.tolist(), strict=True):
                if feature >= 0:
                    found.setdefault(feature, []).append(step)
    return found


def _positive(value: Any) -> Any:
    import numpy as np

    if isinstance(value, np.ndarray):
        return np.abs(value)
    return [abs(one) if isinstance(one, float) else one for one in value]
