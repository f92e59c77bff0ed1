"""Another model is asked for than the champion is: the retrain goes on from what fits, and ends with a verdict."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import unseen
from tests.ops.loop_case import month, settings_at
from unseen.core.written import written
from unseen.ops.fitting import planned
from unseen.ops.ingest import take_in
from unseen.ops.judge import HoldOut
from unseen.ops.record import Outcome
from unseen.ops.registry import Registry
from unseen.ops.retrain import retrain
from unseen.ops.retrain.continuing import belong, carried
from unseen.problem import bind

#: what another unseen.yaml may ask for: of the model, and what is left out
OTHERS: dict[str, dict[str, Any]] = {
    "diagonal": {"model": {"covariance": "diagonal"}},
    "spherical": {"model": {"covariance": "spherical"}},
    "tied-full": {"model": {"covariance": "tied-full"}},
    "factors-1": {"model": {"covariance": "factors-1"}},
    "auto": {"model": {"covariance": "auto"}},
    "one student_t": {"model": {"family": {"age": "student_t"}}},
    "all student_t": {"model": {"family": dict.fromkeys(("age", "spend", "visits"), "student_t")}},
    "two components": {"model": {"components": 2}},
    "four components": {"model": {"components": 4}},
    "fewer columns": {"data": {"ignore": ["visits"]}},
    "no category": {"data": {"ignore": ["plan"]}},
}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loop")
    month(folder, 1, rows=600), month(folder, 2, rows=600)
    assert retrain(settings_at(folder)).outcome == Outcome.PROMOTED
    month(folder, 3, rows=600)
    return folder


@pytest.fixture
def loop(grown: Path, tmp_path: Path) -> Path:
    shutil.copytree(grown, tmp_path / "loop")
    return tmp_path / "loop"


@pytest.mark.parametrize("other", OTHERS)
def test_other_parameters_under_the_same_columns_end_in_a_verdict(loop: Path, other: str) -> None:
    record = retrain(settings_at(loop, **OTHERS[other]))
    assert record.outcome in (Outcome.PROMOTED, Outcome.HELD), record.reason
    assert record.version == 2 and record.settings_changed


@pytest.mark.parametrize("back", ["diagonal", "all student_t", "fewer columns"])
def test_there_is_a_way_back(loop: Path, back: str) -> None:
    retrain(settings_at(loop, **OTHERS[back]))
    registry = Registry(settings_at(loop))
    registry.promote(2, registry.champion().number, "asked for", override=True)
    month(loop, 4, rows=600)
    record = retrain(settings_at(loop))
    assert record.outcome in (Outcome.PROMOTED, Outcome.HELD), record.reason


def test_an_added_column_goes_on_from_the_champion(loop: Path) -> None:
    for path in (loop / "months").glob("*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.append_column("height", [np.random.default_rng(5).normal(size=table.num_rows)]), path)
    record = retrain(settings_at(loop))
    assert record.outcome in (Outcome.PROMOTED, Outcome.HELD), record.reason
    assert record.fit is not None and record.fit.components == 3


@pytest.mark.parametrize("other", ["diagonal", "spherical", "tied-full", "one student_t", "all student_t"])
def test_components_keep_their_places_in_another_form(loop: Path, other: str) -> None:
    """One M-step from the champion's responsibilities: means are those that the champion's weights give."""
    settings = settings_at(loop, **OTHERS[other])
    champion = Registry(settings).load(1)
    intake = take_in(settings)
    made = planned(settings, intake.source, champion)
    holdout = HoldOut(intake.source, intake.sizes, 0.2, 0)
    rows = replace(made.known, make=lambda blocks: made.known.make(holdout.training(blocks)))
    problem = bind(made.model_for(3), rows)
    params = carried(champion, problem, holdout, 0.0)
    assert params is not None and problem.model.valid(params)
    assert written(problem.model) != written(champion.model)
    assert np.allclose(params["weights"], champion.params["weights"], atol=0.05)


def test_the_same_model_goes_on_at_the_champions_own_parameters(loop: Path) -> None:
    settings = settings_at(loop)
    champion = Registry(settings).load(1)
    intake = take_in(settings)
    made = planned(settings, intake.source, champion)
    holdout = HoldOut(intake.source, intake.sizes, 0.2, 0)
    rows = replace(made.known, make=lambda blocks: made.known.make(holdout.training(blocks)))
    assert carried(champion, bind(made.model_for(3), rows), holdout, 0.0) is champion.params


def test_a_log_normal_does_not_take_a_gaussians_parameters(tmp_path: Path) -> None:
    """They have the same names and shapes, and another meaning."""
    rng = np.random.default_rng(0)
    data = {"x": np.exp(rng.normal(1, 0.3, 300)), "y": np.exp(rng.normal(2, 0.3, 300))}
    champion = unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), data)
    other = unseen.fit(unseen.Mixture(unseen.LogNormal(), 1), data)
    assert {n: a.shape for n, a in other.params.items()} == {n: a.shape for n, a in champion.params.items()}
    assert belong(champion, champion.model) and not belong(champion, other.model)


def test_a_slow_end_is_taken_in_long_strides_unless_the_file_names_an_algorithm(loop: Path) -> None:
    """Student-t components with free degrees of freedom converge slowly: EM alone meets the cap."""
    slow = {"family": {"age": "student_t"}}
    plain = retrain(settings_at(loop, model=slow, fit={"algorithm": "batch"}))
    assert plain.outcome == Outcome.UNFIT and "the cap of 1000 iterations" in plain.reason
    record = retrain(settings_at(loop, model=slow), again=True)
    assert record.outcome in (Outcome.PROMOTED, Outcome.HELD), record.reason
