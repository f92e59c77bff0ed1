"""The gate on real months of flights: clean ones pass, a corrupted one is told what is wrong with it."""

from __future__ import annotations

from importlib.resources import files

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.ops.ingest_case import findings, said, settings, write
from unseen.core.block import CATEGORY, NUMBER, Field, Slot
from unseen.core.encoding import Encoding

SCHEMA = {
    "extra": "ignore",
    "duplicates": 0.01,
    "min_rows": 10_000,
    "columns": {
        "dep_delay": {"type": "number", "min": -120, "max": 1500, "missing": 0.1, "median": [-15, 15]},
        "arr_delay": {"type": "number", "min": -150, "max": 1500, "missing": 0.1, "median": [-20, 20]},
        "air_time": {"type": "number", "min": 10, "max": 900, "missing": 0.1, "median": [60, 240]},
        "distance": {"type": "number", "min": 50, "max": 6000, "outside": 0.001, "median": [400, 1500]},
        "carrier": {"type": "category", "missing": 0},
        "origin": {"type": "category", "values": ["EWR", "JFK", "LGA"], "missing": 0},
    },
}
CHAMPION = Encoding(
    (Field("dep_delay", NUMBER), Field("arr_delay", NUMBER), Field("carrier", CATEGORY)),
    (Slot(("dep_delay", "arr_delay")), Slot(("carrier",), CATEGORY, (("UA",),))),
)


@pytest.fixture(scope="module")
def months():
    with files("unseen.data").joinpath("flights.parquet").open("rb") as file:
        year = pq.read_table(file)
    return {month: year.filter(pc.equal(year["month"], month)) for month in (1, 2, 7)}


@pytest.fixture
def loop(tmp_path, months):
    for month, rows in months.items():
        write(tmp_path / "data" / f"2013-{month:02}.parquet", rows)
    return tmp_path


def seconds(rows: pa.Table, *columns: str) -> pa.Table:
    for name in columns:
        rows = rows.set_column(rows.column_names.index(name), name, pc.multiply(rows[name].cast(pa.float64()), 60))
    return rows


def test_clean_months_pass(loop):
    assert findings(settings(loop, schema=SCHEMA)) == ()
    assert findings(settings(loop, schema={"duplicates": 0.001})) == ()
    assert findings(settings(loop), CHAMPION) == ()


# half of July's flights leave on time, so that the median delay is the same in seconds
def test_a_corrupted_month_is_refused_with_everything_that_is_wrong(loop, months):
    july = seconds(months[7], "dep_delay", "air_time")
    july = july.rename_columns(["arr_dealy" if n == "arr_delay" else n for n in july.column_names])
    write(loop / "data" / "2013-08.parquet", pa.concat_tables([july, july]))
    found = findings(settings(loop, schema=SCHEMA))
    assert said(found) == [
        ("missing_column", "arr_delay"),
        ("range", "dep_delay"),
        ("range", "air_time"),
        ("median", "air_time"),
        ("duplicates", None),
    ]
    assert all("'2013-08.parquet'" in f.message for f in found)
    assert "was it renamed?" in found[0].message and "(50 %)" in found[-1].message
    assert ("missing_column", "arr_delay") in said(findings(settings(loop), CHAMPION))


def test_a_month_delivered_twice_is_found(loop, months):
    write(loop / "data" / "2013-08.parquet", months[7].slice(5000).cast(months[7].schema), row_group=7_000)
    assert findings(settings(loop, schema=SCHEMA)) == ()
    whole = pa.concat_tables([months[7].slice(5000), months[7].slice(0, 5000)])
    write(loop / "data" / "2013-08.parquet", whole, row_group=7_000)
    (found,) = findings(settings(loop, schema=SCHEMA))
    assert found.message.startswith("'2013-08.parquet' holds the same rows as '2013-07.parquet'")
