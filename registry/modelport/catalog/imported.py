"""What an entry says of a model that was imported from another tool's format, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["IMPORTERS", "NO_SIGNATURE", "imported_signature", "old_runtime", "old_runtime_note"]

IMPORTERS = {"acumos": "Acumos", "huggingface": "Hugging Face", "mlflow": "MLflow", "onnx": "ONNX"}
"""The formats that models are imported from, and the name users know each by."""

NO_SIGNATURE: dict[str, Any] = {"methods": [], "messages": []}
"""The signature of a model of which nobody says what it takes and gives."""

_NAMES = {"python": "Python", "java": "Java", "r": "R", "c++": "C++"}
_FEW = 6


def old_runtime(model: Mapping[str, Any]) -> str | None:
    """Return what running an imported *model* takes, ``Python 3.6.9``; None when Modelport can run what it has."""
    runtime = model.get("imported", {}).get("runtime")
    if runtime is None or model["latest"] is not None:
        return None
    language = _NAMES.get(runtime["language"], runtime["language"])
    return f"{language} {runtime['version']}" if "version" in runtime else str(language)


def old_runtime_note(model: Mapping[str, Any]) -> str:
    """Return the sentence that tells readers that *model* cannot be called here, and why; nothing when it can."""
    runtime = old_runtime(model)
    if runtime is None:
        return ""
    imported = model["imported"]
    client = [imported["runtime"]["client"]] if "client" in imported["runtime"] else []
    needs = [one for one in imported.get("requirements", ()) if one.replace("==", " ") not in client]
    listed = [*client, *(one.replace("==", " ") for one in needs)]
    more = f" and {len(listed) - _FEW} more" if len(listed) > _FEW else ""
    with_what = f" with {', '.join(listed[:_FEW])}{more}" if listed else ""
    return f"It needs its old runtime: {runtime}{with_what}; it cannot be called here"


def imported_signature(model: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an imported *model* takes and gives as its source says, or a signature of nothing."""
    signature: Mapping[str, Any] = model.get("imported", {}).get("signature", NO_SIGNATURE)
    return signature
