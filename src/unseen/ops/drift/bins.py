"""Where rows are counted: bins of columns, of the log-density and of what the model says, cuts through components.

All of them come from the model (a sample of it, its means, its categories) or, where it makes no rows, from quantiles
of the rows it was trained on, rounded so that none of them shows; they are fixed before any row is counted. Afterwards
neighbouring bins are merged until each holds a fair share of the reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np

from unseen.core.block import Block
from unseen.core.model import Assigning, latent_classes
from unseen.core.stats import Array, Sums
from unseen.ops.drift.sample import drawn
from unseen.result import Result

LEVELS = np.concatenate([[0.002, 0.01], np.arange(1, 48) / 48, [0.99, 0.998]])
STEPS = np.concatenate([-np.arange(8, 0, -1), [0], np.arange(1, 9)]) / 2
# the shares of the reference that merged bins aim at: fewer bins where fewer rows pay for them
ENOUGH = 5_000
GOALS, FEW_GOALS = (0.1, 0.3, 0.5, 0.7, 0.9), (0.2, 0.5, 0.8)
SMALLEST = 0.02
# categories with bins of their own; the rarer ones share one
MOST_CATEGORIES, RARE = 7, 0.01


@dataclass(frozen=True, slots=True)
class Bins:
    """The bins of one column: between ``edges`` for numbers, or ``codes``, the bin of each of the model's categories.

    A category column has one more bin, the last, for categories that the model has never seen.
    """

    name: str
    edges: tuple[float, ...] = ()
    codes: tuple[int, ...] = ()
    mean: float = 0.0
    sd: float = 1.0

    @property
    def number(self) -> bool:
        return not self.codes

    @property
    def size(self) -> int:
        return len(self.edges) + 1 if self.number else max(self.codes) + 2


@dataclass(frozen=True, slots=True)
class Layout:
    """All bins; ``cuts`` (components, numeric columns) splits each component at its own mean, or is empty.

    ``outputs`` are numbers that the model says of rows; ``discrete`` tells whether rows belong to components.
    """

    columns: tuple[Bins, ...]
    density: tuple[float, ...]
    components: int
    cuts: tuple[tuple[float, ...], ...] = ()
    outputs: tuple[Bins, ...] = ()
    discrete: bool = True

    @property
    def numbers(self) -> tuple[Bins, ...]:
        return tuple(b for b in self.columns if b.number)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Self:
        columns, outputs = (tuple(map(_stored, stored.get(key, ()))) for key in ("columns", "outputs"))
        return cls(
            columns,
            tuple(stored["density"]),
            stored["components"],
            tuple(map(tuple, stored["cuts"])),
            outputs,
            stored.get("discrete", True),
        )


def _stored(bins: dict[str, Any]) -> Bins:
    return Bins(**{**bins, "edges": tuple(bins["edges"]), "codes": tuple(bins["codes"])})


def layout(result: Result, blocks: Sequence[Block] = ()) -> Layout:
    """Fine bins for a model, before any row is counted; ``blocks`` are looked at where it makes no rows of its own."""
    model, found = result.model, drawn(result, blocks)
    k = latent_classes(model)
    told = {entry["column"]: entry for entry in result.description.views}
    columns: list[Bins] = []
    for slot in model.slots:
        for j, name in enumerate(slot.columns):
            if slot.coded:
                p = _expected(result, told.get(name, {}), found.columns[name], len(slot.categories[j]))
                columns.append(Bins(name, codes=_codes(p)))
            else:
                columns.append(_numeric(result, name, found.columns[name]))
    cuts = [_cuts(result, told.get(b.name, {}), b, k) for b in columns if b.number]
    return Layout(
        tuple(columns),
        _edges(found.density[np.isfinite(found.density)]),
        k,
        tuple(map(tuple, np.transpose(cuts))),
        tuple(_said(name, values[np.isfinite(values)]) for name, values in found.outputs.items()),
        isinstance(model, Assigning),
    )


def _expected(result: Result, entry: Mapping[str, Any], codes: Array, categories: int) -> Array:
    """The share of each category as the model says it, else among the rows that were drawn."""
    description = result.description
    if "probabilities" in entry:
        p: Array = (description.weights if description.discrete else np.ones(1)) @ np.asarray(entry["probabilities"])
        return p
    return np.bincount(codes.astype(int), minlength=categories) / max(len(codes), 1)


def _numeric(result: Result, name: str, drawn: Array) -> Bins:
    known = result.profile[name]
    sd = float(np.sqrt(known.variance)) or 1.0
    return Bins(name, _edges(drawn, known.mean, sd, whole=known.fractions == 0), mean=known.mean, sd=sd)


def _said(name: str, drawn: Array) -> Bins:
    """The bins of a number that the model says of rows."""
    mean, sd = (float(drawn.mean()), float(drawn.std()) or 1.0) if len(drawn) else (0.0, 1.0)
    return Bins(name, _edges(drawn, mean, sd), mean=mean, sd=sd)


def _edges(drawn: Array, mean: float | None = None, sd: float | None = None, whole: bool = False) -> tuple[float, ...]:
    """Quantiles of the model's own rows and steps around the mean, coarsely rounded."""
    mean = float(drawn.mean()) if mean is None else mean
    sd = (float(drawn.std()) or 1.0) if sd is None else sd
    raw = mean + STEPS * sd
    raw = np.concatenate([np.quantile(drawn, LEVELS), raw]) if len(drawn) else raw
    # halves between whole numbers, else odd places where rounded data does not lie
    edges = np.floor(raw) + 0.5 if whole else (np.floor(raw / (0.0137 * sd)) + 0.5) * 0.0137 * sd
    return tuple(np.unique(edges).tolist())


