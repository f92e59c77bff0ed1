"""Hidden Markov models: published fits, brute force over all paths, and gaps."""

from itertools import product

import numpy as np
import pytest

import unseen
from unseen import HMM, SQUAREM, Categorical, DataError, Gaussian, ModelError, Params, Poisson
from unseen.models.hmm import example
from unseen.numerics.chain_paths import draw_states, viterbi
from unseen.numerics.forward_backward import forward_backward
from unseen.numerics.stationary import fit_stationary, objective, stationary
from unseen.problem import pose
from unseen.sources.arrays import Arrays

YEARS = example().data


def chain(k, seed=0):
    rng = np.random.default_rng(seed)
    return np.log(rng.dirichlet(np.ones(k))), np.log(rng.dirichlet(np.ones(k), size=k))


def every_path(density, start, transitions):
    """All paths of one sequence with their log joint probabilities."""
    k, n = density.shape
    paths = list(product(range(k), repeat=n))
    scores = [
        start[p[0]]
        + sum(density[s, t] for t, s in enumerate(p))
        + sum(transitions[i, j] for i, j in zip(p, p[1:], strict=False))
        for p in paths
    ]
    return np.array(paths), np.array(scores)


@pytest.mark.parametrize("stationary, states, loglik, rates, aic", [
    (False, 2, -341.878701, (15.42076, 26.01824), None),
    (False, 3, -328.527483, (13.13376, 19.71316, 29.70972), None),
    (True, 2, -342.318267, (15.472, 26.125), 692.6365),
    (True, 3, -329.460276, (13.146, 19.721, 29.714), 676.9206),
])  # fmt: skip
def test_earthquakes(stationary, states, loglik, rates, aic):
    """Zucchini & MacDonald (2009), section 4.3 and table 3.1; depmixS4."""
    fit = unseen.fit(HMM(Poisson(), states, stationary), YEARS, restarts=2, tol=1e-11, algorithm=SQUAREM())
    assert fit.converged
    assert fit.loglik == pytest.approx(loglik, abs=1e-4)
    assert sorted(fit.params["rates"].ravel()) == pytest.approx(rates, abs=1e-3)
    assert aic is None or fit.aic == pytest.approx(aic, abs=1e-3)
    assert fit.log_prob(YEARS).sum() == pytest.approx(fit.loglik, abs=1e-9)


def test_rain_viterbi():
    """The textbook path 1 0 0 with probability .01344."""
    data = {"seen": np.array([0, 1, 2])}
    problem = pose(HMM(Categorical(), 2), Arrays(data, whole=True), engine="memory")
    params = Params(
        start=[0.6, 0.4],
        transitions=[[0.7, 0.3], [0.4, 0.6]],
        probabilities=[[0.1, 0.4, 0.5], [0.6, 0.3, 0.1]],
    )
    path, score = problem.model.viterbi(params, problem.engine.blocks[0])
    assert path.tolist() == [1, 0, 0]
    assert np.exp(score) == pytest.approx([0.01344], rel=1e-12)


def test_forward_backward_sums_over_all_paths():
    k, lengths = 3, (4, 1, 5, 2)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    start, transitions = chain(k)
    density = np.random.default_rng(1).normal(0, 3, (k, offsets[-1]))
    density[1, 2] = -np.inf
    s = forward_backward(density, start, transitions, offsets)
    path, best = viterbi(density, start, transitions, offsets)
    first, moves = np.zeros(k), np.zeros((k, k))
    for i, (a, b) in enumerate(zip(offsets, offsets[1:], strict=False)):
        paths, scores = every_path(density[:, a:b], start, transitions)
        total = np.logaddexp.reduce(scores)
        assert s.predictive[a:b].sum() == pytest.approx(total, abs=1e-10)
        assert best[i] == pytest.approx(scores.max()) and (path[a:b] == paths[scores.argmax()]).all()
        w = np.exp(scores - total)
        expected = np.array([[w[paths[:, t] == j].sum() for t in range(b - a)] for j in range(k)])
        assert s.states[:, a:b] == pytest.approx(expected, abs=1e-12)
        np.add.at(first, paths[:, 0], w)
        for t in range(b - a - 1):
            np.add.at(moves, (paths[:, t], paths[:, t + 1]), w)
    assert s.start == pytest.approx(first, abs=1e-12) and s.transitions == pytest.approx(moves, abs=1e-12)


