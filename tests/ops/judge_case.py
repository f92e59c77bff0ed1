"""Small fitted models, and their validation by the definition: every number from the rows themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import unseen
from unseen.core.stats import Params
from unseen.ops.config.settings import Settings
from unseen.ops.judge import HoldOut, validate
from unseen.ops.record import FitFacts
from unseen.sources.arrays import Arrays

FIT = FitFacts(
    outcome="converged",
    components=2,
    iterations=9,
    loglik=-1.0,
    bic=2.0,
    seed=0,
    seconds=0.1,
    floors=0,
    smallest_share=0.4,
)


def settings(**sections) -> Settings:
    return Settings(**{"name": "flights", "data": {"path": "data.csv"}, **sections})


def two(n=400, seed=0, gap=3.0):
    """Two groups in two columns."""
    draw = np.random.default_rng(seed)
    z = draw.integers(0, 2, n)
    x = draw.normal(size=(n, 2)) + gap * z[:, None]
    return {"a": x[:, 0], "b": x[:, 1]}


def at(params: dict, data, model=None):
    """A model bound to data, at given parameters."""
    model = model or unseen.Mixture(unseen.Gaussian("diagonal"), len(params["weights"]))
    params = Params(params)
    return replace(unseen.fit(model, data, start=params, max_iterations=1), params=params)


def pair(data, shift=0.4):
    """Two models that differ by the place of their components."""
    right = {"weights": [0.5, 0.5], "means": [[0.0, 0.0], [3.0, 3.0]], "covariances": np.ones((2, 2))}
    return at(right, data), at({**right, "means": np.array(right["means"]) + shift}, data)


def held(source, share=0.3, seed=1):
    """A hold-out and its rows among all rows of the source."""
    holdout = HoldOut(source, share=share, seed=seed)
    return holdout, np.concatenate([holdout.mask(p) for p in source.manifest()])


def compared(candidate, champion, data, block_rows=None, **options):
    source = Arrays(data, block_rows=block_rows)
    holdout, rows = held(source)
    return validate(candidate, champion, source, holdout, settings(**options)), rows
