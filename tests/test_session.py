"""The loop as a generator: who consumes it may stop, look, and go on; limits of time; passes of models that draw."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

import unseen
from unseen import (
    SQUAREM,
    Batch,
    Gaussian,
    Incremental,
    MaxIterations,
    MaxSeconds,
    Mixture,
    ModelError,
    Params,
    Reduced,
    Stats,
    Stepwise,
)
from unseen.core.block import Slot
from unseen.core.engine import Engine, EngineTraits
from unseen.core.stats import Validity
from unseen.core.stop import Converged, Outcome, seconds_allowed
from unseen.engines.local import Memory, OutOfCore, Threads
from unseen.loop import Session, run
from unseen.problem import pose
from unseen.search.restarts import restart
from unseen.sources.arrays import Arrays
from unseen.starts.centres import kmeans_plus_plus

ALGORITHMS = [Batch(), SQUAREM(), Stepwise(), Incremental(), Reduced()]


def posed(model=None, rows=400, engine="memory"):
    x = np.random.default_rng(0).normal([[0.0], [4.0]], 1, (2, rows // 2)).reshape(-1, 1)
    return pose(model or Mixture(Gaussian("full"), 2), Arrays(x, block_rows=rows // 8), engine=engine)


def begun(problem, algorithm, **how):
    params = kmeans_plus_plus(problem.model, problem.engine, 0)
    return Session(problem.model.anchored(params), problem.engine, params, algorithm, **how)


def bits(run):
    trace = [replace(r, seconds_e=0.0, seconds_m=0.0) for r in run.trace]
    return [v.tobytes() for v in run.params.values()], repr(trace), run.outcome, run.evaluations


def ended(session, rule):
    for _ in session:
        session.end(rule(session.trace, session.seconds))
    return session.as_run()


# ---- the session


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: type(a).__name__)
def test_the_loop_is_what_consumes_a_session(algorithm):
    problem, rule = posed(), MaxIterations(7)
    session = begun(problem, algorithm)
    whole = ended(session, rule)
    assert bits(run(session.model, problem.engine, session.begun, algorithm, rule)) == bits(whole)
    assert len(whole.trace) == 7 and session.evaluations == whole.evaluations == whole.trace[-1].evaluations
    assert session.state.params is whole.params


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("at", [1, 4, 6])
def test_it_is_left_and_gone_on_with_at_any_iteration(algorithm, at):
    problem, rule = posed(), MaxIterations(7)
    whole = ended(begun(problem, algorithm), rule)
    session = begun(problem, algorithm)
    for made in session:
        if made.iteration == at:
            break
    kept = pickle.loads(pickle.dumps(replace(session.so_far(), model=None)))
    assert bits(ended(session, rule)) == bits(whole)  # the same session goes on
    other = Session(whole.model, problem.engine, session.begun, algorithm, resume=replace(kept, model=whole.model))
    assert len(other.trace) == at and other.evaluations == kept.evaluations
    assert bits(ended(other, rule)) == bits(whole)  # and so does another one


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: type(a).__name__)
def test_an_interrupt_in_the_midst_of_a_step_leaves_the_last_whole_iteration(algorithm):
    problem, rule = posed(), MaxIterations(7)
    whole = ended(begun(problem, algorithm), rule)

    class Pressed(Memory):
        left = whole.trace[2].evaluations + 2  # one E-step of the fourth iteration, where it has several

        def sum(self, f, which=None):
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt
            return super().sum(f, which)

    first = begun(problem, algorithm)
    session = Session(first.model, Pressed(problem.engine.blocks), first.begun, algorithm)
    stopped = ended(session, rule)
    assert stopped.outcome.name == "interrupted" and 3 <= len(stopped.trace) < 7
    again = Session(first.model, problem.engine, first.begun, algorithm, resume=stopped)
    assert bits(ended(again, rule)) == bits(whole)


def test_what_ended_it_first_stands():
    session = begun(posed(), Batch())
    for _ in session:
        session.end(Outcome("enough", ""))
        session.end(Outcome("too late", ""))
    assert session.outcome.name == "enough" and len(session.trace) == 1


def test_seconds_go_on_with_the_session():
    times = iter(range(100))
    session = begun(posed(), Batch(), clock=lambda: float(next(times)))
    assert (session.seconds, session.seconds) == (1.0, 2.0)
    next(iter(session))
    kept = session.so_far()
    assert begun(posed(), Batch(), resume=kept, clock=lambda: 50.0).seconds == kept.seconds == 3.0


# ---- limits of time


class Clock:
    """Seconds that pass one at a time, by the iteration."""

    def __init__(self):
        self.now = 0.0

    def __call__(self, event=None):
        if event is None:
            return self.now
        self.now += event.name == "iteration"


def raced(limit, restarts=40, **how):
    problem, clock = posed(Mixture(Gaussian("full"), 3)), Clock()
    rule = MaxSeconds(limit) | Converged(1e-12)
    rows = {"rows": problem.profile.rows, "weight": problem.profile.weight}
    found = restart(
        problem.model, problem.engine, kmeans_plus_plus, restarts, Batch(), rule, observers=(clock,), clock=clock,
        **rows, **how,
    )  # fmt: skip
    return found, clock


@pytest.mark.parametrize("how", [{}, {"finish": 3}, {"finish": 40}, {"short": 200}], ids=repr)
@pytest.mark.parametrize("limit", [1, 5, 20, 100])
def test_no_start_goes_on_when_the_seconds_are_used_up(limit, how):
    found, clock = raced(limit, **how)
    assert clock.now <= limit and found.best.outcome.name in ("out of time", "converged")
    assert found.best.trace and sum(a.iterations for a in found.table) <= limit


def test_no_start_is_drawn_when_the_seconds_are_used_up():
    drawn = []

    def slow(model, engine, seed, prior):
        drawn.append(seed)
        clock.now += 10
        return kmeans_plus_plus(model, engine, seed, prior)

    problem, clock = posed(), Clock()
    for finish in (None, 2, 30):
        clock.now, drawn[:] = 0.0, []
        restart(
            problem.model, problem.engine, slow, 30, Batch(), MaxSeconds(35), observers=(clock,), clock=clock,
            finish=finish, short=3,
        )  # fmt: skip
        assert len(drawn) in (3, 4)


def test_seconds_allowed_are_the_least_of_all_limits():
    assert seconds_allowed(MaxSeconds(9) | (MaxSeconds(3) | Converged())) == 3
    assert seconds_allowed(Converged() | MaxIterations(3)) == np.inf


# ---- models that draw


class Drawn(unseen.Model):
    """Two normal groups of variance one: assignments are drawn in each E-step, from those of the step before."""

    slots, needs_pass = (), True

    def bind(self, profile):
        self.slots = (Slot(profile.names),)
        return self

    def expect(self, params, block, at):
        x, draw = block.cells[0].values[0], at.rng(block)
        log = self.joint(params, block)
        density = np.logaddexp.reduce(log)
        fresh = draw.random(block.rows) < np.exp(log[1] - density)
        # a lazy chain: half of the rows keep what they were
        z = np.where(draw.random(block.rows) < 0.5, fresh, at.local.get("z", fresh))
        at.local["z"], at.local["passes"] = z, at.local.get("passes", 0) + 1
        sums = {"n": np.array([(~z).sum(), z.sum()], float), "x": np.array([x[~z].sum(), x[z].sum()])}
        return Stats(sums, block.units, block.weight, float(density.sum()))

    def joint(self, params, block):
        return -0.5 * (block.cells[0].values[0] - params["means"][:, None]) ** 2 - np.log(2 * np.sqrt(2 * np.pi))

    def log_density(self, params, block):
        return np.logaddexp.reduce(self.joint(params, block))

    def maximize(self, stats, params):
        return Params(means=stats.sums["x"] / np.maximum(stats.sums["n"], 1e-9))

    def valid(self, params):
        return Validity("" if np.isfinite(params["means"]).all() else "means are not finite")

    def size(self, params):
        return 2


def drawing(algorithm, engine=Memory, seed=5, **how):
    problem = posed(Drawn())
    return Session(problem.model, engine(problem.engine.blocks), Params(means=[1.0, 2.0]), algorithm, seed=seed, **how)


class Far(Engine):
    """Sums in other processes, as it says; here it must not be made at all."""

    traits = EngineTraits(keeps_blocks=True, elsewhere=True)

    def __init__(self, blocks):
        raise AssertionError("made before the refusal")

    def __len__(self):
        return 0

    def sum(self, task, which=None):
        raise AssertionError


def test_what_a_model_remembers_does_not_come_back_from_other_processes():
    with pytest.raises(ModelError, match="Drawn draws or remembers in its E-step, .*engine='auto'"):
        unseen.fit(Drawn(), np.zeros((8, 1)) + np.arange(8)[:, None], engine=Far, start=Params(means=[0.0, 1.0]))


@pytest.mark.parametrize("algorithm", [Batch(), Stepwise(batch=2)], ids=lambda a: type(a).__name__)
def test_draws_are_a_function_of_seed_step_and_block(algorithm):
    rule = MaxIterations(12)
    runs = [ended(drawing(algorithm, e), rule) for e in (Memory, lambda b: Threads(b, 3), lambda b: OutOfCore(b, 2))]
    assert bits(runs[0]) == bits(runs[1]) == bits(runs[2])
    assert runs[0].outcome.name == "hit the cap" and np.diff([r.objective for r in runs[0].trace]).min() < 0
    assert sorted(runs[0].params["means"]) == pytest.approx([0, 4], abs=0.5)
    assert bits(ended(drawing(algorithm, seed=6), rule))[0] != bits(runs[0])[0]


def test_memory_is_kept_for_each_block_and_an_interrupted_pass_leaves_it_as_it_was():
    whole = ended(drawing(Batch()), MaxIterations(6))
    assert [mine["passes"] for mine in whole.kept.local.values()] == [6] * 8

    class Pressed(Memory):
        left = 4

        def sum(self, f, which=None):
            self.left -= 1
            if self.left:
                return super().sum(f, which)
            for block in self.blocks[:3]:
                f(block)
            raise KeyboardInterrupt

    stopped = ended(drawing(Batch(), Pressed), MaxIterations(6))
    assert [mine["passes"] for mine in stopped.kept.local.values()] == [3] * 8
    assert bits(ended(drawing(Batch(), resume=stopped), MaxIterations(6))) == bits(whole)


@pytest.mark.filterwarnings("ignore:this fit can be used, but not saved")
def test_a_model_that_draws_is_fitted_and_gone_on_with(tmp_path):
    x = np.random.default_rng(0).normal([[0.0], [4.0]], 1, (2, 200)).reshape(-1, 1)
    how = {"start": Params(means=[1.0, 2.0]), "seed": 5, "max_iterations": 9, "block_rows": 50}
    whole = unseen.fit(Drawn(), x, engine="memory", **how)

    def press(event):
        if event.name == "iteration" and event.facts["iteration"] == 4:
            raise KeyboardInterrupt

    for engine in ("threads", "outofcore"):
        place = tmp_path / engine
        stopped = unseen.fit(Drawn(), x, engine=engine, observers=(press,), checkpoint=place, **how)
        assert stopped.outcome.name == "interrupted"
        again = unseen.fit(Drawn(), x, engine=engine, checkpoint=place, resume=True, **how)
        assert again.loglik == whole.loglik and bits_of(again) == bits_of(whole)


def bits_of(result):
    return [v.tobytes() for v in result.params.values()], [r.objective for r in result.trace]
