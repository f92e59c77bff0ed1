r"""What a batch is made of: counts of every column by component, so that moved shares can be told from broken columns.

With reference responsibilities :math:`r_{nk}` of N rows, :math:`v_k = \sum_n r_{nk}` and the overlap
:math:`M_{kl} = \sum_n r_{nk} r_{nl} / v_k`, a batch whose components only changed their shares has mean
responsibilities :math:`\bar r' = \sum_k w_k M_{k\cdot}` for some shares w, and each column, its holes and the
log-density are distributed as :math:`\sum_k w_k J_{kb} / v_k`, where :math:`J_{kb}` is what component k holds of bin b.
So w is solved for, and what is left between a column and that sum was not done by the shares. In the same way a column
goes with the components as before if :math:`\sum_n r'_{nk} 1_{nb}` is :math:`\sum_l w_l T_{klb} / v_l`, where
:math:`T_{klb} = \sum_n r_{nk} r_{nl} 1_{nb}`: that shows a column that was joined to the wrong rows.

Source: Lipton, Wang & Smola (2018), ICML, for shares from the overlap of what a model says; Saerens, Latinne &
Decaestecker (2002), Neural Computation 14, for priors that change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unseen.core.model import responsibilities
from unseen.core.stats import Array, Params, Stats, Sums
from unseen.engines.local import one_pass
from unseen.ops.drift.bins import Layout
from unseen.ops.drift.fresh import FreshBlock
from unseen.ops.drift.tally import binned_cells, binned_density, by_units, effective
from unseen.result import Result

#: steps of the multiplicative solution for the shares: it converges like EM, which it is
STEPS = 500
TINY = 1e-300
#: components beyond which nobody asks which of them a column goes with: that takes the square of their number
MOST = 12


@dataclass(frozen=True, slots=True)
class CountParts:
    """Counts of one block by component: each column's bins and holes, the log-density's bins, and the overlap."""

    model: Any
    params: Params
    layout: Layout

    def __call__(self, fresh: FreshBlock) -> Stats:
        block, layout = fresh.block, self.layout
        sums = zero(layout)
        if not block.rows:
            return Stats(sums)
        weights = np.ones(block.rows) if block.weights is None else np.asarray(block.weights, float)
        of_units, w = by_units(block, weights)
        r, density = responsibilities(self.model, self.params, replace(block, labels=None))
        r = r[: layout.components]
        sums["rows"][:] = block.rows, of_units.sum(), of_units @ of_units
        sums["overlap"][:] = (r * w) @ r.T
        mass = r * w
        sums["density"][:] = _by_part(mass, binned_density(layout, density), len(layout.density) + 1)
        for j, (bins, where, observed) in enumerate(binned_cells(self.model, layout, block, fresh.unseen)):
            held = mass if observed is None else mass * observed
            sums[f"column {j}"][:] = _by_part(held, where, bins.size)
            if 1 < layout.components <= MOST:
                sums[f"joint {j}"][:] = [_by_part(held * one, where, bins.size) for one in r]
            sums["holes"][:, j, 1] = mass.sum(axis=1) - held.sum(axis=1)
            sums["holes"][:, j, 0] = held.sum(axis=1)
        return Stats(sums)


def zero(layout: Layout) -> Sums:
    """The counts of no rows."""
    k = layout.components
    shapes: dict[str, tuple[int, ...]] = {
        "rows": (3,),
        "overlap": (k, k),
        "holes": (k, len(layout.columns), 2),
        "density": (k, len(layout.density) + 1),
        **{f"column {j}": (k, bins.size) for j, bins in enumerate(layout.columns)},
    }
    if 1 < k <= MOST:
        shapes |= {f"joint {j}": (k, k, bins.size) for j, bins in enumerate(layout.columns)}
    return {name: np.zeros(shape) for name, shape in shapes.items()}


def parts_of(result: Result, layout: Layout, blocks: Sequence[FreshBlock]) -> Sums:
    """The counts of some rows as a model sees them."""
    found = one_pass(CountParts(result.model, result.params, layout), blocks).sums if len(blocks) else zero(layout)
    return effective(found)


def read(stored: Mapping[str, Any], layout: Layout) -> Sums:
    """Counts that were stored as lists."""
    found = {name: like for name, like in zero(layout).items() if name in stored or not name.startswith("joint")}
    return {name: np.asarray(stored[name], float).reshape(like.shape) for name, like in found.items()}


def _by_part(mass: Array, where: Array, size: int) -> Array:
    return np.stack([np.bincount(where, m, size) for m in mass])


def mass(sums: Sums) -> Array:
    """How many rows each component holds, (K,)."""
    out: Array = sums["overlap"].sum(axis=1)
    return out


def shares(reference: Sums, batch: Sums) -> Array:
    """The shares w (K,) of the components in a batch, given how they overlap in the reference."""
    v, told = mass(reference), mass(batch)
    overlap = reference["overlap"] / np.maximum(v, TINY)[:, None]
    seen = told / max(told.sum(), TINY)
    w = v / max(v.sum(), TINY)
    for _ in range(STEPS):
        w = w * (overlap @ (seen / np.maximum(w @ overlap, TINY)))
    out: Array = w / max(w.sum(), TINY)
    return out


def together(reference: Sums, w: Array, j: int) -> Array:
    """Counts (K, B) of a column's bins by component that the reference would have with these shares."""
    v = mass(reference)
    out: Array = np.einsum("l,lkb->kb", w / np.maximum(v, TINY), reference[f"joint {j}"]) * v.sum()
    return out


def expected(reference: Sums, w: Array, name: str, at: int | None = None) -> Array:
    """Counts that the reference would have with these shares: of a column, the holes of one, or the density."""
    counts = reference[name] if at is None else reference[name][:, at]
    v = mass(reference)
    out: Array = (w / np.maximum(v, TINY)) @ counts * v.sum()
    return out
