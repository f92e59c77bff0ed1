"""Mixtures that others fit, with the number of components chosen by BIC from one to nine."""

from __future__ import annotations

import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

NUMBERS = range(1, 10)
MCLUST = """
suppressMessages(library(mclust)); a <- commandArgs(TRUE); x <- read.csv(a[1]); whole <- complete.cases(x)
m <- Mclust(x[whole, , drop=FALSE], verbose=FALSE)
for (j in seq_along(x)) x[is.na(x[, j]), j] <- mean(x[, j], na.rm=TRUE)
cat(m$G, m$modelName, "\n"); cat(predict(m, x)$classification, "\n")
"""


def mclust(frame: pd.DataFrame, numbers: list[str], categories: list[str], seed: int) -> tuple[np.ndarray, str]:
    """Mclust as it comes on the number columns with fewer than 30 % holes and on their complete rows.

    The other rows are classified afterwards, their holes filled with means.
    """
    kept = frame[[c for c in numbers if frame[c].isna().mean() < 0.3]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        kept.to_csv(path, index=False)
        done = subprocess.run(["Rscript", "-e", MCLUST, str(path)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-200:])
    told, labels = done.stdout.strip().splitlines()[-2:]
    return np.array(labels.split(), int), told.strip()


def gmm(frame: pd.DataFrame, numbers: list[str], categories: list[str], seed: int) -> tuple[np.ndarray, str]:
    """scikit-learn's GaussianMixture over its four forms; numbers scaled, holes filled with means."""
    from sklearn.mixture import GaussianMixture

    x = _scaled(frame[numbers]).fillna(0.0).to_numpy()
    best, found = np.inf, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for form in ("full", "tied", "diag", "spherical"):
            for k in NUMBERS:
                try:
                    model = GaussianMixture(k, covariance_type=form, n_init=3, random_state=seed).fit(x)
                except ValueError:
                    continue
                if (bic := model.bic(x)) < best:
                    best, found = bic, model
    assert found is not None
    return found.predict(x), f"{found.n_components} {found.covariance_type}"


def stepmix(frame: pd.DataFrame, numbers: list[str], categories: list[str], seed: int) -> tuple[np.ndarray, str]:
    """StepMix over all columns: Gaussian numbers (scaled), categories, independent in a class, holes left open."""
    from stepmix.stepmix import StepMix
    from stepmix.utils import get_mixed_descriptor

    data = _scaled(frame[numbers])
    for name in categories:
        codes = pd.factorize(frame[name], sort=True)[0].astype(float)
        data[name] = np.where(codes < 0, np.nan, codes)
    kinds = {"continuous_nan": numbers, "categorical_nan": categories}
    data, measurement = get_mixed_descriptor(data, **{k: v for k, v in kinds.items() if v})
    best, found = np.inf, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k in NUMBERS:
            model = StepMix(k, measurement=measurement, n_init=3, random_state=seed, progress_bar=0, verbose=0)
            model.fit(data)
            if (bic := model.bic(data)) < best:
                best, found = bic, model
    assert found is not None
    return found.predict(data), f"{found.n_components}"


def _scaled(frame: pd.DataFrame) -> pd.DataFrame:
    values = frame.astype(float)
    return (values - values.mean()) / values.std().replace(0, 1)
