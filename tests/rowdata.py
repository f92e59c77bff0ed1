"""Two clear groups in columns of every kind, each with missing cells, and what completing them must keep."""

from __future__ import annotations

from datetime import date

import numpy as np

import unseen

N = 240


def columns() -> dict[str, list]:
    """Two clear groups in numbers, text, whole numbers and truth values, each with missing cells."""
    rng = np.random.default_rng(7)
    group = rng.integers(0, 2, N)
    table = {
        "x": rng.normal(8.0 * group, 1.0).tolist(),
        "colour": np.where(rng.random(N) < 0.9, np.array(["red", "blue"])[group], "green").tolist(),
        "visits": rng.poisson(3 + 9 * group).tolist(),
        "doors": np.where(rng.random(N) < 0.9, 2 + 2 * group, 3).tolist(),
        "paid": (rng.random(N) < 0.2 + 0.6 * group).tolist(),
        "day": [date(2013, 1, 1 + i % 28) for i in range(N)],
    }
    for j, name in enumerate(("x", "colour", "visits", "doors", "paid")):
        for i in rng.choice(N, 20 + j, replace=False):
            table[name][int(i)] = None
    for name in ("x", "colour", "visits", "doors", "paid"):
        table[name][5] = None  # a row without any observed cell
    return table


FAMILIES = {
    "x": unseen.Gaussian(),
    "colour": unseen.Categorical(),
    "visits": unseen.Poisson(),
    "doors": unseen.Categorical(),
    "paid": unseen.Bernoulli(),
}
MODELLED = list(FAMILIES)


def missing(values) -> np.ndarray:
    return np.array([v is None for v in values])


def check_completed(rows: list[dict], discrete: bool = True) -> None:
    """Observed cells are as they were, missing ones are filled with sensible values, dates are untouched."""
    before = columns()
    for name in [*MODELLED, "day"]:
        gap = missing(before[name])
        after = [r[name] for r in rows]
        assert not missing(after).any(), name
        assert [a for a, g in zip(after, gap, strict=True) if not g] == [
            b for b, g in zip(before[name], gap, strict=True) if not g
        ]
        filled = [a for a, g in zip(after, gap, strict=True) if g]
        if name == "colour":
            assert set(filled) <= {"red", "blue", "green"}
        if name == "doors":
            assert set(filled) <= {2, 3, 4}
