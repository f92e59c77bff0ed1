"""One file per engine. Each gives

version() -> str
prepare(case, folder, dtype) -> fit, where fit(m) runs exactly m EM iterations from the case's start,
tolerance off, on all cores, and returns {"weights", "means", "covariances"}

or, where the work is not done by this process, measure(case, folder, dtype) with the timings themselves;
and impute(X, variant) where it takes part in the imputation row.
"""

import os
from pathlib import Path

import numpy as np

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def load(folder: Path, dtype: str) -> np.ndarray:
    return np.load(folder / f"X-{dtype}.npy")


def start(folder: Path) -> dict[str, np.ndarray]:
    return dict(np.load(folder / "start.npz"))
