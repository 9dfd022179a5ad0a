"""The page that compares versions of a model: each with the one before, and by a script any two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport_site.documents import to_json
from modelport_site.frame import root_of
from modelport_site.templating import ENVIRONMENT
from modelport_site.versions import compare_data, pairs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport_site.frame import Frame

__all__ = ["render_compare"]


def render_compare(frame: Frame, model: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the page and the facts that its script reads; nothing where there is nothing to compare."""
    found = pairs(model)
    if not found:
        return {}
    place = f"models/{model['name']}/compare/"
    yanked = {one["version"]: one["reason"] for one in model.get("yanked", ())}
    root = root_of(place)
    content = ENVIRONMENT.get_template("compare.html").render(
        model=model, pairs=found, versions=[one["version"] for one in model["versions"]], yanked=yanked, root=root
    )
    page = frame.fill(
        title=f"{model['title']}: versions compared",
        description=f"What changed between the versions of {model['title']}: methods, metrics, requirements, files",
        content=content,
        place=place,
        head=f'<script src="{root}assets/modelport/compare.js" defer></script>',
    )
    return {f"{place}index.html": page.encode(), f"{place}versions.json": to_json(compare_data(model))}
