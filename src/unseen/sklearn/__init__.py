"""scikit-learn estimators. Only this package imports scikit-learn; ``import unseen`` never does.

Beside the classes that are written out here there is one for each kind of model, made by `estimator`; those of
unseen's own kinds are found by the names of their classes: ``from unseen.sklearn import FactorAnalysis``.
"""

from typing import Any

from unseen.sklearn.estimators import LatentModel, estimator
from unseen.sklearn.gaussian_mixture import GaussianMixture
from unseen.sklearn.mixed_mixture import MixedMixture
from unseen.sklearn.mixture_imputer import MixtureImputer

__all__ = ["GaussianMixture", "LatentModel", "MixedMixture", "MixtureImputer", "estimator"]


def __getattr__(name: str) -> Any:
    if not name.startswith("_") and name in (made := _made()):
        return made[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}: it has {', '.join(__dir__())}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_made()})


def _made() -> dict[str, type[LatentModel]]:
    from unseen.store.kinds import models

    return {cls.__name__: cls for cls in map(estimator, models())}
