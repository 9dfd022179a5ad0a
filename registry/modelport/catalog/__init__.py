"""The catalog: entries, what is wrong with them, and the index that the site and the search are made from.

An entry is a folder ``catalog/models/<name>/``: ``model.yaml`` and ``card.md``, written by a person;
``versions/<version>.yaml``, written by a tool and pinned by digest; perhaps ``variants/<version>.yaml``, what was
measured of a version's variants, which changes when more is measured; and perhaps a recipe. Beside the entries lie the
profiles of devices and networks, ``catalog/devices/<id>.yaml`` and ``catalog/networks/<id>.yaml``. From file to page::

    file --read_yaml--> Document --check--> Problems
                                 --load_entry--> Entry --model_document, index_document--> JSON API --search--> models

Checking (no network, nothing is run; a mistake in the data never raises)::

    problems = check_paths([], catalog)                  # the whole catalog; or entries, or single files
    print(text_report(problems))                         # or json_report, github_report, sarif_report
    changes_since("origin/main", catalog)                # which entries changed, and which versions may not have

Reading what is known to be good::

    for entry in load_catalog(catalog):                  # FormatError when an entry has problems
        model_document(entry)                            # /api/v1/models/<name>.json
    index = index_document(load_catalog(catalog))        # /api/v1/index.json
    search(index, "iris forest")                         # its models that fit, best first
    completeness(model_document(entry))                  # a score, and what to add first

Writing: ``version_yaml(document)`` gives the text of a ``versions/<version>.yaml``; ``variants_yaml``,
``device_yaml`` and ``network_yaml`` do the same for the other files that tools write.

The parts: ``reader`` (safe YAML with line numbers), ``folder`` (an entry's files), ``rules/`` (one module for each
family of rules), ``single`` (which rules for which file), ``check`` (entries, and catalogs), ``changes`` (history),
``report``, ``completeness``, ``entry``, ``profiles``, ``index``, ``search``, ``filters``, ``writer``. What makes it
quick: ``quick`` (right YAML, without lines), ``halves`` (two processes), ``kept`` (the index, kept until a file
changes: what the commands read).

Checks that need other rooms are handed in: ``check_paths(..., extra_checks=[...])`` takes functions from a version's
:class:`Document` to problems.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from modelport.catalog.search import search  # not late: the module has the function's name

if TYPE_CHECKING:
    from modelport.catalog.changes import Changes, changes_since
    from modelport.catalog.check import Checked, VersionCheck, check_all, check_paths
    from modelport.catalog.document import Document
    from modelport.catalog.entry import Entry, ModelVersion, entry_of, load_catalog, load_entry
    from modelport.catalog.index import index_document, index_of_documents, model_document
    from modelport.catalog.problem import Problem
    from modelport.catalog.profiles import Profiles, load_profiles
    from modelport.catalog.reader import read_yaml
    from modelport.catalog.report import REPORTERS, github_report, json_report, sarif_report, text_report
    from modelport.catalog.writer import device_yaml, network_yaml, variants_yaml, version_yaml

__all__ = [
    "REPORTERS",
    "Changes",
    "Checked",
    "Document",
    "Entry",
    "ModelVersion",
    "Problem",
    "Profiles",
    "VersionCheck",
    "changes_since",
    "check_all",
    "check_paths",
    "device_yaml",
    "entry_of",
    "github_report",
    "index_document",
    "index_of_documents",
    "json_report",
    "load_catalog",
    "load_entry",
    "load_profiles",
    "model_document",
    "network_yaml",
    "read_yaml",
    "sarif_report",
    "search",
    "text_report",
    "variants_yaml",
    "version_yaml",
]

_PARTS = {
    "Changes": "changes",
    "Checked": "check",
    "Document": "document",
    "Entry": "entry",
    "ModelVersion": "entry",
    "Problem": "problem",
    "Profiles": "profiles",
    "REPORTERS": "report",
    "VersionCheck": "check",
    "changes_since": "changes",
    "check_all": "check",
    "check_paths": "check",
    "device_yaml": "writer",
    "entry_of": "entry",
    "github_report": "report",
    "index_document": "index",
    "index_of_documents": "index",
    "json_report": "report",
    "load_catalog": "entry",
    "load_entry": "entry",
    "load_profiles": "profiles",
    "model_document": "index",
    "network_yaml": "writer",
    "read_yaml": "reader",
    "sarif_report": "report",
    "text_report": "report",
    "variants_yaml": "writer",
    "version_yaml": "writer",
}
"""The other public names and their modules, imported on first use: a look into the kept index needs no YAML."""


def __getattr__(name: str) -> object:
    if name in _PARTS:
        return getattr(import_module(f"modelport.catalog.{_PARTS[name]}"), name)
    raise AttributeError(f"module 'modelport.catalog' has no attribute {name!r}")
