"""A limit of time or cost ends a search, whichever of its starts is being run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ops.ingest_case import settings
from unseen.core.stop import TIME
from unseen.errors import LimitError
from unseen.ops.fitting import planned
from unseen.ops.judge import HoldOut
from unseen.ops.retrain.learning import InTime, Learning
from unseen.sources.files import open_files

ENOUGH = 40


def learning(folder: Path, rows: int, spent_after: int, **fit: Any) -> tuple[Learning, list[str]]:
    """A search whose time is used up when it has been asked so often; and what it tells of its starts."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 2)) + 4 * (np.arange(rows) % 2)[:, None]
    pq.write_table(pa.table({"a": x[:, 0], "b": x[:, 1]}), folder / "rows.parquet")
    made, source = settings(folder, model={"components": 2}, fit=fit), open_files(folder / "rows.parquet")
    asked, told = [0], []

    def left() -> float:
        asked[0] += 1
        return 1000.0 if asked[0] < spent_after else -1.0

    def observe(event: Any) -> None:
        if event.name == "restart":
            told.append(event.facts["stage"])

    plan = planned(made, source)
    return Learning(made, plan, HoldOut(source), None, left, lambda *_: None, (observe,)), told


def test_starts_that_are_tried_out_stop_when_time_is_up(tmp_path: Path) -> None:
    search, told = learning(tmp_path, 6000, 10, restarts=1000)
    with pytest.raises(LimitError, match="before all starts were tried"):
        search.best()
    assert len(told) < ENOUGH


def test_starts_that_race_stop_when_time_is_up(tmp_path: Path) -> None:
    """Beginning the starts asks twice for each; the time is used up while the first of them make their short runs."""
    search, told = learning(tmp_path, 800, 70, restarts=20, tol=1e-15)
    result = search.best()
    assert result.restarts[0]["outcome"] == "converged" and result.converged  # the others were to tell of better ones
    assert told.count("finished") > 10 and sum(r["outcome"] == TIME for r in result.restarts) > 10
    assert all(r["iterations"] <= 2 for r in result.restarts if r["outcome"] == TIME and r["start"] > 3)


def test_without_a_limit_there_is_no_end() -> None:
    assert InTime(lambda: None)((), 1e9) is None and InTime(lambda: 1.0)((), 1e9) is None
    ended = InTime(lambda: 0.0)((), 0.0)
    assert ended is not None and ended.name == TIME