def _codes(p: Array) -> tuple[int, ...]:
    """Bins by what the model expects: the common categories their own, the rare ones one together."""
    order = np.argsort(-p, kind="stable")
    own = [int(c) for i, c in enumerate(order) if i < MOST_CATEGORIES and (p[c] >= RARE or i == 0)]
    bins = {c: i for i, c in enumerate(own)}
    return tuple(bins.get(c, len(own)) for c in range(len(p)))


def _cuts(result: Result, entry: Mapping[str, Any], bins: Bins, components: int) -> Array:
    """The mean of a column in each component, between the whole numbers where it holds such."""
    means = np.asarray(entry.get("overall_mean", entry.get("mean", [bins.mean] * components)), float)
    return np.floor(means) + 0.5 if result.profile[bins.name].fractions == 0 else means


# ---- merging


def merged(fine: Layout, sums: Sums) -> tuple[Layout, Sums]:
    """Coarser bins for numbers and densities, each with a fair share of the reference, and the counts in them."""
    out = dict(sums)
    goals = GOALS if sums["rows"][0] >= ENOUGH else FEW_GOALS

    def coarser(name: str, bins: Bins) -> Bins:
        if not bins.number:
            return bins
        kept = _kept(sums[name], goals)
        out[name] = _gathered(sums[name], kept)
        return replace(bins, edges=tuple(bins.edges[i] for i in kept))

    columns = tuple(coarser(f"column {j}", bins) for j, bins in enumerate(fine.columns))
    outputs = tuple(coarser(f"output {j}", bins) for j, bins in enumerate(fine.outputs))
    # rows that fit worse show at the low end first
    kept = _kept(sums["density"], (0.03, *goals))
    out["density"] = _gathered(sums["density"], kept)
    return replace(fine, columns=columns, outputs=outputs, density=tuple(fine.density[i] for i in kept)), out


def _kept(counts: Array, goals: tuple[float, ...]) -> list[int]:
    """Which edges stay: the nearest to each goal, unless next to nothing would lie on one side."""
    below = counts.cumsum()[:-1] / max(counts.sum(), 1e-300)
    nearest = {int(np.abs(below - goal).argmin()) for goal in goals}
    kept: list[int] = []
    for i in sorted(nearest):
        if below[i] - (below[kept[-1]] if kept else 0.0) >= SMALLEST and below[i] <= 1 - SMALLEST:
            kept.append(i)
    if not kept:  # nearly all in one bin: the edge that splits off most of the rest
        inside = np.flatnonzero((below > 0) & (below < 1))
        kept = [int(inside[np.abs(below[inside] - 0.5).argmin()])] if len(inside) else []
    return kept


def _gathered(counts: Array, kept: list[int]) -> Array:
    return np.add.reduceat(counts, [0, *(i + 1 for i in kept)])
