"""pomegranate's GeneralMixtureModel (PyTorch); Parquet goes through summarize / from_summaries in chunks."""

from __future__ import annotations

from importlib.metadata import version as installed

import torch
from pomegranate.distributions import Normal
from pomegranate.gmm import GeneralMixtureModel

from cases import read_chunks

from . import CORES, load, start

torch.set_num_threads(CORES)


def version() -> str:
    return f"{installed('pomegranate')}, torch {installed('torch')}"


def build(case, guess: dict, dtype: torch.dtype) -> GeneralMixtureModel:
    tensors = {name: torch.tensor(value, dtype=dtype) for name, value in guess.items()}
    kind = "full" if case.covariance == "full" else "diag"
    normals = [
        Normal(mean, covariance, covariance_type=kind, check_data=False)
        for mean, covariance in zip(tensors["means"], tensors["covariances"], strict=True)
    ]
    # without .to() its log-densities and sums are float32 whatever the input is
    return GeneralMixtureModel(normals, priors=tensors["weights"], check_data=False).to(dtype)


def prepare(case, folder, dtype):
    guess, kind = start(folder), getattr(torch, dtype)
    X = None if case.parquet else torch.from_numpy(load(folder, dtype))

    def fit(m: int) -> dict:
        model = build(case, guess, kind)
        with torch.no_grad():
            if X is None:
                for _ in range(m):
                    for chunk in read_chunks(case, folder, dtype):
                        model.summarize(torch.from_numpy(chunk))
                    model.from_summaries()
            else:
                model.max_iter, model.tol = m, -1e30  # a tolerance of 0 would stop it
                model.fit(X)
        return {
            "weights": model.priors.numpy(),
            "means": torch.stack([d.means for d in model.distributions]).numpy(),
            "covariances": torch.stack([d.covs for d in model.distributions]).numpy(),
        }

    return fit
