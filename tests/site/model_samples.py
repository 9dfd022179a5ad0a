"""Documents that have much to show: several methods and versions, every optional key, pictures in and out."""

from __future__ import annotations

from base64 import b64encode
from copy import deepcopy
from typing import Any

from tests.site.samples import coat, digest, files, iris, model
from tests.support.every_kind import ARGUMENTS, signature

from modelport.model.spec import Field, ListOf, Message, MessageRef, MethodSpec, ModelSpec, Scalar, TensorOf
from modelport_site.pictures import png

__all__ = ["child", "every", "evidence", "huge", "rich"]

_SPEC = ModelSpec(
    messages=(
        Message("Photos", (Field("images", TensorOf("uint8", ("n", 28, 28))), Field("words", Scalar("string")))),
        Message(
            "Masks", (Field("masks", TensorOf("uint8", ("n", 28, 28))), Field("found", ListOf(MessageRef("Part"))))
        ),
        Message("Part", (Field("label", Scalar("string")), Field("share", Scalar("double"))), "A part and its share."),
        Message("Word", (Field("word", Scalar("string")),)),
        Message("Score", (Field("score", Scalar("float")),)),
        Message("Nothing", ()),
    ),
    methods=(
        MethodSpec("segment", "Photos", "Masks", "Tell the parts of each photograph."),
        MethodSpec("score", "Word", "Score"),
        MethodSpec("reset", "Nothing", "Nothing"),
    ),
).with_proto_package()  # fmt: skip


def _evaluation(metric: str, value: float, interval: list[float] | None, **changes: object) -> dict[str, Any]:
    one: dict[str, Any] = {
        "data": "Household photographs, 2026", "split": "test", "n": 1200, "metric": metric, "value": value,
        "measured_by": "publisher",
    }  # fmt: skip
    return one | ({"interval": interval} if interval else {}) | changes


def _versions() -> list[dict[str, Any]]:
    mask = [[[255 if value else 0 for value in row] for row in coat()]]
    newest: dict[str, Any] = {
        "version": "2.1.0",
        "released": "2026-11-21",
        "changes": [
            {"kind": "added", "text": "The method score."},
            {"kind": "fixed", "text": "Dark photographs are no longer empty."},
        ],
        "digest": digest("rich 2.1.0"),
        "size": 48_310_220,
        "resources": {"memory": 412_000_000, "environment": 1_310_000_000},
        "tier": "data-only",
        "python": "3.12",
        "requirements": ["numpy==2.4.6", "onnxruntime==1.31.0"],
        "files": files("state/network.onnx", 48_300_000),
        "signature": _SPEC.to_json(),
        "examples": [
            {
                "method": "segment",
                "input": {"images": [coat(), coat()[::-1]], "words": "a coat"},
                "output": {"masks": mask, "found": [{"label": "sleeve", "share": 0.31}]},
                "tolerance": 0.001,
            },
            {"method": "score", "input": {"word": 'it\'s "here"'}, "output": {"score": 0.5}},
        ],
        "evaluations": [
            _evaluation("mean intersection over union", 0.7612, [0.741, 0.781]),
            _evaluation("mean intersection over union", 0.7588, [0.739, 0.778], measured_by="ci"),
            _evaluation("seconds per photograph", 0.0123, None, n=100, measured_by="ci"),
            _evaluation("mean absolute error", 3.4, [3.1, 3.75]),
        ],
    }
    second = deepcopy(newest) | {
        "version": "2.0.0", "released": "2026-08-02", "digest": digest("rich 2.0.0"), "size": 47_900_000,
        "changes": [{"kind": "changed", "text": "Trained on twice as many photographs."},
                    {"kind": "removed", "text": "The method count."}],
        "requirements": ["numpy==2.3.1", "onnxruntime==1.30.0"],
        "evaluations": [_evaluation("mean intersection over union", 0.7412, [0.72, 0.762])],
    }  # fmt: skip
    second["signature"]["methods"] = [one for one in second["signature"]["methods"] if one["name"] != "score"]
    second["examples"] = second["examples"][:1]
    first = deepcopy(second) | {
        "version": "1.0.0", "released": "2026-02-14", "digest": digest("rich 1.0.0"), "size": 21_000_000,
        "changes": [{"kind": "added", "text": "First version."}],
        "requirements": ["numpy==2.3.1", "pillow==11.0.0"],
        "evaluations": [_evaluation("mean intersection over union", 0.6811, [0.66, 0.703])],
    }  # fmt: skip
    first["signature"]["methods"].append({"name": "count", "input": "Photos", "output": "Score"})
    return [newest, second, first]


