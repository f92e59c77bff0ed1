"""Arguments, labels, units and data that cannot be: one sentence each, before anything is computed."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import unseen
from unseen import HMM, DataError, FactorAnalysis, Gaussian, Mixture, ModelError, NumericalError
from unseen.sklearn import GaussianMixture, MixedMixture

RNG = np.random.default_rng(0)
X = np.concatenate([RNG.normal(0, 1, (60, 2)), RNG.normal(5, 1, (40, 2))])
MODEL = Mixture(Gaussian(), 2)


@pytest.mark.parametrize(
    "name, value",
    [
        ("prior", -1), ("prior", np.nan), ("prior", "1"), ("restarts", -2), ("restarts", 0), ("restarts", 1.5),
        ("seed", None), ("seed", -1), ("seed", "a"), ("tol", -1.0), ("max_iterations", 0), ("max_iterations", 2.5),
        ("max_seconds", 0), ("short", -1), ("finish", 0), ("workers", 0), ("block_rows", 0),
    ],
)  # fmt: skip
def test_an_argument_that_cannot_be(name, value):
    calls = [lambda **o: unseen.fit(MODEL, X, **o)]
    if name not in ("workers", "block_rows"):
        calls.append(lambda **o: unseen.select(MODEL, X, [1, 2], **o))
    for call in calls:
        with pytest.raises(ModelError, match=f"^{name}=.* cannot be: take .*, a (whole|finite) number"):
            call(**{name: value})


def test_numbers_of_numpy_are_numbers():
    fit = unseen.fit(MODEL, X, seed=np.int64(1), restarts=np.int32(2), prior=np.float32(1), max_iterations=np.int64(20))
    assert len(fit.restarts) == 2


def test_rows_and_draws():
    fit = unseen.fit(MODEL, X, seed=0, restarts=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match="nothing to score"):
            fit.score(X[:0])
        assert fit.log_prob(X[:0]).shape == (0,) and fit.responsibilities(X[:0]).shape == (0, 2)
    for n in (-1, 2.5, None):
        with pytest.raises(ModelError, match="n=.* cannot be"):
            fit.sample(n)
    with pytest.raises(ModelError, match="draws=0 cannot be"):
        fit.impute(X, draws=0)


@pytest.mark.parametrize("size, word", [(1e-200, "small"), (1e-160, "small"), (1e160, "large"), (1e300, "large")])
def test_numbers_whose_squares_are_none(size, word):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for model in (MODEL, HMM(Gaussian(), 2), FactorAnalysis(1, "isotropic")):
            with pytest.raises((DataError, NumericalError), match=f"'x0' has numbers so {word}.*rescale.*ignore="):
                unseen.fit(model, X * size)
        for estimator in (GaussianMixture(2), GaussianMixture(2, covariance_type="diag"), MixedMixture(2)):
            with pytest.raises(ValueError, match=f"scale.*numbers so {word}|numbers so {word}.*rescale"):
                estimator.fit(X * size)
        assert unseen.fit(MODEL, X * (1e-140 if word == "small" else 1e140), seed=0, restarts=2).converged


def test_a_constant_column_is_still_called_constant():
    with pytest.raises(DataError, match="'x0' is constant"):
        unseen.fit(MODEL, np.zeros((50, 1)))


@pytest.mark.parametrize("container", [dict, pd.DataFrame, pa.table])
@pytest.mark.parametrize("gap", [np.nan, None])
def test_rows_that_name_no_unit(container, gap):
    unit = [*["a"] * 50, *[gap] * 50] if gap is None else [*[1.0] * 50, *[gap] * 50]
    column = np.array(unit, object if gap is None else float)
    data = container({"u": column, "x": X[:, 0]})
    with pytest.raises(DataError, match="unit column 'u' is missing in 50 rows"):
        unseen.fit(HMM(Gaussian(), 2), data, unit="u")


@pytest.mark.parametrize("parts", [[X[:30], X[30:60]], [X[:20], X[30:60]], [list(X[:3]), list(X[:5])]])
def test_a_list_of_sequences(parts):
    for model in (HMM(Gaussian(), 2), MODEL):
        with pytest.raises(DataError, match=r"list of 2 parts.*unit="):
            unseen.fit(model, parts)


def test_minus_one_among_the_labels_is_said():
    labels = np.full(100, -1)
    labels[:5], labels[60:65] = 0, 1
    with pytest.raises(DataError, match="-1 is one of them: mark unknown labels by NaN or None"):
        unseen.fit(MODEL, X, labels=labels)
    fit = unseen.fit(Mixture(Gaussian(), 3), X, labels=labels, seed=0)
    assert any(w.startswith("The label -1 was taken for a class") for w in fit.warnings)
    plain = np.where(labels < 0, np.nan, labels)
    assert not any("label -1" in w for w in unseen.fit(MODEL, X, labels=plain, seed=0).warnings)


@pytest.mark.parametrize("change", [{"n_components": 3}, {"covariance_type": "diag"}, {"covariance_type": "tied"}])
def test_a_warm_start_of_another_shape(change):
    one = GaussianMixture(2, warm_start=True, random_state=0).fit(X)
    with pytest.raises(ValueError, match=f"warm_start=True.*{next(iter(change))}"):
        one.set_params(**change).fit(X)
    assert one.set_params(warm_start=False).fit(X).converged_


def test_a_warm_start_with_other_columns():
    one = GaussianMixture(2, warm_start=True, random_state=0).fit(X)
    with pytest.raises(ValueError, match="X had 2 columns and has 1 now"):
        one.fit(X[:, :1])
    assert one.fit(X).converged_
