"""The search as a whole: starts that race, neighbours, forms, and a choice that says what it passed over."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import unseen
from unseen import Gaussian, Mixture
from unseen.core.stats import Params
from unseen.core.stop import Converged, Record
from unseen.engines.local import Memory
from unseen.errors import DataError, ModelError, NumericalError
from unseen.plan import plan
from unseen.problem import pose
from unseen.search.neighbours import Neighbour
from unseen.search.order import search
from unseen.search.tries import BEHIND, CANNOT_WIN, coincide, expected, optimistic, outstanding
from unseen.sources.arrays import Arrays


def groups(rows: int = 240, seed: int = 0, apart: float = 8.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, 3)) + apart * np.eye(3)[np.arange(rows) % 3]


def traced(objectives: Any) -> list[Record]:
    changes = np.diff(objectives, prepend=np.nan)
    return [Record(i + 1, o, c, 0.0, 0.0, i + 1) for i, (o, c) in enumerate(zip(objectives, changes, strict=True))]


# ---- where a run may end


@pytest.mark.parametrize("rate", [0.5, 0.8, 0.95])
def test_a_geometric_run_ends_below_the_optimistic_limit(rate: float) -> None:
    """Gains d a^t sum to a limit, which Aitken's estimate comes near and the optimistic one never misses."""
    limit = -1.0
    trace = traced(limit - rate ** np.arange(1, 31))
    assert optimistic(trace) >= limit
    assert abs(expected(trace) - limit) < abs(trace[-1].objective - limit) + 1e-12


def test_a_run_that_gains_ever_more_may_reach_anything() -> None:
    assert optimistic(traced(-1 + 1e-3 * 1.2 ** np.arange(30))) == np.inf
    assert np.isfinite(outstanding(traced(-1 + 1e-3 * 1.2 ** np.arange(30))))
    assert optimistic(traced([-1.0])) == np.inf


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_slow_runs_are_covered_for_three_doublings(power: float) -> None:
    at = lambda t: -(float(t) ** -power)  # noqa: E731
    trace = traced([at(t) for t in range(1, 65)])
    assert optimistic(trace) >= at(512)


def test_parameters_coincide_up_to_the_order_of_components() -> None:
    a = Params(weights=[0.3, 0.7], means=[[0.0], [5.0]])
    assert coincide(a, Params(weights=[0.7, 0.3], means=[[5.0], [0.001]]))
    assert not coincide(a, Params(weights=[0.7, 0.3], means=[[0.0], [5.0]]))
    assert not coincide(a, Params(weights=[0.3, 0.7], means=[[0.0], [6.0]]))


# ---- the race


def test_every_start_has_its_reason_and_the_winner_is_the_best_finished() -> None:
    fit = unseen.fit(Mixture(Gaussian("full"), 3), groups(apart=3.0), restarts=12, seed=0)
    outcomes = {a["outcome"] for a in fit.restarts}
    assert all(o in ("converged", CANNOT_WIN, BEHIND) or o.startswith("same as start") for o in outcomes)
    finished = [a for a in fit.restarts if a["finished"]]
    assert fit.loglik / 240 >= max(a["objective"] for a in finished) - 1e-9
    assert max(a["hits"] for a in finished) <= len(finished)
    assert not any(a["finished"] for a in fit.restarts if a["outcome"] in (CANNOT_WIN, BEHIND))


def test_a_race_finds_what_finishing_every_start_finds() -> None:
    for seed in range(3):
        x = groups(seed=seed, apart=5.0)
        race = unseen.fit(Mixture(Gaussian("full"), 3), x, seed=seed)
        every = unseen.fit(Mixture(Gaussian("full"), 3), x, seed=seed, restarts=10, finish=10)
        assert race.loglik >= every.loglik - 240 * 2e-7
        assert sum(a["iterations"] for a in race.restarts) < sum(a["iterations"] for a in every.restarts)


def test_the_answer_is_the_same_whatever_runs_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    from unseen.search import running

    x = groups()
    x[np.random.default_rng(1).random(x.shape) < 0.1] = np.nan
    results = []
    for workers, worth in ((1, 1.0), (2, 0.0), (3, 0.0)):
        monkeypatch.setattr(running, "WORTH_THREADS", worth)
        results.append(unseen.select(Mixture(Gaussian(), 1), x, seed=2, workers=workers))
    first = results[0]
    for other in results[1:]:
        assert (other.loglik, other.restarts) == (first.loglik, first.restarts)
        assert [r.get("loglik") for r in other.search] == [r.get("loglik") for r in first.search]