def rich() -> dict[str, Any]:
    """Return a released model that says all there is to say."""
    return model(
        "coat-parts",
        title="Coat parts",
        summary="Finds the parts of a coat in small grey photographs, and how much of the picture each one fills.",
        task="image-segmentation",
        tags=["clothes", "images", "segmentation"],
        languages=["en", "pt-BR"],
        audience="internal",
        publisher={"name": "Modelport", "url": "https://modelport.example/"},
        authors=[{"name": "Jane Doe", "orcid": "0000-0002-1825-0097"}, {"name": "The Coat Group"}],
        maintainers=[{"name": "Jane Doe", "github": "jane-doe"}],
        license={"weights": "CC-BY-NC-4.0", "code": "MIT OR Apache-2.0", "data": "CC-BY-4.0"},
        lineage=[
            {"relation": "fine-tuned", "model": "fashion-classifier"},
            {"relation": "distilled", "source": "https://elsewhere.example/big-segmenter"},
            {"relation": "quantized", "model": "not-here"},
        ],
        links={
            key: f"https://coats.example/{key}" for key in ("homepage", "source", "documentation", "paper", "issues")
        },
        citation={
            "type": "inproceedings", "title": "Parts of {Coats} & Jackets: 100% of Them",
            "authors": ["Jane Q. Doe", "Wei Ångström-Li"], "year": 2025, "venue": "Conference on Clothes",
            "doi": "10.1234/coats.2025.7", "arxiv": "2501.01234",
        },
        training_data=[
            {"name": "Household photographs, 2026", "source": "https://data.example/photos", "samples": 128_000},
            {"name": "Fashion-MNIST", "source": "Zalando Research", "license": "MIT"},
        ],
        card="It draws a mask for each part.\n\n```python\nmasks = model.segment(images)\n```\n\n- sleeves\n- collar",
        yanked=[{"version": "2.0.0", "reason": "Its masks are shifted by a pixel."}],
        versions=_versions(),
        latest="2.1.0",
        recipe=True,
    )  # fmt: skip


def every() -> dict[str, Any]:
    """Return a released model with a field of every kind."""
    photo = b64encode(png([bytes(row) for row in coat()], 28)).decode()
    examples: list[dict[str, Any]] = [
        {"method": method, "input": given, "output": given}
        for method, given in (ARGUMENTS | {"describe": ARGUMENTS["describe"] | {"photo": photo}}).items()
    ]
    examples.append({"method": "crop", "input": {"image": photo}, "output": {"image": photo}})
    version = _versions()[0] | {
        "version": "1.0.0", "digest": digest("every 1.0.0"), "signature": signature().to_json(), "examples": examples,
        "row_independent": [{"method": "sort", "rows": 6}],
    }  # fmt: skip
    return model(
        "leaf-census",
        title="Leaf census",
        summary="Tells what a leaf is like from all that may be known of it.",
        task="tabular-classification",
        tags=["leaves"],
        card="Every kind of field there is.",
        versions=[version],
        latest="1.0.0",
    )


def child() -> dict[str, Any]:
    """Return a model that was made from the rich one, and of which every version is yanked."""
    return model(
        "coat-parts-small",
        lineage=[{"relation": "quantized", "model": "coat-parts"}],
        tags=["clothes"],
        versions=[iris()["versions"][0]],
        yanked=[{"version": "1.1.0", "reason": "It was packed without its labels."}],
    )


def huge() -> dict[str, Any]:
    """Return a model whose texts are as long, as foreign and as unbreakable as the contract allows."""
    word = "Donaudampfschifffahrtsgesellschaftskapitän" * 3
    version = _versions()[0] | {
        "evaluations": [_evaluation(word, 1e-30, [-1e30, 1e30], data=word, split=word, n=9**12)]
    }
    return model(
        "x" * 64,
        title=word[:80],
        summary=f"\u202e\u05e9\u05dc\u05d5\u05dd {'🦊' * 20} {word[:100]}",
        publisher={"name": word[:120]},
        authors=[{"name": f"{word[:100]} {number}"} for number in range(20)],
        intended_use=word * 4,
        limits=word * 4,
        card=f"# {word}\n\n`{word}{word}`\n\n| {word} | b |\n|---|---|\n| 1 | {word} |",
        citation={"text": f"{word} {word}"},
        training_data=[{"name": word[:120], "source": f"https://a.example/{word}", "samples": 9**15}],
        versions=[version],
        latest="2.1.0",
    )


def evidence() -> dict[str, Any]:
    """Return what is known of the rich model after its release, by its name."""
    one = {
        "version": "2.1.0", "digest": digest("rich 2.1.0"), "date": "2026-11-20", "outcome": "identical",
        "platform": "linux x86_64", "python": "3.12",
    }  # fmt: skip
    other = one | {"date": "2026-11-25", "digest": digest("another")}
    document = {"schema": "modelport/evidence/1", "model": "coat-parts", "reproduced": [other, one]}
    return {"coat-parts": document}
