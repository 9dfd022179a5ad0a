"""The catalog's files of variants and devices: what was measured now, joined with what stood there before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import modelport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["merged", "renewed_profile"]


def merged(
    before: Mapping[str, Any],
    of: str,
    rows: Sequence[Mapping[str, Any]],
    device: str,
    tools: Mapping[str, str],
) -> dict[str, Any]:
    """Return a variants file's document (``modelport/variants/1``) with *rows* in it.

    Args:
        before: The document that is there; of another package than *of* nothing stays.
        of: The digest of the package.
        rows: What is known now of each variant, measured on *device*.
        device: Its name. Figures of other devices stay, of variants that are the same by their digest.
        tools: What ran the variants.
    """
    same = before if before.get("of") == of else {}
    known = {row["name"]: row for row in same.get("variants", ())}
    joined = {row["name"]: _joined(known.get(row["name"], {}), row, device) for row in rows}
    return {
        "schema": "modelport/variants/1",
        "of": of,
        "tools": dict(sorted({**same.get("tools", {}), **tools, "modelport": modelport.__version__}.items())),
        "variants": [*(joined.get(name, row) for name, row in known.items()), *_new(joined, known)],
    }


def renewed_profile(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return a device's profile as it was measured now, with what nobody measured: what people wrote of it stays.

    Anchors that were not measured again stay, too, and so does their spread.

    Args:
        before: The profile of the same machine that is there; empty where there is none.
        now: The one that was measured.
    """
    parts: dict[str, Any] = {key: {**before.get(key, {}), **now[key]} for key in ("anchors", "tools")}
    if before.get("anchors", {}).keys() - now["anchors"].keys():
        parts["spread"] = max(before.get("spread", 1.0), now["spread"])
    if "title" in before:
        parts["title"] = before["title"]
    return {**before, **now, **parts}


def _new(joined: Mapping[str, Any], known: Mapping[str, Any]) -> list[Any]:
    return [row for name, row in joined.items() if name not in known]


def _joined(before: Mapping[str, Any], now: Mapping[str, Any], device: str) -> dict[str, Any]:
    """Return what is known now of a variant, with what stays of what was known before."""
    if before.get("digest") != now.get("digest"):
        return dict(now)
    stays = {key: before[key] for key in ("accuracy", "agreement") if key in before and key not in now}
    others = {name: one for name, one in before.get("measured", {}).items() if name != device}
    measured = {**others, **now.get("measured", {})}
    row = {**now, **stays}
    row.pop("measured", None)
    return {**row, "measured": dict(sorted(measured.items()))} if measured else row