def test_one_start_that_arithmetic_refuses_does_not_end_the_fit() -> None:
    """Without any floor starts that end on a few rows are singular; the others go on."""
    x = groups(24, apart=4.0)
    fit = unseen.fit(Mixture(Gaussian("full", floor=0), 3), x, restarts=30, seed=0)
    outcomes = [a["outcome"] for a in fit.restarts]
    assert "failed" in outcomes and np.isfinite(fit.loglik) and fit.model.valid(fit.params)
    with pytest.raises(NumericalError):
        unseen.fit(Mixture(Gaussian("full", floor=0), 2), np.repeat([[0.0, 0], [1, 2]], 10, axis=0), restarts=2)


def test_an_empty_component_does_not_win_over_sound_ones() -> None:
    """Three points twenty times over: three components find them, whatever a start with two empty ones says."""
    x = np.repeat([[0.0, 0.0], [5.0, 1.0], [2.0, 7.0]], 20, axis=0) + np.random.default_rng(0).normal(size=(60, 2)) / 50
    fit = unseen.fit(Mixture(Gaussian("full"), 3), x, restarts=10, seed=0)
    assert fit.params["weights"] == pytest.approx([1 / 3] * 3, abs=1e-6)


def test_a_limit_of_time_holds_for_short_runs_and_all_starts_together() -> None:
    x = np.random.default_rng(0).normal(size=(4000, 8))
    began = time.perf_counter()
    fit = unseen.fit(Mixture(Gaussian("full"), 8), x, restarts=500, max_seconds=0.2)
    assert fit.outcome.name == "out of time"
    assert len(fit.restarts) < 500 or time.perf_counter() - began < 60


@pytest.mark.parametrize("restarts", [0, -2])
def test_no_starts_are_refused(restarts: int) -> None:
    with pytest.raises(ModelError, match="take 1 or more"):
        unseen.fit(Mixture(Gaussian(), 2), groups(), restarts=restarts)


def test_starts_with_labels_differ_or_are_one() -> None:
    x, labels = groups(), np.where(np.arange(240) < 30, np.arange(240) % 3.0, np.nan)
    same = unseen.fit(Mixture(Gaussian(), 3), x, labels=labels, start="labels", restarts=10)
    assert len(same.restarts) == 1
    auto = unseen.fit(Mixture(Gaussian(), 3), x, labels=labels, restarts=3, finish=3, short=1, seed=0)
    assert len({a["iterations"] for a in auto.restarts}) > 1 or len({a["objective"] for a in auto.restarts}) > 1
    free = np.where(labels == 2, np.nan, labels)
    assert len(unseen.fit(Mixture(Gaussian(), 3), x, labels=free, start="labels", restarts=4).restarts) == 4


# ---- neighbours


def test_a_neighbour_gives_starts_with_one_more_one_less_and_as_many() -> None:
    x = groups()
    two = unseen.fit(Mixture(Gaussian("full"), 2), x, seed=0)
    near = Neighbour(two.model, two.params)
    for k, make in ((3, near.one_more), (2, near.as_it_is), (1, near.one_less)):
        problem = pose(Mixture(Gaussian("diagonal" if k == 2 else "full"), k), Arrays(x))
        assert near.fits(problem.model)
        for start in make(problem.model, problem.engine):
            params = start(problem.model, problem.engine, 0)
            assert len(params["weights"]) == k and problem.model.valid(params)


def test_a_component_over_two_groups_is_divided_between_them() -> None:
    x = groups(apart=20.0)
    two = unseen.fit(Mixture(Gaussian("full"), 2), x, seed=0)
    problem = pose(Mixture(Gaussian("full"), 3), Arrays(x))
    start = Neighbour(two.model, two.params).one_more(problem.model, problem.engine)[0]
    assert start(problem.model, problem.engine, 0)["weights"] == pytest.approx([1 / 3] * 3, abs=1e-6)


def test_other_columns_are_no_neighbours() -> None:
    one = unseen.fit(Mixture(Gaussian(), 2), {"a": groups()[:, 0]})
    other = pose(Mixture(Gaussian(), 2), Arrays({"b": groups()[:, 0]}))
    assert not Neighbour(one.model, one.params).fits(other.model)
    sequences = pose(unseen.HMM(Gaussian(), 2), Arrays({"a": groups()[:, 0]}, whole=True))
    assert not Neighbour(one.model, one.params).fits(sequences.model)


# ---- numbers and forms


def test_the_default_range_ends_when_the_criterion_gets_worse() -> None:
    result = unseen.select(Mixture(Gaussian(), 1), groups(), seed=0)
    told = {r["components"]: r for r in result.search}
    assert result.model.components == 3 and list(told) == list(range(1, 9))
    assert told[8]["outcome"] == "not tried" and told[8]["reason"] == "the criterion was getting worse"
    assert result.converged and result.options["tol"] == 1e-5
    asked = unseen.select(Mixture(Gaussian(), 1), groups(), range(1, 9), seed=0)
    assert all("bic" in r for r in asked.search)
    assert asked.bic == pytest.approx(result.bic, abs=2 * 240 * 1e-5 + 1e-3)


