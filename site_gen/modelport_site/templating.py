"""The templates' environment: autoescaping is on, and an undefined name is an error.

Templates stay within what Jinja and MiniJinja have in common and get finished values; they decide nothing but layout.
"""

from __future__ import annotations

import re

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from modelport_site.card import safe_url
from modelport_site.facets import framework_label
from modelport_site.fingerprint import ROOT
from modelport_site.shorten import human_bytes, human_seconds
from modelport_site.snippets import code_html

__all__ = ["ENVIRONMENT"]

ENVIRONMENT = Environment(
    loader=FileSystemLoader(ROOT / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters["bytes"] = human_bytes
ENVIRONMENT.filters["seconds"] = human_seconds
ENVIRONMENT.filters["framework"] = framework_label
ENVIRONMENT.filters["web"] = safe_url
ENVIRONMENT.filters["words"] = lambda identifier: str(identifier).replace("-", " ")
ENVIRONMENT.filters["paragraphs"] = lambda text: [p for p in re.split(r"\n\s*\n", str(text).strip()) if p]
ENVIRONMENT.filters["json"] = lambda text: code_html(text, "json")
