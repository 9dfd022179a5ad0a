"""How well a variant answers: its accuracy on the package's evaluation data, and how often it answers as its parent.

Parent and variants are whole packages, and each is asked in a process of its own. What the parent answers is kept by
its digest, which covers its evaluation data, too, so that it is asked once. An answer is the row (or the message) of
the field for which the right values are there; the tolerance for floats is the data's.

A variant has failed when it loses more than its limit: the difference of the two accuracies, as it was measured, and
not only where chance is out of the question. Where there are so few answers that a single one is more than the limit,
they are too few to judge by it. Then only what is surely worse fails: the same inputs were answered twice, so that only
the answers that one got right and the other wrong count (McNemar 1947), and the difference must be over the limit by
two of its standard errors.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any, Final

from modelport.edge.steps import run_step
from modelport.errors import NotFoundError
from modelport.model import Evaluation
from modelport.package.datasets import find_data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from modelport.edge.cache import Cache
    from modelport.model import DataSet

__all__ = ["LIMIT", "LIMITS", "Answers", "Judge", "answers_of", "drop_of", "falls_below", "is_too_few"]

LIMIT: Final = 0.03
"""How much less accurate than its parent a variant may be, as a share of all answers."""
LIMITS: Final = {"int4": 0.06}
"""The limits of variants that are expected to lose more."""

_FORMAT = 1
_ROWS = 256  # in one call
_ERRORS = 2


@dataclass(frozen=True, slots=True)
class Answers:
    """What a package answers to evaluation data: each answer in plain JSON, and whether it is right."""

    given: Sequence[Any]
    right: Sequence[bool]

    def agreement(self, parent: Answers, tolerance: float) -> dict[str, Any]:
        """Return the share of answers that are the *parent*'s, as the catalog keeps it."""
        from modelport.model.likeness import same

        equal = sum(same(one, other, tolerance) for one, other in zip(self.given, parent.given, strict=True))
        return {"value": equal / len(self.given), "n": len(self.given)}


def drop_of(parent: Sequence[bool], variant: Sequence[bool]) -> tuple[float, float]:
    """Return by how much less often *variant* is right than *parent*, and the standard error of that.

    Args:
        parent: Whether each of the parent's answers is right.
        variant: The same of the variant's, to the same inputs.
    """
    lost = sum(one and not other for one, other in zip(parent, variant, strict=True))
    won = sum(other and not one for one, other in zip(parent, variant, strict=True))
    n = len(parent)
    return (lost - won) / n, sqrt(max(0.0, lost + won - (lost - won) ** 2 / n)) / n


def falls_below(parent: Sequence[bool], variant: Sequence[bool], limit: float) -> bool:
    """Tell whether *variant* is worse than *parent* by more than *limit*; of too few answers: whether surely so."""
    drop, error = drop_of(parent, variant)
    return drop - (_ERRORS * error if is_too_few(len(parent), limit) else 0) > limit


def is_too_few(n: int, limit: float) -> bool:
    """Tell whether one answer of *n* is more than *limit*."""
    return n * limit < 1


def answers_of(package: Path, data: Path) -> dict[str, Any]:
    """Return what the package in the folder *package* answers to the evaluation data of the one in *data*.

    It runs the package's code: whoever calls this has a process for that (`modelport.edge.steps`).

    Returns:
        ``{"given": [...], "right": [...]}``, an item for each sample.

    Raises:
        ModelError: The package's code fails.
        NotFoundError: There is no evaluation data, or it was not fetched.
        CallError: It gives another answer than its signature says.
    """
    from modelport.model.call_form import CallForm
    from modelport.model.likeness import same
    from modelport.package.load import load_package

    model, found = load_package(package).model, find_data(data, "evaluation")
    form = CallForm.of(model.codec, model.spec.method(found.method), found.compared)
    given: list[Any] = []
    right: list[bool] = []
    for one in found.read(model.codec, rows=_ROWS):
        answer = model.methods[found.method](one.input)
        plain = model.codec.plain(answer, form.method.output)[found.compared]
        _, wanted = form.plain(one.input, one.expected)
        sides = [_listed(value, rows=found.unit == "row") for value in (plain, wanted)]
        right += [same(a, b, found.tolerance) for a, b in zip(*sides, strict=True)]
        given += sides[0]
    return {"given": given, "right": right}


