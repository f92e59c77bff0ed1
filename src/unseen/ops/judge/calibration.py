"""Whether responsibilities mean what they say."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unseen.core.block import Block, rng
from unseen.core.model import responsibilities
from unseen.core.stats import Array
from unseen.errors import DataError
from unseen.ops.judge.pairs import View

LABELS, MASKING = "labels", "masking"
BINS = 10
MASK_STEP = 2**31 - 3


@dataclass(frozen=True, slots=True)
class Reliability:
    r"""How far stated confidence lies from what came true, over rows binned by confidence.

    .. math:: \mathrm{ECE} = \sum_b \frac{n_b}{n} \left| \overline{\mathrm{confidence}}_b
              - \overline{\mathrm{outcome}}_b \right|

    with ten bins of equal width over [0, 1]; 0 is perfect. *Confidence* is the largest responsibility of a row.

    With known labels, *outcome* is 1 where the component of that responsibility is the row's class, else 0.

    Without labels nobody can say which component a row came from, but a model whose responsibilities are
    probabilities must expect its own opinion to stay the same, on average, when it is shown more:
    :math:`E[r_k(x) \mid x_A] = r_k(x_A)` for any part :math:`x_A` of a row that is chosen without looking at it.
    So each row shows a single column, drawn at random, beside those that the model conditions on; *confidence* is the
    largest responsibility :math:`r_k(x_A)` given that, *outcome* the responsibility :math:`r_k(x)` of the same
    component given all observed cells of the row. A model that ignores dependence takes the same evidence for news,
    one with too narrow components takes chance for evidence: both break that equation. Rows of which nothing was hidden
    are left out. The equation is necessary, not sufficient; with a single column nothing is shown, and it says no more
    than that the shares are right.

    Source: Naeini, Cooper & Hauskrecht (2015), AAAI, for the error; Guo, Pleiss, Sun & Weinberger (2017), ICML, for
    the bins; Goldstein (1983), J. Amer. Statist. Assoc. 78, for the equation.
    """

    kind: str
    weight: Array
    confidence: Array
    outcome: Array

    @classmethod
    def of(cls, kind: str, confidence: Array, outcome: Array, weights: Array) -> Reliability:
        """Sums per bin of some rows, all (n,)."""
        place = np.clip((confidence * BINS).astype(int), 0, BINS - 1)

        def total(values: Array) -> Array:
            return np.bincount(place, weights=weights * values, minlength=BINS)

        return cls(kind, total(np.ones(len(place))), total(confidence), total(outcome))

    def __add__(self, other: Reliability) -> Reliability:
        return Reliability(
            self.kind,
            self.weight + other.weight,
            self.confidence + other.confidence,
            self.outcome + other.outcome,
        )

    @property
    def error(self) -> float | None:
        """The expected calibration error; None where no row could be used."""
        total = self.weight.sum()
        return float(np.abs(self.confidence - self.outcome).sum() / total) if total > 0 else None


def against_labels(r: Array, labels: Array, weights: Array) -> Reliability:
    """Responsibilities (K, n) against known classes (n,), -1 where unknown; class c is component c."""
    known = labels >= 0
    top = r.argmax(axis=0)
    return Reliability.of(LABELS, r.max(axis=0)[known], (top == labels)[known].astype(float), weights[known])


def against_masking(view: View, r: Array, weights: Array, seed: int) -> Reliability | None:
    """Responsibilities given a single column against those given all, (K, n).

    None for a model that does not take missing cells.
    """
    block, hidden = hide(view.block, seed)
    try:
        part = responsibilities(view.result.model, view.result.params, block)[0]
    except DataError:
        return None
    used = hidden & ~view.foreign
    top = part.argmax(axis=0)
    later = r[top, np.arange(len(top))]
    return Reliability.of(MASKING, part.max(axis=0)[used], later[used], weights[used])


def hide(block: Block, seed: int) -> tuple[Block, Array]:
    """The block with all but one column of each row hidden, and the rows that lost an observed cell, (n,) bool.

    Columns that the model conditions on stay. A single column is hidden everywhere, or in half of the rows where those
    belong to units, so that the others say something of the unit.
    """
    widths = [0 if c.given else len(c.values) for c in block.cells]
    draw = rng(seed, MASK_STEP, block.id)
    shown = draw.integers(sum(widths), size=block.rows)
    gone = np.arange(sum(widths))[:, None] != shown
    if sum(widths) == 1:
        gone |= (draw.random(block.rows) < 0.5) if block.offsets is not None else True
    lost = np.zeros(block.rows, bool)
    cells = []
    for part, hidden in zip(block.cells, np.split(gone, np.cumsum(widths)[:-1]), strict=True):
        if part.given:
            cells.append(part)
            continue
        seen = np.ones(part.values.shape, bool) if part.observed is None else part.observed
        lost |= (seen & hidden).any(axis=0)
        left = seen & ~hidden
        cells.append(replace(part, values=np.where(left, part.values, part.values.dtype.type(0)), observed=left))
    return replace(block, cells=tuple(cells)), lost
