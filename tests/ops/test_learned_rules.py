"""The rules that `unseen init` learns: clean months pass them, wrong ones are refused with the rule that says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from tests.ops.ingest_case import findings, settings
from unseen.errors import DataError
from unseen.ops.config import Settings
from unseen.ops.ingest.learned import above
from unseen.ops.ingest.observed import Observed, observe
from unseen.ops.ingest.partitions import listed
from unseen.ops.ingest.shape import MOST, Sample, common, evident
from unseen.ops.ingest.spacing import named, spacing

ROWS = 500


def month(number: int, rows: int = ROWS) -> pd.DataFrame:
    """Visits to a clinic by three kinds of patients: skewed, counted and coded columns, holes, a date, a counter."""
    rng = np.random.default_rng(number)
    kind = rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    table = pd.DataFrame(
        {
            "visit": np.arange(rows) + 100_000 * number,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(31 * number + rng.integers(0, 28, rows), "D"),
            "age": np.clip(np.array([30, 55, 70])[kind] + rng.normal(0, 8, rows), 18, 95).round(),
            "weight": (np.array([62, 80, 95])[kind] + rng.normal(0, 9, rows)).round(1),
            "glucose": (np.array([90, 110, 160])[kind] * np.exp(rng.normal(0, 0.15, rows))).round(1),
            "cost": np.exp(4 + kind / 2 + rng.standard_t(3, rows) / 2).round(2),
            "stays": np.where(rng.random(rows) < 0.9, 0, rng.integers(1, 9, rows)),
            "smoker": np.where(rng.random(rows) < np.array([0.2, 0.3, 0.5])[kind], "yes", "no"),
            "ward": np.array(["A", "B", "C", "D"])[(kind + (rng.random(rows) < 0.3) * rng.integers(0, 4, rows)) % 4],
            "insured": rng.random(rows) < 0.95,
        }
    )
    for column, share in {"glucose": 0.1, "weight": 0.05, "smoker": 0.04}.items():
        table.loc[rng.random(rows) < share, column] = None
    return table


def put(folder: Path, name: str, table: pd.DataFrame) -> Path:
    (folder / "data").mkdir(exist_ok=True)
    table.to_parquet(folder / "data" / f"{name}.parquet", index=False)
    return folder / "data" / f"{name}.parquet"


def loop(folder: Path, tables: list[pd.DataFrame]) -> tuple[Settings, Observed]:
    """Files on disk, and the settings that they teach."""
    for i, table in enumerate(tables):
        put(folder, f"m-{i:02}", table)
    seen = observe(listed(settings(folder)))
    schema = {"columns": seen.rules, **seen.row_rules}
    data = {"window": seen.window, "ignore": seen.ignore}
    return settings(folder, data=data, model={"columns": seen.columns}, schema=schema), seen


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Settings]:
    folder = tmp_path_factory.mktemp("clinic")
    return folder, loop(folder, [month(i) for i in range(4)])[0]


def test_of_two_hundred_clean_months_none_is_refused(clinic: tuple[Path, Settings]) -> None:
    """Half of them drawn from the law, half of them rows of the months that were seen, drawn with others beside."""
    folder, given_settings = clinic
    assert findings(given_settings) == ()
    pooled = pd.concat([month(i) for i in range(1000, 1030)], ignore_index=True)
    for number in range(200):
        table = month(100 + number) if number % 2 else pooled.sample(ROWS, random_state=number)
        put(folder, "m-99", table)
        assert [f.message for f in findings(given_settings)] == [], number
    (folder / "data" / "m-99.parquet").unlink()


def set_to(column: str, how: Callable[[pd.Series], Any]) -> Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]:
    return lambda last, _: last.assign(**{column: how(last[column])})


def old_rows(share: float) -> Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]:
    """Rows of the month before, under the dates and numbers of the new one."""

    def leak(last: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
        head = round(share * ROWS)
        table = pd.concat([before[:head], last[head:]], ignore_index=True)
        return table.assign(visit=last["visit"], day=last["day"])

    return leak


def tenfold(last: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([last] * 10, ignore_index=True)


WRONG: dict[str, tuple[Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame], set[tuple[str, str | None]]]] = {
    "a default": (set_to("glucose", lambda x: 100.0), {("common", "glucose"), ("missing_min", "glucose")}),
    "a default beside its holes": (set_to("glucose", lambda x: x.where(x.isna(), 100.0)), {("common", "glucose")}),
    "one category": (set_to("ward", lambda x: "B"), {("common", "ward")}),
    "holes filled with 0": (set_to("weight", lambda x: x.fillna(0.0)), {("missing_min", "weight")}),
    "holes filled with a word": (set_to("smoker", lambda x: x.fillna("no")), {("missing_min", "smoker")}),
    "a part of the range": (set_to("age", lambda x: 50 + x % 4), {("spread", "age")}),
    "another unit": (set_to("glucose", lambda x: x / 18), {("median", "glucose")}),
    "a sign": (set_to("cost", lambda x: -x), {("range", "cost")}),
    "half of it zero": (set_to("weight", lambda x: x.where(x.index % 2 == 0, 0.0)), {("common", "weight")}),
    "old rows": (old_rows(0.8), {("repeats", None)}),
    "the last month with later dates": (old_rows(1.0), {("repeats", None)}),
    "every row ten times": (tenfold, {("duplicates", None)}),
    "every row ten times under new numbers": (
        lambda last, _: tenfold(last, last).assign(visit=np.arange(10 * ROWS) + 9_000_000),
        {("repeats", None)},
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_month_is_refused_by_the_rule_that_knows_it(clinic: tuple[Path, Settings], wrong: str) -> None:
    folder, given_settings = clinic
    change, expected = WRONG[wrong]
    put(folder, "m-99", change(month(50), month(3)))
    found = findings(given_settings)
    (folder / "data" / "m-99.parquet").unlink()
    assert expected <= {(f.check, f.column) for f in found}
    assert all("'m-99.parquet'" in f.message for f in found)
    assert {f.column for f in found} <= {column for _, column in expected}


def test_what_the_newest_repeats_is_told_again_on_every_run(clinic: tuple[Path, Settings], tmp_path: Path) -> None:
    folder, given_settings = clinic
    put(folder, "m-99", old_rows(0.8)(month(50), month(3)))
    first, second = findings(given_settings), findings(given_settings)
    assert first == second and "400 of 500 rows of 'm-99.parquet' (80 %) stand" in first[0].message
    for kept in (folder / ".unseen" / "rows").glob("*.npy"):  # and what was kept of the rows is not trusted
        kept.write_bytes(kept.read_bytes()[:-9])
    assert findings(given_settings) == first
    (folder / "data" / "m-99.parquet").unlink()
    assert findings(given_settings) == ()
    names = {kept.name for kept in (folder / ".unseen" / "rows").iterdir()}
    assert len(names) == 4, "hashes of partitions outside the window are let go"


def test_a_file_of_a_few_rows_is_refused(clinic: tuple[Path, Settings]) -> None:
    folder, given_settings = clinic
    assert given_settings.schema_.min_rows == ROWS // 10
    put(folder, "m-99", month(50, rows=3))
    assert ("rows", None) in {(f.check, f.column) for f in findings(given_settings)}
    put(folder, "m-99", month(50, rows=ROWS // 4))
    assert not [f for f in findings(given_settings) if f.check == "rows"]


# ---- other data


def test_coarse_tables_repeat_themselves_and_may(tmp_path: Path) -> None:
    def coarse(number: int) -> pd.DataFrame:
        rng = np.random.default_rng(number)
        return pd.DataFrame({c: rng.integers(0, 3, 300) for c in "abcd"})

    given_settings, seen = loop(tmp_path, [coarse(i) for i in range(6)])
    assert seen.row_rules.get("repeats", 1.0) > 0.95
    for number in range(10, 40):
        put(tmp_path, "m-99", coarse(number))
        assert findings(given_settings) == ()


def test_one_file_teaches_what_it_can(tmp_path: Path) -> None:
    given_settings, seen = loop(tmp_path, [month(0)])
    assert seen.window is None and seen.spacing is None and seen.left["visit"] == "counts rows"
    assert seen.row_rules["repeats"] == 0.05
    for number in range(5, 9):
        put(tmp_path, f"m-{number}", month(number))
        assert findings(given_settings) == ()
    put(tmp_path, "m-9", old_rows(0.8)(month(50), month(8)))
    assert ("repeats", None) in {(f.check, f.column) for f in findings(given_settings)}
    few = tmp_path / "few"
    few.mkdir()
    alike = pd.DataFrame({"a": [0, 1] * 100, "b": [1.0, 2.0, 1.0, 3.0] * 50})
    assert "repeats" not in loop(few, [alike])[1].row_rules, "how a coarse table adds up over files is not known yet"


def test_files_of_very_different_size_teach_rules_that_all_of_them_keep(tmp_path: Path) -> None:
    given_settings, seen = loop(tmp_path, [month(i, rows) for i, rows in enumerate((3000, 40, 700, 2000))])
    assert findings(given_settings) == () and seen.newest_rows == 2000
    for number, rows in enumerate((60, 150, 6000, 500, 90)):
        put(tmp_path, "m-99", month(70 + number, rows))
        assert [f.message for f in findings(given_settings)] == [], rows


def test_files_that_overlap_teach_that_they_do(tmp_path: Path) -> None:
    year = pd.concat([month(i) for i in range(4)], ignore_index=True)
    given_settings, seen = loop(tmp_path, [year[i : i + 1000].reset_index(drop=True) for i in (0, 500, 1000)])
    assert 0.5 < seen.row_rules["repeats"] < 1
    assert findings(given_settings) == ()


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_only_the_newest_files_with_the_same_columns_are_looked_at(tmp_path: Path, ending: str) -> None:
    paths = []
    for i in range(5):
        table = month(i).drop(columns="day")
        table = table.rename(columns={"cost": "price"}) if i == 1 else table
        paths.append(tmp_path / f"m-{i}.{ending}")
        table.to_csv(paths[-1], index=False) if ending == "csv" else table.to_parquet(paths[-1], index=False)
    seen = observe(paths)
    assert (seen.files, seen.window) == (3, 6)
    assert seen.apart == f"'m-1.{ending}' lacks 'cost' and has 'price', which the files after it do not share"
    with pytest.raises(DataError, match="no column of the data can be used"):
        observe([put(tmp_path, "days", month(1)[["day"]])])


# ---- parts


@hypothesis(deadline=None)
@given(st.integers(1, 5000), st.floats(0.001, 0.999), st.integers(0, 10**6))
def test_chance_alone_is_hardly_ever_evident(rows: int, share: float, seed: int) -> None:
    """The bound promises fewer than one of 10,000 on either side."""
    counts = np.random.default_rng(seed).binomial(rows, share, 50)
    assert sum(evident(int(count), rows, share) for count in counts) <= 1


def test_what_is_far_from_a_share_is_evident() -> None:
    assert evident(0, 500, 0.02) and not evident(0, 400, 0.02)
    assert evident(3, 10**6, 0.0) and evident(10**6 - 3, 10**6, 1.0)
    assert not evident(0, 0, 0.5) and not evident(0, 10, 0.0)


@hypothesis(deadline=None)
@given(st.floats(0, 1), st.floats(0, 0.2))
def test_a_limit_lies_above_what_was_seen_and_below_all(seen: float, room: float) -> None:
    assert seen - 1e-9 <= above(seen, room) <= 1
    assert above(seen, room) < 1 or seen > 0.97


def test_a_sample_is_all_rows_while_they_are_few_and_even_when_they_are_many() -> None:
    few = Sample(["a"])
    few.add(pd.DataFrame({"a": [3.0, None, 3.0, 4.0]}))
    assert few.cells("a").tolist() == [3.0, 3.0, 4.0] and common(few.cells("a")) == 2
    many = Sample(["a"])
    for start in range(0, 4 * MOST, 1 << 17):  # values that alternate: a fixed step would see one of them only
        many.add(pd.DataFrame({"a": np.arange(start, start + (1 << 17)) % 2.0}))
    cells = many.cells("a")
    assert MOST / 2 < len(cells) <= 2 * MOST
    assert abs(cells.mean() - 0.5) < 5 * 0.5 / np.sqrt(len(cells))


# ---- how far apart files come


@pytest.mark.parametrize(
    ("names", "days"),
    [
        ([f"visits-2024-{m:02}.csv" for m in range(1, 7)], 31),
        ([f"v_202401{d:02}.parquet" for d in (1, 8, 15, 22)], 7),
        ([f"{y}.csv" for y in (2020, 2021, 2022, 2023)], 366),
        ([f"2024Q{q}.csv" for q in (1, 2, 3, 4)], 92),
        ([f"x-2024-01-{d:02}T{h:02}.csv" for d in (1, 2) for h in (0, 6, 12, 18)], 0.25),
        (["2024-01.csv", "2024-02.csv", "2024-03.csv", "2024-09.csv", "2024-10.csv"], 31),
    ],
)
def test_dates_in_names_say_how_far_apart_files_come(names: list[str], days: float) -> None:
    found = spacing([Path(name) for name in names], None, [])
    assert found is not None and found.usual == timedelta(days=days) and "names" in found.by
    assert found.max_age_hours == round(36 * days)


@pytest.mark.parametrize("name", ["part-0007.csv", "a-2024-13.csv", "v2024x.csv", "12024-01.csv", "x-20240231.csv"])
def test_numbers_that_are_no_dates_are_not_taken_for_some(name: str) -> None:
    found = named(name)
    assert found is None or (found.month, found.day) == (1, 1)


def test_a_column_of_dates_or_the_time_of_writing_says_it_where_names_do_not(tmp_path: Path) -> None:
    import os

    days = [put(tmp_path, f"part-{i}", month(i)) for i in range(3)]
    found = observe(days).spacing
    assert found is not None and "column 'day'" in found.by and 25 <= found.usual.days <= 35
    plain = [put(tmp_path, f"plain-{i}", month(i).drop(columns="day")) for i in range(3)]
    assert observe(plain).spacing is None, "files that were written at once tell nothing"
    for i, path in enumerate(plain):
        os.utime(path, (1_600_000_000 + 86_400 * i,) * 2)
    found = observe(plain).spacing
    assert found is not None and found.by == "when the files were written" and found.max_age_hours == 36
