"""scikit-learn's GaussianMixture, without its 1e-6 on the diagonal and without the k-means start."""

from __future__ import annotations

import numpy as np
import sklearn
from sklearn.mixture import GaussianMixture

from . import load, start


def version() -> str:
    return sklearn.__version__


def prepare(case, folder, dtype):
    X, guess = load(folder, dtype), start(folder)
    full = case.covariance == "full"
    precisions = np.linalg.inv(guess["covariances"]) if full else 1.0 / guess["covariances"]

    def fit(m: int) -> dict:
        mixture = GaussianMixture(
            case.k, covariance_type="full" if full else "diag", tol=0.0, max_iter=m, reg_covar=0.0,
            weights_init=guess["weights"], means_init=guess["means"], precisions_init=precisions,
            init_params="random_from_data", random_state=0,
        ).fit(X)  # fmt: skip
        return {"weights": mixture.weights_, "means": mixture.means_, "covariances": mixture.covariances_}

    return fit
