"""Rows, units and cells that say nothing change nothing: no parameter, no criterion, no score."""

import importlib
import pkgutil

import numpy as np
import pytest

import unseen
from unseen import HMM, FactorAnalysis, Gaussian, LogisticExperts, Mixture, Poisson
from unseen.sklearn import GaussianMixture, MixedMixture
from unseen.testing.setting import set_up

RNG = np.random.default_rng(3)
Y = np.r_[RNG.normal(0, 1, 30), RNG.normal(2.6, 1, 20)]
EARTH = np.array(unseen.models.hmm.EARTHQUAKES.split(), float)


def agree(a, b):
    assert a.loglik == pytest.approx(b.loglik, rel=1e-9)
    assert (a.weight, a.size) == (b.weight, b.size)
    for name in ("bic", "icl", "aic", "entropy", "certainty"):
        one, other = getattr(a, name), getattr(b, name)
        assert (one is None and other is None) or one == pytest.approx(other, rel=1e-6, abs=1e-9), name


@pytest.mark.parametrize("criterion", ["bic", "icl"])
def test_missing_rows_do_not_change_the_number_of_components(criterion):
    apart = np.r_[RNG.normal(0, 1, 30), RNG.normal(5.0, 1, 20)]
    for data in (Y, apart):
        whole = unseen.select(Mixture(Gaussian(), 1), data, range(1, 3), criterion, seed=0, restarts=3)
        padded = np.r_[data, np.full(450, np.nan)]
        again = unseen.select(Mixture(Gaussian(), 1), padded, range(1, 3), criterion, seed=0, restarts=3)
        assert again.model.components == whole.model.components
        agree(whole, again)


@pytest.mark.parametrize("family", ["bernoulli", "gamma", "poisson", "student_t", "product", "ordinal", "hurdle"])
def test_every_family_fits_as_if_they_were_not_there(family):
    e = importlib.import_module(f"unseen.families.{family}").example()
    data = e.data if isinstance(e.data, dict) else {"x": np.asarray(e.data)}
    options = {k: v for k, v in e.options.items() if k not in ("restarts", "tol", "max_iterations")}
    padded = {n: np.r_[np.asarray(c, object), np.full(30, None)] for n, c in data.items()}
    data = {n: np.asarray(c, object) for n, c in data.items()}
    for name in ("weights", "labels"):
        if isinstance(options.get(name), np.ndarray):
            pytest.skip("weights of its own")
    one, other = (unseen.fit(e.model, d, restarts=2, seed=1, max_iterations=20, **options) for d in (data, padded))
    agree(one, other)


def test_kinds_other_than_mixtures():
    ability = unseen.models.factor_analysis.example().data
    padded = {n: np.r_[c, np.full(200, np.nan)] for n, c in ability.items()}
    agree(unseen.fit(FactorAnalysis(1), ability), unseen.fit(FactorAnalysis(1), padded))

    rings = unseen.models.logistic_experts.example().data
    more = {
        "temperature": np.r_[rings["temperature"], np.linspace(50, 80, 40)],
        "distress": np.r_[rings["distress"].astype(float), np.full(40, np.nan)],
    }
    model = LogisticExperts(1, target="distress")
    one, other = unseen.fit(model, rings, tol=1e-12), unseen.fit(model, more, tol=1e-12)
    assert one.loglik == pytest.approx(other.loglik, abs=1e-6)
    assert one.weight == other.weight == 23


def test_an_hmm_counts_rows_with_an_observed_cell():
    once = unseen.fit(HMM(Poisson(), 2), EARTH, seed=0, restarts=2)
    assert once.weight == 107
    longer = unseen.fit(HMM(Poisson(), 2), np.r_[EARTH, np.full(60, np.nan)], seed=0, restarts=2, tol=1e-10)
    assert longer.weight == 107
    assert longer.bic == pytest.approx(once.bic, abs=1e-3)
    assert longer.icl == pytest.approx(once.icl, abs=0.05)
    units = {"x": np.r_[EARTH, np.full(60, np.nan)], "s": np.r_[np.zeros(107), np.ones(60)]}
    agree(once, unseen.fit(HMM(Poisson(), 2), units, unit="s", seed=0, restarts=2))


def test_scores_are_means_over_rows_that_say_something():
    fit = unseen.fit(Mixture(Gaussian(), 2), Y, seed=0)
    assert fit.score(np.r_[Y, np.full(450, np.nan)]) == pytest.approx(fit.score(Y))
    with pytest.raises(unseen.DataError, match="nothing to score"):
        fit.score(np.full(3, np.nan))


def test_estimators_of_scikit_learn():
    x = Y[:, None]
    padded = np.r_[x, np.full((450, 1), np.nan)]
    for one in (GaussianMixture(2, random_state=0), MixedMixture(2, random_state=0)):
        expected = one.fit(x).means_ if isinstance(one, GaussianMixture) else one.fit(x).weights_
        bic, score = one.bic(x), one.score(x)
        assert one.bic(padded) == pytest.approx(bic)
        assert one.score(padded) == pytest.approx(score / 10)  # the mean of score_samples, by scikit-learn's contract
        again = one.fit(padded).means_ if isinstance(one, GaussianMixture) else one.fit(padded).weights_
        assert again == pytest.approx(expected)


def test_held_out_rows_that_say_nothing_do_not_count():
    held = unseen.select(
        Mixture(Gaussian(), 1), np.r_[Y, np.full(50, np.nan)], range(1, 3), "heldout", seed=0, restarts=2
    )
    whole = unseen.select(Mixture(Gaussian(), 1), Y, range(1, 3), "heldout", seed=0, restarts=2)
    # half of the held-out rows say nothing: as rows of density one they would halve the mean
    assert held.search[0]["heldout"] == pytest.approx(whole.search[0]["heldout"], abs=0.4)


def test_a_label_says_something_of_a_row_without_cells():
    labels = np.r_[np.full(50, np.nan), np.zeros(10), np.full(5, np.nan)]
    labels[:3], labels[30:33] = 0, 1
    fit = unseen.fit(Mixture(Gaussian(), 2), np.r_[Y, np.full(15, np.nan)], labels=labels, seed=0)
    assert fit.weight == 60


@pytest.mark.parametrize("room", ["families", "models"])
def test_a_block_of_nothing_adds_nothing(room):
    package = importlib.import_module(f"unseen.{room}")
    for module in pkgutil.iter_modules(package.__path__):
        s = set_up(importlib.import_module(f"unseen.{room}.{module.name}").example())
        none = s.model.expect(s.params, s.block.keep(np.zeros(s.block.rows, bool)))
        both, whole = s.model.expect(s.params, s.block) + none, s.model.expect(s.params, s.block)
        assert both.sums.keys() == whole.sums.keys() and both.loglik == whole.loglik, module.name


def test_sentences_are_true_of_the_model():
    gap = EARTH.copy()
    gap[40:44] = np.nan
    hmm = unseen.fit(HMM(Poisson(), 2), gap, seed=0, restarts=2).warnings
    assert any("the rows before and after them in their sequence tell their states" in w for w in hmm)
    assert not any("component weights" in w for w in hmm)
    ability = {n: np.r_[c, np.nan] for n, c in unseen.models.factor_analysis.example().data.items()}
    factors = unseen.fit(FactorAnalysis(1), ability).warnings
    assert any("say nothing" in w for w in factors)
    assert not any("component" in w for w in factors)
