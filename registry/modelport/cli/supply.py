"""Whether devices can fetch what an edge server's plans name: said where the server starts, not on a far device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.cli.models import access_of
from modelport.cli.terminal import plural
from modelport.errors import ModelportError, NotFoundError
from modelport.types import Digest, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from modelport.edge.offers import Offer
    from modelport.settings import Settings

__all__ = ["supply_gaps"]


def supply_gaps(offers: Sequence[Offer], settings: Settings) -> Iterator[str]:
    """Yield what keeps devices from fetching their variants, each with the way out; nothing where all is there.

    Each registry is asked for each package, by its digest. One that does not answer is not asked again.
    """
    if not all(item.source for one in offers for item in one.device):
        yield (
            "devices cannot get variants from here: no registry is named, and a device that does not have what its plan"
            " keeps answers nothing without this server (modelport push and modelport variants push, then --registry"
            " HOST/PREFIX)"
        )
        return
    for one in offers:
        try:
            lacking = _lacking(one, settings)
        except ModelportError as error:
            yield f"devices may not get variants: {one.device[0].source} cannot be asked: {error.message}"
            return  # all have the same registry
        if lacking:
            way = "modelport push" if "original" in lacking else "modelport push, then modelport variants push,"
            yield (
                f"devices cannot get {plural(len(lacking), 'variant')} of {one.name} from {one.device[0].source}:"
                f" {', '.join(lacking)} ({way} brings them there)"
            )


def _lacking(offer: Offer, settings: Settings) -> list[str]:
    """Return the names of the variants that the offer's registry does not have.

    Raises:
        ModelportError: It cannot be asked.
    """
    from modelport.package.store import registry_of

    reference = Reference.parse(offer.device[0].source)
    if reference.host is None:
        raise NotFoundError("it names no host", hint="--registry HOST[:PORT]/PREFIX")
    registry = registry_of(reference.host, access_of(settings))
    try:
        return [
            item.variant.name
            for item in offer.device
            if not registry.has_manifest(reference.repository, Digest.parse(item.variant.digest))
        ]
    finally:
        registry.close()
