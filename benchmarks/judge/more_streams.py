"""More synthetic streams, and the table of all of them."""

from __future__ import annotations

import numpy as np
from benchmarks.judge.streams import (
    Array,
    Rng,
    Synthetic,
    amounts,
    at,
    classes,
    clinic,
    counts,
    gaussians,
    holes,
    words,
)


def tails(r: Rng, k: Array, moved: float) -> dict[str, object]:
    """Daily returns with heavy tails, calm and wild days."""
    common = r.standard_t(3, len(k)) * at(k, 0.6, 2.0)
    return {
        f"r{j}": 0.6 * common + r.standard_t(3, len(k)) * at(k, 0.5, 1.5) + 0.3 * moved * (j == 0) for j in range(4)
    }


def heaps(r: Rng, k: Array, moved: float) -> dict[str, object]:
    """Claims and rain: heaps at zero beside skewed amounts."""
    n = len(k)

    def heap(zero: Array, mean: Array, sd: float) -> Array:
        return np.where(r.random(n) < zero, 0.0, r.lognormal(mean, sd)).round(2)

    return {
        "claim": heap(at(k, 0.8, 0.4), at(k, 5.0, 6.5), 0.9),
        "rain": heap(at(k, 0.6, 0.2) - 0.1 * moved, at(k, 0.5, 1.8), 0.7),
        "theft": heap(at(k, 0.9, 0.75), at(k, 4.0, 4.5), 0.5),
        "premium": r.lognormal(at(k, 5.0, 5.8) + 0.1 * moved, 0.25).round(2),
        "region": words(r, "north south east", k, (5, 3, 2), (1, 4, 5)),
    }


def seasonal(r: Rng, k: Array, moved: float) -> dict[str, object]:
    """Stays at a hotel: who comes depends on the month, who they are does not."""
    n = len(k)
    return {
        "price": r.lognormal(at(k, 4.3, 4.9) + 0.1 * moved, 0.2).round(2),
        "nights": (1 + r.gamma(at(k, 1.5, 6.0), 1.0)).round(1),
        "stays": r.poisson(at(k, 0.8, 3.0)),
        "lead": (at(k, 12, 60) + at(k, 5, 15) * r.normal(size=n)).round(1),
        "purpose": words(r, "work leisure other", k, (7, 2, 1), (1, 8, 1)),
    }


def telemetry(r: Rng, k: Array, moved: float) -> dict[str, object]:
    """Twelve sensors that follow two hidden loads, in three modes."""
    ways = np.random.default_rng(1)
    loads, modes = ways.normal(size=(2, 12)), 3 * ways.normal(size=(3, 12))
    x = modes[k] + r.normal(size=(len(k), 2)) @ loads + 0.5 * r.normal(size=(len(k), 12))
    x[:, :2] += 0.5 * moved
    return {f"s{j:02d}": x[:, j].round(3) for j in range(12)}


def wide(r: Rng, k: Array, moved: float) -> dict[str, object]:
    """Twenty-five columns: twenty numbers of low rank and five categories."""
    ways = np.random.default_rng(2)
    loads, modes = ways.normal(size=(3, 20)), 2 * ways.normal(size=(3, 20))
    x = modes[k] + r.normal(size=(len(k), 3)) @ loads + r.normal(size=(len(k), 20))
    x[:, 0] += 0.5 * moved
    names = {f"n{j:02d}": holes(r, x[:, j].round(2), 0.03 * (j % 2)) for j in range(20)}
    chances = ((6, 2, 2), (2, 6, 2), (2, 2, 6))
    return names | {f"c{j}": words(r, "low mid high", k, *np.roll(chances, j, axis=0)) for j in range(5)}


def sparse(r: Rng, k: Array, moved: float) -> dict[str, object]:
    """A third of the cells missing, large ones more often than small ones; whole numbers with holes among them."""

    def hidden(x: Array) -> Array:
        return holes(r, x, np.where(x > np.median(x), 0.4, 0.2))

    n, z = len(k), r.normal(size=len(k))
    return {
        "income": hidden(r.lognormal(at(k, 7.2, 8.1) + 0.1 * moved, 0.4).round(0) + 0.5),
        "debt": hidden((at(k, 3, 8) + z + r.normal(size=n)).round(2)),
        "rooms": hidden(1 + r.poisson(at(k, 2, 5))),
        "children": hidden(r.poisson(at(k, 0.7, 2))),
        "score": hidden((at(k, 50, 60) + 6 * z + 5 * r.normal(size=n)).round(1)),
        "tenure": holes(r, words(r, "rent own other", k, (7, 2, 1), (2, 7, 1)), 0.3),
    }


def overlapping(r: Rng, k: Array, moved: float) -> dict[str, object]:
    """Three columns, two kinds that overlap by much."""
    n = len(k)
    x = at(k, 0, 1.8) + r.normal(size=n) + 0.3 * moved
    length = 0.5 * x + at(k, 0, 1.2) + r.normal(size=n)
    return {"width": x, "length": length, "grade": words(r, "a b", k, (7, 3), (4, 6))}


def single(r: Rng, k: Array, moved: float) -> dict[str, object]:
    """One component alone: four correlated measures and a category beside them."""
    x = r.normal(size=(len(k), 4)) @ (np.eye(4) + 0.5 * np.tri(4, k=-1)).T * 3 + 20
    x[:, 0] += moved
    return {**{f"m{j}": x[:, j].round(2) for j in range(4)}, "line": words(r, "a b c", k, (5, 3 + moved, 2))}


SYNTHETIC = {
    s.name: s
    for s in (
        Synthetic("clinic", (0.5, 0.3, 0.2), clinic),
        Synthetic("gaussians", (0.5, 0.3, 0.2), gaussians),
        Synthetic("counts", (0.6, 0.4), counts),
        Synthetic("classes", (0.4, 0.35, 0.25), classes),
        Synthetic("amounts", (0.6, 0.4), amounts),
        Synthetic("tails", (0.7, 0.3), tails),
        Synthetic("heaps", (0.6, 0.4), heaps),
        Synthetic("seasonal", (0.5, 0.5), seasonal, season=0.5),
        Synthetic("telemetry", (0.5, 0.3, 0.2), telemetry),
        Synthetic("wide", (0.4, 0.35, 0.25), wide),
        Synthetic("sparse", (0.55, 0.45), sparse),
        Synthetic("overlapping", (0.5, 0.5), overlapping),
        Synthetic("single", (1.0,), single),
    )
}
