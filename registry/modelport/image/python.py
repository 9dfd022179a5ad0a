"""Where a base has its Python: found in its layers, so that any image with one may be a base."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

from modelport.errors import FormatError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelport.oci import Descriptor, Layout

__all__ = ["find_python"]

_PLACES = ("usr/local/bin", "usr/bin", "opt/python/bin")
_READABLE = ("tar", "tar+gzip", "tar.gzip", "diff.tar.gzip")


def find_python(layout: Layout, layers: Sequence[Descriptor], python: str, *, base: str) -> str:
    """Return the path of the interpreter of version *python* (as in ``3.11``) in *layers*; *base* is for messages.

    Raises:
        NotFoundError: There is none.
        FormatError: A layer cannot be read.
    """
    wanted = {f"{place}/python{python}" for place in _PLACES}
    for layer in reversed(layers):
        if found := wanted & _names(layout, layer):
            return f"/{min(found, key=lambda path: [path.startswith(place) for place in _PLACES], default='')}"
    raise NotFoundError(
        f"the base {base} has no Python {python}",
        hint="name a base with one for this version: [image] base in modelport.toml, or --base",
    )


def _names(layout: Layout, layer: Descriptor) -> set[str]:
    if not layer.media_type.endswith(_READABLE):
        raise FormatError(
            f"the base's layer {layer.digest} is {layer.media_type}, which cannot be read here",
            hint="take a base whose layers are tar or tar+gzip",
        )
    with tarfile.open(layout.file(layer)) as archive:
        return {member.name.removeprefix("./") for member in archive}