def _listed(value: Any, *, rows: bool) -> list[Any]:  # noqa: ANN401 - a field's plain value
    """Return the rows of a field's plain value in plain JSON; where it has none, it is the only one."""
    if isinstance(value, dict) and rows:  # a table: its columns
        columns = [_listed(one, rows=True) for one in value.values()]
        return [list(row) for row in zip(*columns, strict=True)]
    plain = _json(value)
    return list(plain) if rows else [plain]


def _json(value: Any) -> Any:  # noqa: ANN401 - as above
    if hasattr(value, "dtype"):
        return value.tolist()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: _json(one) for key, one in value.items()}
    return [_json(one) for one in value] if isinstance(value, list | tuple) else value


class Judge:
    """Judges the variants of one package.

    Args:
        parent: The parent's folder, with its data.
        digest: The parent's.
        cache: Where its answers are kept.

    Attributes:
        data: The evaluation data.
        parent: What the parent answers.

    Raises:
        NotFoundError: It has no evaluation data, or it was not fetched.
        NotMadeError: The parent does not answer.
    """

    def __init__(self, parent: Path, digest: str, cache: Cache) -> None:
        self.data: DataSet = find_data(parent, "evaluation")
        if not self.data.compared:
            raise NotFoundError("the evaluation data has no right answers", hint="give expected=... to add_data")
        self._folder, self._cache = parent, cache
        kept = cache.folder / "answers" / f"{digest.partition(':')[2]}-{_FORMAT}.json"
        if (found := _read(kept, self.data.n)) is None:
            found = self._ask(parent)
            kept.parent.mkdir(exist_ok=True)
            whole = kept.with_suffix(".new")
            whole.write_text(json.dumps({"given": found.given, "right": found.right}), "utf-8")
            whole.replace(kept)
        self.parent = found

    def judge(self, variant: Path, name: str) -> dict[str, Any]:
        """Return ``accuracy`` and ``agreement`` of the variant in a folder, and a ``message`` where it fails its limit.

        Where it does not fail, and there are too few answers to judge it by its limit, ``doubt`` says so.

        Raises:
            NotMadeError: It does not answer.
        """
        answers = self._ask(variant)
        figures = {
            "accuracy": self._accuracy(answers),
            "agreement": answers.agreement(self.parent, self.data.tolerance),
        }
        limit = LIMITS.get(name, LIMIT)
        if not falls_below(self.parent.right, answers.right, limit):
            n = len(answers.right)
            few = f"{n} answers are too few to judge whether it loses more than {100 * limit:g} points"
            return figures | ({"doubt": few} if is_too_few(n, limit) else {})
        drop, _ = drop_of(self.parent.right, answers.right)
        return {
            **figures,
            "message": f"it is less accurate than its parent by {100 * drop:.1f} points, and may lose {100 * limit:g}",
        }

    @property
    def parents(self) -> dict[str, Any]:
        """The parent's own accuracy, as the catalog keeps one."""
        return self._accuracy(self.parent)

    def _ask(self, package: Path) -> Answers:
        with self._cache.scratch() as folder:
            found = run_step(folder, "answer", package=package.resolve(), data=self._folder.resolve())
            return _answers(json.loads((folder / found["answers"]).read_text("utf-8")))

    def _accuracy(self, answers: Answers) -> dict[str, Any]:
        figure = Evaluation.accuracy(
            correct=sum(answers.right), n=len(answers.right), data=self.data.name, split=self.data.split
        )
        low, high = figure.interval or (0.0, 1.0)
        interval = [min(low, figure.value), max(high, figure.value)]  # which were rounded
        data = f"{self.data.name}, {self.data.split}"[:200].strip()
        return {"value": figure.value, "n": figure.n, "interval": interval, "data": data}


def _answers(document: Mapping[str, Any]) -> Answers:
    return Answers(document["given"], document["right"])


def _read(file: Path, n: int) -> Answers | None:
    """Return the answers that are kept in *file*; None where they are not, or not whole."""
    try:
        found = _answers(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if len(found.given) == len(found.right) == n else None
