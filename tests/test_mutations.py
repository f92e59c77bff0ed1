"""Break the code on purpose: the conformance suite must notice every one of these."""

import importlib

import numpy as np
import pytest

from unseen.core.stats import Params
from unseen.families.gaussian import Gaussian
from unseen.models.mixture import Mixture
from unseen.numerics import by_moments, gaussian, incomplete
from unseen.testing import check_engine, check_model


def passes(example_home="unseen.families.gaussian"):
    check_model(importlib.import_module(example_home).example())


def scaled(name, factor):
    """An M-step that gets one parameter wrong by a factor."""
    right = Gaussian.moments

    def wrong(self, sums, params):
        out = right(self, sums, params)
        return Params({**out, name: out[name] * factor}, events=out.events)

    return wrong


def unbiased(self, sums, params, right=Gaussian.moments):
    """The divisor n - 1: a covariance that is not the maximum of the likelihood."""
    out = right(self, sums, params)
    n = sums["moments"][:, 0]
    factor = (n / (n - 1))[:, None, None]
    return Params({**out, "covariances": out["covariances"] * factor}, events=out.events)


def uniform_weights(self, stats, params, right=Mixture.maximize):
    out = right(self, stats, params)
    k = len(out["weights"])
    return Params({**out, "weights": np.full(k, 1 / k)})


def forgets_residual(self, mass, right=incomplete.IncompleteRows._spread):
    """Mean imputation without the conditional covariance: the classical mistake."""
    return right(self, mass) * 0


def test_the_suite_passes_unbroken():
    passes()


@pytest.mark.parametrize(
    ("owner", "name", "broken"),
    [
        (Gaussian, "moments", scaled("covariances", 1.01)),
        (Gaussian, "moments", scaled("means", 1.001)),
        (Gaussian, "moments", unbiased),
        (Mixture, "maximize", uniform_weights),
        (Gaussian, "size", lambda self, params: 0),
        (gaussian.FullForm, "log_prior", lambda self, prior: 0.0),
    ],
    ids=["covariance", "mean", "divisor", "weights", "size", "prior"],
)
def test_a_wrong_step_is_caught(monkeypatch, owner, name, broken):
    monkeypatch.setattr(owner, name, broken)
    with pytest.raises(AssertionError):
        passes("unseen.models.mixture" if owner is Mixture else "unseen.families.gaussian")


def test_mean_imputation_is_caught(monkeypatch):
    from tests.test_incomplete import airquality_fit

    assert airquality_fit() == pytest.approx(-2326.69738, abs=1e-4)
    monkeypatch.setattr(incomplete.IncompleteRows, "_spread", forgets_residual)
    monkeypatch.setattr(by_moments, "suits", lambda patterns: False)
    assert airquality_fit() != pytest.approx(-2326.69738, abs=1e-1)


def test_unordered_engine_is_caught():
    from unseen.engines.local import Memory

    class Backwards(Memory):
        def sum(self, f, which=None):
            return super().sum(f, list(reversed(range(len(self)) if which is None else which)))

    with pytest.raises(AssertionError):
        check_engine(Backwards)
