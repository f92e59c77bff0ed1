"""tgmm (PyTorch), the peer that also takes missing cells by maximum likelihood."""

from __future__ import annotations

from importlib.metadata import version as installed

import torch
from tgmm import GaussianMixture

from . import CORES, load, start

torch.set_num_threads(CORES)


def version() -> str:
    return f"{installed('tgmm')}, torch {installed('torch')}"


def prepare(case, folder, dtype):
    X = torch.from_numpy(load(folder, dtype))
    guess = {f"init_{name}": torch.from_numpy(value).to(X.dtype) for name, value in start(folder).items()}

    def fit(m: int) -> dict:
        mixture = GaussianMixture(
            n_components=case.k, n_features=case.d, covariance_type=case.covariance,
            max_iter=m, tol=1e-300, reg_covar=0.0,
            missing="em" if case.missing else "error", device="cpu", random_state=0, **guess,
        )  # fmt: skip
        mixture.fit(X)
        return {
            "weights": mixture.weights_.numpy(),
            "means": mixture.means_.numpy(),
            "covariances": mixture.covariances_.numpy(),
        }

    return fit
