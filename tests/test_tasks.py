"""What engines sum travels: through a pickle it gives the same bits, and it is no longer for more rows."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pytest

import unseen
from tests.ops import drift_case, judge_case
from tests.ops.drift_case import rows
from unseen import HMM, Bernoulli, EngineError, FactorAnalysis, Gaussian, Mixture, Params, StudentT, problem
from unseen.core.engine import Summed
from unseen.core.tasks import Expect
from unseen.engines import local
from unseen.engines.local import Memory, one_pass
from unseen.ops.drift import look
from unseen.problem import pose
from unseen.search.subsample import subsample
from unseen.sklearn import GaussianMixture
from unseen.sources.arrays import Arrays
from unseen.starts.sequences import steps, windows
from unseen.testing import Travelling
from unseen.testing.tasks import SLACK, largest


def table(n=600, seed=0, holes=0.1):
    rng = np.random.default_rng(seed)
    z = rng.integers(0, 3, n)
    x = rng.normal(size=(n, 4)) + np.array([[0, 0, 0, 0], [5, 0, 2, 0], [0, 6, 0, 3]])[z]
    x[rng.random(x.shape) < holes] = np.nan
    return {**dict(zip("abcd", x.T, strict=True)), "class": np.where(rng.random(n) < 0.3, z.astype(float), np.nan)}


class Kept:
    """Makes engines and keeps them, to be asked what came by."""

    def __init__(self, engine=Travelling, **options):
        self.engine, self.options, self.made = engine, options, []

    def __call__(self, blocks):
        self.made.append(self.engine(blocks, **self.options))
        return self.made[-1]

    @property
    def sizes(self):
        return largest(self.made)


def same(a, b):
    assert a.loglik == b.loglik and a.entropy == b.entropy and a.confidence == b.confidence
    assert all(np.array_equal(a.params[name], b.params[name]) for name in a.params)


def both(f):
    """The same call in memory and through pickles; which tasks travelled."""
    travelling = Kept()
    same(f(engine=Memory), f(engine=travelling))
    return travelling.sizes


def fitted(model, data=None, n=600, **options):
    data = Arrays(data or table(n), block_rows=128, whole=model.unit.ordered)
    side = {"labels": "class"} if options.get("start") == "labels" else {"ignore": ["class"]}
    return unseen.fit(model, data, seed=1, max_iterations=8, **side, **options)


def formed(components, form):
    return Mixture(Gaussian(form), components)


# ---- the same bits


@pytest.mark.parametrize(
    "start, tasks",
    [
        ("kmeans++", {"CountRows", "DrawSample", "Assigned"}),
        ("rows", {"CountRows", "DrawSample", "Assigned"}),
        ("random", {"Assigned"}),
        ("labels", {"CountClasses", "Assigned"}),
    ],
)
def test_every_start_travels(start, tasks):
    travelled = both(partial(fitted, Mixture(Gaussian("full"), 3), start=start, restarts=2))
    assert tasks | {"Expect", "ClosingPass"} <= travelled.keys()


@pytest.mark.parametrize("start", [windows, steps])
def test_starts_of_sequences_travel(start):
    data = {"u": np.repeat(np.arange(6), 20), "x": np.random.default_rng(0).normal(size=120)}
    found = []
    for engine in (Memory, Travelling):
        source = Arrays(data, unit="u", block_rows=40)
        problem = pose(HMM(Gaussian(), 2), source, engine=engine)
        assert len(problem.engine) == 3
        found.append(start(problem.model, problem.engine, 5))
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0])


def test_a_sample_of_many_rows_travels():
    assert "DrawRows" in both(partial(fitted, Mixture(Gaussian("full"), 2), n=24_000, restarts=2))


@pytest.mark.parametrize("criterion", ["bic", "icl", "heldout"])
def test_a_search_travels(criterion):
    data = {name: column for name, column in table().items() if name != "class"}
    search = partial(unseen.select, formed, data, criterion=criterion, restarts=2, seed=0, max_iterations=30)
    travelled = both(partial(search, forms=("full", "diagonal")))
    assert {"MeasureScatter", "Collect", "Expect", "ClosingPass"} <= travelled.keys()
    assert ("LogDensity" in travelled) == (criterion == "heldout")


def test_a_component_less_travels():
    data = {name: column for name, column in table().items() if name != "class"}
    search = partial(unseen.select, formed, data, (2, 3, 4), restarts=2, seed=0, max_iterations=60)
    assert {"MeasureShared", "Collect"} <= both(partial(search, forms=("full", "diagonal", "spherical"))).keys()


@pytest.mark.filterwarnings("ignore:.*did not converge")
@pytest.mark.parametrize("init", ["kmeans", "k-means++", "random", "random_from_data"])
def test_starts_of_scikit_learn_travel(init, monkeypatch):
    x = np.stack([table(40_000)[name] for name in "abc"], axis=1)
    estimator = GaussianMixture(3, init_params=init, random_state=0, max_iter=3, n_init=2)
    here = estimator.fit(x).means_
    travelling = Kept()
    monkeypatch.setattr("unseen.sklearn.training.Threads", travelling)
    assert np.array_equal(estimator.fit(x).means_, here)
    assert len(travelling.made[0]) > 1
    assert all(size < 20_000 for size in travelling.sizes.values())


def test_passes_over_held_out_and_new_rows_travel(tmp_path, monkeypatch):
    def judged():
        data = judge_case.two(300)
        champion = unseen.fit(drift_case.mixture(2), rows(600, 1), restarts=1, max_iterations=5, seed=0)
        known = drift_case.reference(champion, rows(600, 1), block_rows=100)
        fresh, read = Arrays(rows(400, 2), block_rows=100), []
        report = look(champion, known, fresh, "b", tmp_path, judge_case.settings(), record=False, progress=read.append)
        assert sum(read) == 400
        gain = judge_case.compared(*judge_case.pair(data), data, block_rows=50)[0]
        return gain, [(t.name, t.e_value, t.effect) for t in report.tests]

    here, travelling = judged(), Kept()
    for module in (local, problem):
        monkeypatch.setattr(module, "OutOfCore", lambda blocks, workers=None: travelling(blocks))
    assert judged() == here
    assert {"ProfileFrame", "Count", "CountFresh", "See"} <= travelling.sizes.keys()


# ---- bounded size


MODELS = [Mixture(Gaussian("full"), 2), Mixture(StudentT(df="free"), 2), FactorAnalysis(1), HMM(Gaussian("full"), 2)]


def incomplete(n):
    """Rows of which hardly two miss the same cells."""
    both = table(n, holes=0.3) | {f"more {name}": column for name, column in table(n, 1, 0.3).items()}
    return {name: column for name, column in both.items() if name != "more class"}


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(getattr(m, "family", m)).__name__)
def test_no_task_grows_with_the_rows(model):
    travelled = []
    for n in (60, 180):
        engine = Kept()
        fitted(model, incomplete(n), engine=engine, restarts=2)
        travelled.append(engine.sizes)
    assert {"Expect", "ClosingPass"} <= travelled[0].keys()
    for name in travelled[0].keys() & travelled[1].keys():
        assert travelled[1][name] <= travelled[0][name] + SLACK, name


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(getattr(m, "family", m)).__name__)
def test_what_a_model_met_while_it_worked_does_not_travel(model):
    source = Arrays(incomplete(60), whole=model.unit.ordered)
    params = fitted(model, incomplete(60), engine="memory", restarts=1).params
    problem = pose(model, source, ignore=["class"], engine=Memory)
    task = Expect(problem.model, params)
    before = len(pickle.dumps(task))
    problem.engine.sum(task)
    assert len(pickle.dumps(task)) == before
    assert pickle.loads(pickle.dumps(task)).model == problem.model


def test_bernoulli_of_three_times_the_rows_is_no_longer():
    sizes = []
    for n in (200, 600):
        data = {name: np.random.default_rng(j).integers(0, 2, n) for j, name in enumerate("xyz")}
        engine = Kept()
        unseen.select(Mixture(Bernoulli(), 1), data, (1, 2), engine=engine, restarts=2, seed=0)
        sizes.append(engine.sizes)
    assert all(sizes[1][name] <= sizes[0][name] + SLACK for name in sizes[0].keys() & sizes[1].keys())


# ---- rows that stay where they are


FEDERATED = partial(Travelling, refuses_rows=True)


@pytest.mark.parametrize("start", ["kmeans++", "rows"])
def test_a_start_that_draws_rows_is_refused_with_a_sentence(start):
    with pytest.raises(EngineError, match=r"does not let rows leave .*start=Params\(\.\.\.\)") as refused:
        fitted(Mixture(Gaussian("full"), 3), start=start, engine=FEDERATED)
    assert "\n" not in str(refused.value)


def test_fits_go_on_from_parameters_where_rows_may_not_leave():
    begin = fitted(Mixture(Gaussian("full"), 3), engine="memory", restarts=1).params
    fits = [fitted(Mixture(Gaussian("full"), 3), start=begin, engine=e, n=24_000) for e in (Memory, FEDERATED)]
    same(*fits)
    fits = [fitted(Mixture(Gaussian("full"), 3), start="random", engine=e, restarts=2) for e in (Memory, FEDERATED)]
    same(*fits)


def test_no_sample_is_drawn_where_rows_may_not_leave():
    engine = FEDERATED([])
    assert subsample(Mixture(Gaussian(), 2).bind(fitted(Mixture(Gaussian(), 2)).profile), engine, 10**6, 0) is engine


def test_a_sum_without_all_its_blocks_is_no_fit():
    class Losing(Memory):
        def sum(self, task, which=None):
            whole = super().sum(task, which)
            return Summed(whole.stats, whole.done[1:], whole.done[:1])

    for start in ("random", Params(weights=[1.0], means=[[0.0] * 4], covariances=[[1.0] * 4])):
        with pytest.raises(EngineError, match="1 of 5 blocks were lost"):
            fitted(Mixture(Gaussian("diagonal"), 1), start=start, engine=Losing)


def test_one_pass_reads_each_block_once():
    read = []

    class Blocks(list):
        def __getitem__(self, i):
            read.append(i)
            return super().__getitem__(i)

    assert one_pass(len, Blocks(["a", "bc", "def"]), workers=1) == 6
    assert read == [0, 1, 2]
