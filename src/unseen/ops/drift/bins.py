"""Where rows are counted: bins of every column and of the log-density, cuts through the components.

All of them come from the model (a sample of it, its means, its categories), never from rows, and they are fixed
before any row is counted; afterwards neighbouring bins are merged until each holds a fair share of the reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np

from unseen.core.block import CATEGORY, Block, Cells
from unseen.core.capabilities import Generative, able
from unseen.core.stats import Array, Sums
from unseen.result import Result

SAMPLE = 8192
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
    """All bins; ``cuts`` (components, numeric columns) splits each component at its own mean, or is empty."""

    columns: tuple[Bins, ...]
    density: tuple[float, ...]
    components: int
    cuts: tuple[tuple[float, ...], ...] = ()

    @property
    def numbers(self) -> tuple[Bins, ...]:
        return tuple(b for b in self.columns if b.number)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Self:
        columns = tuple(
            Bins(**{**c, "edges": tuple(c["edges"]), "codes": tuple(c["codes"])}) for c in stored["columns"]
        )
        return cls(columns, tuple(stored["density"]), stored["components"], tuple(map(tuple, stored["cuts"])))


def layout(result: Result) -> Layout:
    """Fine bins for a model, before any row is seen."""
    model, params = result.model, result.params
    arrays, _ = able(model, Generative, "way to make new rows").sample(params, SAMPLE, np.random.default_rng(0))
    density = model.log_density(params, Block(0, tuple(Cells(a) for a in arrays), SAMPLE))
    description = result.description
    shares = description.weights if description.discrete else np.ones(1)
    told = {entry["column"]: entry for entry in description.views}
    columns: list[Bins] = []
    for slot, values in zip(model.slots, arrays, strict=True):
        for j, name in enumerate(slot.columns):
            if slot.kind == CATEGORY:
                drawn = np.bincount(values[j].astype(int), minlength=len(slot.categories[j])) / SAMPLE
                p = shares @ np.asarray(told[name]["probabilities"]) if name in told else drawn
                columns.append(Bins(name, codes=_codes(p)))
            else:
                columns.append(_numeric(result, name, values[j]))
    cuts = [_cuts(result, told.get(b.name, {}), b, len(shares)) for b in columns if b.number]
    return Layout(
        tuple(columns), _edges(density[np.isfinite(density)]), len(shares), tuple(map(tuple, np.transpose(cuts)))
    )


def _numeric(result: Result, name: str, drawn: Array) -> Bins:
    known = result.profile[name]
    sd = float(np.sqrt(known.variance)) or 1.0
    return Bins(name, _edges(drawn, known.mean, sd, whole=known.fractions == 0), mean=known.mean, sd=sd)


def _edges(drawn: Array, mean: float | None = None, sd: float | None = None, whole: bool = False) -> tuple[float, ...]:
    """Quantiles of the model's own rows and steps around the mean, coarsely rounded."""
    mean = float(drawn.mean()) if mean is None else mean
    sd = (float(drawn.std()) or 1.0) if sd is None else sd
    raw = np.concatenate([np.quantile(drawn, LEVELS), mean + STEPS * sd])
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
    columns = []
    for j, bins in enumerate(fine.columns):
        if bins.number:
            kept = _kept(sums[f"column {j}"], goals)
            out[f"column {j}"] = _gathered(sums[f"column {j}"], kept)
            bins = replace(bins, edges=tuple(bins.edges[i] for i in kept))
        columns.append(bins)
    # rows that fit worse show at the low end first
    kept = _kept(sums["density"], (0.03, *goals))
    out["density"] = _gathered(sums["density"], kept)
    return replace(fine, columns=tuple(columns), density=tuple(fine.density[i] for i in kept)), out


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
