from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.catalog.rules.names import Names, are_confusable

REAL = [
    "iris-forest", "fashion-classifier", "resnet-18", "resnet-34", "resnet-50", "resnet-101", "vgg-16", "vgg-19",
    "mobilenet-v2", "mobilenet-v3", "efficientnet-b0", "yolo-v5", "yolo-v8", "squeezenet", "densenet-121",
    "inception-v3", "bert-base", "bert-large", "distilbert", "roberta-base", "t5-small", "t5-base", "gpt", "opt",
    "llama-7b", "llama-13b", "whisper-tiny", "whisper-base", "wav2vec2", "clip-vit-b32", "dino-v2",
    "segment-anything", "unet-brain", "unet-lung", "deeplab-v3", "house-prices", "wine-quality", "breast-cancer",
    "digits-svm", "spam-filter", "credit-risk", "churn-trees", "titanic-survival", "taxi-demand", "weather-rain",
    "air-quality", "traffic-signs", "plant-disease", "bird-song", "heart-rate", "ecg-arrhythmia",
    "alexnet", "googlenet", "xception", "convnext-tiny", "swin-base", "regnet-y400", "shufflenet-v2", "fashion-mnist",
    "cat-or-dog", "flower-finder", "mushroom-guide", "leaf-counter", "crop-yield", "soil-moisture", "river-level",
    "tide-clock", "storm-track", "solar-output", "wind-power", "grid-load", "battery-life", "engine-noise",
    "bearing-wear", "weld-defects", "paper-jam", "parcel-volume", "route-time", "seat-demand", "hotel-prices",
    "loan-default", "card-fraud", "claim-cost", "stock-news", "film-reviews", "song-genre", "speaker-id",
    "keyword-spotter", "silero-vad", "noise-gate", "accent-map", "language-id", "spell-check", "part-of-speech",
    "name-finder", "topic-words", "sentence-pairs", "reading-age", "handwriting", "page-layout",
]  # fmt: skip
NAMES = st.from_regex(r"[a-z0-9]{1,6}([._-][a-z0-9]{1,6}){0,3}", fullmatch=True)


def typos(name: str, count: int, chance: random.Random) -> list[str]:
    """Return names as a squatter would choose them: one letter wrong, missing, added or swapped; another separator."""
    made: list[str] = []
    while len(made) < count:
        i = chance.randrange(len(name))
        letter = chance.choice(string.ascii_lowercase)
        made.append(
            chance.choice(
                [
                    name[:i] + letter + name[i + 1 :],
                    name[:i] + name[i + 1 :],
                    name[:i] + letter + name[i:],
                    name[:i] + name[i : i + 2][::-1] + name[i + 2 :],
                    name.replace("-", chance.choice(["", "_", "."])),
                    name.replace("o", "0"),
                    name.replace("l", "1"),
                    name.replace("m", "rn"),
                ]
            )
        )
    return [m for m in made if m != name]


def test_true_names_are_told_apart() -> None:
    names = Names(REAL)
    assert {name: found for name in REAL if (found := names.confusable_with(name))} == {}


def test_typing_errors_are_found() -> None:
    names, chance = Names(REAL), random.Random(7)  # noqa: S311 - a seed, so that every run tries the same
    tried = [(name, typo) for name in REAL for typo in typos(name, 80, chance) if typo not in REAL]
    missed = [(name, typo) for name, typo in tried if name not in names.confusable_with(typo)]
    assert len(REAL) == 100
    assert len(tried) >= 5000
    assert len(missed) <= len(tried) // 100, missed


@pytest.mark.parametrize(
    ("one", "other", "confusable"),
    [
        ("iris-forest", "iris_forest", True), ("iris-forest", "irisforest", True), ("iris-forest", "iris-forset", True),
        ("bam-owl", "barn-owl", True), ("model-1", "model-l", True), ("model-1", "model-2", False),
        ("gpt", "opt", False), ("gpt", "g-pt", True), ("yolo-v5", "yolo-v51", True),
        ("iris-forest", "iris-tree", False),
    ],
)  # fmt: skip
def test_examples_of_each_kind(one: str, other: str, confusable: bool) -> None:  # noqa: FBT001 - a table
    assert are_confusable(one, other) is confusable


@given(NAMES, st.lists(NAMES, max_size=10))
def test_the_look_up_finds_what_comparing_with_each_would_find(name: str, others: list[str]) -> None:
    found = Names(others).confusable_with(name)
    assert found == sorted({o for o in others if o != name and are_confusable(name, o)})


@given(NAMES, NAMES)
def test_the_order_does_not_matter(one: str, other: str) -> None:
    assert are_confusable(one, other) == are_confusable(other, one)
