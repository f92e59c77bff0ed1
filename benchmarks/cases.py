"""The work that is measured: data, one start for every engine, iteration counts, who takes part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

PARQUET_CHUNK = 1_000_000


@dataclass(frozen=True)
class Case:
    """n rows of a K-component mixture in d dimensions; `iterations` is the n of (t(1+n) - t(1)) / n."""

    name: str
    title: str
    n: int
    d: int
    k: int
    iterations: int
    engines: tuple[str, ...]  # module in peers/, "-float32" appended where the input is single precision
    covariance: str = "full"
    dtype: str = "float64"
    missing: float = 0.0
    parquet: bool = False
    kind: str = "em"  # "em": seconds per iteration | "impute": to the end, error on hidden cells | "startup"

    def quick(self) -> Case:
        return replace(self, n=min(self.n, max(self.n // 20, 2000)), iterations=min(self.iterations, 3))


CASES = {
    case.name: case
    for case in [
        Case("full-1m-16", "GMM full, 1M x 16, K=16, float64", 1_000_000, 16, 16, 6,
             ("dgemm", "unseen", "unseen-float32", "scikit_learn", "pomegranate")),
        Case("full-200k-8", "GMM full, 200k x 8, K=16", 200_000, 8, 16, 10,
             ("unseen", "unseen-float32", "scikit_learn", "pomegranate", "pomegranate-float32",
              "gmmx-float32", "tgmm", "mclust")),
        Case("full-200k-64", "GMM full, 200k x 64, K=32, float64", 200_000, 64, 32, 4,
             ("dgemm", "unseen", "scikit_learn")),  # gmmx does not end on this size; pomegranate: 16 s an iteration
        Case("diagonal-1m-16", "GMM diagonal, 1M x 16, K=16, float64", 1_000_000, 16, 16, 5,
             ("unseen", "scikit_learn"), covariance="diagonal"),
        Case("parquet-10m-8", "GMM full from Parquet, 10M x 8 float32, K=16", 10_000_000, 8, 16, 2,
             ("unseen-float32", "pomegranate-float32"), dtype="float32", parquet=True),
        Case("missing-50k-10", "GMM full, K=3, 20 % of cells missing, 50k x 10", 50_000, 10, 3, 2,
             ("unseen", "tgmm"), missing=0.2),
        Case("impute-50k-10", "Fit to convergence and impute, 20 % of cells missing, 50k x 10",
             50_000, 10, 3, 0, ("unseen-k1", "unseen-k3-start", "unseen-k3", "iterative_imputer"),
             missing=0.2, kind="impute"),
        Case("startup", "`import unseen`; `unseen --help`", 0, 0, 0, 0, (), kind="startup"),
        Case("fresh-2k-4", "2k x 4, K=3 from a fresh process, import included",
             2_000, 4, 3, 0, (), kind="startup"),
    ]
}  # fmt: skip


def spacing(case: Case) -> float:
    """Spread of the means that puts two of them 3.5 apart in any number of columns: they overlap."""
    return 3.5 / np.sqrt(2 * case.d)


def truth(case: Case, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means, factors of correlated covariances; eigenvalues from 0.1 to 3: no floor binds."""
    weights = rng.dirichlet(np.full(case.k, 10.0))
    means = rng.normal(0.0, spacing(case), (case.k, case.d))
    rotations = np.linalg.qr(rng.standard_normal((case.k, case.d, case.d)))[0]
    factors = rotations * np.sqrt(np.geomspace(0.1, 3.0, case.d))
    return weights, means, factors


def draw(case: Case, parameters: tuple, n: int, rng: np.random.Generator) -> np.ndarray:
    weights, means, factors = parameters
    labels = rng.choice(case.k, size=n, p=weights)
    X = rng.standard_normal((n, case.d))
    for j in range(case.k):
        rows = labels == j
        X[rows] = X[rows] @ factors[j].T + means[j]
    return X


def first_guess(case: Case, parameters: tuple, X: np.ndarray, rng: np.random.Generator) -> dict:
    """Equal weights, the true means moved, the columns' variances as every covariance.

    Random rows as means leave components of 64 columns with too few rows: engines without a floor would fail.
    """
    variance = np.nanvar(X, axis=0, dtype=float)
    shape = np.diag(variance) if case.covariance == "full" else variance
    return {
        "weights": np.full(case.k, 1.0 / case.k),
        "means": parameters[1] + rng.normal(0.0, 0.5 * spacing(case), (case.k, case.d)),
        "covariances": np.repeat(shape[None], case.k, axis=0),
    }


def write(case: Case, folder: Path) -> None:
    """Write the data once per run of the benchmarks, so that no engine's process pays for drawing it."""
    rng = np.random.default_rng(20240229)
    parameters = truth(case, rng)
    if case.parquet:
        X = write_parquet(case, parameters, folder / "X.parquet", rng)
    else:
        X = draw(case, parameters, case.n, rng)
        if case.missing:
            np.save(folder / "complete.npy", X)
            hidden = rng.random(X.shape) < case.missing
            hidden[hidden.all(axis=1), 0] = False  # tgmm refuses rows without any observed cell
            X[hidden] = np.nan
        for dtype in ("float64", "float32"):
            np.save(folder / f"X-{dtype}.npy", X.astype(dtype))
    np.savez(folder / "start.npz", **first_guess(case, parameters, X, rng))


def write_parquet(case: Case, parameters: tuple, path: Path, rng: np.random.Generator) -> np.ndarray:
    """Returns the first chunk, from which the start is taken."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(f"x{j}", pa.float32()) for j in range(case.d)])
    with pq.ParquetWriter(path, schema) as writer:
        for begin in range(0, case.n, PARQUET_CHUNK):
            X = draw(case, parameters, min(PARQUET_CHUNK, case.n - begin), rng).astype(case.dtype)
            if begin == 0:
                first = X
            writer.write_table(pa.table(list(X.T), schema=schema))
    return first


def read_chunks(case: Case, folder: Path, dtype: str = "float64", rows: int = 65_536):
    """The case's rows in blocks, from memory or from Parquet."""
    if case.parquet:
        import pyarrow.parquet as pq

        for batch in pq.ParquetFile(folder / "X.parquet").iter_batches(rows):
            yield np.column_stack([c.to_numpy() for c in batch.columns]).astype(dtype, copy=False)
    else:
        X = np.load(folder / f"X-{dtype}.npy", mmap_mode="r")
        for begin in range(0, len(X), rows):
            yield np.asarray(X[begin : begin + rows])
