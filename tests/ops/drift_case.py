"""A champion over every kind of column, rows like those it was trained on, and rows that differ in one way."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np

import unseen
from unseen.core.encoding import Encoded
from unseen.ops.config.settings import Settings
from unseen.ops.drift import look, remember
from unseen.sources.arrays import Arrays

SHARES, GROWN = (0.3, 0.2, 0.42, 0.08), (0.25, 0.17, 0.37, 0.21)
CENTRES = np.array([[0, 0, 0], [4, 0, 3], [0, 5, -3], [6, 6, 6.0]])
VISITS = np.array([2, 5, 9, 20])
PLANS = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.05, 0.05, 0.9]])
FLAGS = np.array([0.1, 0.5, 0.3, 0.9])


def rows(n, seed, shares=SHARES, missing=0.02):
    """Four components in numbers, counts, categories and booleans; some cells of b are missing."""
    draw = np.random.default_rng(seed)
    k = draw.choice(4, size=n, p=shares)
    x = draw.normal(CENTRES[k], 1)
    x[draw.random(n) < missing, 1] = np.nan
    codes = (PLANS[k].cumsum(1) < draw.random(n)[:, None]).sum(1).clip(0, 2)
    return {
        "a": x[:, 0],
        "b": x[:, 1],
        "c": x[:, 2],
        "visits": draw.poisson(VISITS[k]),
        "plan": np.array(["goldfinch", "heron", "kestrel"])[codes],
        "flag": draw.random(n) < FLAGS[k],
    }


def mixture(components=4):
    return unseen.Mixture(
        unseen.Product(
            {
                ("a", "b", "c"): unseen.Gaussian(),
                "visits": unseen.Poisson(),
                "plan": unseen.Categorical(),
                "flag": unseen.Bernoulli(),
            }
        ),
        components,
    )


def reference(result, data, **options):
    """What is remembered, after its way through a file."""
    encoding = replace(result.encoding, labels=None, unknown="missing")
    return json.loads(json.dumps(remember(result, Encoded(Arrays(data, **options), encoding))))


@cache
def champion():
    """A fit to 8,000 rows, and its reference."""
    data = rows(8000, 0)
    result = unseen.fit(mixture(), data, restarts=3, tol=1e-5)
    return result, reference(result, data)


@cache
def plain(columns=10, n=20_000):
    """One normal component over independent columns."""
    data = normal(n, 0, columns)
    result = unseen.fit(unseen.Mixture(unseen.Gaussian("diagonal"), 1), data, restarts=1)
    return result, reference(result, data)


def normal(n, seed, columns=10):
    x = np.random.default_rng(seed).normal(size=(n, columns))
    return {f"x{j}": x[:, j] for j in range(columns)}


def settings(privacy=None, **drift) -> Settings:
    return Settings(name="birds", data={"path": "data.csv"}, drift=drift, privacy=privacy or {})


def after(folder, batches, pair=None, rules=None, first=0, **options):
    """The reports of looks at some batches in turn."""
    result, known = pair or champion()
    return [
        look(result, known, data, f"batch {i}", folder, rules or settings(), **options)
        for i, data in enumerate(batches, first)
    ]


def named(report, kind):
    """The subjects of the tests of one kind that said drift."""
    return {
        t.column if t.component is None else t.component for t in report.tests if (t.kind, t.verdict) == (kind, "drift")
    }
