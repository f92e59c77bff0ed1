"""Expectation-maximization for latent-variable models and incomplete data.

>>> import numpy as np, unseen
>>> x = np.array([[0.1], [0.2], [np.nan], [5.0], [5.2], [5.1]])
>>> unseen.fit(unseen.Mixture(unseen.Gaussian("spherical"), 2), x).params["weights"].round(2).tolist()
[0.6, 0.4]
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "fit": "unseen.fit",
    "load": "unseen.store",
    "Online": "unseen.online",
    "Result": "unseen.result",
    "Params": "unseen.core.stats",
    "Stats": "unseen.core.stats",
    # models
    "Model": "unseen.core.model",
    "DawidSkene": "unseen.models.dawid_skene",
    "FactorAnalysis": "unseen.models.factor_analysis",
    "HMM": "unseen.models.hmm",
    "LogisticExperts": "unseen.models.logistic_experts",
    "MatrixFactorization": "unseen.models.matrix_factorization",
    "Mixture": "unseen.models.mixture",
    # families
    "Bernoulli": "unseen.families.bernoulli",
    "Beta": "unseen.families.beta",
    "Categorical": "unseen.families.categorical",
    "Gamma": "unseen.families.gamma",
    "Gaussian": "unseen.families.gaussian",
    "Hurdle": "unseen.families.hurdle",
    "LogNormal": "unseen.families.log_normal",
    "NegativeBinomial": "unseen.families.negative_binomial",
    "Ordinal": "unseen.families.ordinal",
    "Poisson": "unseen.families.poisson",
    "Product": "unseen.families.product",
    "StudentT": "unseen.families.student_t",
    "ZeroInflated": "unseen.families.zero_inflated",
    # algorithms
    "Batch": "unseen.algorithms.batch",
    "Incremental": "unseen.algorithms.incremental",
    "SQUAREM": "unseen.algorithms.squarem",
    "Reduced": "unseen.algorithms.reduced",
    "Stepwise": "unseen.algorithms.stepwise",
    # data of several owners
    "Command": "unseen.core.site",
    "Sites": "unseen.sources.sites",
    # data of nobody
    "Synthetic": "unseen.sources.synthetic",
    # stopping
    "Converged": "unseen.core.stop",
    "MaxIterations": "unseen.core.stop",
    "MaxSeconds": "unseen.core.stop",
    # number of components
    "select": "unseen.search.order",
    # errors
    "DataError": "unseen.errors",
    "EngineError": "unseen.errors",
    "ModelError": "unseen.errors",
    "NotInstalledError": "unseen.errors",
    "NumericalError": "unseen.errors",
    "RunError": "unseen.errors",
    "SchemaError": "unseen.errors",
    "UnseenError": "unseen.errors",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'unseen' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


class _Package(ModuleType):
    """Importing the submodule ``unseen.fit`` must not put it in the place of the function ``unseen.fit``."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and _HOMES.get(name) == value.__name__:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
