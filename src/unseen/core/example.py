"""Every family and model shows one worked case with a known, published answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unseen.core.stats import Array, Params


@dataclass(frozen=True, slots=True)
class Example:
    """A model, true or typical parameters, data, and what a converged fit must reach.

    model   : ready for ``unseen.fit(model, data, **options)``
    params  : valid parameters of the model, from which its ``sample`` (where it has one) can draw
    data    : columns by name; small tables only, with the licence to be here
    loglik  : log-likelihood of the converged fit; ``at_least`` says it is a lower bound (a global maximum)
    answer  : further known values, compared with the fitted parameters after sorting by component weight
    source  : where the answer was published or how it was computed
    """

    model: Any
    params: Params
    data: Mapping[str, Any]
    loglik: float
    source: str
    at_least: bool = False
    answer: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


def rows_of_moments(n: int, means: Array, covariance: Array) -> Array:
    """Rows (n, d) whose means (d,) and covariances (d, d), divisor n, are exactly those that were published."""
    x = np.random.default_rng(0).standard_normal((n, len(means)))
    x -= x.mean(axis=0)
    out: Array = np.linalg.qr(x)[0] * np.sqrt(n) @ np.linalg.cholesky(covariance).T + means
    return out
