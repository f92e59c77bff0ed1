"""Measure how often the default fit answers another number of components than the truth, and write COMPONENTS.md.

python benchmarks/components.py             five seeds, some minutes
python benchmarks/components.py --seeds 2   fewer; printed only
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

REPORT = Path(__file__).resolve().parent / "COMPONENTS.md"
ROWS = (200, 1000, 5000)
Rng = np.random.Generator
Draw = Callable[[Rng, int], np.ndarray]

#: one component: a column of the family and a normal one beside it
ALONE: dict[str, Draw] = {
    "normal": lambda r, n: r.normal(size=n),
    "normal, one decimal": lambda r, n: r.normal(20, 3, n).round(1),
    "log-normal": lambda r, n: r.lognormal(1, 1, n),
    "gamma": lambda r, n: r.gamma(1.5, 2, n),
    "exponential, two decimals": lambda r, n: r.exponential(3, n).round(2),
    "uniform": lambda r, n: r.uniform(size=n),
    "beta": lambda r, n: r.beta(0.6, 0.8, n),
    "Student t, 2 degrees": lambda r, n: r.standard_t(2, n),
    "Cauchy": lambda r, n: r.standard_cauchy(n),
    "Poisson, mean 2": lambda r, n: r.poisson(2, n),
    "Poisson, mean 12": lambda r, n: r.poisson(12, n),
    "negative binomial, mean 8": lambda r, n: r.negative_binomial(2, 0.2, n),
    "negative binomial, mean 19": lambda r, n: r.negative_binomial(1, 0.05, n),
    "zeros (40 %) and log-normal": lambda r, n: np.where(r.random(n) < 0.4, 0.0, r.lognormal(3, 0.7, n)),
    "ordered, 5 levels": lambda r, n: r.choice(5, n, p=[0.1, 0.2, 0.4, 0.2, 0.1]) + 1,
    "mirrored log-normal": lambda r, n: -r.lognormal(1, 1, n),
}


def groups(count: int, apart: float, holes: float) -> Draw:
    """Normal groups in four columns, their centres so many standard deviations from each other."""

    def draw(r: Rng, n: int) -> np.ndarray:
        centres = apart / np.sqrt(2) * np.eye(4)[:count]
        x = centres[r.integers(0, count, n)] + r.normal(size=(n, 4))
        x[r.random(x.shape) < holes] = np.nan
        return x

    return draw


SEVERAL: dict[str, tuple[int, Draw]] = {
    f"{k} normal groups, {apart:g} sd apart{f', {holes:.0%} holes' if holes else ''}": (k, groups(k, apart, holes))
    for k in (2, 3)
    for apart, holes in ((3.0, 0.0), (4.0, 0.0), (6.0, 0.0), (6.0, 0.2))
}


@dataclass(frozen=True)
class Case:
    name: str
    truth: int
    rows: int
    seed: int


def answer(case: Case) -> int:
    """The number of components that the default fit comes to."""
    from unseen.plan import fitted, plan
    from unseen.sources.arrays import Arrays

    warnings.simplefilter("ignore")
    rng = np.random.default_rng([case.seed, case.rows])
    if case.name in ALONE:
        data = {"x": ALONE[case.name](rng, case.rows), "y": rng.normal(size=case.rows)}
    else:
        data = {f"x{j}": x for j, x in enumerate(SEVERAL[case.name][1](rng, case.rows).T)}
    return int(fitted(plan(Arrays(data)), seed=0).model.components)


def render(found: dict[Case, int], seeds: int) -> str:
    lines = [
        "# Numbers of components whose truth is known",
        "",
        "Written by `make components` (`benchmarks/components.py`): the default fit of simulated tables, since on real",
        "ones nobody knows the number. A cell: answers that are the truth, of the seeds; others in brackets.",
        "A mirrored log-normal is no family that unseen has.",
        "",
        f"NumPy {np.__version__}, Python {platform.python_version()}; {seeds} seeds.",
        "",
        "| truth | components | " + " | ".join(f"{n:,} rows" for n in ROWS) + " |",
        "|---|---:|" + "---:|" * len(ROWS),
    ]
    for name, truth in cases():
        cells = []
        for n in ROWS:
            answers = [k for c, k in found.items() if (c.name, c.rows) == (name, n)]
            others = sorted(k for k in answers if k != truth)
            cells.append(f"{answers.count(truth)}" + (f" ({', '.join(map(str, others))})" if others else ""))
        lines.append(f"| {name} | {truth} | " + " | ".join(cells) + " |")
    more = sum(k > c.truth for c, k in found.items())
    fewer = sum(k < c.truth for c, k in found.items())
    lines += ["", f"Of {len(found)} answers {more} have too many components and {fewer} too few.", ""]
    return "\n".join(lines)


def cases() -> list[tuple[str, int]]:
    return [*((name, 1) for name in ALONE), *((name, k) for name, (k, _) in SEVERAL.items())]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    every = [Case(name, k, n, s) for name, k in cases() for n in ROWS for s in range(options.seeds)]
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        found = {}
        for case, k in zip(every, pool.map(answer, every), strict=True):
            found[case] = k
            if case.seed == options.seeds - 1:
                print(f"{case.name}, {case.rows} rows", file=sys.stderr, flush=True)
    text = render(found, options.seeds)
    if options.seeds < 5:
        print(text)
    else:
        REPORT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
