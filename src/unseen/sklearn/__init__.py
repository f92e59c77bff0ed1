"""scikit-learn estimators. Only this package imports scikit-learn; ``import unseen`` never does."""

from unseen.sklearn.gaussian_mixture import GaussianMixture

__all__ = ["GaussianMixture"]
