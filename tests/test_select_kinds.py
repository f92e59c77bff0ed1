"""`select` for every kind of model: the number of components, of states, of factors."""

import numpy as np
import pytest

import unseen
from unseen import HMM, FactorAnalysis, LogisticExperts, Mixture, ModelError, Poisson

ABILITY = unseen.models.factor_analysis.example().data
YEARS = np.array(unseen.models.hmm.EARTHQUAKES.split(), float)


def by_hand(model_for, data, numbers, **options):
    return min(numbers, key=lambda k: unseen.fit(model_for(k), data, seed=0, **options).bic)


@pytest.mark.parametrize("noise, numbers", [("diagonal", range(1, 4)), ("isotropic", range(1, 6))])
def test_the_number_of_factors(noise, numbers):
    best = unseen.select(FactorAnalysis(1, noise), ABILITY, numbers, seed=0)
    assert best.model.factors == by_hand(lambda q: FactorAnalysis(q, noise), ABILITY, numbers)
    assert [r["components"] for r in best.search] == list(numbers)
    assert (
        "Number of factors, chosen by BIC" in best.summary()
        and f"FactorAnalysis of {best.model.factors}" in best.summary()
    )


def test_more_factors_than_the_columns_determine_are_a_row_with_a_reason():
    best = unseen.select(FactorAnalysis(1), ABILITY, seed=0)
    assert best.model.factors == 2
    reasons = [r["reason"] for r in best.search if "cannot determine" in r.get("reason", "")]
    assert reasons and "6 columns cannot determine 4 factors" in reasons[0]
    with pytest.raises(ModelError, match="6 columns cannot determine 4 factors"):
        unseen.select(FactorAnalysis(1), ABILITY, [4])


def test_factors_by_held_out_rows():
    assert unseen.select(FactorAnalysis(1), ABILITY, range(1, 4), "heldout", seed=0).model.factors in (1, 2, 3)


def test_the_number_of_states():
    best = unseen.select(HMM(Poisson(), 1), YEARS, range(1, 4), seed=0, restarts=4)
    # Zucchini & MacDonald (2009), table 6.1, which counts the years, too: the criterion takes two states
    assert best.model.states == 2 and best.bic == pytest.approx(707.12, abs=0.02)
    assert "Number of states, chosen by BIC" in best.summary()
    assert not any("component" in w for w in best.warnings)
    assert unseen.select(HMM(Poisson(), 1), YEARS, seed=0, restarts=2).model.states == 2


def test_the_number_of_experts():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    data = {"x": x, "y": (rng.random(200) < 1 / (1 + np.exp(-2 * x))).astype(int)}
    for criterion in ("bic", "heldout"):
        best = unseen.select(LogisticExperts(1, target="y"), data, range(1, 3), criterion, seed=0, restarts=2)
        assert len(best.search) == 2 and best.model.target == "y"


def test_a_model_that_does_not_say_what_to_count_is_refused_in_words():
    class Own(Mixture):
        order = "pieces"

    with pytest.raises(ModelError, match="Own has no field 'pieces'"):
        unseen.select(Own(Poisson(), 1), YEARS, [1, 2])
