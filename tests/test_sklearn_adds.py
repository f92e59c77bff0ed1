"""What `unseen.sklearn.GaussianMixture` adds: missing cells, weights, partial labels, and refusals in a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.test_sklearn import FAITHFUL, FITTED, KINDS, clouds, knock_out, pair
from unseen.core.block import Cells
from unseen.core.profile import ColumnProfile, Profile
from unseen.errors import DataError
from unseen.sklearn import GaussianMixture
from unseen.sklearn.ridge import RidgedGaussian


@pytest.mark.parametrize("kind", KINDS)
def test_missing_cells_are_taken_everywhere(kind: str) -> None:
    full = clouds(500)
    X = knock_out(full)
    X[3] = np.nan
    mixture = GaussianMixture(3, covariance_type=kind, random_state=0, tol=1e-5, max_iter=2000).fit(X)
    assert mixture.converged_
    assert mixture.result_.loglik == pytest.approx(mixture.score(X) * len(X), rel=1e-9)
    np.testing.assert_allclose(mixture.predict_proba(X).sum(1), 1)
    np.testing.assert_allclose(mixture.predict_proba(X)[3], mixture.weights_)
    assert mixture.score_samples(X)[3] == pytest.approx(0, abs=1e-12)
    filled = mixture.impute(X)
    np.testing.assert_array_equal(filled[~np.isnan(X)], X[~np.isnan(X)])
    by_mean = np.where(np.isnan(X), np.nanmean(X, axis=0), X)
    error, worst = (((z - full) / full.std(0))[np.isnan(X)].std() for z in (filled, by_mean))
    assert error < worst
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(mixture.impute(X[order]), filled[order])
    np.testing.assert_allclose(mixture.score_samples(X[order]), mixture.score_samples(X)[order])


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_column_is_integrated_out(kind: str) -> None:
    from scipy.stats import multivariate_normal

    mixture = GaussianMixture(3, covariance_type=kind, random_state=0).fit(clouds())
    X = clouds(20, seed=5)
    X[:, 1] = np.nan
    cov = {
        "full": lambda k: mixture.covariances_[k],
        "tied": lambda k: mixture.covariances_,
        "diag": lambda k: np.diag(mixture.covariances_[k]),
        "spherical": lambda k: mixture.covariances_[k] * np.eye(3),
    }[kind]
    keep = np.ix_([0, 2], [0, 2])
    density = sum(
        mixture.weights_[k] * multivariate_normal(mixture.means_[k][[0, 2]], cov(k)[keep]).pdf(X[:, [0, 2]])
        for k in range(3)
    )
    np.testing.assert_allclose(mixture.score_samples(X), np.log(density))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [False, True])
def test_a_weight_counts_copies_from_the_start_on(kind: str, missing: bool) -> None:
    X = knock_out(clouds()) if missing else clouds()
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 4, len(X))
    repeated = rng.permutation(np.repeat(X, weights, axis=0))
    settings = {"n_components": 3, "covariance_type": kind, "random_state": 0, "tol": 1e-5, "max_iter": 1000}
    a = GaussianMixture(**settings).fit(X, sample_weight=weights)
    b = GaussianMixture(**settings).fit(repeated)
    for name in FITTED:
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-6)
    assert a.result_.loglik == pytest.approx(b.result_.loglik)
    assert a.result_.bic == pytest.approx(b.result_.bic) == pytest.approx(b.bic(repeated))


@pytest.mark.parametrize("init", ["kmeans", "random", "random_from_data", "k-means++"])
def test_some_known_labels_name_the_components(init: str) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 400)
    X = rng.normal(size=(400, 2)) + np.array([[0, 0], [4.5, 0], [0, 4.5]])[truth]
    labels = np.where(rng.random(400) < 0.1, truth, -1).astype(float)
    labels[labels == 1] = -1  # no row of the middle class is known
    labels[::2][labels[::2] == -1] = np.nan
    mixture = GaussianMixture(3, init_params=init, n_init=3, random_state=0, max_iter=500).fit(X, labels=labels)
    assert (mixture.predict(X) == truth).mean() > 0.93
    np.testing.assert_array_equal(
        mixture.fit_predict(X, labels=labels), mixture.predict(X), err_msg="fit_predict is predict after fit"
    )


def test_all_labels_known_give_the_class_moments() -> None:
    X = clouds()
    y = np.random.default_rng(0).integers(0, 2, len(X))
    mixture = GaussianMixture(2, reg_covar=0, random_state=0).fit(X, labels=y)
    np.testing.assert_allclose(mixture.means_, [X[y == k].mean(0) for k in (0, 1)])
    np.testing.assert_allclose(mixture.covariances_, [np.cov(X[y == k].T, bias=True) for k in (0, 1)])
    unknown = GaussianMixture(2, random_state=0).fit(X, labels=np.full(len(X), -1))
    np.testing.assert_array_equal(unknown.means_, GaussianMixture(2, random_state=0).fit(X).means_)


def test_a_constant_column_is_no_obstacle_with_a_ridge() -> None:
    X = np.column_stack([clouds(), np.full(300, 7.0)])
    ours, theirs = pair(X, n_components=2, init_params="random", random_state=0, max_iter=5, tol=0)
    np.testing.assert_allclose(ours.means_, theirs.means_, rtol=1e-7)
    np.testing.assert_allclose(ours.covariances_[:, 3, 3], 1e-6)


@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_a_component_that_only_the_ridge_holds_up_is_counted(kind: str) -> None:
    X = clouds(200, 2)
    settings = {"n_components": 2, "covariance_type": kind, "reg_covar": 1e-9, "max_iter": 300, "random_state": 0}
    assert "variance floor" not in GaussianMixture(**settings).fit(X).result_.params.events
    X[:8] = X[0] + 40  # eight copies of one far row: a likelihood without bound, but for reg_covar
    collapsed = GaussianMixture(**settings).fit(X)
    assert collapsed.weights_.min() == pytest.approx(8 / 200)
    assert collapsed.result_.params.events["variance floor"] >= 1


@pytest.mark.parametrize("form", ["full", "diagonal", "spherical"])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_any_rounding_of_a_collapse_is_seen_and_no_real_variance_taken_for_one(
    form: str, tied: bool, dtype: type
) -> None:
    """Sums in many orders of the rows, each with other rounding, of components that have a variance of exactly zero."""
    rng = np.random.default_rng(0)
    for seed in range(30):
        order = np.random.default_rng(seed).permutation(200)
        at = 10.0 ** rng.integers(0, 4, 2) * rng.normal(size=(2, 2))  # in deviations from the anchor
        for narrow in (0.0, 0.3):
            x = (at.repeat(100, axis=0) + narrow * rng.normal(size=(200, 2)))[order].T.astype(dtype)
            columns = (ColumnProfile(f"x{j}", "number", weight=200, m2=200, single=dtype is np.float32) for j in (0, 1))
            profile = Profile(tuple(columns), 200, 200, 200)
            family = RidgedGaussian(form, tied, floor=0.0, ridge=1e-9).bind(profile)
            r = (np.arange(2)[:, None] == (order >= 100)).astype(x.dtype)
            params = family.vague(2)
            _, collect = family.evaluate(family.prepare(params), [Cells(np.ascontiguousarray(x))])
            counted = family.moments(collect(r), params).events.get("variance floor", 0)
            if not narrow:
                assert counted >= 1
            elif dtype is np.float64 or np.abs(at).max() < 30:
                assert counted == 0


# ---- refusals


@pytest.mark.parametrize(
    ("settings", "fit", "message"),
    [
        ({"n_components": 0}, {}, "n_components"),
        ({"covariance_type": "round"}, {}, "covariance_type"),
        ({"n_components": 2, "weights_init": [0.5, 0.4]}, {}, "normalized"),
        ({"n_components": 2, "weights_init": [0.5, 0.3, 0.2]}, {}, r"'weights' should have the shape of \(2,\)"),
        ({"n_components": 2, "means_init": [[0.0, 1.0]]}, {}, r"'means' should have the shape of \(2, 2\)"),
        ({"n_components": 1, "precisions_init": [[[1.0, 2.0], [2.0, 1.0]]]}, {}, "positive-definite"),
        ({"covariance_type": "diag", "precisions_init": [[1.0, -1.0]]}, {}, "positive"),
        ({"n_components": 300}, {}, "Expected n_samples >= n_components"),
        ({}, {"labels": np.full(272, 4)}, "272 labels are not the number of a component, 0 to 0"),
        ({}, {"labels": ["north"] * 272}, "labels must be numbers"),
        ({}, {"labels": [0, 1]}, "one label per row"),
        ({}, {"sample_weight": -np.ones(272)}, "[Nn]egative"),
    ],
)
def test_bad_settings_get_a_sentence(settings: dict[str, Any], fit: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GaussianMixture(**settings).fit(FAITHFUL, **fit)


def test_bad_data_gets_a_sentence() -> None:
    empty, infinite = FAITHFUL.copy(), FAITHFUL.copy()
    empty[:, 1], infinite[0, 0] = np.nan, np.inf
    with pytest.raises(ValueError, match="'x1' has no observed value"):
        GaussianMixture().fit(empty)
    mixture = GaussianMixture().fit(FAITHFUL)
    for call in (mixture.fit, mixture.predict, mixture.score_samples, mixture.impute):
        with pytest.raises(ValueError, match="infinity"):
            call(infinite)
    with pytest.raises(ValueError, match="at least one sample"):
        mixture.sample(0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_collapsed_component_names_reg_covar(kind: str) -> None:
    X = np.repeat([[0.0, 1.0], [5.0, 2.0]], 20, axis=0)
    with pytest.raises(DataError, match="ill-defined empirical covariance.*increase reg_covar"):
        GaussianMixture(2, covariance_type=kind, reg_covar=0, random_state=0).fit(X)
