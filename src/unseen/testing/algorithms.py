"""Checks of an algorithm on a mixture whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from unseen.core.stats import Kind
from unseen.core.stop import Converged, MaxIterations
from unseen.fit import fit


def check_algorithm(algorithm: Any, tolerance: float = 1e-6) -> None:
    """It says what it needs, reports objectives where they belong, and reaches the optimum of batch EM."""
    from unseen.algorithms.batch import Batch
    from unseen.families.gaussian import Gaussian
    from unseen.models.mixture import Mixture

    assert algorithm.needs in (Kind.FREE, Kind.BOUND) and algorithm.monotone in (True, False)
    draw = np.random.default_rng(3)
    x = np.concatenate([draw.normal(-2, 1, (300, 2)), draw.normal(2, 1.5, (200, 2))])
    model = Mixture(Gaussian("full"), 2)
    rule = Converged(1e-12) | MaxIterations(2000)
    best = fit(model, x, restarts=1, seed=1, algorithm=Batch(), stop=rule, block_rows=50)
    begin = fit(model, x, restarts=1, seed=1, stop=MaxIterations(1), block_rows=50).params
    ours = fit(model, x, start=begin, algorithm=algorithm, stop=Converged(1e-12) | MaxIterations(400), block_rows=50)
    assert abs(ours.loglik - best.loglik) <= tolerance * abs(best.loglik), (ours.loglik, best.loglik)
    objectives = np.array([r.objective for r in ours.trace])
    assert np.isfinite(objectives).all()
    if algorithm.monotone:
        assert (np.diff(objectives) >= -1e-10 * (1 + np.abs(objectives[1:]))).all(), "the objective fell"
        last = fit(model, x, start=begin, algorithm=algorithm, stop=MaxIterations(1), block_rows=50)
        at_start = fit(model, x, start=begin, algorithm=Batch(), stop=MaxIterations(1), block_rows=50)
        assert last.trace[0].objective >= at_start.trace[0].objective - 1e-12
