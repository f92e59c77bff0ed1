"""Typed files with many row groups or none to speak of, many files, Feather, and files that are not as the others."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

import unseen
from tests.tabular import cells, kinds, table_of
from unseen.errors import DataError
from unseen.sources.files import open_files
from unseen.sources.parquet import Feather, Parquet


def sizes(source: object) -> list[int]:
    return [p.rows for p in source.manifest()]


def same(source: object, table: pa.Table) -> None:
    for name in ("x", "y", "c", "k"):
        found, expected = cells(source, name), table.column(name).to_pylist()
        assert found == expected
    whole = pa.concat_tables([source.table(p) for p in source.manifest()])
    assert whole.column("c").to_pylist() == table.column("c").to_pylist()


# ---- joining


def test_tiny_row_groups_are_joined_to_blocks(tmp_path: Path) -> None:
    table = table_of(20_000)
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=10)
    source = Parquet(tmp_path / "t.parquet")
    assert sizes(source) == [2_500] * 8
    same(source, table)
    same(Parquet(tmp_path / "t.parquet", block_rows=777), table)


def test_only_tiny_ones_are_joined(tmp_path: Path) -> None:
    with pq.ParquetWriter(tmp_path / "t.parquet", table_of(1).schema) as writer:
        for rows in (9_000, 10, 20, 140_000, 5_000, 5_000, 5_000, 9_000, 30, 8_000, 40):
            writer.write_table(table_of(rows), row_group_size=rows)
    assert sizes(Parquet(tmp_path / "t.parquet")) == [9_000, 30, 70_000, 70_000, 10_000, 5_000, 9_000, 8_070]


@pytest.mark.parametrize("groups", [1, 4, 8])
def test_few_groups_stay_as_they_are_however_small(tmp_path: Path, groups: int) -> None:
    pq.write_table(table_of(10 * groups), tmp_path / "t.parquet", row_group_size=10)
    assert sizes(Parquet(tmp_path / "t.parquet")) == [10] * groups


def test_small_files_are_joined_too_and_opened_once_for_a_block(tmp_path: Path, monkeypatch) -> None:
    for i in range(40):
        pq.write_table(table_of(50, i), tmp_path / f"part-{i:02}.parquet", row_group_size=25)
    opens = []
    real = pq.ParquetFile
    monkeypatch.setattr(pq, "ParquetFile", lambda *a, **k: opens.append(a) or real(*a, **k))
    source = open_files(tmp_path)
    assert sizes(source) == [250] * 8 and len(opens) == 40
    cells(source, "c")
    assert len(opens) == 80
    same(source, pa.concat_tables([table_of(50, i) for i in range(40)]))


def test_a_footer_is_not_parsed_for_every_block(tmp_path: Path, monkeypatch) -> None:
    pq.write_table(table_of(90_000), tmp_path / "t.parquet", row_group_size=9_000)
    source = Parquet(tmp_path / "t.parquet")
    opens = []
    real = pq.ParquetFile
    monkeypatch.setattr(pq, "ParquetFile", lambda *a, **k: opens.append(a) or real(*a, **k))
    for _ in range(3):
        cells(source, "x")
    assert len(source.manifest()) == 10 and len(opens) == 1
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda p: source.read(p, ["x"]).columns["x"].values.sum(), source.manifest() * 5))
    assert len(opens) <= 5 and found[:10] * 5 == found
    table = table_of(90_000, 1)
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=9_000)
    os.utime(tmp_path / "t.parquet", ns=(1, 1))
    with pytest.raises(DataError, match="was changed while it was being read"):
        cells(source, "x")


def test_damage_in_a_run_of_groups_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(table_of(200), path, row_group_size=10)
    chunk = pq.read_metadata(path).row_group(4).column(0)
    content = bytearray(path.read_bytes())
    content[chunk.data_page_offset : chunk.data_page_offset + 40] = b"\xff" * 40
    path.write_bytes(content)
    with pytest.raises(DataError, match="'t.parquet' is damaged: one of its row groups 3 to 5 cannot be read"):
        cells(Parquet(path), "x")


def test_a_fit_of_two_thousand_groups_is_that_of_one(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    far = draw.integers(0, 2, 20_000)
    table = pa.table({"x": far * 5 + draw.normal(size=20_000), "c": np.array(["a", "b"])[far]})
    times, fits = [], []
    for name, rows in (("one", 20_000), ("many", 10)):
        pq.write_table(table, tmp_path / name, row_group_size=rows)
        before = time.perf_counter()
        fits.append(unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), tmp_path / name, ignore=["c"], seed=0))
        times.append(time.perf_counter() - before)
    np.testing.assert_allclose(fits[1].log_prob(table), fits[0].log_prob(table), rtol=1e-3)
    assert times[1] < 2 * times[0] + 1


def test_three_thousand_files_are_read_in_seconds(tmp_path: Path) -> None:
    for i in range(3_000):
        pq.write_table(pa.table({"x": [1.0 * i, 2.0], "c": ["a", "b"]}), tmp_path / f"part-{i}.parquet")
    before = time.perf_counter()
    source = open_files(tmp_path)
    assert len(cells(source, "x")) == 6_000 and len(source.manifest()) == 8
    assert time.perf_counter() - before < 20


# ---- Feather


@pytest.mark.parametrize("compression", ["lz4", "zstd", "uncompressed"])
def test_feather_is_read_batch_by_batch(tmp_path: Path, compression: str) -> None:
    table = table_of(60_000)
    coded = table.set_column(2, "c", table.column("c").dictionary_encode())
    for name, content in (("plain", table), ("coded", coded)):
        path = tmp_path / f"{name}.feather"
        feather.write_feather(content, path, compression=compression, chunksize=5_000)
        source = open_files(path)
        assert isinstance(source, Feather) and sizes(source) == [10_000] * 6
        same(source, table)
    both = Feather([tmp_path / "plain.feather", tmp_path / "coded.feather"])
    assert cells(both, "c") == table.column("c").to_pylist() * 2
    assert both.fingerprint()["format"] == "arrow" and both.fingerprint()["files"] == 2


def test_feather_has_units_keys_and_large_batches_cut(tmp_path: Path) -> None:
    table = table_of(70_000)
    (tmp_path / "year=2024").mkdir()
    feather.write_feather(table, tmp_path / "year=2024" / "t.arrow", chunksize=70_000)
    source = open_files(tmp_path)
    assert sizes(source) == [8_750] * 8 and kinds(source)["year"] == "integer"
    same(source, table)
    shuffled = table.take(np.random.default_rng(0).permutation(70_000))
    feather.write_feather(shuffled, tmp_path / "s.feather")
    grouped = open_files(tmp_path / "s.feather", unit="k")
    assert sorted(v or 9 for v in cells(grouped, "x")) == sorted(v or 9 for v in table.column("x").to_pylist())
    assert all(len(grouped.places(p)) == p.rows for p in grouped.manifest())
    model = unseen.Mixture(unseen.Gaussian(), 1)
    pq.write_table(table, tmp_path / "t.parquet")
    fits = [
        unseen.fit(model, tmp_path / n, ignore=["c", "k", *key])
        for n, key in (("year=2024/t.arrow", ["year"]), ("t.parquet", []))
    ]
    assert fits[0].log_prob(table).tolist() == fits[1].log_prob(table).tolist()


def test_damaged_feather_is_named(tmp_path: Path) -> None:
    feather.write_feather(table_of(5_000), tmp_path / "t.feather")
    whole = (tmp_path / "t.feather").read_bytes()
    for name, content, what in (
        ("empty.feather", b"", "is empty"),
        ("text.feather", b"a,b\n1,2\n", "is not a Feather file"),
        ("cut.feather", whole[: len(whole) // 2], "cannot be read to its end"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"'{name}' .*{what}"):
            open_files(tmp_path / name)


# ---- files that are not as the others


def write(path: Path, content: pa.Table | bytes) -> Path:
    path.write_bytes(content) if isinstance(content, bytes) else pq.write_table(content, path)
    return path


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (lambda good: good[: len(good) // 2], "its footer is missing or damaged"),
        (lambda good: b"", "it holds no bytes at all"),
        (lambda good: table_of(30).drop_columns(["y"]), "column 'y' is in"),
        (lambda good: table_of(30).append_column("z", [[1] * 30]), "column 'z' is in 'part-000.parquet'"),
        (lambda good: table_of(30).set_column(0, "x", [["u"] * 30]), "column 'x' is"),
        (lambda good: b"SQLite format 3\x00", "is an SQLite database"),
    ],
)
def test_one_bad_file_among_a_hundred(tmp_path: Path, bad: Callable[[bytes], bytes], why: str) -> None:
    for i in range(100):
        write(tmp_path / f"part-{i:03}.parquet", table_of(30, i))
    worst = write(tmp_path / "part-000.parquet", bad((tmp_path / "part-050.parquet").read_bytes()))
    with pytest.raises(DataError, match="part-000.parquet"):
        open_files(tmp_path)
    source = open_files(tmp_path, read={"skip_bad": True})
    assert len(source.files) == 99 and sum(sizes(source)) == 99 * 30 and len(source.skipped) == 1
    assert source.skipped[0].startswith(f"{worst.name!r} is left out: ") and why in source.skipped[0]
    assert cells(source, "x")[:30] == table_of(30, 1).column("x").to_pylist()


def test_nothing_to_skip_and_nothing_but_bad_files(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", table_of(30))
    assert open_files(tmp_path).skipped == open_files(tmp_path, read={"skip_bad": True}).skipped == ()
    (tmp_path / "gone.parquet").symlink_to("nowhere")
    source = open_files(tmp_path, read={"skip_bad": True})
    assert len(source.skipped) == 1 and "is a link to a file that is not there" in source.skipped[0]
    write(tmp_path / "a.parquet", b"PAR1")
    with pytest.raises(DataError, match="none of the 1 files can be read: 'a.parquet' is left out"):
        open_files(tmp_path, read={"skip_bad": True})


# ---- row labels


def test_row_labels_of_pandas_stay_out_in_many_files_and_folders(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"a": draw.normal(size=90), "b": draw.normal(size=90), "year": [2023, 2024, 2025] * 30})
    some = frame[frame.a > -1]
    some.to_parquet(tmp_path / "hive", partition_cols=["year"])
    (tmp_path / "many").mkdir()
    bare = pa.Table.from_pandas(some).replace_schema_metadata(None)
    pq.write_table(bare, tmp_path / "many" / "a.parquet")
    some.to_parquet(tmp_path / "many" / "b.parquet")
    for folder in ("hive", "many"):
        found = {f.name: f for f in open_files(tmp_path / folder).schema()}
        assert found["__index_level_0__"].kind == "other"
        assert "index of a pandas table" in found["__index_level_0__"].note
        assert found["year"].kind == "integer"
        result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), tmp_path / folder, seed=0)
        assert set(result.profile.names) == {"a", "b", "year"}


def test_row_labels_of_some_files_only_are_left_out_and_told(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": np.arange(9.0), "b": np.arange(9.0)[::-1]})
    frame.iloc[[0, 1, 4, 8]].to_parquet(tmp_path / "jan.parquet")
    frame.to_parquet(tmp_path / "feb.parquet")
    for options in ({}, {"read": {"skip_bad": True}}):
        source = open_files([tmp_path / "jan.parquet", tmp_path / "feb.parquet"], **options)
        assert source.arrow_schema.names == ["a", "b"] and sum(sizes(source)) == 13
        assert len(source.skipped) == 1 and "'__index_level_0__' is left out" in source.skipped[0]
        assert len(source.table(source.manifest()[0]).to_pandas()) == 4
