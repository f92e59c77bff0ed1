"""The number of components: one table, one survey of the data, and a choice that can be checked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import unseen
from unseen.core.encoding import Encoded
from unseen.core.observe import Event
from unseen.engines.local import Memory
from unseen.errors import DataError, ModelError
from unseen.problem import bind, survey
from unseen.search.fitting import TOLD_APART
from unseen.search.holdout import Split, log_density
from unseen.search.order import numbers
from unseen.sources.arrays import Arrays


def three(rows: int = 300, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(np.array([0.0, 8, 16])[np.arange(rows) % 3], 1)[:, None]


def mixture(k: int = 1) -> Any:
    return unseen.Mixture(unseen.Gaussian(), k)


@pytest.mark.parametrize("criterion", ["bic", "icl", "heldout"])
def test_three_groups_are_found(criterion: str) -> None:
    result = unseen.select(mixture(), three(), range(1, 5), criterion, restarts=5)
    assert result.model.components == 3
    assert [r["components"] for r in result.search] == [1, 2, 3, 4]
    best = {"bic": min, "icl": min, "heldout": max}[criterion]
    assert best(result.search, key=lambda r: r[criterion])["components"] == 3


def test_each_row_of_the_table_is_at_least_the_fit_of_that_number() -> None:
    """The search has the starts of a fit and those from its neighbours, and leaves a quarter of a unit at the most."""
    result = unseen.select(mixture(), three(), (1, 2, 3), restarts=3, seed=4)
    for row in result.search:
        alone = unseen.fit(mixture(row["components"]), three(), restarts=3, seed=4)
        assert row["loglik"] >= alone.loglik - TOLD_APART - 300 * 1e-7
        assert row["size"] == alone.size
        assert row["bic"] == pytest.approx(-2 * row["loglik"] + row["size"] * np.log(300))
    chosen = unseen.fit(mixture(result.model.components), three(), restarts=3, seed=4)
    assert result.loglik >= chosen.loglik - 300 * 2e-7
    assert (result.bic, result.options["criterion"]) == (min(r["bic"] for r in result.search), "bic")


def test_a_function_from_k_to_a_model_works_as_well() -> None:
    a = unseen.select(mixture, three(), (2, 3), restarts=2)
    b = unseen.select(mixture(), three(), (2, 3), restarts=2)
    assert a.loglik == b.loglik


class Counted(Arrays):
    """Counts how often each block is read."""

    def __init__(self, data: Any) -> None:
        super().__init__(data, block_rows=50)
        self.reads = 0

    def read(self, part: Any, columns: Any) -> Any:
        self.reads += 1
        return super().read(part, columns)


def test_the_data_is_read_twice_whatever_is_tried() -> None:
    for tried in ((2,), range(1, 6)):
        source = Counted(three())
        unseen.select(mixture(), source, tried, engine="memory", restarts=2, max_iterations=5)
        assert source.reads == 2 * len(source.manifest())  # the survey, then the blocks that are kept


def test_numbers_that_cannot_be_fitted_are_rows_with_their_reason() -> None:
    result = unseen.select(mixture(), np.array([[0.0], [1.0], [5.0], [6.0]]), (1, 2, 7), restarts=2)
    last = result.search[-1]
    assert (last["components"], last["outcome"]) == (7, "failed")
    assert last["reason"].startswith("4 rows cannot tell 7 components apart")
    assert "loglik" not in last


def test_if_nothing_can_be_fitted_the_reason_is_raised() -> None:
    with pytest.raises(DataError, match="cannot tell 5 components apart"):
        unseen.select(mixture(), np.array([[0.0], [1.0]]), (5, 6))
    with pytest.raises(DataError, match="constant"):
        unseen.select(mixture(), np.ones((20, 1)), (1, 2))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"components": ()}, "at least one"),
        ({"components": (0, 1)}, "1 or more"),
        ({"criterion": "aic"}, "one of bic, icl, heldout"),
        ({"criterion": "heldout", "share": 1.0}, "between 0 and 1"),
    ],
)
def test_wrong_use_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        unseen.select(mixture(), three(), **wrong)


def test_rows_of_a_sequence_are_not_held_out() -> None:
    model = unseen.HMM(unseen.Gaussian(), 2)
    with pytest.raises(ModelError, match="choose criterion='bic'"):
        unseen.select(lambda k: model, three(), (2,), criterion="heldout")


def test_numbers_are_sorted_and_tried_once() -> None:
    assert numbers([4, 2, 2, 4]) == (2, 4)


# ---- held-out rows


def test_the_split_is_a_partition_and_a_function_of_the_seed() -> None:
    split = Split(0.2, 7)
    known = survey(mixture(), Arrays(three(203), block_rows=64))
    problem = bind(mixture(2), known)
    blocks = Encoded(known.source, problem.encoding)
    training, held = list(split.training(blocks)), list(split.held(blocks))
    assert sum(b.rows for b in training) + sum(b.rows for b in held) == 203
    assert sum(b.rows for b in held) == sum(round(0.2 * p.rows) for p in known.source.manifest())
    both = np.concatenate([b.cells[0].values[0] for b in (*training, *held)])
    assert sorted(both) == sorted(three(203)[:, 0])
    again = [b.cells[0].values for b in Split(0.2, 7).held(blocks)]
    assert all(np.array_equal(a, b.cells[0].values) for a, b in zip(again, held, strict=True))
    other = [b.cells[0].values for b in Split(0.2, 8).held(blocks)]
    assert not all(np.array_equal(a, b) for a, b in zip(again, other, strict=True))


def test_the_held_out_score_is_the_mean_and_its_standard_error() -> None:
    weights = np.arange(300) % 4.0
    data = {"x": three()[:, 0], "w": weights}
    result = unseen.select(mixture(), data, (2,), "heldout", weights="w", restarts=2)
    known = survey(mixture(2), Arrays(data), weights="w")
    split = Split(0.2, 0)
    problem = bind(mixture(2), known, part=split.training)
    fitted = unseen.fit(mixture(2), {k: v[~split.rows(0, 300)] for k, v in data.items()}, weights="w", restarts=2)
    (block,) = split.held(Encoded(known.source, problem.encoding))
    density = np.repeat(fitted.model.posterior(fitted.params, block)[1], block.weights.astype(int))
    row = result.search[0]
    assert row["heldout"] == pytest.approx(density.mean(), rel=1e-4)
    assert row["heldout_se"] == pytest.approx(density.std(ddof=1) / np.sqrt(len(density)), rel=1e-3)
    held = log_density(fitted.model, fitted.params, block)
    assert held.mean == pytest.approx(density.mean(), rel=1e-12)


def test_after_the_choice_the_model_is_fitted_to_all_rows() -> None:
    result = unseen.select(mixture(), three(), (1, 3), "heldout", restarts=5)
    everything = unseen.fit(mixture(3), three(), restarts=5)
    # the same sums in another order: the last digit is rounding
    assert (result.weight, result.loglik) == (300, pytest.approx(everything.loglik, rel=1e-14))


# ---- time and interruption


def test_time_is_for_the_whole_search() -> None:
    result = unseen.select(mixture(), three(), (1, 2, 3), max_seconds=1e-9, restarts=1)
    assert result.outcome.name == "out of time"
    assert [r["outcome"] for r in result.search] == ["out of time"] * 3
    assert "loglik" in result.search[0] and "loglik" not in result.search[1]


class Stop:
    """Presses Ctrl-C when a condition on the events holds for the first time."""

    def __init__(self, when: Any) -> None:
        self.when, self.k, self.pressed = when, 0, False

    def __call__(self, event: Event) -> None:
        self.k = event.facts.get("components", self.k)
        if not self.pressed and self.when(self.k, event):
            self.pressed = True
            raise KeyboardInterrupt


def test_an_interrupt_in_a_later_fit_keeps_the_best_before_it() -> None:
    stop = Stop(lambda k, e: k == 3 and e.name == "iteration" and e.facts["iteration"] == 2)
    result = unseen.select(mixture(), three(), (1, 2, 3, 4), restarts=2, observers=(stop,))
    assert result.outcome.name == "interrupted" and result.model.components == 2
    assert result.outcome.message.startswith("interrupted while fitting 3 components; 2 is the best")
    assert [r["outcome"] for r in result.search] == ["converged", "converged", "interrupted"]


def test_an_interrupt_in_the_first_fit_keeps_its_parameters() -> None:
    stop = Stop(lambda k, e: e.name == "iteration" and e.facts["iteration"] == 3)
    result = unseen.select(mixture(), three(), (3, 4), restarts=2, observers=(stop,))
    assert result.outcome.name == "interrupted" and result.iterations == 3
    assert result.model.components == 3 and np.isfinite(result.loglik)


def test_an_interrupt_between_starts_keeps_the_best_short_run() -> None:
    stop = Stop(lambda k, e: e.name == "restart" and e.facts["start"] == 1)
    result = unseen.fit(mixture(3), three(), restarts=4, finish=1, observers=(stop,))
    assert result.outcome.name == "interrupted" and "start 2 of 4" in result.outcome.message
    assert len(result.restarts) == 2 and result.model.valid(result.params)


def test_an_interrupt_before_anything_is_known_is_passed_on() -> None:
    stop = Stop(lambda k, e: e.name == "components" and e.facts["stage"] == "started")
    with pytest.raises(KeyboardInterrupt):
        unseen.select(mixture(), three(), (2, 3), observers=(stop,))


def test_engines_and_workers_agree_on_the_choice() -> None:
    results = [
        unseen.select(mixture(), Arrays(three(), block_rows=64), (1, 2, 3), "heldout", engine=engine, restarts=2)
        for engine in ("memory", "threads", "outofcore", Memory)
    ]
    assert len({r.loglik for r in results}) == 1
    assert len({r.search[-1]["heldout"] for r in results}) == 1
