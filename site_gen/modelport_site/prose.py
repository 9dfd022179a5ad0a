"""The prose and the frame, built by mkdocs-material in a temporary folder and kept by what went into them.

mkdocs gets a configuration made here, Markdown files and a theme folder; no hooks, no plugins, no fonts from
elsewhere. Anything it warns of is an error (``--strict``).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, SetupError
from modelport_site.fingerprint import ROOT, digest_of, toolchain

if TYPE_CHECKING:
    from modelport_site.settings import SiteSettings

__all__ = ["FRAME_PAGE", "REPLACED_PAGES", "build_prose"]

FRAME_PAGE = "modelport-slot-path/index.html"
"""The page that is the frame of all generated ones."""
REPLACED_PAGES = {FRAME_PAGE, "models/index.html", "devices/index.html", "networks/index.html"}
"""Pages that are built for their frame or their address only, and are not part of the site as they are."""

_SECONDS = 180
_QUIET = {"NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"}  # Material announces its end of life at each start
# The site has scripts of its own, not Material's; and mkdocs would date a sitemap with today.
_UNUSED = ("assets/javascripts", "assets/images", "sitemap.xml", "sitemap.xml.gz")
_STYLES = sorted(file.stem for file in ROOT.glob("assets/*.css") if file.stem != "site")
_DARK_BLOCK = re.compile(r'^\[data-md-color-scheme="slate"\][^{]*\{.*?^\}', re.DOTALL | re.MULTILINE)


def build_prose(settings: SiteSettings, cache: Path) -> Path:
    """Return the folder of the built prose, made now or found in the cache.

    Raises:
        SetupError: mkdocs cannot be run here.
        FormatError: mkdocs refuses the prose; its own words are in the message.
    """
    config = configuration(settings)
    place = cache.absolute() / "prose" / digest_of(toolchain(), json.dumps(config, sort_keys=True))
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as name:
        built = _run_mkdocs(config, Path(name))
        for unused in _UNUSED:
            _remove(built / unused)
        for source_map in built.rglob("*.map"):
            source_map.unlink()
        try:
            built.rename(place)
        except OSError:
            if not place.is_dir():  # else another build was first, with the same content
                raise
    return place


def configuration(settings: SiteSettings) -> dict[str, Any]:
    """Return mkdocs' configuration, apart from the folders."""
    return {
        "site_name": settings.title,
        "site_description": settings.description,
        "site_url": settings.url or "",
        "extra": {"repository": settings.repository or ""},
        "use_directory_urls": True,
        "plugins": [],
        "nav": [
            {"Home": "index.md"},
            {"Models": "models/index.md"},
            {"Edge": [{"Devices": "devices/index.md"}, {"Networks": "networks/index.md"}]},
            {"Guides": [{title: f"start/{name}.md"} for name, title in _GUIDES.items()]},
            {"How it works": "about.md"},
        ],
        "not_in_nav": "/modelport-slot-path.md",
        "validation": {"links": {"not_found": "warn", "anchors": "warn", "unrecognized_links": "info"}},
        "theme": {
            "name": "material",
            "language": "en",
            "font": False,
            "favicon": "assets/modelport/mark.svg",
            "palette": {"scheme": "default", "primary": "custom", "accent": "custom"},
            "features": ["navigation.tabs"],
        },
        "markdown_extensions": [
            "admonition",
            "attr_list",
            "md_in_html",
            "tables",
            {"toc": {"permalink": True}},
            "pymdownx.superfences",
            {"pymdownx.highlight": {"use_pygments": True}},
        ],
        "extra_css": [f"assets/modelport/{name}.css" for name in ["site", *_STYLES]],
        "extra_javascript": [{"path": f"assets/modelport/{name}.js", "defer": True} for name in ("frame", "site")],
    }


_GUIDES = {
    "user": "Use a model",
    "call": "Call a service",
    "deploy": "Images and deployment",
    "contributor": "Contribute a model",
    "types": "Types and packing",
    "edge": "Edge devices",
    "modi": "MODI, reproduced",
    "owner": "Run a catalog",
    "store": "How the store is tested",
}


def _run_mkdocs(config: dict[str, Any], work: Path) -> Path:
    docs, built = work / "docs", work / "site"
    shutil.copytree(ROOT / "pages", docs)
    assets = docs / "assets" / "modelport"
    shutil.copytree(ROOT / "assets", assets)
    (assets / "dark.css").write_text(_dark_colours(assets), "utf-8")
    whole = config | {"docs_dir": str(docs), "site_dir": str(built)}
    whole["theme"] = config["theme"] | {"custom_dir": str(ROOT / "theme")}
    file = work / "mkdocs.yml"
    file.write_text(json.dumps(whole), "utf-8")  # JSON is YAML
    command = [sys.executable, "-P", "-m", "mkdocs", "build", "--strict", "--config-file", str(file)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False, env=os.environ | _QUIET
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"mkdocs could not build the prose: {error}", hint="pip install 'modelport[site]'") from error
    if done.returncode:
        raise FormatError(
            f"mkdocs refused the prose (exit status {done.returncode}):\n{done.stderr}{done.stdout}".rstrip()
        )
    return built


def _dark_colours(assets: Path) -> str:
    """Return the style sheet for browsers that run no scripts and want dark colours: nothing can switch the scheme."""
    styles = "\n".join(file.read_text("utf-8") for file in sorted(assets.glob("*.css")))
    return "\n".join(_DARK_BLOCK.findall(styles)).replace('"slate"', '"default"') + "\n"


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
