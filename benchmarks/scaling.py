"""Where one pass of EM spends its time on a cluster, and what breaks first: a simulation from measured costs.

python benchmarks/scaling.py            the table of docs/engines.md
python benchmarks/scaling.py --measure  the costs below, on this machine (needs Spark)
"""

from __future__ import annotations

import argparse
import heapq
import math
import pickle
import time
from dataclasses import dataclass

import numpy as np

from unseen.core.adding import FAN
from unseen.engines.spark import MOST, NEIGHBOURS, WIDE


@dataclass(frozen=True)
class Costs:
    """What was measured (``--measure``, and from disk against in memory: `scale.py`), and what was assumed."""

    rows_per_core: float = 8.0e6  # of the E-step, 8 columns, K = 16
    read_per_core: float = 1.7e7  # decoded from Parquet, 8 columns: scale.py
    stats_bytes: int = 6_157
    task_bytes: int = 10_253
    block_bytes: int = 295  # of the manifest, in the driver
    sent_bytes: int = 38  # of the manifest, to each executor, once
    adds_per_second: float = 5.2e5  # of two statistics
    overhead: float = 0.057  # of PySpark, on the core of each task
    per_job: float = 0.10
    # assumed, of a data centre
    per_task: float = 2.0e-3  # of the driver, to give out one task and take its answer
    network: float = 1.0e9  # bytes a second of one machine
    spread: float = 0.3  # standard deviation of the logarithm of a task's duration
    killed: float = 1e-5  # share of tasks whose executor is lost


@dataclass(frozen=True)
class Pass:
    """Seconds of one pass by what they go to, and bytes that the driver has to hold and to take."""

    compute: float
    schedule: float
    reduce: float
    driver_memory: float
    driver_bytes: float
    begin: float
    levels: int

    @property
    def seconds(self) -> float:
        return max(self.compute, self.schedule) + self.reduce


def simulate(rows: float, executors: int, c: Costs, cores: int = 4, block: int = 131_072, seed: int = 0) -> Pass:
    """One pass over so many rows on so many executors."""
    blocks = math.ceil(rows / block)
    tasks = max(1, min(blocks, max(2 * executors * cores, math.ceil(blocks / MOST))))
    each = rows / tasks * (1 / c.rows_per_core + 1 / c.read_per_core) + c.overhead
    compute = _scheduled(tasks, executors * cores, each, c, np.random.default_rng(seed))
    pieces, levels, reduce, wide = 1 + 7 * math.log(max(blocks / tasks, 1), FAN) * 0.5, 0, 0.0, tasks
    while wide > WIDE:  # what an executor takes from its neighbours, and adds
        fewer = math.ceil(wide / NEIGHBOURS)
        taken = NEIGHBOURS * pieces * c.stats_bytes
        reduce += c.per_job + fewer * c.per_task + taken / c.network + NEIGHBOURS * pieces / c.adds_per_second
        wide, levels = fewer, levels + 1
    taken = wide * pieces * c.stats_bytes
    reduce += taken / c.network + wide * pieces / c.adds_per_second
    broadcast = c.task_bytes / c.network * math.log2(executors + 1)
    memory = blocks * c.block_bytes + taken
    begin = blocks * c.sent_bytes / c.network * math.log2(executors + 1)
    return Pass(compute, tasks * c.per_task + c.per_job + broadcast, reduce, memory, taken, begin, levels)


def _scheduled(tasks: int, slots: int, each: float, c: Costs, rng: np.random.Generator) -> float:
    """When the last task ends: each goes to the core that is free first; those of a lost executor are done again."""
    durations = each * np.exp(rng.normal(-(c.spread**2) / 2, c.spread, tasks))
    durations = np.concatenate([durations, durations[rng.random(tasks) < c.killed]])
    free = [0.0] * min(slots, len(durations))
    for d in durations:
        heapq.heappush(free, heapq.heappop(free) + d)
    return max(free)


def measure() -> Costs:
    """The costs of this machine."""
    import unseen
    from unseen.core.tasks import Expect
    from unseen.engines.spark import Spark
    from unseen.problem import pose
    from unseen.sources import open_source

    x = np.random.default_rng(0).normal(size=(131_072, 8))
    model = unseen.Mixture(unseen.Gaussian("full"), 16)
    fit = unseen.fit(model, x, restarts=1, max_iterations=1, seed=0, block_rows=len(x))
    problem = pose(model, open_source(x, block_rows=len(x))[0])
    task, block = Expect(problem.model, fit.params), problem.engine.blocks[0]  # type: ignore[attr-defined]
    stats = task(block)
    step, add = _median(lambda: task(block)), _median(lambda: stats + stats)
    few, many = Spark(range(2), 2), Spark(range(400), 400)
    jobs = [_median(lambda e=e: e.total(_Zero()), 5) for e in (few, many)]
    return Costs(
        rows_per_core=len(x) / step, stats_bytes=len(pickle.dumps(stats)), task_bytes=len(pickle.dumps(task)),
        adds_per_second=1 / add, overhead=2 * (jobs[1] - jobs[0]) / 398, per_job=jobs[0],  # two cores
    )  # fmt: skip


@dataclass(frozen=True)
class _Zero:
    def __call__(self, block: int) -> int:
        return 0


def _median(f: object, times: int = 15) -> float:
    found = []
    for _ in range(times):
        began = time.perf_counter()
        f()  # type: ignore[operator]
        found.append(time.perf_counter() - began)
    return float(np.median(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true")
    if parser.parse_args().measure:
        print(measure())
        return
    print("| rows | executors | pass | E-step | tasks given out | sums added | levels | driver holds | takes a pass |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for rows, executors in ((1e9, 10), (1e10, 100), (1e11, 1000), (1e12, 1000), (1e12, 10_000)):
        p = simulate(rows, executors, Costs())
        print(
            f"| {rows:.0e} | {executors:,} | {p.seconds:.1f} s | {p.compute:.1f} s | {p.schedule:.1f} s "
            f"| {p.reduce:.2f} s | {p.levels} | {p.driver_memory / 1e6:,.0f} MB | {p.driver_bytes / 1e6:.1f} MB |"
        )


if __name__ == "__main__":
    main()
