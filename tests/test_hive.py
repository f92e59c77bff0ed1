"""Columns that the names of folders say: ``year=2023/carrier=AA``."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import unseen
from tests.tabular import cells, kinds, table_of
from unseen.arrow.digest import file_digest
from unseen.arrow.place import at
from unseen.errors import DataError
from unseen.sources.files import listed, open_files


def write(path: Path, rows: int = 30) -> Path:
    pq.write_table(table_of(rows), _made(path.parent) / path.name)
    return path


def refusal(data: object) -> str:
    with pytest.raises(DataError) as caught:
        open_files(data)
    return str(caught.value)


def hive(root: Path) -> Path:
    for i, (year, carrier) in enumerate([("2023", "AA"), ("2024", "B%20B"), ("2024", "__HIVE_DEFAULT_PARTITION__")]):
        pq.write_table(
            pa.table({"x": [float(i), i + 0.5]}), _made(root / f"year={year}" / f"carrier={carrier}") / "p.parquet"
        )
    return root


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_keys_of_folders_are_columns(tmp_path: Path) -> None:
    source = open_files(hive(tmp_path / "data"))
    assert kinds(source) == {"x": "number", "year": "integer", "carrier": "category"}
    assert cells(source, "year") == [2023, 2023, 2024, 2024, 2024, 2024]
    assert cells(source, "carrier") == ["AA", "AA", "B B", "B B", None, None]
    assert source.arrow_schema.names == ["x", "year", "carrier"]
    assert sum(source.table(p).num_rows for p in source.manifest()) == 6
    frame, table = source.read_all(source.manifest()[0], ["year"])
    assert table.schema.types == [pa.float64(), pa.int64(), pa.string()] and list(frame.columns) == ["year"]


def test_keys_are_known_behind_patterns_and_for_a_single_file(tmp_path: Path, monkeypatch) -> None:
    hive(tmp_path / "data")
    monkeypatch.chdir(tmp_path / "data")
    assert cells(open_files("year=*/carrier=A*/*.parquet"), "carrier") == ["AA", "AA"]
    assert cells(open_files("year=2023"), "year") == [2023, 2023]
    assert listed("year=2024/carrier=B%20B/p.parquet")[0].keys == (("year", "2024"), ("carrier", "B B"))


def test_keys_tell_units_and_are_blocks_of_any_size(tmp_path: Path) -> None:
    for who in ("eve", "ann"):
        for part in ("1", "2"):
            write(_made(tmp_path / f"part={part}" / f"who={who}") / "t.parquet", 10)
    source = open_files(tmp_path, unit="who")
    lengths = [np.diff(source.read(p, ["x"]).offsets).tolist() for p in source.manifest()]
    assert sum(lengths, []) == [20, 20]
    assert kinds(source)["part"] == "integer" and "who" not in kinds(source)
    assert cells(open_files(tmp_path, block_rows=7), "who") == (["ann"] * 10 + ["eve"] * 10) * 2


def test_keys_have_to_agree_and_columns_of_files_go_first(tmp_path: Path) -> None:
    hive(tmp_path)
    pq.write_table(pa.table({"x": [1.0]}), tmp_path / "p.parquet")
    message = refusal(tmp_path)
    assert "column 'year' is in" in message and "but not in" in message and "year=2023" in message
    os.remove(tmp_path / "p.parquet")
    pq.write_table(pa.table({"x": [1.0], "year": ["late"]}), _made(tmp_path / "own" / "year=1") / "q.parquet")
    assert cells(open_files(tmp_path / "own"), "year") == ["late"]


def test_codes_with_zeros_are_text_and_a_key_without_values_is_empty(tmp_path: Path) -> None:
    for month in ("01", "12"):
        write(tmp_path / f"month={month}" / "none=" / f"big={'9' * 30}" / "t.parquet", 5)
    assert {k: v for k, v in kinds(open_files(tmp_path)).items() if k in ("month", "none", "big")} == {
        "month": "category", "none": "empty", "big": "category"}  # fmt: skip


def test_what_pyarrow_writes_in_folders_is_read_back(tmp_path: Path) -> None:
    table = pa.table(
        {"x": np.arange(90.0), "year": [2023 + i % 3 for i in range(90)], "city": ["New York", "a/b", None] * 30}
    )
    pq.write_to_dataset(table, tmp_path, partition_cols=["year", "city"])
    source = open_files(tmp_path)
    found = sorted(zip(cells(source, "x"), cells(source, "year"), cells(source, "city"), strict=True))
    assert [tuple(row.values()) for row in table.to_pylist()] == found
    assert unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), tmp_path, ignore=["city"]).profile.names == ("x", "year")


def test_the_fingerprint_is_of_bytes_and_keys(tmp_path: Path) -> None:
    a, b, c = (write(tmp_path / f / "t.parquet") for f in ("a", "b", "year=1"))
    assert file_digest([a]) == file_digest([b]) == file_digest([at(a)])
    assert open_files(a).fingerprint() == open_files(b).fingerprint() != open_files(c).fingerprint()
