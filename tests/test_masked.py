"""What lies under the mask of a NumPy masked array is missing, in every estimator and every argument."""

import numpy as np
import pytest

import unseen
from unseen import Gaussian, Mixture
from unseen.sklearn import GaussianMixture, MixedMixture, MixtureImputer

RNG = np.random.default_rng(0)
X = np.concatenate([RNG.normal(0, 1, (60, 2)), RNG.normal(5, 1, (40, 2))])
MASK = RNG.random(X.shape) < 0.2
HOLES = np.where(MASK, np.nan, X)
MASKED = np.ma.masked_array(np.where(MASK, 1e3, X), MASK)
WHOLE = np.ma.masked_array(np.where(MASK, 999, np.round(X)).astype(int), MASK)


def estimators():
    return [GaussianMixture(2, random_state=0), MixedMixture(2, restarts=2), MixtureImputer(2, restarts=2)]


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("given", [MASKED, WHOLE, MASKED.astype(np.float32)], ids=["float", "whole", "single"])
def test_cells_under_the_mask_are_missing(number, given):
    plain = np.where(MASK, np.nan, np.ma.getdata(given).astype(float if given.dtype.kind == "i" else given.dtype))
    one, other = estimators()[number].fit(plain), estimators()[number].fit(given)
    assert other.weights_ == pytest.approx(one.weights_, rel=1e-6)
    if number == 2:
        assert not np.ma.is_masked(other.transform(given))
        assert np.asarray(other.transform(given), float) == pytest.approx(
            np.asarray(one.transform(plain), float), rel=1e-5
        )
        return
    for method in ("predict", "predict_proba", "score_samples", "score", "bic", "aic"):
        assert getattr(other, method)(given) == pytest.approx(getattr(one, method)(plain), rel=1e-5), method


def test_the_drop_in_imputes_what_is_masked():
    one = GaussianMixture(2, random_state=0).fit(HOLES)
    assert one.impute(MASKED) == pytest.approx(one.impute(HOLES))


@pytest.mark.parametrize("number", range(2))
def test_labels_under_the_mask_are_unknown(number):
    labels = np.where(np.arange(100) < 60, 0, 1)
    unknown = np.arange(100) % 3 > 0
    masked = np.ma.masked_array(np.where(unknown, 1, labels), unknown)
    plain = np.where(unknown, -1, labels)
    one, other = (estimators()[number].fit(X, labels=y) for y in (plain, masked))
    assert other.weights_ == pytest.approx(one.weights_)


def test_weights_under_the_mask_are_refused():
    weights = np.ma.masked_array(np.ones(100), np.arange(100) < 3)
    with pytest.raises(unseen.DataError, match="3 of 100 row weights are negative, missing"):
        unseen.fit(Mixture(Gaussian(), 2), X, weights=weights)
    for one in estimators():
        with pytest.raises(ValueError, match="sample_weight|Input"):
            one.fit(X, sample_weight=weights)
