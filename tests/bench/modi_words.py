"""Each of MODI's statements beside our figure: whether they agree, and why or why not.

Whether is reckoned from the figures; *why* is given for either outcome, so that a new measurement cannot leave a
reason standing for what it no longer shows. What could not come out otherwise is no agreement: a figure that others
published, beside MODI's; what follows from how our files are made; a difference within chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Statement", "statements"]

_POINTS = 0.03
"""How far shares may lie apart to agree."""
_LEVELS = "256"
"""As many as 8 bits have; MODI does not say its own grid, and a grid that fits could be found for any figure."""
_EIGHT = ("weight-int8", "dynamic-int8", "int8", "mixed-int8")


@dataclass(frozen=True, slots=True)
class Statement:
    """What MODI says in one of its figures, what we have, the verdict, and why."""

    figure: str
    says: str
    ours: str
    verdict: str
    why: str


def statements(found: Mapping[str, Any]) -> list[Statement]:
    """Return MODI's statements, judged by what was *found*."""
    return [*_storage(found["inception"]), *_accuracy(found["fashion"]["accuracy"]), *_speed(found), *_edge(found)]


def _judge(figure: str, says: str, ours: str, holds: bool | None, *whys: str) -> Statement:  # noqa: FBT001 - the verdict
    verdict = {True: "agrees", False: "does not agree", None: "not comparable"}[holds]
    return Statement(figure, says, ours, verdict, whys[holds is False])


def _storage(large: Mapping[str, Any]) -> list[Statement]:
    forms = large["variants"]
    plain, eight, coarse = forms["float32"], forms["int8"], large["rounded"]
    raw = 1 - eight["size"] / plain["size"]
    packed = 1 - eight["download"] / plain["download"]
    alone = 1 - plain["download"] / plain["size"]
    kept = 1 - large["retrained"]["download"] / large["retrained"]["size"]
    rounded = 1 - forms["rounded"]["download"] / plain["size"]
    usual = 1 - coarse[_LEVELS] / plain["size"]
    return [
        _judge(
            "2(a)", "8 bits save 75 % of the file", _percent(raw), abs(raw - 0.75) <= _POINTS,
            "a byte for each weight instead of four; scales and biases take the rest",
            "our file has more beside the weights",
        ),
        _judge(
            "2(a)", "and as much after gzip", f"{_percent(packed)} of the float32 download",
            abs(packed - 0.75) <= _POINTS, "gzip finds next to nothing in the integers, and a little in the floats",
            "gzip finds more in bytes that seldom reach the ends of their range, as random weights of integers do",
        ),
        _judge(
            "2(a)", "gzip alone saves about 7 % of the optimized model", _percent(alone), abs(alone - 0.07) <= _POINTS,
            "it packs signs and exponents; the other bits of floats are noise", "our weights are spread otherwise",
        ),
        _judge(
            "2(a)", "gzip alone saves about 7 % of the retrained model", _percent(kept), abs(kept - 0.07) <= _POINTS,
            "the optimizer's numbers are noise, too", "what the optimizer keeps beside the weights is packed otherwise",
        ),
        _judge(
            "2(a)", "rounding and gzip save 72.6 %",
            f"{_percent(usual)} with {_LEVELS} levels, estimated from samples; our variant {_percent(rounded)}",
            abs(usual - 0.726) <= _POINTS,
            f"with {_LEVELS} levels for each channel; our variant stops at the finest grid that saves 60 %",
            "MODI does not say its grid: a coarser one saves more, a level for each channel costs less accuracy",
        ),
    ]  # fmt: skip


def _accuracy(accuracy: Mapping[str, Any]) -> list[Statement]:
    eight, rounded = accuracy["int8"], accuracy["rounded"]
    return [
        _judge(
            "2(b)", "8 bits lose about 6 % of accuracy", f"{_points(eight)} on fashion-classifier",
            abs(eight["drop"] - 0.06) <= _POINTS, "the same size of loss, on another network and other data",
            "other data and another network, a scale for each channel, 200 images to calibrate; MODI's test has 381",
        ),
        _judge(
            "2(b)", 'rounding gains a little, which is "not common"', f"{_points(rounded)} on fashion-classifier",
            None if abs(rounded["drop"]) <= 2 * rounded["error"] else rounded["drop"] < 0,
            "it gains more than chance explains" if -rounded["drop"] > 2 * rounded["error"] else
            "the difference is within chance, as MODI's own remark suggests", "it loses more than chance explains",
        ),
    ]  # fmt: skip


