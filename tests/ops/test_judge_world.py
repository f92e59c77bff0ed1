"""The world that the judge is judged by: months are wrong in the way they say, and harm is what it is called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.judge.columns import Given, Unsuited
from benchmarks.judge.harm import harm
from benchmarks.judge.months import FROG_STEP, LARGE, WRONG, creeping
from benchmarks.judge.more_streams import SYNTHETIC
from benchmarks.judge.tasks import Found, Task
from benchmarks.judge.verdicts import verdicts

ROWS = 120


def given(stream: Any) -> Given:
    past = [stream.month(m, ROWS, 0) for m in range(1, 5)]
    return Given(stream.month(5, ROWS, 0), past, lambda: stream.one_kind(5, ROWS, 0), np.random.default_rng(0))


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_month_has_the_columns_and_types_of_the_right_one_and_other_rows(name: str) -> None:
    had = 0
    for stream in SYNTHETIC.values():
        case = given(stream)
        try:
            wrong = WRONG[name](case)
        except Unsuited:
            continue
        had += 1
        assert wrong.dtypes.equals(case.now.dtypes), stream.name
        assert not wrong.equals(case.now), stream.name
        assert case.now.equals(stream.month(5, ROWS, 0)), "the right month was changed in its place"
    assert had >= 2
    assert set(LARGE) <= set(WRONG)


@pytest.mark.parametrize("stream", SYNTHETIC.values(), ids=list(SYNTHETIC))
def test_months_differ_and_come_again_and_none_of_their_rows_judges(stream: Any) -> None:
    month = stream.month(3, ROWS, 1)
    assert month.equals(stream.month(3, ROWS, 1))
    assert not month.equals(stream.month(4, ROWS, 1)) and not month.equals(stream.month(3, ROWS, 2))
    judges = stream.reserve(3, 300, 1)
    assert len(judges) >= 300 and judges.dtypes.equals(month.dtypes)
    numbers = month.select_dtypes(float)
    if len(numbers.columns) >= 3:  # rows of decimals do not repeat by chance
        assert numbers.dropna().merge(judges[numbers.columns]).empty


def test_the_frog_creeps_by_the_same_step_every_month() -> None:
    case = given(SYNTHETIC["gaussians"])
    moved = [(creeping(case, i)["x0"] - case.now["x0"]).mean() for i in (1, 2, 12)]
    assert moved == pytest.approx(FROG_STEP * np.std(case.past[0]["x0"]) * np.array([1, 2, 12]))


@dataclass
class Model:
    """Says of a row what its columns add up to, and remembers what it was shown."""

    families: dict[str, str]
    loss: float = 0.0
    atoms: dict[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def columns(self) -> list[dict[str, Any]]:
        return [
            {"column": c, "family": f, **({"set_apart": self.atoms[c]} if c in self.atoms else {})}
            for c, f in self.families.items()
        ]

    def log_prob(self, table: Any, unknown: str) -> np.ndarray:
        return table.to_pandas().fillna(0.0).sum(axis=1).to_numpy(float) - self.loss


def test_harm_is_the_mean_loss_and_only_on_columns_of_one_measure() -> None:
    rows = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [-np.inf, 5.0, 6.0], "c": [7.0, 8.0, 9.0]})
    old = Model({"a": "gaussian", "b": "gaussian", "c": "poisson"})
    new = Model({"a": "log_normal", "b": "hurdle_gaussian", "c": "gaussian"}, 0.25, {"b": (0.0,)})
    found = harm(new, old, rows)
    assert found == {"gain": pytest.approx(-0.25), "se": pytest.approx(0.0), "apart": ["b", "c"]}
    impossible = harm(Model(old.families, np.inf), old, rows[["a"]])
    assert impossible["gain"] == -np.inf


def test_a_target_is_missed_by_one_loss_beyond_the_tolerance(tmp_path: Any) -> None:
    def met(loss: float, proposed: float | None) -> dict[str, bool]:
        found = Found(tmp_path / f"{loss}-{proposed}.jsonl", "code")
        task = Task("wrong", "clinic", 500, 0, "15 % garbage")
        first = {"step": "first", "outcome": "promoted", "proposed": proposed}
        clean = [{"step": "clean", "outcome": o, "gain": 0.0} for o in ["promoted"] * 49 + ["held"]]
        found.add(Task("begin", *task.life), [first, *clean])
        found.add(task, [{"outcome": "promoted", "gain": -9.0}])
        found.add(task, [{"outcome": "promoted", "gain": -loss}])  # measured again: this one counts
        assert found.done() == {Task("begin", *task.life), task}
        assert Found(found.path, "other code").done() == set()
        return {v.what: v.met for v in verdicts(found.rows())}

    wrong, tolerance = "harmful promotions, one wrong month", "tolerance that init proposes, 500 rows"
    assert met(0.04, 0.05)[wrong] and met(0.04, 0.05)[tolerance] and met(0.04, None)[wrong]
    assert not met(0.06, 0.05)[wrong] and not met(0.04, 0.03)[wrong] and not met(0.06, None)[wrong]
    assert not met(0.06, 0.07)[tolerance] and not met(0.06, None)[tolerance]
    assert met(0.0, 0.05)["clean months held, synthetic"]  # one of fifty
