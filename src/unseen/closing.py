"""The closing pass: what is known of a fit once its parameters are final."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen.core.block import Block
from unseen.core.passes import CLOSING_STEP, Pass, expected
from unseen.core.stats import Array, Params, Sums
from unseen.result import Result


def close(problem: Any, found: Any, prior: Sums | None, seed: int, options: dict[str, Any]) -> Result:
    """The closing pass: evaluate the final parameters, and how sure their responsibilities are."""
    model, params = found.best.model or found.model, found.best.params
    closing = problem.engine.sum(lambda block: Closing.of(model, params, block, seed)).stats
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
        certainty=closing.largest / float(closing.confidence.sum()) if closing.confidence.sum() > 0 else None,
    )


@dataclass(frozen=True, slots=True)
class Closing:
    """Statistics at the final parameters, classification entropy, volume, and the rows' largest responsibilities.

    Of those ``confidence`` is the histogram and ``largest`` the sum.
    """

    stats: Any
    entropy: float
    confidence: Array
    volume: float | None = None
    largest: float = 0.0

    @classmethod
    def of(cls, model: Any, params: Params, block: Block, seed: int = 0) -> Closing:
        at = Pass(CLOSING_STEP, seed)
        if not hasattr(model, "posterior"):
            return cls(expected(model, params, block, at), 0.0, np.zeros(0))
        if hasattr(model, "with_posterior"):
            stats, r = model.with_posterior(params, block)
        else:
            stats, r = expected(model, params, block, at), model.posterior(params, block)[0]
        w = np.ones(block.rows) if block.weights is None else block.weights
        if (seen := block.seen()) is not None:  # rows of a gap, which criteria do not count
            w = w * seen
        terms = np.where(r > 0, r * np.log(np.maximum(r, 1e-300)), 0.0).sum(0)
        top = np.minimum(r.max(axis=0), 1.0)  # rounding may put it above, where no bin is
        counts = np.histogram(top, bins=20, range=(0, 1), weights=w)[0]
        cells = model.volume(block) if hasattr(model, "volume") else None
        volume = None if cells is None else float(w @ cells)
        # no term is above 0, and a sum of none but zeros is 0, not -0
        return cls(stats, abs(float(w @ terms)), counts, volume, float(w @ top))

    def __add__(self, other: Closing) -> Closing:
        volume = None if self.volume is None and other.volume is None else (self.volume or 0) + (other.volume or 0)
        return Closing(
            self.stats + other.stats,
            self.entropy + other.entropy,
            self.confidence + other.confidence,
            volume,
            self.largest + other.largest,
        )
