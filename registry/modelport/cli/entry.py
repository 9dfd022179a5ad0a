"""What the catalog says of a model that commands serve or build images of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.cli.terminal import talk
from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.settings import Settings

__all__ = ["entry_of", "license_of"]


def entry_of(name: str, settings: Settings) -> dict[str, Any]:
    """Return the ``model.yaml`` of the model *name*; nothing where the catalog has none, or one with problems."""
    from modelport.catalog import load_entry

    folder = settings.catalog / "models" / name if settings.catalog else None
    if folder is None or not folder.is_dir():
        return {}
    try:
        return dict(load_entry(folder).model)
    except FormatError as error:
        talk(f"the catalog's entry of {name} has problems, nothing is taken from it: {error.message}")
        return {}


def license_of(model: Mapping[str, Any]) -> str:
    """Return the licence of a model's weights and code as an SPDX expression; nothing where *model* has none.

    The data's licence is left out: the data is not with the model.
    """
    said = model.get("license", {})
    licenses = sorted({said[part] for part in ("weights", "code") if said.get(part)})
    if len(licenses) == 1:
        return str(licenses[0])
    return " AND ".join(f"({one})" if " " in one else one for one in licenses)
