"""What is different between two versions of a model.

A version is laid out flat: groups of facts, each with a label and a value. Then the difference of any two versions is
which labels are new, gone, or have another value; ``assets/compare.js`` does the same with the same facts, so that a
page can compare any two, and a test holds the two against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from modelport_site.shorten import human_bytes
from modelport_site.signature import field_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["GROUPS", "Fact", "Facts", "Group", "Row", "changes_between", "compare", "diff", "facts_of"]


@dataclass(frozen=True, slots=True)
class Group:
    """A group of facts; of some all rows are shown, side by side, whether they differ or not."""

    id: str
    title: str
    all: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """A value: as it is shown, and what decides whether it is another."""

    shown: str
    exact: str


@dataclass(frozen=True, slots=True)
class Row:
    """A label with its values before and after; *change* is added, removed, changed or same."""

    label: str
    change: str
    before: str
    after: str


Facts = dict[str, dict[str, Fact]]

GROUPS = (
    Group("signature", "Methods, inputs and outputs"),
    Group("metrics", "Metrics", all=True),
    Group("requirements", "Requirements"),
    Group("files", "Files"),
    Group("package", "Package"),
)


def facts_of(version: Mapping[str, Any]) -> Facts:
    """Return the facts of a version by group and label."""
    return {
        "signature": _unique(_signature(version["signature"])),
        "metrics": _unique(_metrics(version["evaluations"])),
        "requirements": _unique(_same(*one.split("==", 1)) for one in version["requirements"]),
        "files": _unique(
            (one["path"], Fact(f"{human_bytes(one['size'])}, {one['digest'][:19]}…", one["digest"]))
            for one in version["files"]
        ),
        "package": _unique(_package(version)),
    }


def diff(old: Facts, new: Facts) -> dict[str, list[Row]]:
    """Return the rows that differ, by group; a group without any is not there."""
    return {key: found for key, rows in _rows(old, new) if (found := [row for row in rows if row.change != "same"])}


def compare(old: Facts, new: Facts) -> list[tuple[Group, list[Row]]]:
    """Return the groups to show, with their rows: what differs, and where a group says so what does not, too."""
    every = dict(_rows(old, new))
    shown = [(group, [row for row in every.get(group.id, ()) if group.all or row.change != "same"]) for group in GROUPS]
    return [(group, rows) for group, rows in shown if rows]


def changes_between(versions: Sequence[Mapping[str, Any]], one: str, other: str) -> list[tuple[str, list[str]]]:
    """Return by kind what was changed after the older of two versions, up to the newer; *versions* are newest first."""
    places = sorted(number for number, version in enumerate(versions) if version["version"] in {one, other})
    between = versions[places[0] : places[-1]]
    kinds: dict[str, list[str]] = {}
    for version in between:
        for change in version["changes"]:
            words = f"{change['text']} ({version['version']})" if len(between) > 1 else change["text"]
            kinds.setdefault(change["kind"], []).append(words)
    return sorted(kinds.items())


def _rows(old: Facts, new: Facts) -> Iterator[tuple[str, list[Row]]]:
    for key in dict.fromkeys([*new, *old]):
        before, after = old.get(key, {}), new.get(key, {})
        yield key, [_row(label, before.get(label), after.get(label)) for label in dict.fromkeys([*after, *before])]


def _row(label: str, before: Fact | None, after: Fact | None) -> Row:
    if before is None or after is None:
        return Row(label, "added" if after else "removed", before.shown if before else "", after.shown if after else "")
    return Row(label, "same" if before.exact == after.exact else "changed", before.shown, after.shown)


def _signature(signature: Mapping[str, Any]) -> Iterator[tuple[str, Fact]]:
    for method in signature["methods"]:
        taken, given = (
            f"{'stream of ' if method.get(streams) else ''}{method[side]}"
            for side, streams in (("input", "streams_in"), ("output", "streams_out"))
        )
        yield _same(f"method {method['name']}", f"{taken} → {given}")
        if method.get("doc"):
            yield _same(f"method {method['name']}, what it does", method["doc"])
    for message in signature["messages"]:
        if message.get("doc"):
            yield _same(f"{message['name']}, what it is", message["doc"])
        for field in message["fields"]:
            yield _same(f"{message['name']}.{field['name']}", field_words(field))
            if field.get("doc"):
                yield _same(f"{message['name']}.{field['name']}, what it is", field["doc"])
        if message.get("table"):
            yield _same(f"{message['name']}, its form", "a table: its fields are columns")
    for enum in signature.get("enums", ()):
        yield _same(enum["name"], ", ".join(f"{one['name']} = {one['number']}" for one in enum["members"]))
        if enum.get("doc"):
            yield _same(f"{enum['name']}, what it is", enum["doc"])


def _metrics(evaluations: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Fact]]:
    for one in evaluations:
        interval = " ({:.4g} to {:.4g})".format(*one["interval"]) if "interval" in one else ""
        by = "CI" if one["measured_by"] == "ci" else "the publisher"
        label = f"{one['metric']} on {one['data']}, {one['split']}, by {by}"
        shown = f"{one['value']:.4g}{interval}, n = {one['n']:,}"
        yield label, Fact(shown, repr((one["value"], one.get("interval"), one["n"])))


def _package(version: Mapping[str, Any]) -> Iterator[tuple[str, Fact]]:
    resources = version.get("resources", {})
    sizes = {
        "download": version["size"],
        "memory": resources.get("memory"),
        "installed requirements": resources.get("environment"),
    }
    for label, size in sizes.items():
        yield label, Fact("not measured" if size is None else f"{human_bytes(size)} ({size:,} bytes)", str(size))
    yield _same("trust tier", version["tier"])
    yield _same("Python", version["python"])


def _same(label: str, value: str) -> tuple[str, Fact]:
    return label, Fact(value, value)


def _unique(facts: Iterable[tuple[str, Fact]]) -> dict[str, Fact]:
    """Return facts by label; the second with the same label is numbered."""
    found: dict[str, Fact] = {}
    for label, fact in facts:
        names = (label if number == 1 else f"{label} ({number})" for number in count(1))
        found[next(name for name in names if name not in found)] = fact
    return found
