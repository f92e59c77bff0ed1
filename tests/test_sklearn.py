"""`unseen.sklearn.GaussianMixture` against scikit-learn's own class, and what it adds to it."""

from __future__ import annotations

import inspect
import io
import pickle
import subprocess
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as Theirs
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from unseen.sklearn import GaussianMixture

KINDS = ("full", "tied", "diag", "spherical")
FITTED = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_")
FAITHFUL = np.loadtxt(Path(__file__).parent / "data" / "faithful.csv", delimiter=",", skiprows=1)


def clouds(n: int = 300, d: int = 3, seed: int = 0) -> np.ndarray:
    """Three overlapping clouds with correlated columns in different units."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 2.5, (3, d))
    x = centres[rng.integers(0, 3, n)] + rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
    return x * np.geomspace(0.1, 10, d) + 5


def start(kind: str, X: np.ndarray, k: int = 3) -> dict[str, Any]:
    """A full set of initial parameters."""
    d = X.shape[1]
    precision = np.linalg.inv(np.cov(X.T))
    precisions = {
        "full": np.repeat(precision[None], k, 0),
        "tied": precision,
        "diag": np.repeat(1 / X.var(0)[None], k, 0),
        "spherical": np.full(k, d / X.var(0).sum()),
    }[kind]
    weights = np.arange(1, k + 1) / np.arange(1, k + 1).sum()
    return {"weights_init": weights, "means_init": X[[0, 7, 20][:k]], "precisions_init": precisions}


def pair(X: np.ndarray, **settings: Any) -> tuple[Any, Any]:
    """Our fit and theirs at the same settings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GaussianMixture(**settings).fit(X), Theirs(**settings).fit(X)


def knock_out(X: np.ndarray, share: float = 0.15, seed: int = 0) -> np.ndarray:
    """X with some cells missing."""
    return np.where(np.random.default_rng(seed).random(X.shape) < share, np.nan, X)


@parametrize_with_checks(
    [GaussianMixture()]
    + [GaussianMixture(2, covariance_type=kind, reg_covar=1e-4) for kind in KINDS]
    + [GaussianMixture(2, covariance_type="diag", init_params="k-means++", warm_start=True, n_init=2)]
)
def test_check_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


def test_the_constructor_is_theirs() -> None:
    ours, theirs = (inspect.signature(c.__init__).parameters.values() for c in (GaussianMixture, Theirs))
    assert [(p.name, p.kind, p.default) for p in ours] == [(p.name, p.kind, p.default) for p in theirs]


def test_every_public_name_of_theirs_is_here() -> None:
    fitted = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    theirs = Theirs(2, random_state=0).fit(FAITHFUL)
    assert {n for n in dir(theirs) if not n.startswith("_")} <= set(dir(fitted))


# ---- the same numbers


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reg_covar", [0.0, 1e-6, 0.3])
def test_same_start_and_iterations_give_the_same_fit(kind: str, reg_covar: float) -> None:
    X = clouds()
    settings = {"n_components": 3, "covariance_type": kind, "reg_covar": reg_covar, "tol": 0.0, "max_iter": 25}
    ours, theirs = pair(X, **settings, **start(kind, X))
    for name in FITTED:
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8, atol=1e-9, err_msg=name)
        assert getattr(ours, name).shape == getattr(theirs, name).shape
    assert ours.n_iter_ == theirs.n_iter_ == 25
    np.testing.assert_allclose(ours.lower_bounds_, theirs.lower_bounds_, rtol=1e-10)
    assert ours.lower_bound_ == pytest.approx(theirs.lower_bound_, rel=1e-10)
    fresh = clouds(seed=1)
    for method in ("predict_proba", "score_samples", "score", "bic", "aic"):
        a, b = getattr(ours, method)(fresh), getattr(theirs, method)(fresh)
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8, err_msg=method)
    np.testing.assert_array_equal(ours.predict(fresh), theirs.predict(fresh))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_random_state_draws_the_same_random_start_and_sample(kind: str) -> None:
    settings = {"n_components": 3, "covariance_type": kind, "init_params": "random", "n_init": 2}
    ours, theirs = pair(clouds(), **settings, random_state=4, max_iter=8, tol=0.0)
    np.testing.assert_allclose(ours.means_, theirs.means_, rtol=1e-8)
    (a, p), (b, q) = ours.sample(50), theirs.sample(50)
    np.testing.assert_allclose(a, b, rtol=1e-6)
    np.testing.assert_array_equal(p, q)