def test_a_state_that_looks_impossible_may_come_back():
    """Linear scaling loses a state at 1e-400 for ever; here 200 rows speak for one chain, then 300 for the other."""
    density = np.zeros((2, 500))
    density[0, :200], density[1, 200:] = 5.0, 5.0
    with np.errstate(divide="ignore"):
        s = forward_backward(density, np.log([0.5, 0.5]), np.log(np.eye(2)), np.array([0, 500]))
    assert s.predictive.sum() == pytest.approx(1500 + np.log(0.5), abs=1e-9)
    assert s.states[1] == pytest.approx(np.ones(500))


def test_a_row_no_state_explains_is_counted_and_passed_over():
    start, transitions = chain(2)
    density = np.random.default_rng(0).normal(size=(2, 6))
    dead, gap = density.copy(), density.copy()
    dead[:, 3], gap[:, 3] = -np.inf, 0.0
    ours = forward_backward(dead, start, transitions, np.array([0, 6]))
    missing = forward_backward(gap, start, transitions, np.array([0, 6]))
    assert ours.dead == 1 and ours.predictive[3] == -np.inf
    assert ours.states == pytest.approx(missing.states, abs=1e-14)


def test_paths_are_drawn_from_their_posterior():
    start, transitions = chain(2, seed=3)
    density = np.random.default_rng(4).normal(size=(2, 3))
    paths, scores = every_path(density, start, transitions)
    many = 20_000
    offsets = np.arange(0, 3 * many + 1, 3)
    drawn = draw_states(np.tile(density, many), start, transitions, offsets, np.random.default_rng(0))
    share = np.bincount(drawn.reshape(many, 3) @ [4, 2, 1], minlength=8) / many
    assert share == pytest.approx(np.exp(scores - np.logaddexp.reduce(scores)), abs=0.012)


@pytest.mark.parametrize("seed", range(4))
def test_the_stationary_m_step_finds_the_maximum(seed):
    """Q never falls, and at the end no direction within the rows of A leads up; many short chains: start matters."""
    rng = np.random.default_rng(seed)
    start, counts = rng.gamma(1, 30, 3), rng.gamma(1, 20, (3, 3))
    begin = rng.dirichlet(np.ones(3), size=3)
    found = fit_stationary(start, counts, begin)
    value = objective(start, counts, found)
    assert value > objective(start, counts, begin)
    assert value >= objective(start, counts, counts / counts.sum(axis=1, keepdims=True))
    assert stationary(found) @ found == pytest.approx(stationary(found))
    for i, more, less in product(range(3), repeat=3):
        step = np.zeros((3, 3))
        step[i, more] += 1e-6
        step[i, less] -= 1e-6
        assert abs(objective(start, counts, found + step) - objective(start, counts, found - step)) < 1e-8


def two_regimes(sequences=12, length=30, seed=0):
    rng = np.random.default_rng(seed)
    states = np.zeros((sequences, length), int)
    for t in range(1, length):
        states[:, t] = np.where(rng.random(sequences) < 0.1, 1 - states[:, t - 1], states[:, t - 1])
    x = rng.normal(4 * states, 1)
    return {"machine": np.repeat(np.arange(sequences), length), "load": x.ravel()}, states.ravel()


def test_sequences_are_told_apart_by_their_unit():
    data, states = two_regimes()
    fit = unseen.fit(HMM(Gaussian(), 2), data, unit="machine", restarts=2)
    low = fit.params["means"].argmin()
    assert fit.params["start"][low] > 0.99
    assert np.diag(fit.params["transitions"]) == pytest.approx([0.9, 0.9], abs=0.06)
    assert np.mean((fit.viterbi(data) != low) == states) > 0.97
    one = {k: v[:30] for k, v in data.items()}
    rest = {k: v[30:] for k, v in data.items()}
    parts = fit.log_prob(one).sum() + fit.log_prob(rest).sum()
    assert parts == pytest.approx(fit.loglik, abs=1e-8)
    whole = unseen.fit(HMM(Gaussian(), 2), data, ignore=["machine"], start=fit.params, max_iterations=1)
    assert whole.trace[0].objective * 360 < fit.loglik - 5  # one chain pays for the jumps between machines


