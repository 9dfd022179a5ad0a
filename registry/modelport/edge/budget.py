"""Which items to keep under a budget of bytes, when each need is served by the best item kept for it.

The value of a set is a sum over needs of the largest gain that any kept item has for the need: monotone and
submodular, so a second good item for the same need adds little. Besides, each group needs at least one item.

No need has gains in two groups. Sizes are bytes, and budgets hold for their sum.

- `exact`: branch and bound. What a set can still win is at most what the remaining items would add one by one, cut at
  the bytes that are left (a fractional knapsack): true because no item adds more to a larger set.
- `greedy`: four sets, each improved by exchanges until none helps (one item for one, one for two, two for one). One is
  grown by gain per byte, one by gain alone, one is the best single item as a guard (Khuller, Moss and Naor 1999), and
  one is the best union of a good set for each group (a knapsack with one choice a group, in 200 steps of value). Of
  many items, two sets, and none is exchanged: the first, and a union of sets on the hull of each group (the greedy one
  for a knapsack with one choice a group: it misses the best by no more than one step of one group).
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import combinations, pairwise
from math import inf
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["STEPS", "Items", "exact", "greedy"]

STEPS: Final = 200_000
"""How many steps `exact` takes at most: seconds. What 25 variants ask for is mostly under a tenth of that."""

_LITTLE: Final = 1e-12
"""An improvement by less is none, but a sum's rounding."""
_WIDTH: Final = 100
"""How many sets of a group are grown at once: all of them, where a group has no more than the next number of items."""
_ALL: Final = 8
_MANY: Final = 40
"""From how many items on there is no time for exchanges."""

_State: TypeAlias = "tuple[int, float, frozenset[int]]"
"""Bytes, value, and the items that have them."""


@dataclass(frozen=True, slots=True)
class Items:
    """The items to choose from, by their place.

    Args:
        sizes: Bytes of each.
        gains: For each item, its gain for each need, none negative.
        groups: The group of each: 0, 1, ... without a gap.
        budget: Bytes that the kept ones may take together.
    """

    sizes: tuple[int, ...]
    gains: tuple[tuple[float, ...], ...]
    groups: tuple[int, ...]
    budget: int

    def value(self, kept: Iterable[int]) -> float:
        """Return the value of the items *kept*."""
        return sum(self.best(kept))

    def best(self, kept: Iterable[int]) -> tuple[float, ...]:
        """Return for each need the largest gain among the items *kept*."""
        rows = [self.gains[item] for item in kept]
        return tuple(map(max, zip(*rows, strict=True))) if rows else (0.0,) * (len(self.gains[0]) if self.gains else 0)

    def bytes(self, kept: Iterable[int]) -> int:
        """Return the bytes of the items *kept*."""
        return sum(self.sizes[item] for item in kept)

    def smallest(self) -> frozenset[int]:
        """Return the smallest item of each group: what must fit in any budget."""
        found: dict[int, int] = {}
        for item in sorted(range(len(self.sizes)), key=lambda item: (self.sizes[item], -sum(self.gains[item]), item)):
            found.setdefault(self.groups[item], item)
        return frozenset(found.values())

    def room(self) -> frozenset[int]:
        """Return the items that the budget can hold, each with the smallest of every other group."""
        least = {self.groups[item]: self.sizes[item] for item in self.smallest()}
        left = self.budget - sum(least.values())
        return frozenset(item for item, size in enumerate(self.sizes) if size - least[self.groups[item]] <= left)

    @property
    def all_fit(self) -> bool:
        """Whether the budget holds all items."""
        return sum(self.sizes) <= self.budget

    def part(self, group: int, among: Iterable[int]) -> tuple[list[int], Items]:
        """Return the items of a *group* that are *among* some, and what they are for themselves, with their needs."""
        members = sorted(item for item in among if self.groups[item] == group)
        needs = [
            need for need, gains in enumerate(zip(*(self.gains[item] for item in members), strict=True)) if any(gains)
        ]
        gains = tuple(tuple(self.gains[item][need] for need in needs) for item in members)
        return members, Items(tuple(self.sizes[item] for item in members), gains, (0,) * len(members), self.budget)

    def allowed(self, kept: frozenset[int]) -> bool:
        """Whether the items *kept* fit the budget and every group has one."""
        return self.bytes(kept) <= self.budget and {self.groups[item] for item in kept} == set(self.groups)


def greedy(items: Items) -> frozenset[int]:
    """Return a good set for any number of items; the smallest of each group must fit the budget."""
    if items.all_fit:
        return _lean(items, frozenset(range(len(items.sizes))))
    smallest = items.smallest()
    starts = [_grown(items, smallest, _by_byte)]
    if len(items.sizes) > _MANY:
        starts.append(_grown(items, _hulled(items), _by_byte))
    else:
        starts += [_grown(items, smallest, _by_gain), _single(items)]
        starts.append(_grown(items, _combined(items, max(map(items.value, starts))), _by_byte))
        starts = [_exchanged(items, start) for start in starts]
    lean = [_lean(items, kept) for kept in starts]
    return max(lean, key=lambda kept: (items.value(kept), -items.bytes(kept), sorted(kept)))


