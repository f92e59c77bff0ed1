"""This package: the same start, the number of iterations as the stopping rule, the engine left to itself."""

from __future__ import annotations

import numpy as np

import unseen
from unseen import Gaussian, MaxIterations, Mixture, Params

from . import load, start


def version() -> str:
    return getattr(unseen, "__version__", "source")


def prepare(case, folder, dtype):
    model = Mixture(Gaussian(case.covariance), case.k)
    guess = Params(**start(folder))
    data = str(folder / "X.parquet") if case.parquet else load(folder, dtype)
    options = {"engine": "outofcore"} if case.parquet else {}

    def fit(m: int) -> dict:
        result = unseen.fit(model, data, start=guess, stop=MaxIterations(m), seed=0, **options)
        if result.iterations != m:
            raise RuntimeError(f"asked for {m} iterations, {result.iterations} were made")
        names = ("weights", "means", "covariances")
        return {**{name: result.params[name] for name in names}, "claimed": result.loglik}

    return fit


def impute(X: np.ndarray, variant: str) -> np.ndarray:
    components, _, starts = variant.removeprefix("k").partition("-")
    options = {"restarts": 1} if starts else {}
    return np.asarray(unseen.fit(Mixture(Gaussian("full"), int(components)), X, seed=0, **options).impute(X))
