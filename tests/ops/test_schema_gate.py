"""A batch that breaks the schema is refused with the names of its columns; everything else passes."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pytest

from tests.ops.ingest_case import changed, gate, rules, said, table, with_rule, without, write


@pytest.mark.parametrize("name", ["b.parquet", "b.csv"])
def test_a_batch_keeps_its_own_rules(tmp_path, name):
    assert gate(tmp_path, name=name) == ()


# ---- columns


@pytest.mark.parametrize("name", ["b.parquet", "b.csv"])
def test_a_renamed_column_is_missing_and_its_new_name_is_named(tmp_path, name):
    renamed = {("arr_dealy" if k == "arr_delay" else k): v for k, v in table().items()}
    found = gate(tmp_path, renamed, name=name)
    assert said(found) == [("extra_column", "arr_dealy"), ("missing_column", "arr_delay")]
    assert found[1].message == (
        f"column 'arr_delay' is missing in '{name}'; 'arr_dealy' is there instead: was it renamed?"
    )
    assert "the nearest known name is 'arr_delay'" in found[0].message


def test_missing_and_extra_columns_are_named(tmp_path):
    assert said(gate(tmp_path, without("carrier"))) == [("missing_column", "carrier")]
    assert said(gate(tmp_path, changed(weather=["sun"] * 300))) == [("extra_column", "weather")]


def test_extra_columns_may_be_allowed_or_ignored(tmp_path):
    write(tmp_path / "rules.parquet", table())
    columns = rules(tmp_path / "rules.parquet")
    more = changed(weather=["sun"] * 300)
    assert gate(tmp_path, more, schema={"columns": columns, "extra": "ignore"}) == ()
    assert gate(tmp_path, more, data={"ignore": ["weather"]}) == ()
    found = gate(tmp_path, without("carrier"), schema={"columns": columns, "extra": "ignore"})
    assert said(found) == [("missing_column", "carrier")]
    assert gate(tmp_path, without("carrier"), data={"ignore": ["carrier"]}) == ()


@pytest.mark.parametrize("name", ["b.parquet", "b.csv"])
@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("arr_delay", ["late"] * 300),
        ("distance", ["far", "near"] * 150),
        ("carrier", list(range(300))),
        ("cancelled", ["perhaps"] * 300),
        ("distance", [0.5 + i for i in range(300)]),
        ("carrier", [date(2013, 7, 1)] * 300),
    ],
)
def test_a_retyped_column_is_named(tmp_path, name, column, cells):
    found = gate(tmp_path, changed(**{column: cells}), name=name)
    assert ("type", column) in said(found) and {f.column for f in found} == {column}


def test_a_stray_word_in_a_number_column_is_located(tmp_path):
    cells = [str(i) for i in range(300)]
    cells[6] = "Ada"
    (found,) = gate(tmp_path, changed(distance=cells), name="b.csv")
    assert (found.check, found.column) == ("type", "distance")
    assert "first at data row 7:" in found.message and "Ada" not in found.message


def test_a_column_without_any_value_has_no_wrong_type(tmp_path):
    for cells in (pa.nulls(300), pa.nulls(300, pa.string()), [None] * 300):
        assert with_rule(tmp_path, "distance", changed(distance=cells), missing=1.0) == ()
        assert said(gate(tmp_path, changed(distance=cells))) == [("missing", "distance")]


def test_whole_numbers_with_gaps_may_come_as_floats(tmp_path):
    floats = [None, *map(float, table()["distance"][1:])]
    assert with_rule(tmp_path, "distance", changed(distance=floats), missing=0.01) == ()


def test_flags_may_come_as_zeros_and_ones(tmp_path):
    assert gate(tmp_path, changed(cancelled=[int(c) for c in table()["cancelled"]])) == ()
    assert said(gate(tmp_path, changed(cancelled=[2] * 300))) == [("range", "cancelled")]


def test_codes_of_categories_may_come_as_numbers(tmp_path):
    columns = {"plan": {"type": "category", "values": ["1", "2"]}}
    assert gate(tmp_path, {"plan": [1, 2, 2, None]}, schema={"columns": columns}) == ()
    assert said(gate(tmp_path, {"plan": [1, 2, 3]}, schema={"columns": columns})) == [("categories", "plan")]


def test_dates_are_checked_for_being_there(tmp_path):
    day = [date(2013, 7, 1), None, None, None]
    columns = {"day": {"type": "other", "missing": 0.5}, "x": {"type": "number"}}
    found = gate(tmp_path, {"day": day, "x": [1.0, 2.0, 3.0, 4.0]}, schema={"columns": columns})
    assert said(found) == [("missing", "day")]
    assert "3 of 4 cells (75 %)" in found[0].message


# ---- cells


def test_missing_cells_are_counted_against_their_share(tmp_path):
    gaps = [None if i % 5 else v for i, v in enumerate(table()["distance"])]
    (found,) = gate(tmp_path, changed(distance=gaps))
    assert (found.check, found.column) == ("missing", "distance")
    assert "lacks 240 of 300 cells (80 %) where its rule allows 0 %" in found.message
    assert with_rule(tmp_path, "distance", changed(distance=gaps), missing=0.8) == ()
    assert said(with_rule(tmp_path, "distance", changed(distance=gaps), missing=0.79)) == [("missing", "distance")]


def test_nan_is_missing_too(tmp_path):
    gaps = np.full(300, np.nan)
    gaps[:100] = 5.0
    assert said(gate(tmp_path, changed(arr_delay=gaps))) == [("missing", "arr_delay")]


def test_the_tolerated_share_outside_is_of_the_observed_cells(tmp_path):
    cells = [None] * 100 + [9_999] * 20 + [500] * 180
    (found,) = with_rule(tmp_path, "distance", changed(distance=cells), missing=1.0, outside=0.099)
    assert (found.check, found.column) == ("range", "distance")
    assert "has 20 of 200 observed cells (10 %) outside min and max, where its rule allows 9.9 %" in found.message
    assert with_rule(tmp_path, "distance", changed(distance=cells), missing=1.0, outside=0.1) == ()


def test_new_categories_are_counted_and_not_told(tmp_path):
    cells = ["ZZ-secret", *table()["carrier"][1:]]
    (found,) = gate(tmp_path, changed(carrier=cells))
    assert (found.check, found.column) == ("categories", "carrier")
    assert "1 of 300 observed cells" in found.message and "ZZ" not in found.message


def test_infinite_cells_are_always_refused(tmp_path):
    found = gate(tmp_path, changed(arr_delay=[np.inf] + [1.0] * 299), schema={"columns": {}})
    assert said(found) == [("infinite", "arr_delay")]


@pytest.mark.parametrize(("factor", "side"), [(60.0, "above"), (1 / 60, "below")])
def test_a_median_tells_a_change_of_unit(tmp_path, factor, side):
    minutes = {"x": (np.random.default_rng(1).normal(300, 20, 200) * factor).tolist()}
    columns = {"x": {"type": "number", "median": [250, 350]}}
    (found,) = gate(tmp_path, minutes, schema={"columns": columns})
    assert (found.check, found.column) == ("median", "x")
    assert f"has a median {side} what its rule says (median), by a factor of " in found.message
    middle = float(np.median(minutes["x"]))
    ratio = float(found.message.partition("by a factor of ")[2].partition(",")[0])
    assert ratio == pytest.approx(middle / 350 if side == "above" else 250 / middle, rel=0.01)
    assert "has the unit changed?" in found.message


def test_a_median_about_zero_is_told_by_the_width_of_its_range(tmp_path):
    columns = {"x": {"type": "number", "median": [-10, 10]}}
    (found,) = gate(tmp_path, {"x": np.linspace(-60, -40, 201).tolist()}, schema={"columns": columns})
    assert "(median), by 2 times the width of its range, and so do" in found.message


def test_all_that_is_wrong_with_a_column_is_told_at_once_and_by_how_much(tmp_path):
    """Minutes that became hours leave the range, its middle and its width: whoever mends one rule mends them all."""
    minutes = np.random.default_rng(1).normal(300, 20, 400)
    columns = {"x": {"type": "number", "min": 200, "max": 400, "median": [280, 320], "spread": [10, 30]}}
    found = gate(tmp_path, {"x": (minutes / 60).tolist()}, schema={"columns": columns})
    assert said(found) == [("range", "x"), ("median", "x"), ("spread", "x")]
    low, middle, high = np.quantile(minutes / 60, (0.05, 0.5, 0.95))
    width = np.abs(np.clip(minutes / 60, low, high) - middle).mean()
    assert f"is spread narrower than its rule says (spread), by a factor of {10 / width:.3g}: " in found[2].message


def test_a_median_at_the_end_of_its_range_passes(tmp_path):
    for cells in ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0, None], [1.0, 2.0, 2.0, 3.0]):
        columns = {"x": {"type": "number", "median": [2, 2]}}
        assert (
            gate(tmp_path, {"x": cells, "i": list(range(len(cells)))}, schema={"columns": columns, "extra": "ignore"})
            == ()
        )


def test_weights_are_there_and_not_negative(tmp_path):
    def weighted(weights):
        return gate(tmp_path, changed(w=weights), data={"weights": "w"})

    assert weighted([0.0, 2.5, 1.0] * 100) == ()
    assert said(weighted([-1.0] + [1.0] * 299)) == [("range", "w")]
    assert said(weighted([None] + [1.0] * 299)) == [("missing", "w")]
    assert said(gate(tmp_path, data={"weights": "w"})) == [("missing_column", "w")]


# ---- rows


def test_the_number_of_rows_has_bounds(tmp_path):
    (found,) = gate(tmp_path, schema={"min_rows": 301})
    assert (found.check, found.message) == ("rows", "'b.parquet' has 300 rows; schema.min_rows is 301")
    assert said(gate(tmp_path, schema={"max_rows": 299})) == [("rows", None)]
    assert gate(tmp_path, schema={"min_rows": 300, "max_rows": 300}) == ()


@pytest.mark.parametrize("name", ["b.parquet", "b.csv"])
def test_a_table_without_rows_is_refused(tmp_path, name):
    assert ("rows", None) in said(gate(tmp_path, {k: v[:0] for k, v in table().items()}, name=name))


def test_repeated_rows_are_counted_over_the_whole_partition(tmp_path):
    half = {k: v[:200] + v[:100] for k, v in table().items()}
    (found,) = gate(tmp_path, half, schema={"duplicates": 0.33})
    assert found.message == (
        "100 of 300 rows of 'b.parquet' (33.3 %) repeat an earlier row exactly; schema.duplicates allows 33 %"
    )
    assert gate(tmp_path, half, schema={"duplicates": 0.34}) == ()
    assert gate(tmp_path, half, schema={}) == ()


def test_rows_that_differ_in_a_date_or_a_list_only_are_no_duplicates(tmp_path):
    stamps = [datetime(2013, 7, 1, hour) for hour in range(4)]
    lists = pa.array([[1, 2], [1, 2], [1], [3]])
    same = {"x": [1.0] * 4, "when": stamps, "what": lists}
    assert gate(tmp_path, same, schema={"duplicates": 0.0}) == ()
    alike = {"x": [1.0] * 4, "what": lists}
    assert said(gate(tmp_path, alike, schema={"duplicates": 0.2})) == [("duplicates", None)]


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64()])
def test_long_numbers_are_told_apart_to_the_last_digit(tmp_path, kind):
    start = 2**62 if kind == pa.int64() else 2**64 - 6
    ids = pa.array([None, 7, *range(start, start + 5), start], kind)
    (found,) = gate(tmp_path, {"id": ids, "x": [1.0] * 8}, schema={"duplicates": 0.0})
    assert found.message.startswith("1 of 8 rows")
    if kind == pa.int64():
        negative = pa.array([-i for i in range(start, start + 5)])
        assert gate(tmp_path, {"id": negative, "x": [1.0] * 5}, schema={"duplicates": 0.0}) == ()


def test_a_long_number_in_the_chunk_does_not_hide_a_repeated_short_one(tmp_path, monkeypatch):
    monkeypatch.setattr("unseen.ops.ingest.intake.CHUNK", 4)
    ids = [1, None, 3, 2**60, 1, None, 5, 6]
    (found,) = gate(tmp_path, {"id": ids, "x": [1.0] * 8}, schema={"duplicates": 0.2})
    assert found.message.startswith("2 of 8 rows")
