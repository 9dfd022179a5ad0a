"""The page of the guides that ``make modi`` writes: tables of what was measured, and each of MODI's statements judged.

Of MODI's figures, only what its text says in words is quoted: the numbers behind its plots are published nowhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.modi_edge import DEADLINE, PHONE, REQUESTS, STANDING
from tests.bench.modi_files import SAMPLE, SAMPLES
from tests.bench.modi_plot import plot
from tests.bench.modi_times import ROUNDS
from tests.bench.modi_words import statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["PAGE", "write_page"]

PAGE = Path(__file__).parents[2] / "site_gen/modelport_site/pages/start/modi.md"
START, END = "<!-- figures: written by `make modi` -->", "<!-- end of figures -->"
REPORTED = {"float32": (None, 0.93), "int8": (0.25, 0.25 * 0.93), "rounded": (None, 0.274)}
"""As shares of the float32 file. "75 % regardless of gzip": of the file, and of the download of the unquantized one."""


def write_page(found: Mapping[str, Any]) -> str:
    """Write the figures into the page between its marks, and return them."""
    text = "\n\n".join([_storage(found), _speed(found), _places(found), _judged(found)]) + "\n"
    head, rest = PAGE.read_text("utf-8").split(START)
    PAGE.write_text(f"{head}{START}\n\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return text


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _storage(found: Mapping[str, Any]) -> str:
    large, small = found["inception"], found["fashion"]
    whole = large["variants"]["float32"]["size"]
    bars = [(name, one["size"] / whole, one["download"] / whole) for name, one in large["variants"].items()]
    tables = []
    for title, forms in (
        ("InceptionV3, 5 classes, random weights", {"retrained (.keras)": large["retrained"], **large["variants"]}),
        ("fashion-classifier, as the catalog has it", small["variants"]),
    ):
        base = forms["float32"]["size"]
        lines = [
            (name, _bytes(one["size"]), _saved(one["size"], base), _bytes(one["download"]),
             _saved(one["download"], base), _saved(one["download"], one["size"]))
            for name, one in forms.items()
        ]  # fmt: skip
        head = (title, "file", "saved", "after gzip -9", "saved", "gzip saves of the file itself")
        tables.append(_table(head, lines))
    levels = [(name, f"about {_bytes(size)}", _saved(size, whole)) for name, size in large["rounded"].items()]
    coarse = _table(("InceptionV3 rounded, levels of each channel", "after gzip -9, estimated", "saved"), levels)
    estimated = (
        "How much rounding saves is a choice: `rounded` takes the finest grid of which gzip saves 60 %. Its file was"
        " packed whole; those below, in which gzip finds so much that it takes minutes, were not: their downloads are"
        f" **estimated** from {SAMPLES} pieces of {SAMPLE >> 10} KiB all over each file,"
        f" {100 * SAMPLES * SAMPLE / whole:.0f} % of it."
    )
    notes = [f"- {name} of {title}: {why}" for title, one in (("InceptionV3", large), ("fashion-classifier", small))
             for name, why in one["failed"].items()]  # fmt: skip
    return "\n\n".join([
        "## Figure 2(a): storage",
        "InceptionV3's forms in percent of its float32 file (MODI's *optimized*). What MODI's text says is a ring.",
        f"<div>{plot(bars, REPORTED)}</div>",
        "Saved is against the float32 file. The retrained file has Adam's two slots for every weight, after one step.",
        *tables,
        estimated,
        coarse,
        *(["These could not be made:", "\n".join(notes)] if notes else []),
    ])  # fmt: skip


def _speed(found: Mapping[str, Any]) -> str:
    machine, tools = found["machine"], found["tools"]
    vnni = any("vnni" in flag for flag in machine.get("flags", ()))
    how = f"On one thread of {machine['cpu']} ({'with' if vnni else 'without'} VNNI),"
    how += f" LiteRT {tools['ai-edge-litert']} with XNNPACK: the least of {ROUNDS} rounds, each in a new process."
    how += " *One-off* is loading and the first inference. Times are ratios to float32's; phones were not measured."
    parts = ["## Figures 2(b) and 3: speed and accuracy", how]
    times = found["inception"]["times"]
    base = times["float32"]
    lines = [
        (name, _ratio(one, base, "load"), _ratio(one, base, "warm"), _ratio(one, base, "load", "first"),
         f"{100 * one['load'] / (one['load'] + one['first']):.0f} %")
        for name, one in times.items()
    ]  # fmt: skip
    parts.append(_table(("InceptionV3", "load", "warm inference", "one-off", "loading's part of it"), lines))
    parts.append(
        f"float32 itself: load {_ms(base['load'])}, first inference {_ms(base['first'])}, warm {_ms(base['warm'])}."
    )
    accuracy = found["fashion"]["accuracy"]
    n = accuracy["float32"]["n"]
    counted = [
        (name, f"{100 * one['correct'] / n:.2f} %", _points(0.0 - one["drop"]), f"± {200 * one['error']:.2f}")
        for name, one in accuracy.items()
    ]
    parts.append(f"Accuracy on fashion-classifier's {n:,} test images, with the catalog's weights:")
    parts.append(_table(("variant", "accuracy", "points against float32", "twice the standard error"), counted))
    return "\n\n".join(parts)


def _places(found: Mapping[str, Any]) -> str:
    networks = found["networks"]
    lines = [
        (one["title"], _ms(one["transfer"]), _ms(one["server"]), f"{100 * one['share']:.1f} %",
         _ms(one["server_here"]), f"{100 * one['share_here']:.1f} %")
        for one in networks
    ]  # fmt: skip
    head = ("network", "transfer", "MDInference's server", "network's part", "this machine", "network's part")
    late = [
        (one["title"], *(f"{100 * one['in_time'][place]:.1f} %" for place in ("device", "server", "either")),
         f"{100 * one['remote']:.1f} %")
        for one in networks
    ]  # fmt: skip
    how = "**Simulated**, with published figures: no phone, no WiFi and no LTE was measured here. Transfers are"
    how += " MDInference's networks as the catalog has them, there and back; its server with CPUs takes"
    how += f" {_ms(STANDING.infer.mean)} for InceptionV3. The model is loaded."
    asked = f"{REQUESTS:,} requests on each network with a deadline of {_ms(DEADLINE)}, by `modelport.edge.simulate`."
    asked += f" The phone takes {_ms(PHONE)}, always, as MODI reports for a Pixel 2 with the model loaded; the rule of"
    asked += " `modelport select` decides for each request:"
    decided = ("in time", "phone alone", "server alone", "the rule decides", "of all, answered by the server")
    return "\n\n".join(["## Figure 4: the edge server", how, _table(head, lines), asked, _table(decided, late)])


def _judged(found: Mapping[str, Any]) -> str:
    lines = [(one.figure, one.says, one.ours, one.verdict, one.why) for one in statements(found)]
    counts = {word: sum(line[3] == word for line in lines) for word in ("agrees", "does not agree", "not comparable")}
    agree, differ, neither = counts.values()
    said = f"{agree} agree, {differ} do not, {neither} cannot be compared or are within chance"
    return "\n\n".join([
        "## Statement by statement",
        f"Of {len(lines)} statements: {said}.",
        _table(("figure", "MODI says", "we have", "verdict", "why"), lines),
    ])  # fmt: skip


def _bytes(count: int) -> str:
    return f"{count / 1e6:.2f} MB" if count >= 10**6 else f"{count / 1e3:.1f} kB"


def _saved(size: int, base: int) -> str:
    return f"{100 * (1 - size / base):.1f} %".replace("-", "\N{MINUS SIGN}")


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds >= 0.01 else f"{1000 * seconds:.3g} ms"


def _ratio(one: Mapping[str, float], base: Mapping[str, float], *parts: str) -> str:
    return f"{sum(one[part] for part in parts) / sum(base[part] for part in parts):.2f} x"


def _points(share: float) -> str:
    return f"{100 * share:+.2f}".replace("-", "\N{MINUS SIGN}")
