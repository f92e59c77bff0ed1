"""An iteration of EM for the model of Dawid and Skene beside crowd-kit's, and the two ways in which votes are summed.

    python benchmarks/votes.py [--rounds 5] [--items 100000] [--votes 5]     (pip install crowd-kit)

Processor seconds and seconds by the clock, (t(1 + n) - t(1)) / n; rounds in turn, medians, with the least ratio of a
round. Both begin with averaged votes and run without tolerance; unseen takes the threads that it takes by itself,
crowd-kit has one.
"""

from __future__ import annotations

import argparse
import os
import time
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"

import crowdkit
import numpy as np
import pandas as pd
from crowdkit.aggregation import DawidSkene as Theirs

import unseen
from report import machine
from unseen import DawidSkene, MaxIterations

WORKERS, CLASSES, MANY = 1000, 5, 10


def data(items: int, votes: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Votes of workers who are right with probabilities from a half to 19 in 20, and else say any other class."""
    rng = np.random.default_rng(seed)
    truth, skill = rng.integers(CLASSES, size=items), rng.uniform(0.5, 0.95, WORKERS)
    item, worker = np.repeat(np.arange(items), votes), rng.integers(WORKERS, size=items * votes)
    wrong = (truth[item] + rng.integers(1, CLASSES, len(item))) % CLASSES
    label = np.where(rng.random(len(item)) < skill[worker], truth[item], wrong)
    return {"task": item, "worker": worker, "label": label}


def theirs(table: dict[str, np.ndarray], iterations: int) -> dict[int, int]:
    answer = Theirs(n_iter=iterations, tol=-1e30).fit_predict(pd.DataFrame(table))
    return dict(answer)


def ours(table: dict[str, np.ndarray], iterations: int, kernels: str = "") -> unseen.Result:
    os.environ["UNSEEN_KERNELS"] = kernels
    return unseen.fit(DawidSkene(), table, unit="task", stop=MaxIterations(iterations))


def an_iteration(fit, *arguments) -> tuple[float, float]:
    """Processor seconds and seconds by the clock of an iteration."""
    spent = []
    for iterations in (1, 1 + MANY):
        begin = time.process_time(), time.perf_counter()
        fit(arguments[0], iterations, *arguments[1:])
        spent.append((time.process_time() - begin[0], time.perf_counter() - begin[1]))
    return (spent[1][0] - spent[0][0]) / MANY, (spent[1][1] - spent[0][1]) / MANY


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--votes", type=int, default=5)
    given = parser.parse_args()
    table = data(given.items, given.votes)
    result, answer = ours(table, 1 + MANY), theirs(table, 1 + MANY)
    truth = result.truth(table)
    agree = np.mean([answer[item] == int(label) for item, label in enumerate(truth.tolist())])
    print(f"{machine()}; unseen {unseen.__version__}, crowd-kit {crowdkit.__version__}, pandas {pd.__version__}")
    print(f"{given.items:,} items x {given.votes}, {WORKERS:,} workers, {CLASSES} classes; same answer on {agree:.2%}")
    rows: dict[str, list[tuple[float, float]]] = {"crowd-kit": [], "unseen, plain": [], "unseen, fast": []}
    for _ in range(given.rounds):
        rows["crowd-kit"].append(an_iteration(theirs, table))
        rows["unseen, plain"].append(an_iteration(ours, table, "off"))
        rows["unseen, fast"].append(an_iteration(ours, table))
    for name, spent in rows.items():
        ratios = [[a[i] / b[i] for a, b in zip(rows["crowd-kit"], spent, strict=True)] for i in (0, 1)]
        told = [f"{median(s) * 1e3:.1f} ms, {median(r):.1f} times (least {min(r):.1f})"
                for s, r in zip(zip(*spent, strict=True), ratios, strict=True)]  # fmt: skip
        print(f"{name}: processor {told[0]}; clock {told[1]}", flush=True)


if __name__ == "__main__":
    main()
