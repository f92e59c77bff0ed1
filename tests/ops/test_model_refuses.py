"""A month that passes the schema and that the model of unseen.yaml does not take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.cli.calling import call
from tests.ops.loop_case import month, settings_at
from unseen.ops.doctor import case_of, diagnose
from unseen.ops.record import Outcome
from unseen.ops.retrain import retrain

LOGS = {"model": {"family": {"spend": "log_normal"}}}


def positive(path: Path, zeros: int = 0) -> None:
    table = pq.read_table(path)
    spend = np.exp(np.nan_to_num(table["spend"].to_numpy(zero_copy_only=False)) / 4)
    spend[:zeros] = 0.0
    pq.write_table(table.set_column(table.column_names.index("spend"), "spend", [spend]), path)


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        positive(month(tmp_path, number))
    assert retrain(settings_at(tmp_path, **LOGS)).outcome == Outcome.PROMOTED
    return tmp_path


def test_one_zero_in_a_log_normal_column_names_the_key_that_takes_it(loop: Path) -> None:
    positive(month(loop, 3), zeros=1)
    done = call("retrain")
    assert done.exit_code == 11 and "schema    passed" in done.stdout
    assert "model.family: {spend: hurdle_log_normal}" in done.stdout and "--family" not in done.stdout
    [found] = [d for d in diagnose(case_of("visits", settings_at(loop, **LOGS))) if d.mode == "F7"]
    assert found.cause.startswith("the batch passed the schema, and the model asked for does not take it")
    mended = retrain(settings_at(loop, model={"family": {"spend": "hurdle_log_normal"}}))
    assert mended.outcome in (Outcome.PROMOTED, Outcome.HELD), mended.reason
