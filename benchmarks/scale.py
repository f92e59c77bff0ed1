"""Many rows on one machine: from disk against in memory, memory against rows, passes of algorithms, a billion rows.

python benchmarks/scale.py disk        from disk against in memory, threads, checkpoints: 10M x 8, K = 16
python benchmarks/scale.py memory      peak memory at 10M and 100M rows of Parquet
python benchmarks/scale.py passes      passes until within 0.1 % of the batch optimum
python benchmarks/scale.py billion     one pass over 1M, 10M, 100M and 1,000M drawn rows

Each measurement is a process of its own; those of one comparison take turns, and medians of the rounds are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROUNDS = 3
COLUMNS, K = 8, 16


def truth(seed: int = 0) -> Any:
    """A mixture of sixteen overlapping Gaussians with full covariances, as a fit that rows can be drawn from."""
    import unseen

    rng = np.random.default_rng(seed)
    means = rng.normal(size=(K, COLUMNS)) * 2.5
    roots = rng.normal(size=(K, COLUMNS, COLUMNS)) / np.sqrt(COLUMNS)
    covariances = roots @ roots.transpose(0, 2, 1) + 0.3 * np.eye(COLUMNS)
    weights = rng.dirichlet(np.full(K, 5.0))
    states = rng.choice(K, 20_000, p=weights)
    x = means[states] + np.einsum(
        "nij,nj->ni", np.linalg.cholesky(covariances)[states], rng.normal(size=(len(states), COLUMNS))
    )
    start = unseen.Params(weights=weights, means=means, covariances=covariances)
    return unseen.fit(unseen.Mixture(unseen.Gaussian("full"), K), x, start=start, max_iterations=1)


def written(folder: Path, rows: int) -> Path:
    """So many rows of it as Parquet, a file for each ten million."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from unseen.sources.synthetic import Synthetic

    out = folder / f"{rows}"
    if out.exists():
        return out
    source = Synthetic(truth(), rows)
    names = [f.name for f in source.schema()]
    out.mkdir(parents=True)
    writer, path = None, None
    for part in source.manifest():
        if part.id % 77 == 0:
            if writer is not None:
                writer.close()
            path = out / f"{part.id:06d}.parquet"
            writer = None
        columns = source.read(part, names).columns
        table = pa.table({n: columns[n].values for n in names})
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
    return out


def begin(seed: int = 1) -> Any:
    """Parameters to begin at, some way off."""
    import unseen

    fit, rng = truth(), np.random.default_rng(seed)
    means = fit.params["means"] + rng.normal(size=(K, COLUMNS))
    return unseen.Params(weights=np.full(K, 1 / K), means=means, covariances=np.array([2 * np.eye(COLUMNS)] * K))


# ---- one measurement, in a process of its own


def fitted(
    data: str, engine: str, workers: int, iterations: int, algorithm: str = "batch", checkpoint: str = ""
) -> dict[str, Any]:
    """Seconds of each iteration, peak memory, and where it ended."""
    import unseen
    from unseen.algorithms import algorithm as named
    from unseen.sources.synthetic import Synthetic

    source: Any = Synthetic(truth(), int(data.partition(":")[2])) if data.startswith("synthetic:") else data
    times: list[float] = [time.perf_counter()]
    result = unseen.fit(
        unseen.Mixture(unseen.Gaussian("full"), K), source, start=begin(), engine=engine, workers=workers, tol=0.0,
        max_iterations=iterations, algorithm=named(algorithm), observers=[lambda _: times.append(time.perf_counter())],
        **({"checkpoint": f"{checkpoint}-{os.getpid()}", "every": 1} if checkpoint else {}),
    )  # fmt: skip
    steps = np.diff(times)
    return {
        "first": float(steps[0]), "each": float(np.median(steps[1:])) if len(steps) > 1 else float(steps[0]),
        "total": times[-1] - times[0], "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "trace": [r.objective for r in result.trace], "passes": [r.evaluations for r in result.trace],
        "loglik": result.loglik / result.weight,
    }  # fmt: skip


def measured(**task: Any) -> dict[str, Any]:
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, __file__, "one", json.dumps(task)], env=env, capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def rounds(tasks: dict[str, dict[str, Any]], count: int = ROUNDS) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in tasks}
    for _ in range(count):
        for name, task in tasks.items():
            found[name].append(measured(**task))
            print(f"  {name}: {found[name][-1]['each']:.2f} s each", file=sys.stderr)
    return found


def median(found: list[dict[str, Any]], what: str) -> float:
    return statistics.median(f[what] for f in found)


# ---- what is compared


def disk(folder: Path) -> None:
    data, n = str(written(folder, 10_000_000)), 6
    tasks = {
        "memory, two threads": {"data": data, "engine": "threads", "workers": 2, "iterations": n},
        "disk, two threads": {"data": data, "engine": "outofcore", "workers": 2, "iterations": n},
        "memory, one thread": {"data": data, "engine": "threads", "workers": 1, "iterations": n},
        "disk, a checkpoint every iteration": {
            "data": data, "engine": "outofcore", "workers": 2, "iterations": n, "checkpoint": str(folder / "kept"),
        },
    }  # fmt: skip
    found = {}
    for name, several in rounds(tasks).items():
        found[name] = median(several, "each")
    for name, seconds in found.items():
        print(f"{name}: {seconds:.3f} s an iteration")
    two, disk_, one, kept = found.values()
    print(f"disk / memory {disk_ / two:.2f}; one thread / two {one / two:.2f}")
    print(f"checkpoints {100 * (kept / disk_ - 1):.1f} %")


def memory(folder: Path) -> None:
    for rows in (10_000_000, 100_000_000):
        found = measured(data=str(written(folder, rows)), engine="outofcore", workers=2, iterations=2)
        print(
            f"{rows:,} rows of Parquet: peak {found['peak'] / 1e6:,.0f} MB, {rows / found['each'] / 1e6:.2f} M rows/s"
        )


def passes(folder: Path) -> None:
    data = str(written(folder, 10_000_000))
    batch = measured(data=data, engine="threads", workers=2, iterations=60)
    best = max(batch["trace"])
    enough = best - 0.001 * abs(best)
    print(
        f"batch: {next(i for i, o in enumerate(batch['trace'], 1) if o >= enough)} passes; optimum {best:.5f} per row"
    )
    for algorithm in ("stepwise", "incremental", "reduced"):
        for n in (1, 2, 3):
            found = measured(data=data, engine="threads", workers=2, iterations=n, algorithm=algorithm)
            took, loss = found["passes"][-1], best - found["loglik"]
            print(f"{algorithm}, {n} steps: {took} sums over blocks, {100 * loss / abs(best):.3f} % below", flush=True)
            if found["loglik"] >= enough:
                break


def billion(folder: Path) -> None:
    for rows in (1_000_000, 10_000_000, 100_000_000, 1_000_000_000):
        found = measured(data=f"synthetic:{rows}", engine="outofcore", workers=2, iterations=1)
        rate = rows / found["first"] / 1e6
        print(
            f"{rows:,} drawn rows: {found['first']:,.1f} s, {rate:.2f} M rows/s, peak {found['peak'] / 1e6:,.0f} MB",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["disk", "memory", "passes", "billion", "one"])
    parser.add_argument("task", nargs="?")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "unseen-scale")
    options = parser.parse_args()
    if options.what == "one":
        print(json.dumps(fitted(**json.loads(options.task))))
        return
    {"disk": disk, "memory": memory, "passes": passes, "billion": billion}[options.what](options.folder)


if __name__ == "__main__":
    main()