def test_rows_drawn_for_random_from_data_are_theirs() -> None:
    X = clouds()
    X = (X - X.mean(0)) / X.std(0)
    ours, theirs = pair(X, n_components=3, init_params="random_from_data", random_state=1, max_iter=0)
    np.testing.assert_allclose(theirs.means_, X[np.random.RandomState(1).choice(len(X), 3, replace=False)])
    nearest = ((X[:, None] - theirs.means_) ** 2).sum(-1).argmin(1)
    np.testing.assert_allclose(ours.means_, [X[nearest == k].mean(0) for k in range(3)])
    assert (ours.n_iter_, ours.converged_, ours.lower_bounds_) == (0, False, [])


@pytest.mark.parametrize("init", ["kmeans", "k-means++", "random", "random_from_data"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_start_reaches_the_published_fit_of_faithful(init: str, kind: str) -> None:
    known = {"full": -1130.26396, "tied": -1140.1868, "diag": -1147.8064, "spherical": -1709.5293}[kind]
    mixture = GaussianMixture(
        2, covariance_type=kind, init_params=init, reg_covar=0, tol=1e-6, max_iter=2000, n_init=2, random_state=0
    ).fit(FAITHFUL)
    assert mixture.converged_
    assert mixture.score(FAITHFUL) * len(FAITHFUL) == pytest.approx(known, abs=1e-3)
    assert mixture.result_.loglik == pytest.approx(known, abs=1e-3)
    assert mixture.bic(FAITHFUL) == pytest.approx(mixture.result_.bic)


@pytest.mark.parametrize("given", ["weights_init", "means_init", "precisions_init"])
@pytest.mark.parametrize("kind", KINDS)
def test_one_given_part_replaces_that_part_of_the_start(given: str, kind: str) -> None:
    X = clouds()
    part = {given: start(kind, X)[given]}
    settings = {"n_components": 3, "covariance_type": kind, "init_params": "random", "random_state": 0, "tol": 0.0}
    ours, theirs = pair(X, **settings, **part, max_iter=3)
    for name in FITTED:
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("scale", [10, 6])
def test_integers_are_data_like_any_other(scale: int) -> None:
    X = np.rint(FAITHFUL * [scale, 1])
    ours, theirs = pair(X.astype(np.int64), n_components=2, random_state=0)
    assert ours.score(X.astype(np.int64)) == ours.score(X)
    assert ours.score(X) == pytest.approx(theirs.score(X), abs=1e-2)
    np.testing.assert_array_equal(ours.predict_proba(X.astype(np.int32)), ours.predict_proba(X))


def test_single_precision_stays_single() -> None:
    X = clouds().astype(np.float32)
    single = {name: value.astype(np.float32) for name, value in start("full", X).items()}
    ours, theirs = pair(X, n_components=3, **single, max_iter=10)
    for name in FITTED:
        assert getattr(ours, name).dtype == getattr(theirs, name).dtype == np.float32
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=0.02, atol=1e-2)
    for method in ("predict_proba", "score_samples", "impute"):
        assert getattr(ours, method)(X).dtype == np.float32


# ---- stopping


def test_a_cap_is_not_convergence() -> None:
    with pytest.warns(ConvergenceWarning, match="did not converge: hit the cap.*max_iter"):
        mixture = GaussianMixture(3, max_iter=5, tol=1e-12, random_state=0).fit(clouds())
    assert not mixture.converged_
    assert mixture.n_iter_ == 5 == len(mixture.lower_bounds_)


def test_tol_bounds_what_is_left_to_gain() -> None:
    X = clouds(seed=3)
    tol = 1e-4
    ours, theirs = pair(X, n_components=3, tol=tol, max_iter=5000, **start("full", X))
    best = GaussianMixture(3, tol=1e-9, max_iter=20_000, **start("full", X)).fit(X)
    assert ours.converged_
    assert 0 <= best.score(X) - ours.score(X) < 2 * tol
    assert ours.n_iter_ > theirs.n_iter_


@pytest.mark.parametrize("reg_covar", [0.5, 5.0])
def test_a_heavy_ridge_may_sink_the_likelihood_and_still_converges(reg_covar: float) -> None:
    X = FAITHFUL / FAITHFUL.std(0)
    mixture = GaussianMixture(2, reg_covar=reg_covar, tol=1e-6, max_iter=5000, random_state=0).fit(X)
    assert mixture.converged_
    assert (np.diff(mixture.lower_bounds_) < -1e-9).any()


def test_warm_start_goes_on_from_where_it_stood() -> None:
    X = clouds()
    settings = {"n_components": 3, "tol": 0.0, **start("full", X)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        whole = GaussianMixture(max_iter=20, **settings).fit(X)
        steps = GaussianMixture(max_iter=10, warm_start=True, **settings).fit(X).fit(X)
        again = GaussianMixture(max_iter=10, **settings).fit(X).fit(X)
    np.testing.assert_allclose(steps.means_, whole.means_, rtol=1e-10)
    assert not np.allclose(again.means_, whole.means_, rtol=1e-10)


def test_the_random_state_decides() -> None:
    X = knock_out(clouds())
    a, b = (GaussianMixture(4, random_state=s, n_init=2).fit(X) for s in (3, 3))
    np.testing.assert_array_equal(a.means_, b.means_)
    c = GaussianMixture(4, init_params="random", random_state=np.random.RandomState(1)).fit(X)
    d = GaussianMixture(4, init_params="random", random_state=np.random.RandomState(2)).fit(X)
    assert not np.array_equal(c.means_, d.means_)


def test_verbose_tells_each_start() -> None:
    said = io.StringIO()
    with redirect_stdout(said):
        GaussianMixture(2, n_init=2, verbose=2, verbose_interval=1, random_state=0).fit(FAITHFUL)
    assert said.getvalue().count("Initialization converged.") == 2
    assert "Initialization 1" in said.getvalue()
    assert "ll change" in said.getvalue()


# ---- inside scikit-learn


def test_in_a_pipeline_and_a_grid_search() -> None:
    X = knock_out(FAITHFUL)
    pipeline = make_pipeline(StandardScaler(), GaussianMixture(random_state=0, tol=1e-4, max_iter=1000))
    grid = {"gaussianmixture__n_components": [1, 2], "gaussianmixture__covariance_type": ["full", "spherical"]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(X)
    assert search.best_params_["gaussianmixture__n_components"] == 2
    assert search.predict(X).shape == (len(X),)


def test_metadata_routing_carries_weights_and_labels() -> None:
    request = GaussianMixture().get_metadata_routing().fit.requests
    assert {"sample_weight", "labels"} <= set(request)


def test_it_survives_pickle_and_clone() -> None:
    X = knock_out(clouds())
    mixture = GaussianMixture(3, covariance_type="tied", random_state=0, max_iter=500).fit(X)
    mixture.result_.responsibilities(X)
    again = pickle.loads(pickle.dumps(mixture))
    np.testing.assert_array_equal(again.predict_proba(X), mixture.predict_proba(X))
    assert again.result_.bic == mixture.result_.bic
    assert not hasattr(clone(mixture), "means_")


def test_names_of_columns_reach_the_result() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(FAITHFUL, columns=["eruptions", "waiting"])
    mixture = GaussianMixture(2, random_state=0).fit(frame)
    assert mixture.feature_names_in_.tolist() == ["eruptions", "waiting"]
    assert mixture.result_.profile.names == ("eruptions", "waiting")
    np.testing.assert_allclose(mixture.result_.log_prob(frame.to_dict("list")), mixture.score_samples(frame))
    with pytest.raises(ValueError, match="feature names"):
        mixture.predict(frame[["waiting", "eruptions"]])
    clash = frame.rename(columns={"waiting": "(weights)"})
    weighted = GaussianMixture(2, random_state=0).fit(clash, sample_weight=np.ones(len(clash)))
    np.testing.assert_allclose(weighted.means_, mixture.means_)


def test_attributes_set_by_hand_are_what_scores() -> None:
    fitted = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    by_hand = GaussianMixture(2)
    for name in FITTED:
        setattr(by_hand, name, getattr(fitted, name))
    by_hand.n_features_in_ = 2
    np.testing.assert_array_equal(by_hand.predict_proba(FAITHFUL), fitted.predict_proba(FAITHFUL))


def test_importing_unseen_leaves_sklearn_alone() -> None:
    code = "import sys, unseen; unseen.fit; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
