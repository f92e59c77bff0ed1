"""Labels and starts: no start is drawn twice."""

import numpy as np
import pytest

import unseen
from unseen import HMM, Gaussian, Mixture, Poisson

RNG = np.random.default_rng(3)
X = np.concatenate([RNG.normal(0, 1, (60, 2)), RNG.normal(3, 1, (40, 2))])
SOME = np.full(100, np.nan)
SOME[:5], SOME[60:65] = 0, 1


def ends(result):
    return [(r["objective"], r["iterations"]) for r in result.restarts]


@pytest.mark.parametrize("start", ["labels", "kmeans++"])
@pytest.mark.parametrize("model", [Mixture(Gaussian("full"), 2), HMM(Gaussian("full"), 2)], ids=["mixture", "hmm"])
def test_starts_that_follow_the_labels_are_one(model, start):
    fit = unseen.fit(model, X, labels=SOME, start=start, restarts=10, seed=0)
    assert len(fit.restarts) == 1


def test_starts_in_turn_differ():
    fit = unseen.fit(Mixture(Gaussian("full"), 2), X, labels=SOME, restarts=10, seed=0, short=3, max_iterations=3)
    assert len(set(ends(fit))) == len(fit.restarts) == 10


def test_where_a_component_has_no_class_starts_differ():
    for start in ("labels", "kmeans++", "auto"):
        fit = unseen.fit(
            Mixture(Gaussian("full"), 3), X, labels=SOME, start=start, restarts=6, seed=0, short=3, max_iterations=3
        )
        assert len(fit.restarts) == 6 and len(set(ends(fit))) > 1, start


def test_labels_that_say_everything_leave_nothing_to_start():
    counts = RNG.poisson(np.where(np.arange(100) < 60, 2, 9))
    full = (np.arange(100) >= 60).astype(float)
    assert len(unseen.fit(Mixture(Poisson(), 2), counts, labels=full, restarts=10).restarts) == 1
