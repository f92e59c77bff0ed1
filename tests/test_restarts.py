"""Many starts: hits are counted, spurious optima flagged, samples the same everywhere."""

from pathlib import Path

import numpy as np
import pytest

import unseen
from unseen import Gaussian, MaxIterations, Mixture
from unseen.problem import pose
from unseen.search.subsample import SAMPLE_ROWS, subsample
from unseen.sources.arrays import Arrays

FAITHFUL = np.loadtxt(Path(__file__).parent / "data" / "faithful.csv", delimiter=",", skiprows=1)


def test_hits_are_counted_and_the_spurious_optimum_is_flagged():
    """Three full covariances on Old Faithful: a component of smallest eigenvalue .0037 at -1114.44 is spurious."""
    options = {"restarts": 12, "finish": 12, "tol": 1e-10, "max_iterations": 3000}  # in a race most would be stopped
    fit = unseen.fit(Mixture(Gaussian("full"), 3), FAITHFUL, seed=0, **options)
    objectives = np.array([a["objective"] for a in fit.restarts]) * len(FAITHFUL)
    flagged = np.array([a["spurious"] for a in fit.restarts])
    assert flagged[objectives > -1114.5].all() and flagged.any()
    assert not flagged[objectives < -1119].any()
    assert fit.loglik == pytest.approx(objectives.max(), abs=1e-3)
    assert any("may be spurious" in w for w in fit.warnings)
    common = [a for a in fit.restarts if abs(a["objective"] * 272 + 1119.21397) < 1e-3]
    assert common[0]["hits"] == len(common) > 1


def test_a_singular_optimum_loses_to_a_sound_one():
    """A component that a variance floor holds up has an unbounded likelihood: it never wins over a sound fit."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, (60, 2)), rng.normal(6, 1, (60, 2)), np.full((6, 2), 3.0)])
    fit = unseen.fit(Mixture(Gaussian("full"), 3), x, restarts=40, seed=0, tol=1e-9)
    best = max(a["objective"] for a in fit.restarts)
    assert not fit.params.events
    assert fit.loglik / len(x) < best, "no start met the singularity: the test shows nothing"


def test_from_a_previous_run_and_from_parameters():
    first = unseen.fit(Mixture(Gaussian("full"), 2), FAITHFUL, stop=MaxIterations(3), seed=0, restarts=1)
    assert first.outcome.name == "hit the cap"
    again = unseen.fit(Mixture(Gaussian("full"), 2), FAITHFUL, start=first.params, tol=1e-12)
    assert again.converged and again.loglik == pytest.approx(-1130.26396, abs=1e-4)
    assert len(again.restarts) == 1


@pytest.mark.parametrize("start", ["kmeans++", "random"])
def test_starts_by_name(start):
    fit = unseen.fit(Mixture(Gaussian("full"), 2), FAITHFUL, start=start, restarts=5, tol=1e-12, max_iterations=3000)
    assert fit.loglik == pytest.approx(-1130.26396, abs=1e-4)


def test_labels_fix_which_component_is_which():
    """Eight labelled rows decide the order of components; a class with labels only is still found."""
    long = FAITHFUL[:, 0] > 3
    labels = np.full(len(FAITHFUL), -1.0)
    labels[:8] = long[:8]
    known = np.where(labels < 0, np.nan, labels)
    fit = unseen.fit(Mixture(Gaussian("full"), 2), FAITHFUL, labels=known, tol=1e-12)
    assert fit.params["means"][1, 0] > 4 > 3 > fit.params["means"][0, 0]
    assert fit.loglik <= -1130.26


def test_all_rows_labelled_is_one_step():
    """With every label known EM is the closed form: means and covariances of the classes."""
    long = (FAITHFUL[:, 0] > 3).astype(int)
    fit = unseen.fit(Mixture(Gaussian("full"), 2), FAITHFUL, labels=long, tol=1e-12)
    for k in (0, 1):
        mine = FAITHFUL[long == k]
        assert fit.params["means"][k] == pytest.approx(mine.mean(axis=0))
        assert fit.params["covariances"][k] == pytest.approx(np.cov(mine.T, bias=True))


@pytest.mark.parametrize("engine", ["memory", "threads", "outofcore"])
def test_the_sample_is_the_same_on_every_engine(engine):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4 * SAMPLE_ROWS, 2)) + 4 * rng.integers(0, 2, (4 * SAMPLE_ROWS, 1))
    x[rng.random(x.shape) < 0.1] = np.nan
    source = Arrays(x)
    problem = pose(Mixture(Gaussian("full"), 2), source, engine=engine)
    few = subsample(problem.model, problem.engine, len(x), 7)
    total = sum(b.rows for b in few.blocks)
    assert SAMPLE_ROWS <= total <= SAMPLE_ROWS + len(source.manifest())
    values = np.concatenate([b.cells[0].values for b in few.blocks], axis=1)
    reference = pose(Mixture(Gaussian("full"), 2), source, engine="memory")
    expected = subsample(reference.model, reference.engine, len(x), 7)
    assert np.array_equal(values, np.concatenate([b.cells[0].values for b in expected.blocks], axis=1))


def test_many_rows_find_the_same_optimum_through_a_sample():
    rng = np.random.default_rng(1)
    centres = np.array([[0, 0], [5, 0], [0, 5], [5, 5.0]])
    x = centres[rng.integers(0, 4, 60_000)] + rng.normal(size=(60_000, 2))
    fit = unseen.fit(Mixture(Gaussian("full"), 4), x, seed=0, restarts=4)
    assert fit.converged
    found = fit.params["means"][np.lexsort(fit.params["means"].round().T)]
    assert found == pytest.approx(centres[np.lexsort(centres.T)], abs=0.1)
    assert [a["finished"] for a in fit.restarts].count(True) == 1
