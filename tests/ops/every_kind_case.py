"""Months of data for each kind of model there is, with a place that can move, and the part of unseen.yaml about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Columns = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of model: `month(rng, moved)` makes the rows of a month, ``moves`` is the column that moves in it."""

    name: str
    month: Callable[[np.random.Generator, bool], Columns]
    moves: str
    model: Columns
    unit: str | None = None
    #: whether rows belong to one of some parts
    discrete: bool = True
    fit: Columns = field(default_factory=dict)


def groups(rng: np.random.Generator, moved: bool) -> Columns:
    """Two groups in two columns, some cells missing."""
    z = rng.random(900) < 0.4
    x = rng.normal(size=(2, 900)) + 4 * z + np.array([[0.0], [0.9 * moved]])
    x[rng.random(x.shape) < 0.05] = np.nan
    return {"a": x[0], "b": x[1]}


def sequences(rng: np.random.Generator, moved: bool) -> Columns:
    """300 short sequences of two sticky states, dealt out at random."""
    state = np.cumsum(rng.random((300, 8)) < 0.25, axis=1) % 2
    x = rng.normal(size=(2, *state.shape)) + 3 * state + np.array([0.0, 1.2 * moved])[:, None, None]
    patient = np.repeat([f"p{i}" for i in rng.choice(100_000, 300, replace=False)], 8)
    # rows of a patient do not stand together, but keep their order
    order = np.argsort(np.tile(np.arange(8), 300) + rng.random(2400) / 2, kind="stable")
    return {"patient": patient[order], "pulse": x[0].ravel()[order], "fever": x[1].ravel()[order]}


def factors(rng: np.random.Generator, moved: bool) -> Columns:
    """Four columns that one factor moves."""
    x = np.outer([1.0, 0.8, 0.9, 0.7], rng.normal(size=1000)) + 0.6 * rng.normal(size=(4, 1000))
    x[2] += 0.8 * moved
    x[rng.random(x.shape) < 0.05] = np.nan
    return {f"test_{j}": x[j] for j in range(4)}


def failures(rng: np.random.Generator, moved: bool) -> Columns:
    """A target of two values whose slope depends on where the predictor lies."""
    load, heat = rng.normal(size=1500), rng.normal(size=1500) + 0.8 * moved
    chance = 1 / (1 + np.exp(-np.where(load > 0, 2.5 * heat, -2.5 * heat)))
    return {"load": load, "heat": heat, "failed": (rng.random(1500) < chance).astype(int)}


def votes(rng: np.random.Generator, moved: bool) -> Columns:
    """Four workers vote on 400 items, in any order; when moved, hardly anything is spam."""
    items = 400
    spam = rng.random(items) < (0.15 if moved else 0.5)
    worker = np.tile(np.arange(4), items)
    right = rng.random(4 * items) < np.array([0.95, 0.85, 0.8, 0.9])[worker]
    truth = np.repeat(spam, 4)
    label = np.where(truth == right, "spam", "ham")
    item = np.repeat(rng.choice(10**6, items, replace=False), 4)
    order = rng.permutation(4 * items)
    names = np.array(["ann", "ben", "cem", "dee"])
    return {"item": item[order], "worker": names[worker][order], "label": label[order]}


def ratings(rng: np.random.Generator, moved: bool) -> Columns:
    """The same 300 users each month rate some of ten items; when moved, they are all milder."""
    taste = np.random.default_rng(1).normal(size=300)
    base, pull = np.linspace(2, 4, 10), np.linspace(0.4, 1.0, 10)
    user, item = np.divmod(rng.choice(3000, 1500, replace=False), 10)
    rating = base[item] + pull[item] * taste[user] + 0.5 * rng.normal(size=1500) + 1.5 * moved
    return {"user": user, "item": np.array([f"film {i}" for i in range(10)])[item], "rating": rating}


GAUSSIAN = "gaussian"
KINDS = (
    Kind("mixture", groups, "b", {"components": 2, "covariance": "diagonal", "family": {"a": GAUSSIAN, "b": GAUSSIAN}}),
    Kind(
        "hmm",
        sequences,
        "fever",
        {"states": 2, "unit": "patient", "family": {"pulse": GAUSSIAN, "fever": GAUSSIAN}},
        "patient",
    ),
    Kind("factor_analysis", factors, "test_2", {"factors": 1}, discrete=False),
    Kind(
        "logistic_experts",
        failures,
        "heat",
        {"components": 2, "target": "failed"},
        fit={"algorithm": "squarem", "tol": 1e-5, "restarts": 1, "prior": 1},
    ),
    Kind("dawid_skene", votes, "label", {"item": "item"}, "item"),
    Kind("matrix_factorization", ratings, "rating", {"factors": 1, "user": "user"}, "user", discrete=False),
)


def write(path: Path, columns: Columns) -> Path:
    """The rows of a month as a Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({name: pa.array(cells, from_pandas=True) for name, cells in columns.items()}), path)
    return path


def settings_of(kind: Kind) -> dict[str, Any]:
    """What unseen.yaml says of a loop with this kind of model."""
    return {
        "name": "loop",
        "data": {"path": "months/*.parquet", "window": 2},
        "model": {"kind": kind.name, **kind.model},
        "fit": {"restarts": 2, **kind.fit},
        "gates": {"first": "allow", "heldout_drop": 0.05, "min_heldout_rows": 50, "max_moved": 0.9},
    }
