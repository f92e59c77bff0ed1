"""Data frames and paths as sources: kinds, missing cells, units, fingerprints."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.tabular import cells, kinds
from unseen.errors import DataError
from unseen.sources.files import open_files
from unseen.sources.frames import Frames

MIXED = {
    "number": [1.5, None, 2.5],
    "whole": [1, 2, None],
    "truth": [True, None, False],
    "text": ["b", None, "a"],
}


@pytest.mark.parametrize(
    "make",
    [
        pa.table,
        pl.DataFrame,
        lambda d: pd.DataFrame(d).convert_dtypes(),
        lambda d: pa.RecordBatch.from_pydict(d),
        lambda d: pa.table(d).to_reader(),
        lambda d: pa.table(d).cast(
            pa.schema([("number", pa.float64()), ("whole", pa.int8()), ("truth", pa.bool_())]).append(
                pa.field("text", pa.dictionary(pa.int8(), pa.large_string()))
            )
        ),
    ],
    ids=["arrow", "polars", "pandas", "batch", "reader", "dictionary"],
)
def test_libraries_agree_on_kinds_and_missing_cells(make) -> None:
    source = Frames(make(MIXED))
    assert kinds(source) == {"number": "number", "whole": "integer", "truth": "boolean", "text": "category"}
    assert cells(source, "number") == [1.5, None, 2.5]
    assert cells(source, "whole") == [1, 2, None]
    assert cells(source, "truth") == [1, None, 0]
    assert cells(source, "text") == ["b", None, "a"]


def test_codes_are_int32_and_values_under_a_mask_are_finite() -> None:
    source = Frames(pa.table(MIXED))
    frame = source.read(source.manifest()[0], list(MIXED))
    assert frame.columns["text"].values.dtype == np.int32
    assert all(np.isfinite(c.values).all() for c in frame.columns.values())


def test_nan_and_null_are_both_missing_and_complete_columns_have_no_mask() -> None:
    table = pa.table({"a": pa.array([1.0, float("nan"), None]), "b": pa.array([1.0, 2.0, 3.0])})
    source = Frames(table)
    assert cells(source, "a") == [1.0, None, None]
    assert source.read(source.manifest()[0], ["b"]).columns["b"].observed is None


def test_float_columns_without_gaps_are_not_copied() -> None:
    x = np.arange(5, dtype=np.float32)
    source = Frames(pa.table({"x": x}))
    values = source.read(source.manifest()[0], ["x"]).columns["x"].values
    assert values.dtype == np.float32
    assert np.shares_memory(values, x)


def test_decimals_are_numbers_and_dates_lists_and_bytes_are_left_with_a_note() -> None:
    table = pa.table(
        {
            "price": pa.array([Decimal("1.25"), None]),
            "day": [date(2013, 1, 1), None],
            "many": [[1], [2, 3]],
            "raw": [b"a", b"b"],
        }
    )
    source = Frames(table)
    assert cells(source, "price") == [1.25, None]
    notes = {f.name: (f.kind, f.note.partition(":")[0]) for f in source.schema()}
    assert notes["day"] == ("other", "dates and times are not modelled")
    assert notes["many"] == ("other", "lists and other nested values are not modelled")
    assert notes["raw"] == ("other", "bytes are not modelled")


def test_dictionaries_of_numbers_repeats_and_nulls_become_clean_categories() -> None:
    repeats = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 3]), pa.array(["a", "b", "a", None]))
    numbers = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 1]), pa.array([10, 20]))
    source = Frames(pa.table({"r": repeats, "n": numbers}))
    assert cells(source, "r") == ["a", "b", "a", None]
    assert cells(source, "n") == ["10", "20", None, "20"]
    column = source.read(source.manifest()[0], ["r"]).columns["r"]
    assert len(set(column.categories)) == len(column.categories)


def test_chunks_with_different_dictionaries_share_their_codes() -> None:
    a, b = pa.array(["x", "y"]).dictionary_encode(), pa.array(["y", "z"]).dictionary_encode()
    assert cells(Frames(pa.table({"c": pa.chunked_array([a, b])})), "c") == ["x", "y", "y", "z"]


def test_pandas_keeps_every_column_but_the_index() -> None:
    data = pd.DataFrame({1: [1, 2], "c": pd.Categorical(["u", None])}, index=["p", "q"])
    source = Frames(data)
    assert kinds(source) == {"1": "integer", "c": "category"}
    assert cells(source, "c") == ["u", None]


def test_extra_columns_join_and_must_have_as_many_rows() -> None:
    source = Frames(pa.table({"x": [1.0, 2.0]}), extra={"(weights)": np.array([1, 2]), "(labels)": ["a", None]})
    assert cells(source, "(weights)") == [1, 2]
    assert cells(source, "(labels)") == ["a", None]
    with pytest.raises(DataError, match="3 weights for 2 rows"):
        Frames(pa.table({"x": [1.0, 2.0]}), extra={"(weights)": np.ones(3)})


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pa.table([[1], [2]], names=["a", "a"]),
        pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]),
    ],
)
def test_duplicated_names_are_refused(data) -> None:
    with pytest.raises(DataError, match=r"duplicated: 'a'; rename"):
        Frames(data)


@pytest.mark.parametrize("single", [pd.Series([1.0], name="a"), pl.Series("a", [1.0])])
def test_a_single_column_is_not_a_table(single) -> None:
    with pytest.raises(DataError, match="not a single column"):
        Frames(single)


def test_a_reader_that_was_read_before_is_refused() -> None:
    reader = pa.table({"x": [1.0]}).to_reader()
    Frames(reader)
    with pytest.raises(DataError, match="read only once"):
        Frames(reader)


def test_units_stay_whole_in_memory() -> None:
    table = pa.table({"who": ["a"] * 3 + ["b"] * 2 + ["c"] * 4, "x": np.arange(9.0)})
    source = Frames(table, unit="who", block_rows=4)
    frames = [source.read(p, ["x"]) for p in source.manifest()]
    assert [f.offsets.tolist() for f in frames] == [[0, 3, 5], [0, 4]]
    assert kinds(source) == {"x": "number"}
    with pytest.raises(DataError, match="'who' is missing in 1 rows"):
        Frames(pa.table({"who": ["a", None], "x": [1.0, 2.0]}), unit="who")


def test_fingerprints_depend_on_content_and_not_on_the_library() -> None:
    marks = {f(MIXED).__class__: Frames(f(MIXED)).fingerprint() for f in (pa.table, pl.DataFrame)}
    assert len({m["sha256"] for m in marks.values()}) == 1
    changed = {**MIXED, "number": [1.5, None, 2.6]}
    assert Frames(pa.table(changed)).fingerprint() != Frames(pa.table(MIXED)).fingerprint()
    assert Frames(pa.table(MIXED)).fingerprint()["rows"] == 3


# ---- paths


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file '.*none.parquet'"):
        open_files(tmp_path / "none.parquet")
    with pytest.raises(DataError, match=r"there is no file '.*none.csv'"):
        open_files(tmp_path / "none.csv")
    with pytest.raises(DataError, match="holds no file that ends in"):
        open_files(tmp_path)
    (tmp_path / "notes.doc").write_bytes(b"%PDF-1.7")
    with pytest.raises(DataError, match="'notes.doc' is a PDF document: write the table as Parquet or CSV"):
        open_files(tmp_path / "notes.doc")
    (tmp_path / "a.csv").write_text("x\n1\n")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="cannot be read together"):
        open_files(tmp_path)
