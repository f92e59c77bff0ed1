"""Online EM: the steps of `Stepwise` without an engine, for every model that may take them, kept and gone on with."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

import unseen
from tests.test_conformance import EXAMPLES
from unseen import DataError, Gaussian, Mixture, ModelError, Online, Poisson, SchemaError, Stepwise
from unseen.core.stats import Kind
from unseen.core.stop import MaxIterations


def three_groups(rows: int, seed: int = 0, gap: float = 4.0) -> np.ndarray:
    """Rows of three columns in three groups, a tenth of the cells missing."""
    rng = np.random.default_rng(seed)
    x = gap * np.eye(3)[rng.integers(3, size=rows)] + rng.normal(size=(rows, 3))
    x[rng.random(x.shape) < 0.1] = np.nan
    return x


def as_result(x: np.ndarray, params: Any, **options: Any) -> Any:
    """A result that stands where ``Stepwise`` begins: its E-step over all rows at these parameters."""
    from unseen.closing import close
    from unseen.core.stop import PAUSED, Outcome
    from unseen.loop import Run
    from unseen.problem import pose
    from unseen.search.restarts import Restarts
    from unseen.sources.arrays import Arrays

    problem = pose(Mixture(Gaussian(), 3), Arrays(x, block_rows=100))
    run = Run(params, Outcome(PAUSED, ""), (), 0, 0.0)
    return close(problem, Restarts(run, problem.model.anchored(params), ()), None, 0, options)


@pytest.mark.parametrize("exponent", [0.6, 1.0])
@pytest.mark.parametrize("prior", [0.0, 2.0])
def test_the_same_batches_give_the_bits_of_stepwise(exponent: float, prior: float) -> None:
    x = three_groups(1000)
    x[np.isnan(x).all(axis=1), 0] = 0.0  # so that all batches weigh the same
    begin = unseen.fit(Mixture(Gaussian(), 3), x, restarts=1, stop=MaxIterations(2), seed=1).params
    how: dict[str, Any] = {"algorithm": Stepwise(exponent), "stop": MaxIterations(1), "block_rows": 100}
    theirs = unseen.fit(Mixture(Gaussian(), 3), x, start=begin, prior=prior, **how)
    online = Online(as_result(x, begin, prior=prior), exponent=exponent, seen=0)
    for batch in np.split(x, 10):
        online.update(batch)
    for name, value in theirs.params.items():
        np.testing.assert_allclose(online.params[name], value, rtol=1e-12, atol=1e-12)
        assert prior or online.params[name].tobytes() == value.tobytes()
    assert online.result.log_prior == pytest.approx(theirs.log_prior, rel=1e-9)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_model_learns_or_is_refused_before_data_is_looked_at(name: str, tmp_path: Any) -> None:
    example = importlib.import_module(name).example()
    options = {**example.options, "restarts": 1, "seed": 0, "max_iterations": 3}
    result = unseen.fit(example.model, example.data, **options)
    if result.model.kind is Kind.BOUND:
        with pytest.raises(ModelError, match="mean something only at the parameters they were taken at"):
            Online(result)
        return
    sides = {k: options[k] for k in ("weights", "labels") if k in options}
    online = Online(result)
    before = {name: value.tobytes() for name, value in online.params.items()}
    half = {column: np.asarray(values)[: len(values) // 2] for column, values in example.data.items()}
    online.update(half, **sides)
    assert result.model.valid(online.params) and {k: v.tobytes() for k, v in online.params.items()} != before
    assert np.isfinite(online.result.score(example.data)[0]) and online.result.summary()
    kept = online.result.save(tmp_path / "run")
    again = Online(unseen.load(kept))
    for one in (online, again):
        one.update(example.data, **sides)
    for key, value in online.params.items():
        assert value.tobytes() == again.params[key].tobytes(), f"{key} depends on whether it was saved"
    assert repr(online.result) == repr(again.result) and online.result.options == again.result.options


def test_statistics_of_all_rows_at_once_are_one_em_step() -> None:
    """With all rows in the batch and nothing remembered, online EM is batch EM."""
    x = three_groups(600)
    begin = unseen.fit(Mixture(Gaussian(), 3), x, restarts=1, stop=MaxIterations(1), seed=1)
    step = unseen.fit(Mixture(Gaussian(), 3), x, start=begin.params, stop=MaxIterations(1))
    online = Online(begin, memory=1e-9)
    online.update(x)
    for name, value in step.params.items():
        np.testing.assert_allclose(online.params[name], value, rtol=1e-7, atol=1e-9)
    # what is said of rows is that of the parameters which the batch met
    assert online.result.loglik == pytest.approx(begin.loglik, rel=1e-9)
    assert online.result.entropy == pytest.approx(begin.entropy, rel=1e-6)
    assert online.result.certainty == pytest.approx(begin.certainty, rel=1e-9)
    np.testing.assert_allclose(online.result.occupancy, begin.occupancy, rtol=1e-7)


@pytest.mark.parametrize("size", [1, 7, 250])
def test_a_stream_leads_from_a_poor_fit_to_that_of_all_rows(size: int) -> None:
    first, stream, fresh = three_groups(60, 1), three_groups(2000, 2), three_groups(4000, 3)
    small = unseen.fit(Mixture(Gaussian(), 3), first, seed=0)
    whole = unseen.fit(Mixture(Gaussian(), 3), stream, seed=0)
    online = Online(small)
    for at in range(0, len(stream), size):
        online.update(stream[at : at + size])
    best, begun, now = (r.score(fresh)[0] for r in (whole, small, online.result))
    assert now > begun + 0.8 * (best - begun)


def test_a_memory_follows_rows_that_drift_and_an_exponent_of_one_does_not() -> None:
    x = three_groups(1500)
    result = unseen.fit(Mixture(Gaussian(), 3), x, seed=0)
    follows, stays = Online(result, memory=300), Online(result)
    for at, batch in enumerate(np.split(three_groups(3000, 4), 60)):
        for one in (follows, stays):
            one.update(batch + 0.05 * (at + 1))
    now = three_groups(3000, 5) + 3.0
    assert follows.result.score(now)[0] > stays.result.score(now)[0] + 0.2


def test_weights_are_copies() -> None:
    x, times = three_groups(90), np.tile([1, 2, 3], 30)
    result = unseen.fit(Mixture(Gaussian(), 3), three_groups(500, 1), seed=0)
    weighted, repeated = Online(result), Online(result)
    weighted.update(x, weights=times)
    repeated.update(np.repeat(x, times, axis=0))
    for name, value in repeated.params.items():
        np.testing.assert_allclose(weighted.params[name], value, rtol=1e-9, atol=1e-12)
    assert weighted.result.options["seen"] == result.weight + times[~np.isnan(x).all(axis=1)].sum()


def test_labels_go_on_naming_components() -> None:
    rng = np.random.default_rng(0)
    x, names = np.concatenate([rng.normal(-1, 1, 100), rng.normal(1, 1, 100)]), np.repeat(["low", "high"], 100)
    data = {"x": x, "name": names.astype(object)}
    result = unseen.fit(Mixture(Gaussian(), 2), data, labels="name", seed=0)
    told, untold = Online(result), Online(result)
    beyond = {"x": np.full(50, 3.0), "name": np.array(["low"] * 50, object)}
    told.update(beyond, labels="name")
    untold.update(beyond)
    low = result.encoding.classes.index("low")
    assert told.params["means"][low, 0] > untold.params["means"][low, 0] + 0.2


def refused(online: Online, error: type[Exception], words: str, *batch: Any, **options: Any) -> None:
    before = online.result
    with pytest.raises(error, match=words):
        online.update(*batch, **options)
    assert online.result is before, "something was learned from a batch that was refused"


def test_what_cannot_be_learned_from_changes_nothing() -> None:
    online = Online(unseen.fit(Mixture(Gaussian(), 3), three_groups(200), seed=0))
    refused(online, SchemaError, "no column 'x2'", np.zeros((2, 2)))
    refused(online, DataError, "infinite", np.array([[np.inf, 0, 0]]))
    refused(online, DataError, "weights are negative", np.zeros((2, 3)), weights=[1.0, -1.0])
    refused(online, DataError, "weights are negative", np.zeros((2, 3)), weights=[1.0, np.nan])
    refused(online, DataError, "density zero", np.array([[1e200, 0, 0]]))
    before = online.result
    online.update(np.full((3, 3), np.nan))
    online.update(np.zeros((0, 3)))
    online.update(np.zeros((2, 3)), weights=[0.0, 0.0])
    assert online.result is before, "rows that say nothing changed something"
    counts = np.random.default_rng(0).poisson(3, (200, 1)).astype(float)
    refused(Online(unseen.fit(Mixture(Poisson(), 1), counts)), DataError, "density zero", np.array([[-1.0]]))


def test_an_unknown_category_is_refused_or_missing() -> None:
    data = {"city": np.array(["a", "b", "a", "c"] * 20, object)}
    online = Online(unseen.fit(Mixture(unseen.Categorical(), 2), data, seed=0))
    fresh = {"city": np.array(["a", "z"], object)}
    refused(online, SchemaError, "a category that was not there", fresh)
    online.update(fresh, unknown="missing")
    assert online.result.options["seen"] == 81


@pytest.mark.parametrize(
    "law, words",
    [
        ({"exponent": 0.5}, "exponent"),
        ({"exponent": 1.1}, "exponent"),
        ({"exponent": "1"}, "exponent"),
        ({"memory": 0}, "memory"),
        ({"memory": float("nan")}, "memory"),
        ({"seen": -1}, "seen"),
        ({"exponent": 0.7, "memory": 10}, "not both"),
    ],
)
def test_a_law_outside_its_range_is_refused(law: dict[str, Any], words: str) -> None:
    result = unseen.fit(Mixture(Gaussian(), 1), three_groups(50))
    with pytest.raises(ModelError, match=words):
        Online(result, **law)


def test_the_run_of_a_fit_keeps_no_statistics_and_says_what_to_save(tmp_path: Any) -> None:
    result = unseen.fit(Mixture(Gaussian(), 2), three_groups(200), seed=0)
    plain = result.save(tmp_path / "plain")
    assert "statistics" not in " ".join(np.load(plain / "arrays.npz").files)
    with pytest.raises(ModelError, match=r"save unseen.Online\(result\).result"):
        Online(unseen.load(plain))


def test_the_law_goes_on_unless_another_is_given() -> None:
    result = Online(unseen.fit(Mixture(Gaussian(), 1), three_groups(100)), memory=50).result
    assert Online(result).result.options["memory"] == 50
    other = Online(result, exponent=0.8).result.options
    assert (other["exponent"], other["memory"]) == (0.8, None)
