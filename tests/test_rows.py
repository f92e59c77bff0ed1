"""Completed data keeps its type; samples and codes become the data's own values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import unseen
from tests.rowdata import FAMILIES, MODELLED, N, check_completed, columns, missing
from unseen.core.block import Field, Slot
from unseen.errors import DataError
from unseen.rows import decoded


@pytest.fixture(scope="module")
def result():
    model = unseen.Mixture(unseen.Product(**FAMILIES), 2)
    return unseen.fit(model, pa.table(columns()), seed=0, restarts=2)


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    pq.write_table(pa.table(columns()), tmp_path / "in.parquet", row_group_size=100)
    return tmp_path / "in.parquet"


def test_arrow_tables_keep_types_that_can_hold_the_values(result) -> None:
    out = result.impute(pa.table(columns()))
    assert isinstance(out, pa.Table)
    types = dict(zip(out.column_names, map(str, out.schema.types), strict=True))
    assert types == {
        "x": "double",
        "colour": "string",
        "visits": "double",  # means are fractional
        "doors": "int64",
        "paid": "bool",
        "day": "date32[day]",
    }
    check_completed(out.to_pylist())
    batch = pa.RecordBatch.from_pydict(columns())
    assert isinstance(result.impute(batch), pa.RecordBatch)
    assert result.impute(batch).to_pylist() == out.to_pylist()
    assert result.impute(batch.schema.empty_table()).num_rows == 0


def test_readers_are_read_to_their_end(result) -> None:
    out = result.impute(pa.table(columns()).to_reader(max_chunksize=50))
    assert out.equals(result.impute(pa.table(columns())))


def test_dictionaries_keep_their_order_and_gain_what_they_lack(result) -> None:
    table = pa.table(columns())
    narrow = pa.DictionaryArray.from_arrays(pa.array([0] * 3 + [None], pa.int8()), pa.array(["green"]), ordered=True)
    four = table.slice(0, 4).set_column(1, "colour", narrow)
    out = result.impute(four).column("colour")
    assert out.type == narrow.type
    assert out.chunk(0).dictionary.to_pylist()[0] == "green"
    assert out.to_pylist()[:3] == ["green"] * 3
    assert out.to_pylist()[3] in {"red", "blue", "green"}


def test_pandas_keeps_index_dtypes_and_order(result) -> None:
    data = pd.DataFrame(columns()).convert_dtypes()
    data["x"] = data["x"].astype("float32")
    data["colour"] = data["colour"].astype("category")
    data.index = [f"r{i}" for i in range(N)]
    before = data.copy(deep=True)
    out = result.impute(data)
    pd.testing.assert_frame_equal(data, before)
    assert list(out.index) == list(data.index)
    assert list(out.columns) == list(data.columns)
    assert out.dtypes.astype(str).to_dict() == {
        "x": "float32",
        "colour": "category",
        "visits": "Float64",
        "doors": "Int64",
        "paid": "boolean",
        "day": str(data["day"].dtype),
    }
    assert not out[MODELLED].isna().any().any()


@pytest.mark.parametrize("convert", [lambda d: d, lambda d: d.convert_dtypes(dtype_backend="pyarrow")])
def test_pandas_objects_and_arrow_dtypes(result, convert) -> None:
    data = convert(pd.DataFrame(columns()))
    out = result.impute(data)
    expected = result.impute(pa.table(columns()))
    for name in MODELLED:
        assert out[name].tolist() == pytest.approx(expected.column(name).to_pylist())
        if name in ("colour", "paid"):
            assert out[name].dtype == data[name].dtype


def test_polars_keeps_dtypes(result) -> None:
    data = pl.DataFrame(columns()).with_columns(
        pl.col("x").cast(pl.Float32), pl.col("colour").cast(pl.Categorical), pl.col("doors").cast(pl.Int8)
    )
    out = result.impute(data)
    assert dict(zip(out.columns, out.dtypes, strict=True)) == {
        "x": pl.Float32,
        "colour": pl.Categorical,
        "visits": pl.Float64,
        "doors": pl.Int8,
        "paid": pl.Boolean,
        "day": pl.Date,
    }
    assert sum(out.null_count().row(0)) == 0
    enum = data.with_columns(pl.col("colour").cast(pl.String).cast(pl.Enum(["red", "blue", "green"])))
    assert result.impute(enum)["colour"].dtype == pl.Enum(["red", "blue", "green"])


def test_dicts_come_back_as_dicts_of_arrays(result) -> None:
    data = {k: np.array(v, object) if k != "day" else v for k, v in columns().items()}
    data["x"] = np.array([np.nan if v is None else v for v in columns()["x"]])
    out = result.impute(data)
    assert list(out) == list(data)
    check_completed([dict(zip(out, row, strict=True)) for row in zip(*out.values(), strict=True)])
    assert np.isnan(data["x"]).any()


def test_matrices_keep_shape_dtype_and_their_missing_cells(result) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, (60, 3)), rng.normal(9, 1, (60, 3))])
    x[rng.random(x.shape) < 0.2] = np.nan
    x[4] = np.nan
    fit = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), x, seed=0, restarts=2)
    out = fit.impute(x)
    assert out.shape == x.shape
    assert np.isfinite(out).all()
    np.testing.assert_array_equal(out[~np.isnan(x)], x[~np.isnan(x)])
    assert np.isnan(x).any()
    assert fit.impute(x.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(fit.impute(x.tolist()), out)
    masked = np.ma.masked_invalid(x)
    np.testing.assert_allclose(fit.impute(masked), out)
    mean = fit.params["weights"] @ fit.params["means"]
    np.testing.assert_allclose(out[4], mean)
    one = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), x[:, 0], seed=0)
    assert one.impute(x[:, 0]).shape == (120,)


def test_a_path_comes_back_as_a_table_and_draws_differ(result, parquet: Path) -> None:
    assert result.impute(parquet).equals(result.impute(pa.table(columns())))
    a, b = result.impute(parquet, draws=2)
    check_completed(a.to_pylist())
    check_completed(b.to_pylist())
    assert not a.equals(b)
    assert a.schema.field("visits").type == pa.int64()  # Poisson draws are whole


def test_draws_from_a_reader_are_refused_not_empty(result) -> None:
    with pytest.raises(DataError, match="read only once"):
        reader = pa.table(columns()).to_reader()
        result.impute(reader)
        result.impute(reader)


def test_data_without_missing_cells_comes_back_unchanged(result) -> None:
    table = pa.table(columns()).filter(pa.array(~np.any([missing(v) for v in columns().values()], axis=0)))
    assert result.impute(table).equals(table)


def test_columns_may_be_reordered_and_joined_by_others(result) -> None:
    table = pa.table(columns())
    shuffled = table.select(table.column_names[::-1]).append_column("note", [["hello"] * N])
    out = result.impute(shuffled)
    assert out.column_names == shuffled.column_names
    assert out.column("x").equals(result.impute(table).column("x"))
    np.testing.assert_array_equal(result.responsibilities(shuffled), result.responsibilities(table))


def test_an_unknown_category_is_not_overwritten(result) -> None:
    table = pa.table(columns())
    strange = ["purple", *columns()["colour"][1:]]
    source = table.set_column(1, "colour", [strange])
    from dataclasses import replace

    lenient = replace(result, encoding=replace(result.encoding, unknown="missing"))
    assert lenient.impute(source).column("colour")[0].as_py() == "purple"


# ---- decoded


def test_codes_become_categories_and_whole_numbers() -> None:
    slots = (Slot(("c", "d"), "category", (("u", "v"), ("2", "10"))), Slot(("x",)))
    out = decoded(slots, [np.array([[0, 1], [1, 0]], np.int32), np.array([[0.5, 1.5]])])
    assert out["c"].tolist() == ["u", "v"]
    assert out["d"].tolist() == [10, 2]
    assert out["x"].tolist() == [0.5, 1.5]
    text = decoded(slots[:1], [np.array([[0, 1], [1, 0]])], [Field("d", "category"), Field("c", "category")])
    assert text["d"].tolist() == ["10", "2"]


def test_samples_have_the_columns_of_the_data(result) -> None:
    sample = result.sample(50)
    assert set(sample) == set(MODELLED)
    assert set(sample["colour"]) <= {"red", "blue", "green"}
    assert sample["doors"].dtype.kind == "i"
