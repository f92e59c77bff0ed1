"""Measure how long it takes to read a large text file and many tiny row groups, beside DuckDB and polars.

    python benchmarks/reading.py [--rows 11000000] [--rounds 5]

Every reader runs in a fresh process on the same file, interleaved; the seconds are those of reading and finding types,
imports left out; medians, and the ratio round by round. Needs duckdb and polars beside the package.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

READERS = {
    "unseen": "from unseen.sources import open_source\nimport unseen.sources.csv\n"
    "run = lambda path: open_source(path)[0].manifest()",
    "duckdb": "import duckdb\nrun = lambda path: duckdb.sql(f\"select * from read_csv('{path}')\").to_arrow_table()",
    "polars": "import polars\nrun = polars.read_csv",
}
ALL = (
    "from unseen.sources import open_source\nimport unseen.sources.parquet\n\n"
    "def run(path):\n    source = open_source(path)[0]\n"
    "    for part in source.manifest():\n        source.read(part, [f.name for f in source.schema()])"
)
CLOCK = (
    "import resource, sys, time\n{setup}\nbegin = time.perf_counter()\nrun(sys.argv[1])\n"
    "print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)"
)


def seconds(setup: str, path: Path) -> tuple[float, int]:
    code = CLOCK.format(setup=setup)
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    took, peak = done.stdout.splitlines()[-1].split()
    return float(took), int(peak)


def big(path: Path, rows: int) -> None:
    """Six columns of decimals, four of whole numbers, two of words and one of dates."""
    rng = np.random.default_rng(0)
    days = np.array([f"2024-{m:02d}-{d:02d}" for m in range(1, 13) for d in range(1, 29)])
    with open(path, "wb") as file:
        for start in range(0, rows, 1_000_000):
            n = min(1_000_000, rows - start)
            columns = {f"f{i}": (rng.normal(size=n) * 10**i).round(4) for i in range(6)}
            columns |= {f"i{i}": rng.integers(0, 10 ** (i + 1), n) for i in range(4)}
            columns |= {"colour": np.array(["red", "green", "blue"])[rng.integers(0, 3, n)]}
            columns |= {"city": np.array([f"city {k}" for k in range(200)])[rng.integers(0, 200, n)]}
            columns |= {"day": days[rng.integers(0, len(days), n)]}
            pacsv.write_csv(pa.table(columns), file, pacsv.WriteOptions(include_header=not start))


def groups(folder: Path) -> dict[str, Path]:
    g = np.random.default_rng(0).integers(0, 2, 20_000)
    table = pa.table({"x": g * 5 + np.random.default_rng(1).normal(size=20_000), "c": np.array(["a", "b"])[g]})
    paths = {"one group of 20,000 rows": folder / "one.parquet", "2,000 groups of 10 rows": folder / "many.parquet"}
    for path, size in zip(paths.values(), (20_000, 10), strict=True):
        pq.write_table(table, path, row_group_size=size)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=11_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "big.csv"
        big(path, options.rows)
        print(f"{path.stat().st_size / 1e9:.2f} GB, {options.rows:,} rows by 13 columns")
        rounds = [{reader: seconds(setup, path) for reader, setup in READERS.items()} for _ in range(options.rounds)]
        for reader in READERS:
            took = [r[reader][0] for r in rounds]
            ratios = [r["unseen"][0] / r[reader][0] for r in rounds]
            peak = max(r[reader][1] for r in rounds)
            print(f"{reader}: {median(took):.2f} s, {peak} MB; unseen takes {median(ratios):.2f} times as long")
        found = groups(Path(name))
        several = [{what: seconds(ALL, p)[0] for what, p in found.items()} for _ in range(options.rounds)]
        for what in found:
            print(f"{what}: {median(r[what] for r in several) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
