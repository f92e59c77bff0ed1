"""Months that were learned from before and come again, in whole or in part, under another name."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ops.loop_case import month, settings_at
from unseen.ops.config import Settings
from unseen.ops.ingest import check, take_in
from unseen.ops.ingest.earlier import KEPT, Earlier
from unseen.ops.places import Places
from unseen.ops.record import Outcome
from unseen.ops.registry import Registry
from unseen.ops.registry.excluding import exclude
from unseen.ops.retrain import retrain

RULES = {"schema": {"repeats": 0.05}}


def settings(folder: Path) -> Settings:
    return settings_at(folder, **RULES)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four months, of which the window has the last two."""
    folder = tmp_path_factory.mktemp("loop")
    month(folder, 1), month(folder, 2)
    for number in (2, 3, 4):
        month(folder, number)
        assert retrain(settings(folder)).outcome == Outcome.PROMOTED
    return folder


@pytest.fixture
def loop(grown: Path, tmp_path: Path) -> Path:
    shutil.copytree(grown, tmp_path / "loop")
    return tmp_path / "loop"


def path(folder: Path, number: int) -> Path:
    return folder / "months" / f"2024-{number:02d}.parquet"


def found(folder: Path) -> list[Any]:
    return list(check(take_in(settings(folder)), settings(folder), None))


@pytest.mark.parametrize("archived", [False, True])
def test_an_old_month_under_a_new_name_is_refused_wherever_it_lies(loop: Path, archived: bool) -> None:
    shutil.copy(path(loop, 1), path(loop, 5))
    if archived:
        path(loop, 1).unlink()
    record = retrain(settings(loop))
    assert record.outcome == Outcome.REFUSED
    assert "'2024-05.parquet' holds the same rows as '2024-01.parquet', which came before" in record.reason
    assert Registry(settings(loop)).champion().number == 3


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_a_part_of_an_old_month_is_refused(loop: Path, share: float) -> None:
    new, old = pq.read_table(month(loop, 5)), pq.read_table(path(loop, 1))
    n = int(share * new.num_rows)
    pq.write_table(pa.concat_tables([old.slice(0, n), new.slice(n)]), path(loop, 5))
    finding = found(loop)[0]
    assert finding.check == "repeats" and "stand before, in '2024-01.parquet'" in finding.message
    pq.write_table(new, path(loop, 5))
    assert not found(loop)


def test_files_may_be_given_other_names(loop: Path) -> None:
    for old in sorted((loop / "months").glob("*.parquet")):
        old.rename(old.with_name(f"clinic-{old.name}"))
    assert not found(loop)
    month(loop, 5).rename(loop / "months" / "clinic-2024-05.parquet")
    assert not found(loop)


def test_the_newest_may_be_given_another_name(loop: Path) -> None:
    path(loop, 4).rename(loop / "months" / "2024-04-final.parquet")
    assert not found(loop)


def test_a_month_that_was_mended_is_no_repeat_of_itself(loop: Path) -> None:
    table = pq.read_table(month(loop, 5))
    odd = table.set_column(0, "age", pa.array(np.roll(table["age"].to_numpy(zero_copy_only=False), 700)))
    pq.write_table(odd, path(loop, 5))
    retrain(settings(loop))  # whatever became of it, its rows were looked at
    pq.write_table(table, path(loop, 5))
    assert not found(loop)


def test_a_month_that_was_left_out_may_come_right_under_another_name(loop: Path) -> None:
    exclude(settings(loop), "2024-01.parquet", "its rows were cut off", id=None)
    table = pq.read_table(path(loop, 1))
    pq.write_table(table.slice(0, 1400), loop / "months" / "2024-05.parquet")
    assert not [f for f in found(loop) if f.check == "repeats"]


def test_rows_that_agree_by_chance_do_not_add_up(tmp_path: Path) -> None:
    """Coarse rows agree from month to month: each of many earlier months has some, and none of them too many."""
    rng = np.random.default_rng(0)

    def coarse(number: int) -> None:
        target = path(tmp_path, number)
        target.parent.mkdir(exist_ok=True)
        # of each month's rows 3 % are in any other month
        pq.write_table(pa.table({"x": rng.integers(0, 30_000, 900), "y": np.zeros(900)}), target)

    rules = settings_at(tmp_path, schema={"repeats": 0.12}, data={"window": 2})
    coarse(1)
    ids = []
    for number in range(2, 12):
        coarse(number)
        intake = take_in(rules)
        assert not check(intake, rules, None)
        ids += [p.id for p in intake.partitions if p.id not in ids]
        Registry(rules).log.append(
            "retrain", name="visits", record=f"run-{number}", outcome="promoted",
            partition=intake.newest.id, newest=intake.newest.name,
        )  # fmt: skip
    known = Earlier.of(rules)
    assert len(known.learned) == 10 and known.last == intake.newest.id
    assert len(list((Places.of(rules).home / "rows").glob("*.npy"))) <= KEPT + 2
