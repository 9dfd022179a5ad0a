"""Thirty invented models, as a catalog might hold after its first year: what facets, search and lists are tried on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.site.samples import digest, model

from modelport.model.spec import Field, ListOf, Message, MethodSpec, ModelSpec, Scalar, TensorOf

if TYPE_CHECKING:
    from modelport.model.spec import FieldType

__all__ = ["thirty"]

_IMAGE, _GREY = TensorOf("uint8", ("n", 224, 224, 3)), TensorOf("uint8", ("n", 28, 28))
_WAVE, _VECTOR = TensorOf("float32", ("samples",)), TensorOf("float32", ("n", 384))
_TEXT, _TEXTS, _NUMBER, _COLUMN = Scalar("string"), ListOf(Scalar("string")), Scalar("double"), ListOf(Scalar("double"))
_BYTES = Scalar("bytes")

_MODELPORT, _NORD, _RIVULET = "Modelport", "Nordlicht Labs", "Rivulet Sensing"
_FIELD, _MUSEUM, _TU = "Open Field Station", "Museum für Naturkunde", "Institute of Applied Examples"
_URLS = {_NORD: "https://nordlicht.example", _FIELD: "https://field.example/models"}
_SKLEARN = ("numpy==2.4.6", "scikit-learn==1.9.1")
_KERAS = ("keras==3.15.1", "numpy==2.4.6", "tensorflow-cpu==2.21.0")
_ONNX = ("numpy==2.4.6", "onnxruntime==1.31.0")
_TORCH = ("numpy==2.4.6", "torch==2.9.1")
_LITE = ("ai-edge-litert==2.1.0", "numpy==2.4.6")


@dataclass(frozen=True)
class _One:
    title: str
    summary: str
    task: str
    tags: str
    publisher: str
    license: str
    requirements: tuple[str, ...]
    weights: str
    size: int
    released: str
    takes: dict[str, FieldType]
    gives: dict[str, FieldType]
    trained: tuple[str, ...] = ()
    measured: tuple[tuple[str, str, float], ...] = ()
    lifecycle: str = "published"
    name: str = ""
    languages: tuple[str, ...] = ()


_ALL = [
    _One("Iris forest", "Tells the species of an iris flower from the lengths and widths of its sepals and petals.",
         "tabular-classification", "iris flowers random-forest acumos", _MODELPORT, "Apache-2.0", _SKLEARN,
         "forest.skops", 152_340, "2026-11-21",
         dict.fromkeys(["sepal_length", "sepal_width", "petal_length", "petal_width"], _COLUMN),
         {"IrisType": ListOf(Scalar("int64"))}, ("Iris",), (("Iris", "accuracy", 0.98),)),
    _One("Fashion classifier",
         "Tells ten kinds of clothing, from trousers to ankle boots, in small grey photographs.",
         "image-classification", "clothes fashion-mnist convolutional-network", _MODELPORT, "Apache-2.0", _KERAS,
         "network.keras", 1_042_118, "2026-11-21", {"images": _GREY},
         {"labels": _TEXTS, "probabilities": TensorOf("float32", ("n", 10))}, ("Fashion-MNIST",),
         (("Fashion-MNIST", "accuracy", 0.9021),)),
    _One("Fashion classifier, small",
         "The fashion classifier quantized to eight bits, for microcontrollers with a little memory.",
         "image-classification", "clothes fashion-mnist edge", _MODELPORT, "Apache-2.0", _LITE, "network.tflite",
         121_500, "2026-11-02", {"images": _GREY}, {"labels": _TEXTS}, ("Fashion-MNIST",),
         (("Fashion-MNIST", "accuracy", 0.8934),)),
    _One("Movie reviews", "Says whether a film review praises or damns, and how sure it is.", "text-classification",
         "sentiment films reviews", _MODELPORT, "Apache-2.0", _SKLEARN, "linear.skops", 4_310_220, "2026-11-19",
         {"text": _TEXTS}, {"sentiment": _TEXTS, "confidence": _COLUMN}, ("IMDB reviews",),
         (("IMDB reviews", "accuracy", 0.884),), languages=("en",)),
    _One("Speech or silence", "Finds the stretches of a recording in which somebody speaks.",
         "voice-activity-detection", "speech audio streaming", _NORD, "MIT", _ONNX, "vad.onnx", 2_327_524,
         "2026-10-12", {"samples": _WAVE, "rate": Scalar("int32")}, {"speech": TensorOf("float32", ("frames",))},
         ("VoxConverse",), (("VoxConverse", "roc_auc", 0.96),)),
    _One("Bird songs", "Names the birds of central Europe by their songs, even several at a time.",
         "audio-classification", "birds nature audio", _MUSEUM, "CC-BY-NC-4.0", _TORCH, "songs.safetensors",
         88_400_120, "2026-09-30", {"recording": _BYTES}, {"species": _TEXTS, "scores": _COLUMN},
         ("Xeno-canto Europe",), (("Xeno-canto Europe", "f1", 0.81),)),
    _One("Moth finder", "Counts moths on a light trap's sheet and draws a box around each.", "object-detection",
         "insects nature camera-trap", _MUSEUM, "CC-BY-NC-4.0", _TORCH, "moths.safetensors", 165_220_004,
         "2026-08-14", {"photo": _IMAGE}, {"boxes": TensorOf("float32", ("n", 4)), "count": Scalar("int32")},
         ("Light-trap sheets",), (("Light-trap sheets", "map", 0.63),)),
    _One("Leaf blight", "Finds early and late blight on photographs of potato leaves.", "image-classification",
         "agriculture plants disease", _FIELD, "CC-BY-4.0", _KERAS, "blight.keras", 14_208_331, "2026-07-03",
         {"leaf": _IMAGE}, {"diagnosis": _TEXTS, "probability": _COLUMN}, ("PlantVillage",),
         (("PlantVillage", "accuracy", 0.957),)),
    _One("Crop rows", "Outlines rows of crop and the weeds between them, from a tractor's camera.",
         "image-segmentation", "agriculture robots weeds", _FIELD, "GPL-3.0-only", _TORCH, "rows.safetensors",
         47_302_118, "2026-10-28", {"frame": _IMAGE}, {"mask": TensorOf("uint8", (224, 224))}, ("CropAndWeed",),
         (("CropAndWeed", "miou", 0.742),)),
    _One("Soil moisture", "Estimates the water in the ground from a week of weather and the kind of soil.",
         "tabular-regression", "agriculture weather soil", _FIELD, "CC-BY-4.0", _SKLEARN, "soil.skops", 902_114,
         "2026-06-11", {"rain": _COLUMN, "temperature": _COLUMN, "clay": _COLUMN}, {"moisture": _COLUMN},
         ("ISMN 2020",), (("ISMN 2020", "rmse", 0.043),)),
    _One("River level", "Forecasts the level of a river for the next two days from gauges upstream and rain.",
         "time-series-forecasting", "hydrology flood flow", _RIVULET, "EUPL-1.2", _TORCH, "river.safetensors",
         6_220_114, "2026-11-08",
         {"levels": TensorOf("float32", ("hours", "gauges")), "rain": TensorOf("float32", ("hours",))},
         {"forecast": TensorOf("float32", (48,))}, ("CAMELS-DE",), (("CAMELS-DE", "nse", 0.87),)),
    _One("Traffic flow", "Forecasts how many cars pass a counter in the next hour.", "time-series-forecasting",
         "traffic city", _RIVULET, "MIT", _KERAS, "traffic.keras", 720_004, "2026-05-20",
         {"counts": TensorOf("float32", ("n", 24))}, {"forecast": TensorOf("float32", ("n",))}, ("PeMS-BAY",),
         (("PeMS-BAY", "mae", 1.61),)),
    _One("Pump vibration", "Hears from a pump's vibration that a bearing is about to fail.", "anomaly-detection",
         "maintenance vibration industry", _RIVULET, "Apache-2.0", _ONNX, "pump.onnx", 384_200, "2026-10-05",
         {"vibration": _WAVE}, {"score": _NUMBER}, ("MIMII",), (("MIMII", "roc_auc", 0.913),)),
    _One("Card fraud", "Scores payments by card for how unlike the holder's usual ones they are.",
         "anomaly-detection", "finance fraud payments", _NORD, "LicenseRef-Nordlicht-1.0",
         ("lightgbm==4.6.0", "numpy==2.4.6"), "trees.txt", 3_100_440, "2026-04-17",
         {"amount": _COLUMN, "hour": _COLUMN, "distance": _COLUMN}, {"score": _COLUMN}, ("ULB credit card",),
         (("ULB credit card", "roc_auc", 0.975),)),
    _One("House prices", "Estimates what a house sells for, from its size, its rooms and its place.",
         "tabular-regression", "housing prices boosting", _TU, "MIT", ("numpy==2.4.6", "xgboost==3.1.1"), "trees.ubj",
         1_820_000, "2026-03-09", {"area": _COLUMN, "rooms": _COLUMN, "latitude": _COLUMN, "longitude": _COLUMN},
         {"price": _COLUMN}, ("California housing",), (("California housing", "rmse", 0.44),)),
    _One("Wine quality", "Guesses how a jury would rate a wine, from its chemistry.", "tabular-regression",
         "wine food chemistry", _TU, "BSD-3-Clause", _SKLEARN, "wine.skops", 2_104_332, "2026-02-02",
         {"acidity": _COLUMN, "sugar": _COLUMN, "alcohol": _COLUMN}, {"rating": _COLUMN}, ("Wine quality",),
         (("Wine quality", "rmse", 0.58),)),
    _One("Digits", "Reads one handwritten digit.", "image-classification", "digits mnist handwriting", _TU, "MIT",
         _SKLEARN, "digits.skops", 620_110, "2026-01-15", {"images": _GREY}, {"digit": ListOf(Scalar("int64"))},
         ("MNIST",), (("MNIST", "accuracy", 0.972),)),
    _One("Old print reader", "Reads lines of German newspapers printed in Fraktur before 1940.", "image-to-text",
         "ocr history newspapers", _MUSEUM, "AGPL-3.0-only", _TORCH, "reader.safetensors", 93_100_220, "2026-09-02",
         {"line": TensorOf("uint8", (48, "width"))}, {"text": _TEXT, "confidence": _NUMBER}, ("GT4HistOCR",),
         (("GT4HistOCR", "cer", 0.021),), languages=("de",)),
    _One("Sentence vectors", "Turns a sentence into 384 numbers that lie close together when meanings do.",
         "feature-extraction", "semantic-search multilingual sentences", _NORD, "Apache-2.0", _ONNX, "sentences.onnx",
         471_004_120, "2026-10-19", {"sentences": _TEXTS}, {"vectors": _VECTOR}, ("Tatoeba",),
         (("STS benchmark", "spearman", 0.842),), languages=("de", "en", "fr")),
    _One("German to English", "Translates everyday German into English, a sentence at a time.", "translation",
         "translation german english", _NORD, "CC-BY-SA-4.0", ("numpy==2.4.6", "torch==2.9.1", "transformers==5.0.1"),
         "translate.safetensors", 298_330_118, "2026-08-01", {"text": _TEXT}, {"translation": _TEXT}, ("Tatoeba",),
         (("newstest2019", "bleu", 34.2),), languages=("de", "en")),
    _One("News topics", "Files a news report under one of seventeen topics.", "text-classification", "news topics",
         _TU, "MPL-2.0", _ONNX, "topics.onnx", 67_220_004, "2026-06-25", {"text": _TEXTS},
         {"topic": _TEXTS, "scores": _COLUMN}, ("AG News",), (("AG News", "f1", 0.918),), languages=("en",)),
    _One("Short summaries", "Says in two sentences what a report of two pages says.", "summarization",
         "news summaries", _NORD, "CC-BY-NC-SA-4.0", ("numpy==2.4.6", "torch==2.9.1", "transformers==5.0.1"),
         "short.safetensors", 1_220_400_118, "2026-11-12", {"report": _TEXT}, {"summary": _TEXT}, ("CNN/DailyMail",),
         (("CNN/DailyMail", "rouge_l", 0.39),), languages=("en",)),
    _One("Hand pose", "Finds the 21 joints of a hand in a camera's picture, fast enough for a phone.",
         "keypoint-detection", "hands pose mobile edge", _MODELPORT, "Apache-2.0", _LITE, "hand.tflite", 5_478_688,
         "2026-10-30", {"image": _IMAGE}, {"joints": TensorOf("float32", (21, 3)), "presence": _NUMBER}),
    _One("Snow depth", "Estimates how deep the snow lies from a webcam with a measuring pole.", "other",
         "snow weather webcam", _FIELD, "CC-BY-4.0", _KERAS, "snow.keras", 9_800_400, "2026-01-30", {"photo": _IMAGE},
         {"depth": _COLUMN}, ("Alpine webcams",), (("Alpine webcams", "mae", 4.1),)),
    _One("Cough or speech", "Tells coughs from speech and other noises of a ward.", "audio-classification",
         "health audio cough", _TU, "CC-BY-4.0", _ONNX, "cough.onnx", 1_320_118, "2026-07-21", {"samples": _WAVE},
         {"kind": _TEXTS}, ("Coswara",), (("Coswara", "f1", 0.882),)),
    _One("Glucose trend", "Forecasts blood sugar half an hour ahead; for research, not for treatment.",
         "time-series-forecasting", "health glucose research", _TU, "CC-BY-NC-4.0", _TORCH, "glucose.safetensors",
         2_030_110, "2026-05-05", {"readings": TensorOf("float32", ("n", 12))},
         {"forecast": TensorOf("float32", ("n", 6))}, ("OhioT1DM",), (("OhioT1DM", "rmse", 18.9),)),
    _One("Cloud cover", "Will say how much of the sky is covered, from a fish-eye camera.", "image-segmentation",
         "weather sky", _FIELD, "CC-BY-4.0", (), "", 0, "", {}, {}, lifecycle="draft"),
    _One("Road signs", "Will name German road signs in dashcam pictures.", "object-detection", "traffic robots",
         _RIVULET, "MIT", (), "", 0, "", {}, {}, lifecycle="draft"),
    _One("Digits of 2024", "Reads one handwritten digit; the network before the forest.", "image-classification",
         "digits mnist", _TU, "MIT", _KERAS, "digits.keras", 1_720_110, "2024-11-15", {"images": _GREY},
         {"digit": ListOf(Scalar("int64"))}, ("MNIST",), (("MNIST", "accuracy", 0.961),), lifecycle="deprecated"),
    _One("Loan scores", "Scored loans, until it was withdrawn.", "tabular-classification", "finance loans", _NORD,
         "LicenseRef-Nordlicht-1.0", _SKLEARN, "loans.skops", 402_118, "2025-12-01",
         {"income": _COLUMN, "age": _COLUMN}, {"score": _COLUMN}, ("German credit",),
         (("German credit", "accuracy", 0.76),), lifecycle="yanked"),
]  # fmt: skip
_HIGH = {"accuracy", "f1", "roc_auc", "map", "miou"}


def thirty() -> list[dict[str, Any]]:
    """Return the documents of thirty models."""
    return [_document(one) for one in _ALL]


def _document(one: _One) -> dict[str, Any]:
    name = "-".join("".join(c if c.isalnum() else " " for c in one.title.lower()).split())
    publisher = {"name": one.publisher} | ({"url": _URLS[one.publisher]} if one.publisher in _URLS else {})
    said: dict[str, Any] = {"deprecated": {"successor": "digits"}, "yanked": {"reason": "It was unfair to the young."}}
    return model(
        name,
        title=one.title,
        summary=one.summary,
        task=one.task,
        tags=one.tags.split(),
        publisher=publisher,
        license={"weights": one.license},
        lifecycle=one.lifecycle,
        training_data=[
            {
                "name": data,
                "source": f"https://data.example/{len(data)}",
                "license": "CC-BY-4.0",
                "samples": 1000 * len(data),
            }
            for data in one.trained
        ],
        versions=[_version(one, name)] if one.weights else [],
        latest="1.0.0" if one.weights else None,
        **({"languages": list(one.languages)} if one.languages else {}),
        **said.get(one.lifecycle, {}),
    )


def _version(one: _One, name: str) -> dict[str, Any]:
    spec = ModelSpec(
        messages=(
            Message("Input", tuple(Field(key, kind) for key, kind in one.takes.items())),
            Message("Output", tuple(Field(key, kind) for key, kind in one.gives.items())),
        ),
        methods=(MethodSpec("run", "Input", "Output"),),
    ).with_proto_package()
    return {
        "version": "1.0.0",
        "released": one.released,
        "changes": [{"kind": "added", "text": "First version."}],
        "digest": digest(name),
        "size": one.size,
        "tier": "data-only" if one.weights.endswith(("onnx", "tflite", "safetensors", "skops")) else "code-bearing",
        "python": "3.11",
        "requirements": sorted(one.requirements),
        "files": [{"path": f"state/{one.weights}", "kind": "weight", "size": one.size, "digest": digest(one.weights)}],
        "signature": spec.to_json(),
        "examples": [],
        "evaluations": [_figure(*measured) for measured in one.measured],
    }


def _figure(data: str, metric: str, value: float) -> dict[str, Any]:
    around = [round(value - 0.012, 4), round(value + 0.011, 4)] if metric in _HIGH else None
    figure = {"data": data, "split": "test", "n": 2000, "metric": metric, "value": value, "measured_by": "publisher"}
    return figure | ({"interval": around} if around else {})
