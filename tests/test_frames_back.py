"""What a completed table keeps of the one that came: names, index, types that have no twin, and what pandas notes."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

import unseen
from tests.test_arrays_zoo import Interchange, Pair, Row, Stream
from tests.test_frames_zoo import Places
from unseen.plan import fitted, plan
from unseen.sources import open_source

X = [0.0, 1.0, None, 3.0]


@cache
def numbers(*names: str):
    """One normal component of some columns."""
    data = np.random.default_rng(0).normal(2, 1, (50, len(names)))
    model = unseen.Mixture(unseen.Product(**dict.fromkeys(names, unseen.Gaussian())), 1)
    return unseen.fit(model, dict(zip(names, data.T, strict=True)), seed=0)


@cache
def matrix(columns: int = 2):
    data = np.random.default_rng(0).normal(2, 1, (50, columns))
    return unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), data, seed=0)


@cache
def labels(*categories: str):
    """One component of a categorical column, the first category the most probable."""
    data = {"c": np.array([*categories, *categories[:1] * 9], object)}
    return unseen.fit(unseen.Mixture(unseen.Product(c=unseen.Categorical()), 1), data, seed=0)


def test_levels_of_names_stay() -> None:
    names = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")], names=["one", "two"])
    index = pd.MultiIndex.from_tuples([(i // 2, i % 2) for i in range(4)], names=["p", None])
    frame = pd.DataFrame({0: X, 1: [1.0, None, 2.0, 3.0]}).set_axis(names, axis=1).set_axis(index, axis=0)
    out = numbers("('a', 'x')", "('a', 'y')").impute(frame)
    pd.testing.assert_index_equal(out.columns, frame.columns)
    pd.testing.assert_index_equal(out.index, frame.index)
    assert out.notna().all(axis=None)
    assert out[("a", "x")].drop(index=(1, 0)).tolist() == [0, 1, 3]


@pytest.mark.parametrize("names", [[0, 1], [pd.Timestamp("2020-02-29"), 2.5], [("a", 1), "b"]])
def test_names_that_are_no_text_stay(names) -> None:
    frame = pd.DataFrame({"x": X, "y": X})
    frame.columns = pd.Index(names, tupleize_cols=False)
    out = numbers(*map(str, names)).impute(frame)
    pd.testing.assert_index_equal(out.columns, frame.columns)
    assert out.iloc[:, 1].tolist()[3] == 3


class Own(pd.DataFrame):
    _metadata = ["owner"]

    @property
    def _constructor(self):
        return Own


def test_a_kind_of_table_of_somebodys_own_stays_that() -> None:
    frame = Own({"x": X})
    frame.owner = "me"
    out = numbers("x").impute(frame)
    assert type(out) is Own and out.owner == "me"


def test_whole_numbers_beyond_floats_are_kept_and_that_is_told() -> None:
    long = [2**60 + 1, None, 2**53 + 1]
    told = pytest.warns(UserWarning, match="column 'x' has whole numbers beyond .* rounded to whole numbers")
    for data, back in (
        (pd.DataFrame({"x": pd.array(long, "Int64")}), lambda t: (t["x"].tolist(), t["x"].dtype)),
        (pl.DataFrame({"x": long}), lambda t: (t["x"].to_list(), t["x"].dtype)),
        (pl.DataFrame({"x": pl.Series(long, dtype=pl.Int128)}), lambda t: (t["x"].to_list(), t["x"].dtype)),
        (pa.table({"x": long}), lambda t: (t["x"].to_pylist(), t["x"].type)),
        ({"x": np.ma.array([2**60 + 1, 0, 2**53 + 1], mask=[0, 1, 0])}, lambda t: (t["x"].tolist(), t["x"].dtype)),
    ):
        with told:
            cells, dtype = back(numbers("x").impute(data))
        assert cells == [2**60 + 1, 2, 2**53 + 1] and dtype == back(data)[1]


def test_whole_numbers_that_floats_hold_become_floats_without_a_word() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = numbers("x").impute(pl.DataFrame({"x": pl.Series([2**53, None, 1], dtype=pl.Int128)}))
    assert out["x"].dtype == pl.Float64 and out["x"][0] == 2**53


def test_a_column_of_a_matrix_does_not_change_its_neighbour() -> None:
    data = np.ma.array([[2**60 + 1, 5], [3, 0]], mask=[[0, 0], [0, 1]])
    with pytest.warns(UserWarning, match="beyond"):
        out = matrix().impute(data)
    assert out.tolist() == [[2**60 + 1, 5], [3, 2]] and out.dtype == np.int64


def test_long_numbers_read_as_text_come_back_as_numbers() -> None:
    result = labels(str(2**100), "7")
    out = result.impute(pl.DataFrame({"c": pl.Series([7, None, 2**100], dtype=pl.Int128)}))
    assert out["c"].to_list() == [7, 2**100, 2**100] and out["c"].dtype == pl.Int128
    out = result.impute(pd.DataFrame({"c": pd.Series([7, None, 2**100], dtype=object)}))
    assert out["c"].tolist() == [7, 2**100, 2**100]
    assert result.impute([{"c": 7}, {}, {"c": 2**100}])[1] == {"c": 2**100}


def test_categories_that_a_column_does_not_list_join_its_own() -> None:
    result = labels("2", "1")
    out = result.impute(pd.DataFrame({"c": pd.Categorical([1, None], [1, 5], ordered=True)}))["c"]
    assert out.tolist() == [1, 2] and out.cat.categories.tolist() == [1, 5, 2] and out.cat.ordered
    out = labels("b", "a").impute(pl.DataFrame({"c": pl.Series(["a", None], dtype=pl.Enum(["a"]))}))["c"]
    assert out.to_list() == ["a", "b"] and out.dtype == pl.String


@pytest.mark.parametrize(
    "holes",
    [
        pd.Series([None, None], dtype="Int64"),
        pd.Series([None, None], dtype="boolean"),
        pd.Series([None, None], dtype="float64[pyarrow]"),
        pd.Series([None, None], dtype=object),
        pd.Series([np.nan, np.nan]),
        pd.Series(pd.Categorical([None, None])),
        pl.Series([None, None]),
        pl.Series([None, None], dtype=pl.Int8),
        pa.nulls(2),
        pa.nulls(2, pa.int8()),
    ],
    ids=lambda v: f"{type(v).__module__.partition('.')[0]}-{getattr(v, 'dtype', '') or v.type}",
)
def test_a_column_without_any_cell_takes_what_fills_it(holes) -> None:
    made = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
    data = made[type(holes).__module__.partition(".")[0]]({"c": holes})
    out = labels("b", "a").impute(data)
    assert [str(v) for v in out["c"]] == ["b", "b"]


def test_intervals_come_back_as_intervals() -> None:
    bins = pd.cut([1, 1, 3, np.nan], [0, 2, 4])
    for values in (bins, pd.arrays.IntervalArray(bins)):
        frame = pd.DataFrame({"c": values})
        out = labels(*frame["c"].dropna().astype(str).unique()).impute(frame)["c"]
        assert out.dtype == frame["c"].dtype
        assert out.tolist() == [*frame["c"][:3], pd.Interval(0, 2)]


def test_records_come_back_as_records() -> None:
    result = numbers("x", "c")
    for rows in ([Pair(1.5, None), Pair(None, 2)], (Row(1.5, None), Row(None, 2)), [{"c": None, "x": 1.5}, {"c": 2}]):
        out = result.impute(rows)
        assert type(out) is type(rows) and [type(r) for r in out] == [type(r) for r in rows]
    assert out[0]["x"] == 1.5 and list(out[0]) == ["c", "x"] and out[1]["c"] == 2
    assert rows == [{"c": None, "x": 1.5}, {"c": 2}]


@pytest.mark.parametrize(
    "make", [Stream, Interchange, pa.Table.to_reader, ds.dataset, lambda t: ds.dataset(t).scanner()]
)
def test_what_hands_itself_over_comes_back_as_a_table(make) -> None:
    table = pa.table({"x": X, "note": ["a", "b", "c", "d"]})
    assert (
        numbers("x")
        .impute(make(table if make is not ds.Scanner.from_batches else table.to_reader()))
        .equals(numbers("x").impute(table))
    )


def test_lazy_frames_come_back_lazy() -> None:
    frame = pl.DataFrame({"x": X})
    out = numbers("x").impute(frame.lazy())
    assert isinstance(out, pl.LazyFrame)
    assert out.collect().equals(numbers("x").impute(frame))


def test_runs_come_back_as_runs() -> None:
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array([1.5, None]))
    out = numbers("x").impute(pa.table({"x": runs}))
    assert out.schema.field("x").type == runs.type and out["x"].to_pylist()[:2] == [1.5, 1.5]


def test_columns_of_other_packages_keep_their_type() -> None:
    frame = pd.DataFrame({"x": Places([1.5, None])})
    out = numbers("x").impute(frame)["x"]
    assert type(out.array) is Places and out[0] == 1.5 and out[1] is not None
    assert frame["x"][1] is None


def test_holes_of_columns_that_a_plan_left_out_stay_and_that_is_told() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=200), "b": rng.normal(size=200)})
    frame["sum"] = frame["a"] + frame["b"]
    frame["row"] = range(200)
    made = fitted(plan(open_source(frame)[0]), (1,), seed=0)
    frame.loc[[2, 5], "sum"] = np.nan
    frame.loc[7, "a"] = np.nan
    for data in (frame, pa.Table.from_pandas(frame), dict(frame)):
        with pytest.warns(UserWarning, match=r"stay missing: 'sum' \(follows from a, b; 2 cells\); fill those") as told:
            made.impute(data)
        assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.impute(frame.drop(columns="sum"))
        made.impute(frame.fillna({"sum": 0}), draws=2)


# ---- what pandas notes


@pytest.mark.parametrize("dtype", ["Int64", "float64", "UInt8", "boolean"])
@pytest.mark.parametrize("index", [None, "key"])
def test_pandas_reads_an_arrow_table_of_its_own_that_was_completed(dtype, index) -> None:
    frame = pd.DataFrame({"x": pd.array([1, 0, None, 1], dtype if dtype != "float64" else "Float64").astype(dtype)})
    frame["text"] = pd.array(["a", "b", None, "d"], "string")
    frame = frame.set_axis(pd.Index(list("wxyz"), name=index))
    out = numbers("x").impute(pa.Table.from_pandas(frame)).to_pandas()
    pd.testing.assert_index_equal(out.index, frame.index)
    assert out["x"].tolist()[:2] == [1, 0] and out["text"].dtype == frame["text"].dtype


def test_notes_of_pandas_fit_a_table_that_columns_have_joined() -> None:
    from unseen.arrow.fill import fitting

    levels = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])
    for names in (levels, [0, 1], ["p", "q"]):
        frame = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], columns=names, index=pd.Index([7, 8], name="key"))
        before = pa.Table.from_pandas(frame)
        table = before.append_column("component", [[0, 1]])
        out = table.cast(fitting(table.schema, before.schema)).to_pandas()
        assert list(out) == [*map(str, frame.columns), "component"] and out.index.equals(frame.index)
    broken = table.schema.with_metadata({b"pandas": b"{}", b"other": b"kept"})
    assert fitting(broken, before.schema).metadata == {b"other": b"kept"}
