"""Small data for each family, bound to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from unseen import Bernoulli, Categorical, Gaussian, Hurdle, Mixture, Params, Poisson, Product, StudentT
from unseen.core.block import Block
from unseen.core.family import Family
from unseen.problem import pose
from unseen.sources.arrays import Arrays

ROWS = 60


def draw_data(kind: str, missing: bool, rows: int = ROWS, seed: int = 3) -> dict[str, np.ndarray]:
    """Three columns of one kind in two groups; a fifth of the cells and all of row 0 missing on demand."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, rows)
    gap = rng.random((3, rows)) < (0.2 if missing else 0)
    gap[:, 0] = missing
    if kind in ("normal", "student", "amounts"):
        noise = rng.standard_t(3, (3, rows)) if kind == "student" else rng.standard_normal((3, rows))
        noise[1] += 0.7 * noise[0]
        x = noise + 3 * group
        if kind == "amounts":  # two heaps in the first column, one in the second
            x[0], x[1] = np.where(rng.random(rows) < 0.3, 5.0 * group, x[0]), np.where(rng.random(rows) < 0.2, 0, x[1])
    elif kind == "counts":
        x = rng.poisson(np.where(group, [[2.0], [5.0], [1.0]], [[9.0], [4.0], [3.0]])).astype(float)
    elif kind == "binary":
        x = (rng.random((3, rows)) < np.where(group, 0.8, 0.3)).astype(float)
    else:
        names = np.array([f"c{i:02d}" for i in range(12)])
        widths = [3, 12, 2]
        x = np.array([names[(rng.integers(0, w, rows) * (1 + group)) % w] for w in widths], object)
        x[:, 1:13] = names  # every category occurs
        for j, w in enumerate(widths):
            x[j, 1:13] = names[np.arange(12) % w]
        gap[:, 1:13] = False
        return {f"x{j}": np.where(gap[j], None, x[j]) for j in range(3)}
    return {f"x{j}": np.where(gap[j], np.nan, x[j]) for j in range(3)}


FAMILIES: dict[str, tuple[Family, str]] = {
    "gaussian": (Gaussian("full"), "normal"),
    "gaussian, factors": (Gaussian("factors", factors=1), "normal"),
    "gaussian, tied factors": (Gaussian("factors", tied=True, factors=1), "normal"),
    "gaussian, common": (Gaussian("common"), "normal"),
    "hurdle": (Hurdle(Gaussian("full"), atoms={"x0": (0.0, 5.0), "x1": 0.0}), "amounts"),
    "student_t": (StudentT(), "student"),
    "student_t, df 4": (StudentT(df=4), "student"),
    "poisson": (Poisson(), "counts"),
    "bernoulli": (Bernoulli(), "binary"),
    "categorical": (Categorical(), "text"),
    "product": (Product({("x0", "x2"): StudentT(df=5), "x1": Gaussian()}), "student"),
}
EACH = pytest.mark.parametrize("name", FAMILIES)
MISSING = pytest.mark.parametrize("missing", [False, True], ids=["complete", "incomplete"])


def bind(family: Family, data: Any, weights: Any = None) -> tuple[Any, Block]:
    """The family bound to the data, and all rows as one block in their order."""
    extra = {} if weights is None else {"w": weights}
    source = Arrays(data, extra=extra)
    problem = pose(Mixture(family, 1), source, weights="w" if extra else None)
    encoding = replace(problem.encoding, grouped=False)
    return problem.model.family, encoding.encode(source.read(source.manifest()[0], encoding.columns()))


def wander(family: Any, block: Block, components: int = 2, seed: int = 0) -> Params:
    """Parameters that differ between components: those of random responsibilities."""
    r = np.random.default_rng(seed).dirichlet(np.ones(components), block.rows).T
    _, collect = family.evaluate(family.prepare(family.vague(components)), block.cells)
    return family.moments(collect(r**3), family.vague(components))


def case(name: str, missing: bool) -> tuple[Any, Block]:
    family, kind = FAMILIES[name]
    return bind(family, draw_data(kind, missing))
