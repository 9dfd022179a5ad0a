"""Files by which others find their way through the site: sitemap, robots.txt, OpenSearch description, llms.txt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from modelport_site.settings import SiteSettings

__all__ = ["discovery_files", "last_changes"]

_IN_SITEMAP = 50_000  # the protocol's bound for one file
_IN_LLMS = 200


def discovery_files(
    places: Iterable[str], changed: Mapping[str, str], rows: Sequence[Mapping[str, Any]], settings: SiteSettings
) -> dict[str, bytes]:
    """Return the files by path.

    A sitemap and an OpenSearch description name whole addresses, so they are there only when the site's is known.

    Args:
        places: The folders of all pages below the site's root.
        changed: The day of the last change by the folder, where a build knows it.
        rows: The index's rows.
        settings: What the site is called and where it lies.
    """
    files = {"robots.txt": "User-agent: *\nAllow: /\n", "llms.txt": _llms(rows, settings)}
    if settings.url:
        files |= _sitemap(settings.url, sorted(places), changed)
        files["robots.txt"] += f"Sitemap: {settings.url}sitemap.xml\n"
        files["opensearch.xml"] = _open_search(settings, settings.url)
    return {path: text.encode() for path, text in files.items()}


def last_changes(models: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the day of each model's newest version by the folders of its pages."""
    return {
        f"models/{model['name']}/{page}": max(str(version["released"]) for version in model["versions"])
        for model in models
        if model["versions"]
        for page in ("", "compare/")
    }


def _sitemap(url: str, places: Sequence[str], changed: Mapping[str, str]) -> dict[str, str]:
    """Return a sitemap (sitemaps.org protocol 0.9), or several and their index."""
    parts = [places[start : start + _IN_SITEMAP] for start in range(0, len(places), _IN_SITEMAP)]
    if len(parts) == 1:
        return {"sitemap.xml": _set("urlset", "url", ((f"{url}{place}", changed.get(place)) for place in places))}
    files = {
        f"sitemap-{number}.xml": _set("urlset", "url", ((f"{url}{place}", changed.get(place)) for place in part))
        for number, part in enumerate(parts, 1)
    }
    return files | {"sitemap.xml": _set("sitemapindex", "sitemap", ((f"{url}{file}", None) for file in files))}


def _set(root: str, item: str, rows: Iterable[tuple[str, str | None]]) -> str:
    lines = [
        f"<{item}><loc>{escape(address)}</loc>{f'<lastmod>{day}</lastmod>' if day else ''}</{item}>"
        for address, day in rows
    ]
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return "\n".join([f'{head}<{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">', *lines, f"</{root}>\n"])


def _open_search(settings: SiteSettings, url: str) -> str:
    """Return an OpenSearch 1.1 description; its short name may have 16 characters, its description 1024."""
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">
<ShortName>{escape(settings.title[:16].strip())}</ShortName>
<Description>{escape(settings.description[:1024])}</Description>
<InputEncoding>UTF-8</InputEncoding>
<Image type="image/svg+xml">{escape(url)}assets/modelport/mark.svg</Image>
<Url type="text/html" template={quoteattr(url + "models/?q={searchTerms}")}/>
<Url type="application/opensearchdescription+xml" rel="self" template={quoteattr(url + "opensearch.xml")}/>
</OpenSearchDescription>
"""


def _llms(rows: Sequence[Mapping[str, Any]], settings: SiteSettings) -> str:
    """Return a map of the site for language models (llmstxt.org): Markdown, short, links to what programs read."""
    root = settings.url or ""
    models = [
        f"- [{_plain(row['title'])}]({root}api/v1/models/{row['name']}.json): {_plain(row['summary'])}"
        for row in rows[:_IN_LLMS]
    ]
    rest = [f"- and {len(rows) - _IN_LLMS} more in the index"] if len(rows) > _IN_LLMS else []
    return "\n".join(
        [
            f"# {_plain(settings.title)}",
            "",
            f"> {_plain(settings.description)}",
            "",
            "Each model has typed inputs and outputs, examples, measured figures and a digest that pins its bytes.",
            "",
            "## Data",
            "",
            f"- [Index]({root}api/v1/index.json): one row for each model",
            f"- [Feed]({root}feed.json): new versions, newest first",
            "",
            "## Guides",
            "",
            f"- [Use a model]({root}start/user/)",
            f"- [Contribute a model]({root}start/contributor/)",
            f"- [How it works]({root}about/)",
            "",
            "## Models",
            "",
            *models,
            *rest,
            "",
        ]
    )


def _plain(text: str) -> str:
    """Return *text* on one line, without what Markdown would read as markup."""
    return "".join(f"\\{one}" if one in "\\`*_[]<>#" else one for one in " ".join(text.split()))