def _speed(found: Mapping[str, Any]) -> list[Statement]:
    times = found["inception"]["times"]
    plain = times["float32"]
    load, warm, once = (
        {name: sum(one[part] for part in parts) / sum(plain[part] for part in parts) for name, one in times.items()}
        for parts in (("load",), ("warm",), ("load", "first"))
    )
    share = plain["load"] / (plain["load"] + plain["first"])
    vnni = any("vnni" in flag for flag in found["machine"].get("flags", ()))
    return [
        _judge(
            "2(b)", "8 bits have the lowest loading time", f"8-bit variants {_range(load)} x float32",
            min(set(load) - {"int4"}, key=lambda one: load[one]) in _EIGHT,
            "those that reckon in integers do; weights alone in 8 bits are unpacked again",
            "another variant loads sooner here",
        ),
        _judge(
            "2(b)", "8 bits take slightly longer to infer", f"8-bit variants {_range(warm)} x float32",
            all(1 < warm[name] <= 1.3 for name in _EIGHT), "as with MODI's runtime",
            "LiteRT's kernels of today reckon in 8-bit integers"
            + (", for which this processor has instructions (VNNI)" if vnni else ""),
        ),
        _judge(
            "2(b)", "8 bits are the fastest for a one-off classification", f"8-bit variants {_range(once)} x float32",
            min(once, key=lambda one: once[one]) in _EIGHT, "those that reckon in integers load and infer sooner",
            "a form of still fewer bits loads sooner; MODI had none such",
        ),
        _judge(
            "2(b), 3", "loading is most of a one-off classification; nearly 2 s of up to 3.5 s on older phones",
            f"{_percent(share)} of float32's", share > 0.5,
            "reading and packing the weights takes longer than using them once; the seconds are of phones",
            "this machine's memory is fast; the seconds are of phones",
        ),
        _judge(
            "2(b)", "the retrained model does not run on devices", "LiteRT takes no .keras file",
            None, "so it is by construction: a file for training goes through the converter first",
        ),
        _judge(
            "3", "a Pixel 2 infers 2.3 times as fast as the other phones", "one machine, no phone", None,
            "MODI's text has no time of each phone; `modelport device profile` measures one",
        ),
    ]  # fmt: skip


def _edge(found: Mapping[str, Any]) -> list[Statement]:
    """Return those of figure 4: beside MODI's figures stand MDInference's, and nothing that was measured here."""
    by_name = {one["id"]: one for one in found["networks"]}
    campus, home, lte = by_name["campus"], by_name["home"], by_name["lte"]
    most = max(one["share"] for one in by_name.values())
    times = lte["transfer"] / campus["transfer"]
    alone, either = (max(one["in_time"][place] for one in (campus, home)) for place in ("server", "either"))
    told = {
        "375 ms by the edge server on the best network":
            f"{1000 * min(campus['server'], home['server']):.0f} ms on the better WiFi",
        "600 ms on the worst, a cellular hotspot": f"{1000 * lte['server']:.0f} ms on LTE",
        "up to 66.7 % of the time is the network's": f"up to {_percent(most)}, on LTE",
        "the hotspot's transfer is almost double that of university WiFi": f"{times:.1f} times, LTE over campus WiFi",
        "a Pixel 2 with the model loaded (536 ms) is on par with the edge server":
            f"in time on WiFi, at best: server {_percent(alone)}, the rule {_percent(either)}",
    }  # fmt: skip
    why = "published figures on both sides: MDInference's networks and server, simulated"
    return [_judge("4", says, f"{ours}, simulated", None, why) for says, ours in told.items()]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %".replace("-", "\N{MINUS SIGN}")


def _points(one: Mapping[str, Any]) -> str:
    return f"{0.0 - 100 * one['drop']:+.2f} ± {200 * one['error']:.2f} points".replace("-", "\N{MINUS SIGN}")


def _range(ratio: Mapping[str, float]) -> str:
    ones = sorted(ratio[name] for name in _EIGHT if name in ratio)
    return f"{ones[0]:.2f} to {ones[-1]:.2f}"
