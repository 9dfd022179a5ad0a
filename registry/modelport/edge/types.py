"""The values that selection and planning speak of: what a variant costs at a place, what is asked, what is answered.

Times are seconds, sizes are bytes, accuracies are shares from 0 to 1, energies are joules. What nobody measured is
not a number (``Spread()``) or None; nothing here takes an unknown for zero. Everything is frozen: a new observation
makes a new value (`Spread.plus`), and a decision is a pure function of such values (`modelport.edge.select`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite, isnan, nan, sqrt
from typing import TYPE_CHECKING, Literal

from modelport.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Candidate", "Choice", "Device", "Duplicate", "Network", "Place", "Request", "Spread", "Variant"]

Place = Literal["device", "server"]
"""Where a variant runs: on the device itself, or on the edge server beside it."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The mean and the standard deviation of what was observed *n* times; ``Spread()`` when nobody observed it.

    Figures that others published without a count of observations have the *n* that they are worth against new ones.

    Args:
        mean: The mean, in the unit of what was observed; not a number when unknown.
        sd: The sample's standard deviation (over n - 1), 0 for a single observation.
        n: How many observations.
    """

    mean: float = nan
    sd: float = 0.0
    n: int = 0

    def __post_init__(self) -> None:
        if self.sd < 0 or self.n < 0:
            raise InputError(f"a spread has no negative deviation or count: sd {self.sd}, n {self.n}")

    @property
    def known(self) -> bool:
        """Whether there is a mean to reckon with."""
        return isfinite(self.mean) and isfinite(self.sd)

    def bound(self, gamma: float) -> float:
        """Return mean + *gamma* times the deviation: what *gamma* says how surely it stays under."""
        return self.mean + gamma * self.sd

    def plus(self, value: float, *, memory: int | None = None) -> Spread:
        """Return the spread with one more observation (Welford 1962), in constant time and without loss of digits.

        Args:
            value: The new observation.
            memory: At most how many observations the old ones count for, so that a figure follows what changes (a
                network, a device that grows hot); None lets all of them count alike.

        Raises:
            InputError: *value* is not a finite number, or *memory* is less than 1.
        """
        if not isfinite(value):
            raise InputError(f"an observation is a finite number, not {value}", hint="leave failed measurements out")
        if memory is not None and memory < 1:
            raise InputError(f"a memory of {memory} observations remembers nothing")
        old = self.n if memory is None else min(self.n, memory)
        if not old or not self.known:
            return Spread(value, 0.0, 1)
        n = old + 1
        delta = value - self.mean
        mean = self.mean + delta / n
        squares = self.sd**2 * (old - 1) + delta * (value - mean)
        return Spread(mean, sqrt(squares / (n - 1)), n)

    def joined(self, other: Spread) -> Spread:
        """Return the spread of both sets of observations together (Chan, Golub and LeVeque 1979)."""
        if not other.n or not other.known:
            return self
        if not self.n or not self.known:
            return other
        n = self.n + other.n
        delta = other.mean - self.mean
        squares = self.sd**2 * (self.n - 1) + other.sd**2 * (other.n - 1) + delta**2 * self.n * other.n / n
        return Spread(self.mean + delta * other.n / n, sqrt(squares / (n - 1)), n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One form of one model: what is the same wherever it runs.

    Args:
        name: Such as ``int8``; with *model* it names one variant.
        model: The model whose variant it is, such as ``fashion``; may be empty where there is only one.
        task: What it is good for; variants of one task can stand in for each other. Empty: the model is its own task.
        size: Bytes of its own file, as it lies on a device.
        download: Bytes to fetch it (compressed); None: as many as *size*.
        accuracy: Its accuracy on the evaluation data; None when nobody measured it.
        interval: Half the width of that accuracy's 95 % interval; accuracies closer than that tie.
        digest: The digest of its package's manifest, when it is in a store.
    """

    name: str
    model: str = ""
    task: str = ""
    size: int = 0
    download: int | None = None
    accuracy: float | None = None
    interval: float = 0.0
    digest: str = ""

    def __post_init__(self) -> None:
        if self.size < 0 or (self.download is not None and self.download < 0):
            raise InputError(f"variant {self.label}: a size is not negative")
        if not self.interval >= 0:
            raise InputError(f"variant {self.label}: the accuracy's interval is {self.interval}, not 0 or more")

    @property
    def label(self) -> str:
        """``model:name``, or the name alone."""
        return f"{self.model}:{self.name}" if self.model else self.name

    @property
    def purpose(self) -> str:
        """The task, or the model where it has none but itself."""
        return self.task or self.model

    @property
    def known_accuracy(self) -> float | None:
        """The accuracy, or None where it is unknown or not a number."""
        return None if self.accuracy is None or isnan(self.accuracy) else self.accuracy

    @property
    def fetch_bytes(self) -> int:
        """How many bytes fetching it moves."""
        return self.size if self.download is None else self.download


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A variant at a place: what it costs there.

    Args:
        variant: Which.
        place: Where.
        infer: Seconds of one warm inference.
        load: Seconds to load it; counted when it is not *loaded*.
        loaded: Whether it stands ready in memory.
        stored: Whether its file lies there. A device can fetch one that does not; a server cannot offer it.
        energy: Joules that one inference takes from the device's battery (for the server's: besides the transfer).
        estimated: Whether the times were worked out from another device's (by the ratio of the anchors).
    """

    variant: Variant
    place: Place = "device"
    infer: Spread = field(default_factory=Spread)
    load: Spread = field(default_factory=lambda: Spread(0.0))
    loaded: bool = True
    stored: bool = True
    energy: float | None = None
    estimated: bool = False

    @property
    def label(self) -> str:
        """Which variant, and where."""
        return f"{self.variant.label} on the {self.place}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A kind of device, as its profile in the catalog says (``catalog/devices/<id>.yaml``).

    Args:
        id: The profile's name.
        title: The device's.
        source: ``measured`` or ``published``.
        cores: How many.
        memory: Bytes of main memory; None when unknown.
        storage: Bytes that models may take; None when nobody said.
        watts: What it draws while it computes, over idle; None when unknown.
        anchors: Seconds of each anchor workload there, by ``<runtime>-<kind>``: the ratio of two devices' anchors
            carries a time over from one to the other.
    """

    id: str
    title: str = ""
    source: str = "measured"
    cores: int = 1
    memory: int | None = None
    storage: int | None = None
    watts: float | None = None
    anchors: Mapping[str, float] = field(default_factory=dict)

    def ratio(self, anchor: str, there: Device) -> float | None:
        """Return how many times as long *there* takes for *anchor* as this device; None when one was not measured."""
        here, other = self.anchors.get(anchor), there.anchors.get(anchor)
        return other / here if here and other else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The way between a device and its edge server, as estimated now or as a profile says.

    Args:
        one_way: Seconds that a message takes in one direction, before its length counts.
        bytes_per_second: The bandwidth; None when *one_way* already holds the payload's time, as published figures do.
        loss: The share of messages that are lost.
        reachable: Whether the server answers at all.
        watts: What the device's radio draws while it waits for the server, over idle; None when unknown.
        id: The profile's name, when it is one of the catalog's.
    """

    one_way: Spread = field(default_factory=Spread)
    bytes_per_second: float | None = None
    loss: float = 0.0
    reachable: bool = True
    watts: float | None = None
    id: str = ""

    def __post_init__(self) -> None:
        if self.one_way.mean < 0 or not 0 <= self.loss <= 1:
            raise InputError(
                f"a network's delay is not negative and its loss a share: {self.one_way.mean}, {self.loss}"
            )

    def seconds(self, count: int) -> float:
        """Return the mean seconds until an answer to a message of *count* bytes is back; NaN when unknown."""
        rate, turn = self.bytes_per_second, 2 * self.one_way.mean
        if rate is None or not count:
            return turn
        return turn + (inf if rate <= 0 else count / rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one inference asks for.

    Args:
        deadline: Seconds from now until the answer is due; infinite: whenever.
        min_accuracy: The least accuracy that will do.
        max_bytes: The most bytes that may be fetched for it; None: any number.
        battery_low: Whether equally accurate variants are told apart by their energy first.
        payload: Bytes of the input, if it is sent to the server.
        answer: Bytes of the answer that comes back.
        gamma: How many standard deviations above the mean a time must fit: 2 is 97.7 % of a normal spread.
    """

    deadline: float = inf
    min_accuracy: float = 0.0
    max_bytes: int | None = None
    battery_low: bool = False
    payload: int = 0
    answer: int = 0
    gamma: float = 2.0

    def __post_init__(self) -> None:
        if isnan(self.deadline) or isnan(self.min_accuracy):
            raise InputError("a request's deadline and accuracy are numbers", hint="leave out what you do not ask for")
        if not 0 <= self.gamma < inf or self.payload < 0 or self.answer < 0:
            raise InputError(
                f"a request has no negative sizes or gamma: payload {self.payload}, answer {self.answer}, "
                f"gamma {self.gamma}"
            )


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A second, local inference for a remote one that may come late (MDInference, IC2E 2020).

    Args:
        candidate: What to run on the device.
        start: Seconds from now when to start it, unless the server's answer is there by then.
    """

    candidate: Candidate
    start: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What to run for a request, where, and why.

    Args:
        candidate: The variant at its place.
        expected: The mean seconds until the answer is there, transfer, loading and fetching included; NaN: unknown.
        bound: The same with gamma deviations of the loading and the inference: what was held against the deadline.
        degraded: Whether it misses the deadline or the accuracy that were asked for, as far as anybody knows.
        duplicate: What to start on the device meanwhile, if the choice is remote and at risk.
        reasons: Why, in words, the weightiest first.
    """

    candidate: Candidate
    expected: float
    bound: float
    degraded: bool = False
    duplicate: Duplicate | None = None
    reasons: tuple[str, ...] = ()

    @property
    def variant(self) -> Variant:
        """The variant chosen."""
        return self.candidate.variant

    @property
    def place(self) -> Place:
        """Where it runs."""
        return self.candidate.place
