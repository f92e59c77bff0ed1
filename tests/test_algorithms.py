"""Schedules: published counts of E-steps, monotony, and where the objective belongs."""

import numpy as np
import pytest

import unseen
from unseen import (
    HMM,
    SQUAREM,
    Converged,
    Gaussian,
    Incremental,
    MaxIterations,
    Mixture,
    ModelError,
    NumericalError,
    Params,
    Poisson,
    Reduced,
    Stepwise,
)
from unseen.core.algorithm import Answer, Moves, State
from unseen.core.stats import Stats, Validity
from unseen.core.stop import Record

# counts of deaths per day in The Times, 1910-1912 (Hasselblad 1969)
DEATHS = {"deaths": np.arange(10), "days": np.array([162, 267, 271, 185, 111, 61, 27, 8, 3, 1])}
START = Params(weights=[0.3, 0.7], rates=[[1.0], [2.5]])


def death_notices(algorithm, **options):
    return unseen.fit(Mixture(Poisson(), 2), DEATHS, weights="days", start=START, algorithm=algorithm, **options)


@pytest.mark.parametrize("algorithm, most", [(None, 2700), (SQUAREM(), 90)])
def test_death_notices(algorithm, most):
    """Plain EM crawls along a ridge; squared extrapolation needs a thirtieth of its E-steps."""
    fit = death_notices(algorithm, tol=1e-13, max_iterations=4000)
    assert fit.converged
    assert fit.loglik == pytest.approx(-1989.945860, abs=1e-5)
    assert fit.params["weights"][0] == pytest.approx(0.359885, abs=5e-5)
    assert fit.params["rates"].ravel() == pytest.approx([1.256095, 2.663404], abs=1e-4)
    assert most / 2 < fit.evaluations < most


