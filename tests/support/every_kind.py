"""A signature with a field of every kind, and a model that has it and gives back what it takes."""

from __future__ import annotations

from typing import Any

from modelport.model import Codec, Model, ModelSpec
from modelport.model.about import About
from modelport.model.infer import MethodTypes, Signature
from modelport.model.kinds import EnumRef, ListOf, MapOf, MessageRef, OptionalOf, Scalar, TensorOf
from modelport.model.spec import Enumeration, Field, Message, MethodSpec

__all__ = ["ARGUMENTS", "LEAST", "PNG", "every_kind", "signature"]

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080000000037"
    "6ef9240000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)
"""A picture of one pixel."""
_CM = About("How long it is.", unit="cm", minimum=0, maximum=10)
_COLOUR = Enumeration("Colour", (("red", 1), ("green", 2), ("blue", 5)), "What it looks like from afar.")
_PART = Message(
    "Part",
    (Field("name", Scalar("string")), Field("share", Scalar("double"), About("Of the whole.", unit="%", minimum=0))),
    "A piece of a leaf.",
)
_LEAF = Message(
    "Leaf",
    (
        Field("colour", EnumRef("Colour"), About("Seen in daylight.")),
        Field("length", OptionalOf(Scalar("double")), _CM),
        Field("width", Scalar("double"), About("At its widest.", unit="cm", minimum=0, maximum=10), 5.0),
        Field("veins", MapOf(Scalar("int32")), About("How many, by where they are.", minimum=0)),
        Field("tags", ListOf(Scalar("string")), About(), []),
        Field("level", Scalar("uint8"), About(maximum=200)),
        Field("half", Scalar("float16")),
        Field("dried", Scalar("bool"), About(), default=False),
        Field("serial", Scalar("int64"), About(minimum=-3), 7),
        Field("season", EnumRef("Season"), About(), "spring"),
        Field("seen", OptionalOf(EnumRef("Colour"))),
        Field("shades", ListOf(EnumRef("Colour"))),
        Field("marks", MapOf(EnumRef("Colour"))),
        Field("outline", TensorOf("float32", ("n", 2)), About("Points of its edge.", unit="mm")),
        Field("mask", OptionalOf(TensorOf("uint8", (2, 2)))),
        Field("layers", MapOf(TensorOf("float64", (None,)))),
        Field("stem", MessageRef("Part")),
        Field("parts", ListOf(MessageRef("Part"))),
        Field("other", OptionalOf(MessageRef("Part"))),
        Field("named", MapOf(MessageRef("Part"))),
        Field("photo", OptionalOf(Scalar("bytes")), About(media_types=("image/png", "image/jpeg"))),
    ),
    "A leaf, as it was found.",
)
_FLOWERS = Message(
    "Flowers",
    (
        Field("petal", ListOf(Scalar("double")), _CM),
        Field("species", ListOf(Scalar("string"))),
        Field("colour", ListOf(EnumRef("Colour"))),
    ),
    "Flowers, one a row.",
    table=True,
)
_PHOTO = Message(
    "Photo",
    (
        Field("image", Scalar("bytes"), About("The photograph.", media_types=("image/png", "image/jpeg"))),
        Field("threshold", Scalar("float"), About(minimum=0, maximum=1), 0.5),
    ),
)
_PICTURE = Message("Picture", (Field("image", Scalar("bytes"), About(media_types=("image/png",))),))
_LINES = Message("Lines", (Field("text", Scalar("string"), About(media_types=("text/plain",))),))
_METHODS = (
    MethodSpec("describe", "Leaf", "Leaf", "Say what a leaf is like."),
    MethodSpec("sort", "Flowers", "Flowers", "Put flowers in order."),
    MethodSpec("crop", "Photo", "Picture", "Cut a leaf out of its background."),
    MethodSpec("fold", "Lines", "Lines", "Fold a text."),
)
_PART_JSON = {"name": "tip", "share": 12.5}
LEAST: dict[str, Any] = {
    "colour": "red", "veins": {}, "level": 200, "half": 0.5, "shades": [], "marks": {}, "outline": [[0, 1], [2, 3]],
    "layers": {}, "stem": _PART_JSON, "parts": [], "named": {},
}  # fmt: skip
"""A leaf with nothing that may be left out."""
ARGUMENTS: dict[str, dict[str, Any]] = {
    "describe": {
        "colour": "green", "length": 4.5, "width": 0.1, "veins": {"left": 3, "rechts ☃": 4}, "tags": ["oak", "grün"],
        "level": 7, "half": 0.25, "dried": True, "serial": 2**53 + 1, "season": "autumn", "seen": "blue",
        "shades": ["red", "blue"], "marks": {"tip": "green"}, "outline": [[0.5, 1.0]], "mask": [[0, 1], [255, 3]],
        "layers": {"top": [1.0, 0.1], "bottom": []}, "stem": _PART_JSON, "parts": [_PART_JSON], "other": _PART_JSON,
        "named": {"a": _PART_JSON}, "photo": "AAEC/w==",
    },
    "sort": {"petal": [1.5, 10.0], "species": ["iris", "rosa"], "colour": ["blue", "red"]},
    "fold": {"text": "One\ntwo."},
}  # fmt: skip
"""Arguments of each method that has a JSON form worth typing."""


def signature() -> ModelSpec:
    """Return the signature."""
    season = Enumeration("Season", tuple((name, n) for n, name in enumerate(("spring", "summer", "autumn", "winter"))))
    messages = (_LEAF, _PART, _FLOWERS, _PHOTO, _PICTURE, _LINES)
    return ModelSpec(messages, _METHODS, enums=(_COLOUR, season)).with_proto_package()


def every_kind() -> Model:
    """Return a model of that signature, which was not inferred: whoever reads signatures must take any."""
    spec = signature()
    codec = Codec.bare(spec)
    call = MethodTypes(positional=("message",), keywords=(), spread=False, wrap=False, void=False)
    crop = codec.types["Picture"]
    model = Model.__new__(Model)
    functions = {m.name: lambda message: message for m in spec.methods}
    functions["crop"] = lambda photo: crop(image=photo.image)
    model._set(Signature(spec, codec.records, {m.name: call for m in spec.methods}), functions)
    return model
