"""scikit-learn estimators. Only this package imports scikit-learn; ``import unseen`` never does."""

from unseen.sklearn.gaussian_mixture import GaussianMixture
from unseen.sklearn.mixed_mixture import MixedMixture
from unseen.sklearn.mixture_imputer import MixtureImputer

__all__ = ["GaussianMixture", "MixedMixture", "MixtureImputer"]