def _lean(items: Items, kept: frozenset[int]) -> frozenset[int]:
    """Return *kept* without the items that add nothing to the others, the largest of each group first."""
    found: set[int] = set()
    for group in {items.groups[item] for item in kept}:
        members, part = items.part(group, kept)
        own = frozenset(range(len(members)))
        value = part.value(own)
        for place in sorted(own, key=lambda place: (-part.sizes[place], place)):
            fewer = own - {place}
            if fewer and part.value(fewer) >= value - _LITTLE:
                own = fewer
        found |= {members[place] for place in own}
    return frozenset(found)


def _by_byte(gain: float, size: int) -> float:
    return gain / size if size else (inf if gain else 0.0)


def _by_gain(gain: float, _: int) -> float:
    return gain


def _added(gain: tuple[float, ...], best: tuple[float, ...]) -> float:
    return sum([g - b for g, b in zip(gain, best, strict=True) if g > b])


def _grown(items: Items, kept: frozenset[int], worth: Callable[[float, int], float]) -> frozenset[int]:
    """Return *kept* and, one after the other, what is worth most as long as it fits and adds anything."""
    best, left = items.best(kept), items.budget - items.bytes(kept)
    # What an item adds only falls as others come: it is looked at again when it is the first (Minoux 1978).
    heap = [
        (-worth(gain, size), item)
        for item, (gain, size) in enumerate(zip(map(sum, items.gains), items.sizes, strict=True))
        if item not in kept
    ]
    heapify(heap)
    while heap:
        _, item = heappop(heap)
        gain, size = _added(items.gains[item], best), items.sizes[item]
        if size > left or gain <= _LITTLE:
            continue
        if heap and -worth(gain, size) > heap[0][0]:
            heappush(heap, (-worth(gain, size), item))
            continue
        kept, left = kept | {item}, left - size
        best = tuple(map(max, best, items.gains[item]))
    return kept


def _combined(items: Items, value: float) -> frozenset[int]:
    """Return the best union of one good set for each group, up to a two-hundredth of *value*."""
    step = value / 200 / (max(items.groups) + 1)
    states: list[_State] = [(0, 0.0, frozenset())]
    for group in range(max(items.groups) + 1):
        pool = _pool(items, group)
        unions = ((s + t, v + w, a | b) for s, v, a in states for t, w, b in pool if s + t <= items.budget)
        states = _frontier(unions, step)
    # One union always fits, that of the smallest sets, and the smallest state of each step is kept.
    return max(states, key=lambda state: state[1])[2]


def _hulled(items: Items) -> frozenset[int]:
    """Return a union of one good set for each group: from the smallest on, what gains most by the byte."""
    chosen, steps, left = {}, [], items.budget
    for group in range(max(items.groups) + 1):
        hull = _hull(_pool(items, group))
        chosen[group] = hull[0][2]
        left -= hull[0][0]
        steps += [
            (-(there[1] - here[1]) / (there[0] - here[0]), group, there[0] - here[0], there[2])
            for here, there in pairwise(hull)
        ]
    full: set[int] = set()
    for _, group, size, kept in sorted(steps, key=lambda step: step[:3]):
        # A group's steps build on one another: after one that does not fit, none of its own does.
        if size <= left and group not in full:
            chosen[group], left = kept, left - size
        else:
            full.add(group)
    return frozenset().union(*chosen.values())


def _hull(states: list[_State]) -> list[_State]:
    """Return the states, by their bytes, on whose line each next byte gains no more than the last one."""
    hull: list[_State] = []
    for state in states:
        while len(hull) > 1 and _slope(hull[-2], state) >= _slope(hull[-2], hull[-1]):
            hull.pop()
        hull.append(state)
    return hull


def _slope(here: _State, there: _State) -> float:
    return (there[1] - here[1]) / (there[0] - here[0])


def _pool(items: Items, group: int) -> list[_State]:
    """Return sets of a *group*'s items, each worth more than any smaller one of them: grown by one item at a time."""
    members, part = items.part(group, range(len(items.sizes)))
    found: list[_State] = []
    level: list[_State] = [(0, 0.0, frozenset())]
    while level:
        sets = {kept | {place} for _, _, kept in level for place in range(len(members)) if place not in kept}
        grown = [(part.bytes(kept), part.value(kept), kept) for kept in sets]
        level = _layers([state for state in grown if state[0] <= items.budget])
        before = max((value for _, value, _ in found), default=-1.0)
        found = _frontier([*found, *level], 0.0)
        if len(members) > _ALL and found[-1][1] <= before + _LITTLE:
            break
    return [(size, value, frozenset(members[place] for place in kept)) for size, value, kept in found]


