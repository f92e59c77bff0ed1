"""gmmx (JAX), float32 only; it compiles once per number of iterations."""

from __future__ import annotations

from importlib.metadata import version as installed

import jax.numpy as jnp
from gmmx import EMFitter, GaussianMixtureModelJax

from . import load, start

COMPILES_PER_COUNT = True


def version() -> str:
    return f"{installed('gmmx')}, jax {installed('jax')}"


def prepare(case, folder, dtype):
    X = jnp.asarray(load(folder, dtype))
    guess = {name: jnp.asarray(value, dtype=dtype) for name, value in start(folder).items()}
    first = GaussianMixtureModelJax.from_squeezed(**guess)

    def fit(m: int) -> dict:
        mixture = EMFitter(max_iter=m, tol=0.0, reg_covar=0.0).fit(X, first).gmm
        return {
            "weights": mixture.weights_numpy,
            "means": mixture.means_numpy,
            "covariances": mixture.covariances.values_numpy,
        }

    return fit
