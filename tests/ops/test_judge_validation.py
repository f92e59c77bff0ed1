"""Held-out densities, paired with the champion's: against the definition, and what must never be compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import unseen
from tests.ops.judge_case import at, compared, held, pair, two
from tests.ops.judge_case import settings as configured
from unseen.core.stats import Params
from unseen.errors import DataError, ModelError, NumericalError, SchemaError
from unseen.ops.judge import validate
from unseen.ops.judge.scores import PerRow, Scores
from unseen.ops.record import Validation
from unseen.sources.arrays import Arrays
from unseen.store import load


def mean_and_error(values):
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values))


def against_the_definition(seed=0, block_rows=None):
    """Weights are copies; cells are missing; the candidate is the truth, so it must gain."""
    data = two(300, seed)
    draw = np.random.default_rng(seed)
    data["b"][draw.random(300) < 0.3] = np.nan
    weighted = {**data, "w": draw.integers(0, 4, 300).astype(float)}
    candidate = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), weighted, weights="w", restarts=2)
    champion = pair(data)[1]
    found, rows = compared(candidate, champion, weighted, block_rows)
    copies = weighted["w"][rows].astype(int)
    ours, theirs = (np.repeat(r.log_prob(data)[rows], copies) for r in (candidate, champion))
    assert (found.heldout, found.heldout_se) == pytest.approx(mean_and_error(ours), rel=1e-9)
    assert found.champion == pytest.approx(theirs.mean(), rel=1e-9)
    assert (found.gain, found.gain_se) == pytest.approx(mean_and_error(ours - theirs), rel=1e-8)
    assert found.gain > 3 * found.gain_se > 0
    assert found.training == pytest.approx(candidate.loglik / weighted["w"].sum())
    assert (found.rows, found.units, found.compared) == ((copies > 0).sum(),) * 3
    assert (found.impossible, found.champion_impossible, found.lost) == (0, 0, 0)
    return found


@pytest.mark.parametrize("block_rows", [None, 37])
def test_means_gains_and_errors_are_those_of_the_definition(block_rows) -> None:
    against_the_definition(block_rows=block_rows)


@settings(max_examples=20, deadline=None)
@given(shift=st.floats(-2, 2), seed=st.integers(0, 99))
def test_the_gain_changes_sign_with_the_sides(shift, seed) -> None:
    data = two(80, seed)
    one, other = pair(data, shift)
    there, back = (compared(*sides, data)[0] for sides in ((one, other), (other, one)))
    assert there.gain == -back.gain and there.gain_se == back.gain_se
    assert there.gain == pytest.approx(there.heldout - there.champion, abs=1e-9)


def flipped(block, candidate, champion, right=Scores.of):
    return right(block, champion, candidate)


def unpaired(block, candidate, champion, right=Scores.of):
    """The standard error of two independent means: the pairing thrown away."""
    found = right(block, candidate, champion)
    squares = found.candidate.sums.squares + found.champion.sums.squares
    return replace(found, gain=replace(found.gain, sums=replace(found.gain.sums, squares=squares)))


def unweighted(block, candidate, champion, right=Scores.of):
    return right(replace(block, weights=None), candidate, champion)


def negated(block, candidate, champion, right=Scores.of):
    found = right(block, candidate, champion)
    sums = replace(found.gain.sums, total=-found.gain.sums.total)
    return replace(found, gain=replace(found.gain, sums=sums))


def forgets_copies(totals, copies, rows, right=PerRow.of):
    return right(totals, np.minimum(copies, 1), rows)


@pytest.mark.parametrize("broken", [flipped, negated, unpaired, unweighted])
def test_a_broken_comparison_is_caught(monkeypatch, broken) -> None:
    monkeypatch.setattr(Scores, "of", broken)
    with pytest.raises(AssertionError):
        against_the_definition()


def test_forgotten_copies_are_caught(monkeypatch) -> None:
    monkeypatch.setattr(PerRow, "of", forgets_copies)
    with pytest.raises(AssertionError):
        against_the_definition()


def test_a_model_gains_exactly_nothing_on_itself(tmp_path) -> None:
    data = two()
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 3), data, restarts=2)
    again = load(result.save(tmp_path / "run"))
    found, _ = compared(result, again, data, block_rows=64)
    assert (found.gain, found.gain_se, found.moved_share) == (0.0, 0.0, 0.0)
    assert found.heldout == found.champion
    assert [(m.kind, m.candidate, m.champion) for m in found.matches] == [("kept", (k,), (k,)) for k in range(3)]
    assert [m.distance for m in found.matches] == [0.0] * 3
    assert Validation.model_validate_json(found.model_dump_json()) == found


def test_threads_do_not_change_a_bit(monkeypatch) -> None:
    data = two(900)
    found = []
    for cores in (1, 4):
        monkeypatch.setattr("unseen.engines.local.usable_cores", lambda cores=cores: cores)
        found.append(compared(*pair(data), data, block_rows=50)[0])
    assert found[0] == found[1]


def test_nothing_is_read_that_does_not_judge() -> None:
    data = two(400)
    source = Arrays(data, block_rows=50)
    read = source.read
    seen = []
    source.read = lambda part, columns: seen.append(part.id) or read(part, columns)
    holdout, rows = held(source)
    holdout.newest_mask = lambda part: np.full(part.rows, part.id == 7)
    candidate, champion = pair(data)
    found = validate(candidate, champion, source, holdout, configured())
    assert (set(seen), found.rows) == ({7}, 50)


# ---- density zero


def carriers(unknown=0.1, n=400):
    """Two carriers in two groups; the newest rows also have a third."""
    draw = np.random.default_rng(0)
    z = draw.integers(0, 2, n)
    carrier = np.where(draw.random(n) < 0.2 + 0.6 * z, "AA", "UA").astype(object)
    old = {"carrier": carrier, "x": draw.normal(size=n) + 3 * z}
    new = {**old, "carrier": np.where(draw.random(n) < unknown, "B6", carrier).astype(object)}
    return old, new


def mixed(data, **options):
    family = unseen.Product(carrier=unseen.Categorical(), x=unseen.Gaussian())
    return unseen.fit(unseen.Mixture(family, 2), data, restarts=2, **options)


def test_a_category_the_champion_never_met_is_impossible_for_it() -> None:
    old, new = carriers()
    candidate, champion = mixed(new), mixed(old)
    found, rows = compared(candidate, champion, new)
    foreign = (new["carrier"] == "B6")[rows]
    assert (found.champion_impossible, found.impossible, found.lost) == (foreign.sum(), 0, 0)
    assert found.compared == rows.sum() - foreign.sum() > 0
    known = {k: v[rows][~foreign] for k, v in new.items()}
    gains = candidate.log_prob(known) - champion.log_prob(known)
    assert (found.gain, found.gain_se) == pytest.approx(mean_and_error(gains), rel=1e-9)
    assert found.champion == pytest.approx(champion.log_prob(known).mean())
    assert Validation.model_validate_json(found.model_dump_json()) == found


def test_what_the_candidate_alone_thinks_impossible_is_counted() -> None:
    old, new = carriers()
    found, rows = compared(mixed(old), mixed(new), new)
    foreign = int((new["carrier"] == "B6")[rows].sum())
    assert (found.impossible, found.lost, found.champion_impossible) == (foreign, foreign, 0)
    assert np.isfinite([found.heldout, found.heldout_se, found.gain, found.gain_se]).all()
    found, _ = compared(mixed(old), mixed(old), new)
    assert (found.impossible, found.lost, found.champion_impossible) == (foreign, 0, foreign)
    assert (found.gain, found.gain_se) == (0.0, 0.0)


def test_a_champion_that_knows_no_row_leaves_nothing_to_compare() -> None:
    old, new = carriers(unknown=1.0)
    prior = mixed({k: np.concatenate([old[k], new[k]]) for k in old})
    found, rows = compared(prior, mixed(old), new)
    assert (found.compared, found.champion, found.gain, found.gain_se) == (0, None, None, None)
    with pytest.raises(NumericalError, match="gives all 120 held-out units density zero: set fit.prior"):
        compared(mixed(old), None, new)


def test_a_density_that_is_not_a_number_is_an_error() -> None:
    data = two()
    candidate, champion = pair(data)
    broken = replace(champion, params=Params({**champion.params, "means": np.full((2, 2), np.nan)}))
    with pytest.raises(NumericalError, match="log-density of 120 held-out rows is not a number under the champion"):
        compared(candidate, broken, data)


# ---- what cannot be compared


def test_other_columns_are_not_compared() -> None:
    data = {**two(), "c": np.arange(400.0)}
    candidate = unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), data, ignore=["a"])
    champion = unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), data, ignore=["c"])
    with pytest.raises(ModelError, match=r"different columns \(new: 'c'; gone: 'a'\): promote it by hand"):
        compared(candidate, champion, data)


def test_probabilities_are_not_compared_with_densities() -> None:
    data = {"n": np.random.default_rng(0).poisson(3, 300)}
    fits = [unseen.fit(unseen.Mixture(f, 1), data) for f in (unseen.Poisson(), unseen.Gaussian(), unseen.Categorical())]
    with pytest.raises(ModelError, match="column 'n' is probabilities in one and a density in the other"):
        compared(*fits[:2], data)
    assert compared(fits[0], fits[2], data)[0].gain is not None


def test_what_a_model_takes_as_given_is_not_compared() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=300)
    data = {"x": x, "y": (draw.random(300) < 0.5).astype(int)}
    experts = unseen.fit(unseen.LogisticExperts(1, target="y"), data)
    joint = unseen.fit(unseen.Mixture(unseen.Product(x=unseen.Gaussian(), y=unseen.Bernoulli()), 1), data)
    with pytest.raises(ModelError, match="column 'x' is"):
        compared(experts, joint, data)
    found, _ = compared(experts, experts, data)
    assert (found.gain, found.calibration) == (0.0, 0.0)  # given the predictors, the one expert is certain


def test_a_champion_without_its_column_says_which() -> None:
    data = two()
    candidate, champion = pair(data)
    with pytest.raises(SchemaError, match="no column 'b'"):
        compared(candidate, champion, {"a": data["a"]})


def test_weights_that_leave_nothing_are_refused() -> None:
    data = {**two(), "w": np.ones(400)}
    model = unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), data, weights="w")
    with pytest.raises(DataError, match="every held-out row has weight zero or no observed cell"):
        compared(model, None, {**data, "w": np.zeros(400)})
    with pytest.raises(DataError, match="weigh 0.012 rows in all"):
        compared(model, None, {**data, "w": np.full(400, 1e-4)})


# ---- other models


def test_sequences_are_the_units_of_hidden_markov_models() -> None:
    draw = np.random.default_rng(0)
    who, n = np.repeat(np.arange(40), draw.integers(3, 20, 40)), 0
    n = len(who)
    data = {"who": who, "x": draw.normal(size=n) + 3 * (draw.random(n) < 0.5)}
    models = [unseen.fit(unseen.HMM(unseen.Gaussian(), k), data, unit="who", restarts=2) for k in (2, 1)]
    source = Arrays(data, unit="who", block_rows=60)
    holdout, rows = held(source)
    found = validate(*models, source, holdout, configured())
    difference = (models[0].log_prob(data) - models[1].log_prob(data))[rows]
    totals = np.array([difference[who[rows] == w].sum() for w in np.unique(who[rows])])
    units = len(totals)
    assert (found.rows, found.units, found.compared) == (rows.sum(), units, units)
    assert found.gain == pytest.approx(difference.mean())
    assert found.gain_se == pytest.approx(totals.std(ddof=1) * np.sqrt(units) / rows.sum())
    assert found.calibration is not None and found.moved_share is not None
    with pytest.raises(DataError, match="does not say where a sequence ends"):
        compared(models[0], None, {"x": data["x"]})


def test_models_without_responsibilities_are_compared_by_density_alone() -> None:
    data = dict(zip("abcde", np.random.default_rng(0).normal(size=(5, 200)), strict=True))
    fits = [unseen.fit(unseen.FactorAnalysis(q), data) for q in (1, 2)]
    found, rows = compared(*fits, data)
    gains = (fits[0].log_prob(data) - fits[1].log_prob(data))[rows]
    assert (found.gain, found.gain_se) == pytest.approx(mean_and_error(gains))
    assert (found.calibration, found.moved_share, found.matches) == (None, None, ())


def test_known_labels_do_not_help_the_density() -> None:
    data = {**two(), "class": np.where(np.arange(400) % 3 == 0, "one", None)}
    data["class"][np.arange(400) % 3 == 1] = "two"
    plain = {k: data[k] for k in "ab"}
    candidate = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), data, labels="class")
    found, rows = compared(candidate, None, data)
    assert found.heldout == pytest.approx(candidate.log_prob(plain)[rows].mean())
    _, champion = pair(plain)
    assert compared(candidate, replace(candidate), data)[0].gain == 0.0
    assert compared(candidate, champion, data)[0].compared == 120


def test_a_first_candidate_is_validated_alone() -> None:
    data = two()
    found, _ = compared(at({"weights": [1.0], "means": [[1.5, 1.5]], "covariances": [[3.0, 3.0]]}, data), None, data)
    assert (found.champion, found.gain, found.moved_share, found.matches) == (None, None, None, ())
    assert found.calibration == 0.0


def test_votes_of_workers_that_a_model_has_not_met_count_for_neither() -> None:
    draw = np.random.default_rng(0)
    item, truth = np.repeat(np.arange(300), 5), np.repeat(draw.random(300) < 0.4, 5)
    right = draw.random(1500) < 0.85
    worker = np.tile(np.array(["ann", "ben", "cem", "dee", "eve"]), 300)
    data = {"item": item, "worker": worker, "label": np.where(truth == right, "spam", "ham")}
    old = {name: column[worker != "eve"] for name, column in data.items()}
    candidate, champion = (unseen.fit(unseen.DawidSkene(), d, unit="item") for d in (data, old))
    source = Arrays(data, unit="item", block_rows=400)
    holdout, rows = held(source)
    found = validate(candidate, champion, source, holdout, configured())
    known = {name: column[rows & (worker != "eve")] for name, column in data.items()}
    units = len(np.unique(item[rows]))
    assert (found.units, found.compared, found.champion_impossible) == (units, units, 0)
    assert found.rows == len(known["item"]) == units * 4
    assert found.heldout == pytest.approx(candidate.log_prob(known).mean())
    assert found.champion == pytest.approx(champion.log_prob(known).mean())
    alone = validate(candidate, None, source, holdout, configured())
    assert alone.rows == rows.sum()
    assert alone.heldout == pytest.approx(candidate.log_prob({n: c[rows] for n, c in data.items()}).mean())


def test_rows_without_a_cell_count_for_nothing_whatever_shares_round_to() -> None:
    data = two(400)
    data["a"][::7], data["b"][::7] = np.nan, np.nan
    result = at({"weights": [0.1, 0.2, 0.7], "means": np.zeros((3, 2)), "covariances": np.ones((3, 2))}, data)
    found, rows = compared(result, None, data)
    seen = rows & ~np.isnan(data["a"])
    assert (found.rows, found.units) == (seen.sum(), seen.sum())
    assert found.heldout == pytest.approx(result.log_prob({n: c[seen] for n, c in data.items()}).mean(), rel=1e-12)


def test_fits_with_units_by_different_columns_are_not_compared() -> None:
    draw = np.random.default_rng(0)
    data = {"who": np.repeat(np.arange(40), 5), "where": np.tile(np.arange(40), 5), "x": draw.normal(size=200)}
    by = {
        u: unseen.fit(unseen.HMM(unseen.Gaussian(), 1), {u: data[u], "x": data["x"]}, unit=u) for u in ("who", "where")
    }
    source = Arrays(data, unit="who")
    with pytest.raises(DataError, match="units by column 'where' and the rows come in units by 'who'"):
        validate(by["who"], by["where"], source, held(source)[0], configured())