def _layers(states: list[_State]) -> list[_State]:
    """Return about ``_WIDTH`` states: those that none equals with fewer bytes, then those that only these do, ..."""
    kept: list[_State] = []
    while states and len(kept) < _WIDTH:
        layer = _frontier(states, 0.0)
        kept, taken = kept + layer, {state[2] for state in layer}
        states = [state for state in states if state[2] not in taken]
    return kept


def _frontier(states: Iterable[_State], step: float) -> list[_State]:
    """Return the states that no other one equals in value, in steps of *step*, with fewer bytes."""
    kept: list[_State] = []
    for state in sorted(states, key=lambda state: (state[0], -state[1], sorted(state[2]))):
        if not kept or state[1] > kept[-1][1] + step:
            kept.append(state)
    return kept


def _single(items: Items) -> frozenset[int]:
    """Return the most valuable item that fits beside the smallest of the other groups, with those."""
    smallest = items.smallest()
    sets = [
        frozenset({item, *(other for other in smallest if items.groups[other] != items.groups[item])})
        for item in range(len(items.sizes))
    ]
    return max((kept for kept in sets if items.allowed(kept)), key=items.value, default=smallest)


def _exchanged(items: Items, kept: frozenset[int]) -> frozenset[int]:
    value = items.value(kept)
    while True:
        better = next(((k, v) for k, v in _neighbours(items, kept) if v > value + _LITTLE), None)
        if better is None:
            return kept
        kept = _grown(items, better[0], _by_byte)
        value = items.value(kept)


def _neighbours(items: Items, kept: frozenset[int]) -> Iterator[tuple[frozenset[int], float]]:
    """Return the allowed sets, with their values, that have one item more, or one for one, one for two, two for one."""
    inside, outside = sorted(kept), [item for item in range(len(items.sizes)) if item not in kept]
    for out, into in ((0, 1), (1, 1), (2, 1), (1, 2)):
        for gone in combinations(inside, out):
            rest = kept.difference(gone)
            best, left = items.best(rest), items.budget - items.bytes(rest)
            base = sum(best)
            missing = {items.groups[g] for g in gone} - {items.groups[r] for r in rest}
            fitting = [item for item in outside if items.sizes[item] <= left]
            for come in combinations(fitting, into):
                if items.bytes(come) > left or not missing <= {items.groups[c] for c in come}:
                    continue
                gain = items.gains[come[0]] if into == 1 else items.best(come)
                yield rest.union(come), base + _added(gain, best)


def exact(items: Items, *, most: int = STEPS) -> tuple[frozenset[int], bool]:
    """Return the best set, and whether it is proved to be the best: the search ends after *most* steps.

    The smallest item of each group must fit the budget.
    """
    if items.all_fit:
        return greedy(items), True
    search = _Search(items, most)
    needs = len(items.gains[0]) if items.gains else 0
    search.visit(frozenset(), (0.0,) * needs, items.budget, list(range(len(items.sizes))))
    return _lean(items, search.kept), search.steps < most


class _Search:
    def __init__(self, items: Items, most: int) -> None:
        self.items = items
        self.kept = greedy(items)
        self.value = items.value(self.kept)
        self.most = most
        self.steps = 0

    def visit(self, kept: frozenset[int], best: tuple[float, ...], left: int, open_items: list[int]) -> None:
        """Look at every set that holds *kept* and some of *open_items*, unless none of them can be better."""
        items = self.items
        while self.steps < self.most:
            self.steps += 1
            value = sum(best)
            missing = set(items.groups) - {items.groups[item] for item in kept}
            if not missing and value > self.value + _LITTLE:
                self.kept, self.value = kept, value
            added = {i: _added(items.gains[i], best) for i in open_items if items.sizes[i] <= left}
            open_items = [i for i, gain in added.items() if gain > _LITTLE or items.groups[i] in missing]
            if not self._can_hold(missing, left, open_items) or value + self._most(added, left) <= self.value + _LITTLE:
                return
            item = max(open_items, key=lambda i: (added[i] / max(items.sizes[i], 1), -i))
            open_items.remove(item)
            self.visit(kept | {item}, items.best(kept | {item}), left - items.sizes[item], open_items)

    def _can_hold(self, missing: set[int], left: int, open_items: list[int]) -> bool:
        if not open_items:
            return False
        least: dict[int, int] = {}
        for item in open_items:
            group, size = self.items.groups[item], self.items.sizes[item]
            if group in missing:
                least[group] = min(size, least.get(group, size))
        return len(least) == len(missing) and sum(least.values()) <= left

    def _most(self, added: dict[int, float], left: int) -> float:
        sizes, most = self.items.sizes, 0.0
        for item in sorted(added, key=lambda i: _by_byte(added[i], sizes[i]), reverse=True):
            if sizes[item] > left:
                return most + added[item] * left / sizes[item]
            most, left = most + added[item], left - sizes[item]
        return most
