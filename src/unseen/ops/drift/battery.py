"""All tests of a champion as one table: what each compares, and what share of the false alarms it may use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from unseen.core.stats import Array, Sums
from unseen.ops.drift.bins import Layout
from unseen.ops.drift.evidence import effects, log_evidence
from unseen.ops.drift.reference import Reference
from unseen.ops.drift.report import Kind

# sum over k of 1 / ((k + 1) log^2 (k + 1)), k = 1, 2, ...
TOTAL = 2.1098


@dataclass(frozen=True, slots=True)
class Probe:
    """One comparison of counts; the probes of one component's position count as one test, by their mean."""

    kind: Kind
    at: int
    column: str | None = None
    component: int | None = None
    ordered: bool = False

    @property
    def test(self) -> tuple[str, str | int | None]:
        return self.kind, self.component if self.kind == "position" else self.column


@dataclass(frozen=True, slots=True)
class Found:
    """A test's evidence over all beginnings, and the probe and the beginning that speak loudest."""

    probe: Probe
    share: float
    log_e: float
    effect: float
    loudest: int


def probes(layout: Layout) -> list[Probe]:
    """Everything that can be compared."""
    names = [b.name for b in layout.columns]
    numbers = [b.name for b in layout.numbers]
    k = layout.components
    found = [Probe("column", j, b.name, ordered=b.number) for j, b in enumerate(layout.columns) if b.size > 1]
    found += [Probe("missing", j, name) for j, name in enumerate(names)]
    found += [Probe("density", 0, ordered=True)] if layout.density else []
    found += [Probe("output", j, b.name, ordered=True) for j, b in enumerate(layout.outputs) if b.size > 1]
    if layout.discrete:
        found += [Probe("shares", 0)] if k > 1 else []
        found += [Probe("position", j, name, component) for component in range(k) for j, name in enumerate(numbers)]
    return found


def counts(layout: Layout, sums: Sums, probe: Probe) -> Array:
    """The counts that a probe compares."""
    if probe.kind == "column":
        return sums[f"column {probe.at}"]
    if probe.kind == "output":
        return sums[f"output {probe.at}"]
    if probe.kind == "missing":
        return sums["missing"][probe.at]
    if probe.kind == "position":
        out: Array = sums["sides"][probe.component, probe.at]
        return out
    return sums[probe.kind]


@dataclass(frozen=True)
class Battery:
    """The tests of one reference, each with its share of the false alarms: equal among kinds, then inside a kind."""

    reference: Reference

    @cached_property
    def probes(self) -> list[Probe]:
        return probes(self.reference.layout)

    @cached_property
    def shares(self) -> dict[Any, float]:
        tests = dict.fromkeys(p.test for p in self.probes)
        kinds = Counter(kind for kind, _ in tests)
        return {test: 1 / (len(kinds) * kinds[test[0]]) for test in tests}

    @cached_property
    def table(self) -> Array:
        """Reference counts (R, B), -1 where a probe has no bin."""
        return self._filled(self.reference.sums, -1.0)

    def _filled(self, sums: Sums, fill: float) -> Array:
        rows = [counts(self.reference.layout, sums, p) for p in self.probes]
        out = np.full((len(rows), max(map(len, rows))), fill)
        for row, values in zip(out, rows, strict=True):
            row[: len(values)] = values
        return out

    def judge(self, begun: Sequence[tuple[int, Sums]]) -> list[Found]:
        """Every test, given the sums since each of some looks (numbered from 1)."""
        new = np.stack([self._filled(sums, 0.0) for _, sums in begun])
        prior = np.log([weight(look) for look, _ in begun])
        log_e = prior[:, None] + log_evidence(self.table, new, np.array([p.ordered for p in self.probes]))
        loudest = log_e.argmax(axis=0)
        total = np.logaddexp.reduce(log_e, axis=0)
        effect = effects(self.table, new)[loudest, np.arange(len(self.probes))]
        grouped: dict[Any, list[int]] = {}
        for i, p in enumerate(self.probes):
            grouped.setdefault(p.test, []).append(i)
        found = []
        for test, members in grouped.items():
            best = max(members, key=lambda i: total[i])
            mean = float(np.logaddexp.reduce(total[members]) - np.log(len(members)))
            found.append(Found(self.probes[best], self.shares[test], mean, float(effect[best]), int(loudest[best])))
        return found


def weight(look: int) -> float:
    """The share of a change that begins at this look: a distribution over 1, 2, ... with a heavy tail."""
    return float(1 / (TOTAL * (look + 1) * np.log(look + 1) ** 2))


def watched(look: int, now: int) -> bool:
    """Whether the sums since a look are still kept: the first ones for ever, others the longer the rounder they are.

    So about four for each power of two are kept at any time, and every change has a beginning near it.
    """
    return look == 1 or now - look < 4 * (look & -look)
