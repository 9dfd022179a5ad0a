"""The static site of a catalog: pages, JSON API and search index, made from the catalog's JSON documents.

::

    API documents --build_site--> folder of files --serve_site--> a browser on this machine

The frame and the prose come from mkdocs-material (:mod:`~modelport_site.prose`), which knows nothing of models: it
builds a handful of Markdown pages, and two of them hold nothing but slots (:mod:`~modelport_site.frame`). The
generator fills those slots with what jinja2 makes of each document (:mod:`~modelport_site.pages`). So the number of
models never meets the site builder, and another builder can take its place.

What contributors wrote is text. It passes jinja2's escaping or, for a card, :mod:`~modelport_site.card`; a content
security policy (:mod:`~modelport_site.policy`) stands behind both.
"""

from __future__ import annotations

from modelport_site.build import SiteReport, build_site
from modelport_site.server import ServedSite, serve_site

__all__ = ["ServedSite", "SiteReport", "build_site", "serve_site"]
