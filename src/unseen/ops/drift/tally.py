"""One pass over some rows: counts in bins, missing cells, log-densities, shares and positions of the components.

Everything is a sum whose size does not depend on the number of rows, so blocks add, in any number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unseen.core.blas import one_blas_thread
from unseen.core.block import Block
from unseen.core.model import responsibilities
from unseen.core.stats import Array, Params, Stats, Sums
from unseen.errors import DataError
from unseen.ops.drift.bins import Bins, Layout
from unseen.ops.drift.sample import values_of
from unseen.result import Result


def tally(result: Result, layout: Layout, blocks: Iterable[Block]) -> Sums:
    """The sums over blocks of the champion's encoding; a sequence of blocks is read by all cores, block by block."""
    if isinstance(blocks, Sequence) and len(blocks):
        from unseen.engines.local import one_pass

        return effective(one_pass(Count(result.model, result.params, layout), blocks).sums)
    total, count = Stats(zero(layout)), Count(result.model, result.params, layout)
    with one_blas_thread():
        for block in blocks:
            total += count(block)
    return effective(total.sums)


def zero(layout: Layout) -> Sums:
    """The sums of no rows."""
    numbers, k = len(layout.numbers), layout.components
    shapes: dict[str, tuple[int, ...]] = {
        "rows": (3,),
        **{f"column {j}": (bins.size,) for j, bins in enumerate(layout.columns)},
        "missing": (len(layout.columns), 2),
        "moments": (numbers, 3),
        **{f"output {j}": (bins.size,) for j, bins in enumerate(layout.outputs)},
        "said": (len(layout.outputs), 3),
        "density": (len(layout.density) + 1,),
        "fit": (3,),
        "shares": (k,),
        "sides": (k, numbers, 2),
        "places": (k, numbers, 3),
    }
    return {name: np.zeros(shape) for name, shape in shapes.items()}


def effective(sums: Sums) -> Sums:
    """Weighted counts brought to the number of rows that they are worth (Kish): (sum w)^2 / sum w^2."""
    weight = sums["rows"][1]
    factor = worth(sums) / weight if weight > 0 else 1.0
    return {name: value if name == "rows" else value * factor for name, value in sums.items()}


def worth(sums: Sums) -> float:
    """How many rows of equal weight these rows are worth."""
    _, weight, squares = sums["rows"]
    return float(weight**2 / squares) if squares > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Count:
    """The sums of one block, as the champion's model and parameters see it.

    Rows that belong together are not independent: each unit counts once, in even parts by its rows.
    """

    model: Any
    params: Params
    layout: Layout

    def __call__(self, block: Block) -> Stats:
        return self.with_unseen(block, {})

    def with_unseen(self, block: Block, unseen: Mapping[str, Array]) -> Stats:
        """The sums; ``unseen`` marks the rows (n,) whose category in a column the model does not know."""
        return _count(self.model, self.params, self.layout, block, unseen)


def _count(model: Any, params: Params, layout: Layout, block: Block, unseen: Mapping[str, Array]) -> Stats:
    sums = zero(layout)
    if not block.rows:
        return Stats(sums)
    w = np.ones(block.rows) if block.weights is None else np.asarray(block.weights, float)
    if not np.isfinite(w).all() or (w < 0).any():
        raise DataError("a row weight is negative or not finite: weights count copies of a row, zero or more")
    of_units, w = by_units(block, w)
    sums["rows"][:] = block.rows, of_units.sum(), of_units @ of_units
    r, density = responsibilities(model, params, replace(block, labels=None))
    r = r * w
    sums["shares"][:] = r.sum(axis=1)
    _fit(sums, layout, density, w)
    at = 0
    for j, (bins, values, observed) in enumerate(_cells(model, layout, block)):
        fresh = unseen.get(bins.name)
        if bins.number:
            sums[f"column {j}"][:] = _numbers(bins, values, observed, w)
            _positions(sums, layout, at, bins, values, observed, r, w)
            at += 1
        else:
            sums[f"column {j}"][:] = _categories(bins, values, observed, w, fresh)
        missing = 0.0 if observed is None else w[~observed].sum() - (0.0 if fresh is None else w[fresh].sum())
        sums["missing"][j] = w.sum() - missing, missing
    _outputs(sums, layout, model, params, block, w)
    return Stats(sums)


def by_units(block: Block, w: Array) -> tuple[Array, Array]:
    """The weight of each unit (U,), and that of rows (n,) so that those of a unit sum to its own."""
    if block.offsets is None:
        return w, w
    lengths = np.diff(block.offsets)
    begins, lengths = block.offsets[:-1][lengths > 0], lengths[lengths > 0]
    of_units = np.add.reduceat(w, begins) / lengths
    return of_units, np.repeat(of_units / lengths, lengths)