def test_a_gap_is_a_row_without_cells():
    """The density of the rows around a gap of g is that of a chain that moves g + 1 times."""
    x = np.array([0.3, np.nan, np.nan, 2.5])
    start = Params(
        start=[0.2, 0.8], transitions=[[0.9, 0.1], [0.3, 0.7]], means=[[0.0], [2.0]], covariances=[[[1.0]], [[0.5]]]
    )
    fit = unseen.fit(HMM(Gaussian(), 2), {"x": x}, start=start, max_iterations=1)
    f = np.exp(-0.5 * (x - [[0], [2]]) ** 2 / [[1], [0.5]]) / np.sqrt(2 * np.pi * np.array([[1], [0.5]]))
    moved = np.linalg.matrix_power(start["transitions"], 3)
    expected = (start["start"] * f[:, 0]) @ moved @ f[:, 3]
    assert fit.trace[0].objective * 2 == pytest.approx(np.log(expected), abs=1e-12)
    assert fit.log_prob({"x": x})[1:3] == pytest.approx([0, 0], abs=1e-12)
    filled = fit.impute({"x": x})["x"]
    means = fit.responsibilities({"x": x}) @ fit.params["means"][:, 0]
    assert filled[[1, 2]] == pytest.approx(means[[1, 2]]) and filled[[0, 3]].tolist() == [0.3, 2.5]
    drawn = fit.impute({"x": x}, draws=2)
    assert all(np.isfinite(d["x"]).all() for d in drawn) and drawn[0]["x"][1] != drawn[1]["x"][1]


def test_known_states_are_kept():
    data, states = two_regimes()
    labels = np.where(np.arange(360) % 4 == 0, states, -1).astype(object)
    labels[labels == -1] = None
    fit = unseen.fit(HMM(Gaussian(), 2), {**data, "mode": labels}, unit="machine", labels="mode")
    assert fit.params["means"].ravel() == pytest.approx([0, 4], abs=0.3)


def test_samples_look_like_the_chain():
    data, _ = two_regimes()
    fit = unseen.fit(HMM(Gaussian(), 2, stationary=True), data, unit="machine", restarts=1)
    drawn = fit.sample(4000, seed=1)["load"]
    pi = fit.model.initial(fit.params)
    assert "start" not in fit.params and fit.size == 2 + 4
    assert drawn.mean() == pytest.approx(pi @ fit.params["means"][:, 0], abs=0.4)
    assert np.corrcoef(drawn[1:], drawn[:-1])[0, 1] > 0.4


def test_a_prior_keeps_transitions_off_zero():
    fit = unseen.fit(HMM(Gaussian(), 2), two_regimes()[0], unit="machine", prior=1.0, restarts=1)
    objectives = [r.objective for r in fit.trace]
    assert fit.params["start"].min() > 0.01 and (np.diff(objectives) > -1e-10).all()


def test_valid_names_the_row():
    model = pose(HMM(Poisson(), 2), Arrays(YEARS, whole=True), engine="memory").model
    good = dict(example().params)
    broken = model.valid(Params({**good, "transitions": [[0.9, 0.1], [0.5, 0.47]]})).broken
    assert broken == "transition row 1 sums to 0.97"
    assert "start" in model.valid(Params({**good, "start": [1.2, -0.2]})).broken
    assert model.valid(example().params)
    still = pose(HMM(Poisson(), 2, stationary=True), Arrays(YEARS, whole=True), engine="memory").model
    assert "stationary" in still.valid(Params(transitions=np.eye(2), rates=good["rates"])).broken


def test_refusals_say_why():
    with pytest.raises(ModelError, match="at least one state"):
        HMM(Poisson(), 0)
    with pytest.raises(DataError, match="rows of 1 units have different weights"):
        unseen.fit(HMM(Poisson(), 2), YEARS, weights=np.arange(1.0, 108))
