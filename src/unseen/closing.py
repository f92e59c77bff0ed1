"""The closing pass: what is known of a fit once its parameters are final."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unseen.core.block import Block
from unseen.core.model import Assigning, Model
from unseen.core.passes import CLOSING_STEP, Pass, expected
from unseen.core.stats import Array, Kind, Params, Sums
from unseen.core.unit import Unit
from unseen.result import Result


def close(problem: Any, found: Any, prior: Sums | None, seed: int, options: dict[str, Any]) -> Result:
    """The closing pass: evaluate the final parameters, and how sure their responsibilities are."""
    model, params = found.best.model or found.model, found.best.params
    closing: Closing = problem.engine.total(ClosingPass(model, params, seed))
    stats = closing.stats
    return Result(
        model=model,
        params=params,
        outcome=found.best.outcome,
        loglik=stats.loglik,
        entropy=closing.entropy,
        weight=stats.weight,
        size=model.size(params),
        trace=found.best.trace,
        restarts=tuple(a.as_dict() for a in found.table),
        profile=problem.profile,
        encoding=problem.encoding,
        seed=seed,
        iterations=len(found.best.trace),
        evaluations=found.best.evaluations,
        seconds=found.best.seconds,
        log_prior=model.log_prior(params, prior) if prior else 0.0,
        counts=stats.counts,
        confidence=tuple(closing.confidence.tolist()),
        options={**options, "ignored": [f.name for f in problem.ignored]},
        fingerprint=problem.source.fingerprint(),
        volume=closing.volume,
        occupancy=tuple(closing.occupancy.tolist()),
        certainty=closing.certainty,
        statistics=stats if model.kind is Kind.FREE else None,
    )


@dataclass(frozen=True, slots=True)
class ClosingPass:
    """What the closing pass sums of a block."""

    model: Any
    params: Params
    seed: int = 0

    def __call__(self, block: Block) -> Closing:
        return Closing.of(self.model, self.params, block, self.seed)


@dataclass(frozen=True, slots=True)
class Closing:
    """Statistics at the final parameters, classification entropy, volume, and the rows' largest responsibilities.

    Of those ``confidence`` is the histogram and ``largest`` the sum; ``occupancy`` (K,) sums all responsibilities.
    """

    stats: Any
    entropy: float
    confidence: Array
    volume: float | None = None
    largest: float = 0.0
    occupancy: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def certainty(self) -> float | None:
        """The mean of the rows' largest responsibilities, None where there are none."""
        rows = float(self.confidence.sum())
        return self.largest / rows if rows > 0 else None

    @classmethod
    def of(cls, model: Model, params: Params, block: Block, seed: int = 0) -> Closing:
        if not isinstance(model, Assigning):
            return cls(expected(model, params, block, Pass(CLOSING_STEP, seed)), 0.0, np.zeros(0))
        w = np.ones(block.rows) if block.weights is None else block.weights
        if model.unit is Unit.BAG and block.offsets is not None:  # one latent variable for all rows of a bag
            w = w * np.isin(np.arange(block.rows), block.offsets)
        elif (seen := block.seen()) is not None:  # rows of a gap, which criteria do not count
            w = w * seen
        terms, top, rows = np.empty(block.rows), np.empty(block.rows), np.zeros(model.cardinality)

        def meet(a: int, r: Array) -> None:
            here = slice(a, a + r.shape[1])
            terms[here] = np.where(r > 0, r * np.log(np.maximum(r, 1e-300)), 0.0).sum(0)
            top[here] = np.minimum(r.max(axis=0), 1.0)  # rounding may put it above, where no bin is
            rows[:] += np.where(r > 0, r, 0.0) @ w[here]

        stats = model.in_parts(params, block, meet)
        counts = np.histogram(top, bins=20, range=(0, 1), weights=w)[0]
        cells = model.volume(block)
        volume = None if cells is None else float(w @ cells)
        # no term is above 0, and a sum of none but zeros is 0, not -0
        return cls(stats, abs(float(w @ terms)), counts, volume, float(w @ top), rows)

    def __add__(self, other: Closing) -> Closing:
        volume = None if self.volume is None and other.volume is None else (self.volume or 0) + (other.volume or 0)
        return Closing(
            self.stats + other.stats,
            self.entropy + other.entropy,
            self.confidence + other.confidence,
            volume,
            self.largest + other.largest,
            self.occupancy + other.occupancy,
        )