def formed(k: int, form: str) -> Any:
    return Mixture(Gaussian(form.removeprefix("tied-"), tied=form.startswith("tied-")), k)


def test_the_form_is_chosen_like_the_number() -> None:
    """Three spheres of one size: the tied diagonal form has the fewest parameters that hold them."""
    forms = ("full", "tied-full", "diagonal", "tied-diagonal")
    result = unseen.select(formed, groups(), forms=forms, seed=0)
    assert (result.model.components, result.options["form"]) == (3, "tied-diagonal")
    assert {r["form"] for r in result.search} == set(forms)
    assert min((r for r in result.search if "bic" in r), key=lambda r: r["bic"])["form"] == "tied-diagonal"
    with pytest.raises(ModelError, match="a function that takes"):
        unseen.select(Mixture(Gaussian(), 1), groups(), forms=forms)


def test_a_form_that_the_cells_cannot_carry_is_a_row_with_its_reason() -> None:
    x = np.random.default_rng(0).normal(size=(30, 40))
    result = unseen.select(formed, x, forms=("full", "diagonal"), seed=0)
    first = result.search[0]
    assert (first["form"], first["outcome"]) == ("full", "not tried")
    assert "860 parameters are too many for 1,200 observed cells" in first["reason"]
    assert result.options["form"] == "diagonal"


def test_what_the_criterion_puts_first_is_told_when_it_is_not_returned() -> None:
    """Values of a continuous column repeated in a clump: the component on it has no bounded likelihood."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(200, 2)), np.tile(rng.normal(size=2) + 5, (30, 1))])
    result = unseen.select(Mixture(Gaussian("full"), 1), x, (1, 2), seed=0)
    passed = result.options["not_returned"]
    assert result.model.components == 1 and passed["components"] == 2
    assert passed["reason"].startswith("singular: a variance floor holds component")
    assert "up in column x" in passed["reason"] and passed["value"] < result.bic
    assert "not_returned" not in unseen.select(Mixture(Gaussian(), 1), groups(), (1, 2, 3)).options


def test_an_engine_of_ones_own_is_searched_alike() -> None:
    a = unseen.select(Mixture(Gaussian(), 1), groups(), engine=Memory, seed=1)
    b = unseen.select(Mixture(Gaussian(), 1), groups(), seed=1)
    assert (a.loglik, a.search[0]["bic"]) == (b.loglik, b.search[0]["bic"])


def test_a_rule_of_ones_own_is_kept() -> None:
    result = unseen.select(Mixture(Gaussian(), 1), groups(), (3,), stop=Converged(1e-3), seed=0)
    assert "0.001" in result.outcome.message


def test_weights_that_are_no_numbers_of_rows_are_refused_where_rows_are_counted() -> None:
    x = np.random.default_rng(0).normal(size=300)
    with pytest.raises(DataError, match="sum to 0.3.*scale the weights"):
        unseen.select(Mixture(Gaussian(), 1), {"a": x}, weights=np.full(300, 1e-3))
    one = unseen.fit(Mixture(Gaussian(), 1), {"a": x}, weights=np.full(300, 1e-3))
    assert one.params["means"][0, 0] == pytest.approx(x.mean())


@pytest.mark.parametrize("table", [{"a": [1, 2], "b": [2, 5]}, {"a": [1.5, 2.25], "b": [2.0, 5.5]}, {"a": [3, 4, 9]}])
def test_two_or_three_rows_are_one_component(table) -> None:
    made = plan(Arrays({k: np.array(v) for k, v in table.items()}))
    assert search(made.model_for, made.known, None, forms=made.forms).model.components == 1


@pytest.mark.parametrize("scale", [1e-150, 1e-15, 1e150])
def test_units_beside_each_other_may_differ_beyond_measure(scale: float) -> None:
    rng = np.random.default_rng(1)
    group = rng.integers(0, 2, 300)
    x = {"a": scale * rng.normal(4 * group, 1), "b": rng.normal(-3 * group, 1)}
    x["a"][rng.random(300) < 0.1] = np.nan
    made = plan(Arrays(x))
    result = search(made.model_for, made.known, (1, 2, 3), forms=made.forms)
    assert result.converged and result.model.components == 2


def test_forms_that_were_not_reached_are_no_error() -> None:
    """An interrupt in the first fits leaves forms untried: what there is is the answer."""
    made = plan(
        Arrays({"a": np.random.default_rng(0).normal(size=200), "b": np.random.default_rng(1).normal(size=200)})
    )

    def press(event) -> None:
        if event.name == "iteration" and event.facts["iteration"] == 3:
            raise KeyboardInterrupt

    found = search(made.model_for, made.known, (2,), forms=made.forms, restarts=3, observers=(press,))
    assert found.outcome.name == "interrupted" and found.model.components == 2
