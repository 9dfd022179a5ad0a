"""What a catalog's owner may say about the site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SiteSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """What the site is called and where it and its sources lie: the ``[site]`` table of ``modelport.toml``."""

    title: str = "Modelport"
    description: str = "An app store for machine-learning models that needs no server"
    url: str | None = None
    """The address that the site will have, for canonical links and the sitemap; None when it is not known."""
    repository: str | None = None
    """The catalog's repository, ``https://github.com/OWNER/NAME``, for links to edit, to report and to sources."""
    branch: str = "main"
    """The repository's branch to which those links go."""

    @classmethod
    def parse(cls, site: Mapping[str, Any]) -> SiteSettings:
        """Read the table, whose schema has accepted it.

        Raises:
            InputError: The table has a key that the site does not know.
        """
        known = {"title", "description", "url", "repository", "branch"}
        if unknown := sorted(set(site) - known):
            raise InputError(
                f"[site] has no setting {', '.join(unknown)}", hint=f"its settings are {', '.join(sorted(known))}"
            )
        given = dict(site)
        if given.get("url"):
            given["url"] = given["url"].rstrip("/") + "/"
        if given.get("repository"):
            given["repository"] = given["repository"].rstrip("/")
        return cls(**given)