def clusters(n=600, seed=3):
    rng = np.random.default_rng(seed)
    return rng.permutation(np.concatenate([rng.normal(-2, 1, (n // 2, 2)), rng.normal(1.5, 1.5, (n // 2, 2))]))


def begin():
    return Params(weights=[0.5, 0.5], means=[[-1.0, -1.0], [1.0, 1.0]], covariances=[np.eye(2), np.eye(2)])


MODEL = Mixture(Gaussian("full"), 2)


@pytest.mark.parametrize(
    "algorithm, near", [(SQUAREM(), 1e-8), (Incremental(), 1e-8), (Reduced(), 1e-8), (Stepwise(), 0.03)]
)
def test_they_reach_what_batch_em_reaches(algorithm, near):
    x = clusters()
    best = unseen.fit(MODEL, x, start=begin(), tol=1e-13)
    fit = unseen.fit(MODEL, x, start=begin(), algorithm=algorithm, tol=1e-11, block_rows=60, max_iterations=150)
    assert fit.loglik == pytest.approx(best.loglik, abs=near)
    assert fit.params["means"] == pytest.approx(best.params["means"], abs=np.sqrt(near))


@pytest.mark.parametrize("algorithm", [Incremental(), Reduced(), Stepwise()])
def test_early_m_steps_are_ahead_after_a_few_passes(algorithm):
    """Four passes over the data each, the first of ours being its start."""
    x, poor = clusters(), Params({**begin(), "means": [[-0.3, 0.0], [0.3, 0.0]]})
    batch = unseen.fit(MODEL, x, start=poor, stop=MaxIterations(4), block_rows=60)
    ours = unseen.fit(MODEL, x, start=poor, algorithm=algorithm, stop=MaxIterations(3), block_rows=60)
    assert ours.loglik > batch.loglik + 1


def test_incremental_with_one_batch_is_batch_em():
    """A step late, since its first pass is its start."""
    x = clusters()
    a = unseen.fit(MODEL, x, start=begin(), stop=MaxIterations(6), block_rows=100)
    b = unseen.fit(MODEL, x, start=begin(), stop=MaxIterations(5), algorithm=Incremental(6), block_rows=100)
    assert b.params["means"] == pytest.approx(a.params["means"], abs=1e-13)
    assert [r.objective for r in b.trace] == pytest.approx([r.objective for r in a.trace][1:], abs=1e-13)


def test_incremental_totals_never_lose_a_block():
    """After any pass the total is the sum of every block at the parameters it last met."""
    seen = []

    def ask(params, which=None):
        i = range(4) if which is None else which
        stats = Stats({"s": np.array([2.0**j * params["t"] for j in i]).sum()}, len(i), float(len(i)), 0.0)
        return Answer(params, stats, 0.0)

    def update(stats, params):
        seen.append(float(stats.sums["s"]))
        return Params(t=params["t"] + 1)

    moves = Moves(ask, update, lambda _: Validity(), 4)
    algorithm = Incremental(batch=2)
    state = algorithm.step(algorithm.init(Params(t=1.0), moves), moves)
    assert seen == [15.0, 3 * 2.0 + 12 * 1.0, 3 * 2.0 + 12 * 3.0] and float(state.stats.sums["s"]) == 42.0


def test_stepwise_reports_a_pass_and_keeps_the_weight():
    x = clusters()
    w = np.random.default_rng(0).integers(1, 4, len(x))
    fit = unseen.fit(
        MODEL, x, weights=w, start=begin(), algorithm=Stepwise(0.7, batch=3), block_rows=60, max_iterations=5
    )
    assert fit.outcome.name == "hit the cap" and fit.evaluations == 1 + 5 * 4
    assert fit.weight == w.sum()


def test_stepwise_with_a_prior_is_near_the_penalised_optimum():
    """The running statistics are worth the weight of all data, so pseudo-rows keep their meaning."""
    x = clusters()
    best = unseen.fit(MODEL, x, start=begin(), prior=50.0, tol=1e-12)
    fit = unseen.fit(MODEL, x, start=begin(), prior=50.0, algorithm=Stepwise(), block_rows=60, max_iterations=80)
    assert fit.loglik + fit.log_prior == pytest.approx(best.loglik + best.log_prior, abs=0.05)


@pytest.mark.parametrize("model, data", [
    (Mixture(Gaussian("full"), 3), clusters()),
    (HMM(Gaussian(), 3), {"x": clusters()[:150, 0]}),
])  # fmt: skip
def test_squarem_never_falls_and_accepts_only_valid_points(model, data):
    for seed in range(3):
        fit = unseen.fit(model, data, restarts=1, seed=seed, algorithm=SQUAREM(), max_iterations=60)
        objectives = [r.objective for r in fit.trace]
        assert (np.diff(objectives) > -1e-12).all() and fit.model.valid(fit.params)
        assert fit.loglik / fit.weight >= objectives[-1] - 1e-12


def line(valid, objective):
    """EM on a line towards 0 at rate 0.9, with the means to refuse points and to misreport them."""
    asked = []

    def ask(params, which=None):
        asked.append(float(params["t"]))
        return Answer(params, Stats({"t": params["t"]}, 1, 1.0), objective(float(params["t"])))

    moves = Moves(ask, lambda stats, params: Params(t=0.9 * stats.sums["t"]), lambda p: Validity(valid(p)), 1)
    return moves, asked


def test_squarem_on_a_line_arrives_at_once():
    moves, asked = line(lambda p: "", lambda t: -t * t)
    state = SQUAREM().step(State(Params(t=1.0)), moves)
    assert asked == pytest.approx([1.0, 0.9, 0.0], abs=1e-12)
    assert float(state.params["t"]) == pytest.approx(0.0, abs=1e-12)
    assert state.objective == -(float(state.at["t"]) ** 2) == -0.81


def test_squarem_asks_for_validity_before_it_asks_for_the_objective():
    """Beyond the border the objective is higher, as negative probabilities' is: it must never be compared."""
    moves, asked = line(lambda p: "over the border" if p["t"] < 0.5 else "", lambda t: 9.0 if t < 0.5 else -t * t)
    state = SQUAREM().step(State(Params(t=1.0)), moves)
    assert min(asked) >= 0.5 and len(asked) == 3  # a shorter step was valid
    assert float(state.params["t"]) == pytest.approx(0.9 * min(asked))


@pytest.mark.parametrize("bad", [-np.inf, np.nan, -5.0])
def test_squarem_falls_back_to_em(bad):
    moves, asked = line(lambda p: "", lambda t: bad if t < 0.5 else -t * t)
    state = SQUAREM().step(State(Params(t=1.0)), moves)
    assert float(state.params["t"]) == pytest.approx(0.81) and float(state.at["t"]) == pytest.approx(0.9)
    assert state.objective == pytest.approx(-0.81) and len(asked) == 3


def test_squarem_falls_back_where_the_density_cannot_be_computed():
    def singular(t):
        if t < 0.5:
            raise NumericalError("component 0 is singular")
        return -t * t

    moves, _ = line(lambda p: "", singular)
    assert float(SQUAREM().step(State(Params(t=1.0)), moves).params["t"]) == pytest.approx(0.81)


def test_squarem_goes_back_when_the_step_from_an_extrapolated_point_falls():
    """The M-step may be held by a floor that the extrapolated point was below."""
    asked = []

    def ask(params, which=None):
        asked.append(float(params["t"]))
        t = asked[-1]
        return Answer(params, Stats({"t": params["t"]}, 1, 1.0), -2.0 if 1e-6 < t < 0.5 else -abs(t))

    def update(stats, params):
        t = float(stats.sums["t"])
        return Params(t=0.9 * t if t > 0.1 else 0.4)

    moves = Moves(ask, update, lambda _: Validity(), 1)
    state = SQUAREM().step(State(Params(t=1.0)), moves)
    assert float(state.params["t"]) == 0.4 and state.objective == -0.9
    after = SQUAREM().step(state, moves)
    assert asked[3:5] == pytest.approx([0.4, 0.81]) and after.objective > state.objective


def test_squarem_goes_on_from_what_another_algorithm_left():
    """A race changes over to it on the way; the state it takes over has no second EM step to go back to."""
    moves, _ = line(lambda p: "", lambda t: -t * t)
    left = State(Params(t=1.0), Params(t=0.5), -0.25)  # an M-step that a floor made fall
    state = SQUAREM().step(left, moves)
    assert state.objective == pytest.approx(-0.81) and state.memory is not None


def test_squarem_with_floors_that_bind():
    rng = np.random.default_rng(0)
    fell, bound = [], 0
    for seed in range(8):
        x = np.concatenate([rng.normal(0, 1, (60, 2)), np.repeat(rng.normal(3, 0.5, (3, 2)), 6, axis=0)])
        fit = unseen.fit(
            Mixture(Gaussian("full", floor=1e-3), 4), x, restarts=1, seed=seed, algorithm=SQUAREM(), max_iterations=80
        )
        bound += any(r.events for r in fit.trace)
        fell += [fit.outcome.name] if fit.outcome.name == "fell" else []
    assert bound and not fell


def records(objectives):
    changes = [np.nan, *np.diff(objectives)]
    return [Record(i + 1, o, c, 0.0, 0.0, i + 1) for i, (o, c) in enumerate(zip(objectives, changes, strict=True))]


def test_convergence_of_algorithms_that_may_fall():
    """From above, from below or from both sides: what counts is how far the limit still is."""
    t = np.arange(60)
    rule = Converged(1e-6)
    for series in (-(0.7**t), 0.7**t, (-0.7) ** t):
        trace = records(series)
        ends = [n for n in range(1, 61) if rule(trace[:n], 0.0)]
        assert ends and abs(series[ends[0] - 1]) < 2e-6 and abs(series[ends[0] - 3]) > 1e-7
    slow = records(1 - 1 / np.sqrt(t + 1.0))
    assert not any(rule(slow[:n], 0.0) for n in range(1, 61))
    walk = records(np.cumsum(np.random.default_rng(0).normal(0, 1e-3, 60)))
    assert not any(rule(walk[:n], 0.0) for n in range(1, 61))


def test_refusals_say_why():
    for wrong in (dict(exponent=0.5), dict(exponent=1.1), dict(batch=0)):
        with pytest.raises(ModelError, match="exponent above 0.5"):
            Stepwise(**wrong)
    with pytest.raises(ModelError, match="at least one block"):
        Incremental(0)
