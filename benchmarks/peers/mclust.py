"""R's mclust, `me(modelName = "VVV")`, timed inside R; the peak memory is R's own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from . import load, start

_found = {"version": ""}


def version() -> str:
    return _found["version"]


def measure(case, folder, dtype) -> dict:
    guess = start(folder)
    load(folder, dtype).ravel(order="F").tofile(folder / "mclust-X.bin")
    for name, value in guess.items():
        value.tofile(folder / f"mclust-{name}.bin")  # (K, d) in C order is R's d x K
    script = Path(__file__).with_suffix(".R")
    command = ["Rscript", str(script), str(folder), *map(str, (case.n, case.d, case.k, case.iterations))]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    first, one, many, peak = map(float, answer[-5:-1])
    _found["version"] = f"{answer[-1]} (R, its own BLAS)"
    flat = np.fromfile(folder / "mclust-out.bin")
    k, d = case.k, case.d
    return {
        "first": first, "one": one, "many": many, "peak": peak,
        "params": {"weights": flat[:k], "means": flat[k : k + k * d].reshape(k, d),
                   "covariances": flat[k + k * d :].reshape(k, d, d)},
    }  # fmt: skip