def _outputs(sums: Sums, layout: Layout, model: Any, params: Params, block: Block, w: Array) -> None:
    """What the model says of rows in numbers, in bins, and their moments."""
    said = values_of(model, params, replace(block, labels=None)) if layout.outputs else {}
    for j, bins in enumerate(layout.outputs):
        finite = np.isfinite(said[bins.name])
        values = np.where(finite, said[bins.name], 0.0)
        sums[f"output {j}"][:] = _numbers(bins, values, finite, w)
        z = (values - bins.mean) / bins.sd
        sums["said"][j] = np.stack([np.ones_like(z), z, z * z]) @ (w * finite)


def _cells(model: Any, layout: Layout, block: Block) -> list[tuple[Bins, Array, Array | None]]:
    where = {name: (i, j) for i, s in enumerate(model.slots) for j, name in enumerate(s.columns)}
    out = []
    for bins in layout.columns:
        i, j = where[bins.name]
        cells = block.cells[i]
        seen = None if cells.observed is None or cells.observed[j].all() else cells.observed[j]
        out.append((bins, cells.values[j], seen))
    return out


def binned_cells(
    model: Any, layout: Layout, block: Block, unseen: Mapping[str, Array]
) -> Iterator[tuple[Bins, Array, Array | None]]:
    """Of each column the bin of every row (n,), and which cells are observed; unseen categories have the last bin."""
    for bins, values, observed in _cells(model, layout, block):
        if bins.number:
            yield bins, np.searchsorted(bins.edges, values, side="right"), observed
            continue
        where, fresh = np.asarray(bins.codes)[values], unseen.get(bins.name)
        if fresh is not None:
            where = np.where(fresh, bins.size - 1, where)
            observed = None if observed is None else observed | fresh
        yield bins, where, observed


def binned_density(layout: Layout, density: Array) -> Array:
    """The bin of every row's log-density (n,)."""
    return np.searchsorted(layout.density, np.nan_to_num(density, nan=-np.inf), side="right")


def _numbers(bins: Bins, values: Array, observed: Array | None, w: Array) -> Array:
    where = np.searchsorted(bins.edges, values, side="right")
    return np.bincount(where, w if observed is None else w * observed, bins.size)


def _categories(bins: Bins, codes: Array, observed: Array | None, w: Array, fresh: Array | None) -> Array:
    where = np.asarray(bins.codes)[codes]
    out = np.bincount(where, w if observed is None else w * observed, bins.size)
    if fresh is not None:
        out[-1] += w[fresh].sum()
    return out


def _positions(
    sums: Sums, layout: Layout, at: int, bins: Bins, values: Array, observed: Array | None, r: Array, w: Array
) -> None:
    """Moments of a column as a whole and in each component, and each component's mass on both sides of its cut."""
    z = (np.asarray(values, float) - bins.mean) / bins.sd
    powers = np.stack([np.ones_like(z), z, z * z])
    if observed is not None:
        powers *= observed
    sums["moments"][at] = powers @ w
    sums["places"][:, at] = r @ powers.T
    cuts = np.array([c[at] for c in layout.cuts])
    above = values > cuts[:, None]
    if observed is not None:
        above &= observed
    upper = np.einsum("kn,kn->k", r, above)
    sums["sides"][:, at] = np.stack([sums["places"][:, at, 0] - upper, upper], axis=1)


def _fit(sums: Sums, layout: Layout, density: Array, w: Array) -> None:
    """Log-densities in bins, and their moments without the farthest tail: one row must not be the mean."""
    edges = layout.density
    low = edges[0] - 2 * (edges[-1] - edges[0]) - 1 if edges else -1e6
    bounded = np.maximum(density, low)
    sums["density"][:] = np.bincount(np.searchsorted(edges, bounded, side="right"), w, len(edges) + 1)
    sums["fit"][:] = w.sum(), w @ bounded, w @ bounded**2


def spread(moments: Array) -> tuple[Array, Array]:
    """Mean and standard deviation from sums of 1, z and z squared on the last axis."""
    n = np.maximum(moments[..., 0], 1e-300)
    mean = moments[..., 1] / n
    return mean, np.sqrt(np.maximum(moments[..., 2] / n - mean**2, 0.0))


def plain(sums: Sums) -> dict[str, Any]:
    """The sums as lists, for JSON."""
    return {name: value.tolist() for name, value in sums.items()}


def arrays(stored: Mapping[str, Any], layout: Layout) -> Sums:
    """Sums read back, with the shapes that the layout asks for."""
    # what is empty need not be there: references from before there were outputs say nothing of them
    found = {name: (stored[name] if like.size else like, like.shape) for name, like in zero(layout).items()}
    return {name: np.asarray(value, float).reshape(shape) for name, (value, shape) in found.items()}
