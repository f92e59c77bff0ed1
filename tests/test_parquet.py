"""Parquet files as a source: blocks, threads, units, several files, damage."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import unseen
from tests.tabular import cells, kinds, table_of
from unseen.arrow.digest import file_digest
from unseen.arrow.stream import Stream
from unseen.core.source import Frames as Lazy
from unseen.engines.local import Memory, OutOfCore
from unseen.errors import DataError
from unseen.sources.files import open_files
from unseen.sources.parquet import Parquet


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "t.parquet"
    pq.write_table(table_of(1000), path, row_group_size=300)
    return path


def test_a_block_is_a_row_group_and_only_wanted_columns_are_read(file: Path) -> None:
    source = Parquet(file)
    assert [p.rows for p in source.manifest()] == [300, 300, 300, 100]
    assert source.paths == (file,)
    assert set(source.read(source.manifest()[1], ["y"]).columns) == {"y"}
    assert source.read(source.manifest()[0], ["y"]).columns["y"].values.dtype == np.float32


@pytest.mark.parametrize("block_rows", [None, 1, 7, 100, 299, 450, 1000, 5000])
def test_row_groups_are_cut_and_joined_to_any_size(file: Path, block_rows: int | None) -> None:
    source, expected = Parquet(file, block_rows=block_rows), table_of(1000)
    assert sum(p.rows for p in source.manifest()) == 1000
    for name in ("x", "y", "c"):
        assert cells(source, name) == expected.column(name).to_pylist()


def test_large_row_groups_are_cut_evenly(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("unseen.arrow.rowgroups.MOST_ROWS", 100)
    pq.write_table(table_of(1000), tmp_path / "t.parquet", row_group_size=350)
    source = Parquet(tmp_path / "t.parquet")
    assert [p.rows for p in source.manifest()] == [88, 88, 88, 86, 88, 88, 88, 86, 100, 100, 100]
    assert cells(source, "x") == table_of(1000).column("x").to_pylist()


def test_few_row_groups_are_cut_so_that_workers_share_them(tmp_path: Path) -> None:
    pq.write_table(table_of(70_000), tmp_path / "t.parquet", row_group_size=70_000)
    assert [p.rows for p in Parquet(tmp_path / "t.parquet").manifest()] == [8750] * 8


@pytest.mark.parametrize("block_rows", [None, 50])
def test_reading_from_threads_gives_the_same_sum(file: Path, block_rows: int | None) -> None:
    frames = Lazy(Parquet(file, block_rows=block_rows), ["x", "y"])

    def total(frame) -> np.ndarray:
        return np.array([frame.columns["x"].values.sum(), frame.columns["y"].values.sum()])

    expected = Memory(frames).sum(total).stats
    for _ in range(3):
        assert (OutOfCore(frames, workers=4).sum(total).stats == expected).all()
    order = np.random.default_rng(0).permutation(len(frames))
    backwards = OutOfCore(frames, workers=4).sum(total, order).stats
    np.testing.assert_allclose(backwards, expected)


def test_a_stream_decodes_once_in_order_and_starts_again_for_what_it_let_go() -> None:
    starts = []

    def batches():
        starts.append(1)
        for i in range(0, 100, 10):
            yield pa.record_batch({"i": np.arange(i, i + 10)})

    def take(start: int, stop: int) -> list[int]:
        return [v for b in stream.take(start, stop) for v in b.column("i").to_pylist()]

    stream = Stream(batches)
    ranges = [(a, min(a + 7, 100)) for a in range(0, 100, 7)]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda r: take(*r), ranges)) == [list(range(*r)) for r in ranges]
    assert len(starts) == 1
    assert take(0, 3) == [0, 1, 2]
    assert len(starts) == 2


def test_a_stream_serves_the_earliest_range_that_waits_first() -> None:
    gate, served = threading.Event(), []

    def batches():
        gate.wait()
        for i in range(5):
            yield pa.record_batch({"i": [i]})

    stream = Stream(batches)

    def ask(i: int) -> None:
        stream.take(i, i + 1)
        served.append(i)

    threads = [threading.Thread(target=ask, args=(i,)) for i in (0, 4, 2, 3, 1)]
    for i, thread in enumerate(threads):
        thread.start()
        while len(stream._waiting) <= i:
            pass
    gate.set()
    for thread in threads:
        thread.join()
    assert served == sorted(served)


def test_sequences_are_cut_between_units_across_row_groups(file: Path) -> None:
    keys = np.asarray(table_of(1000).column("k"))
    for block_rows in (None, 120):
        source = Parquet(file, unit="k", block_rows=block_rows)
        assert "k" not in kinds(source)
        at = 0
        for part in source.manifest():
            frame = source.read(part, ["x", "k"])
            ends = at + frame.offsets
            assert all(len(set(keys[a:b])) == 1 for a, b in zip(ends, ends[1:], strict=False))
            at = ends[-1]
        assert at == 1000
    assert cells(Parquet(file, unit="k", block_rows=120), "x") == table_of(1000).column("x").to_pylist()


def test_whole_makes_one_unit_and_unknown_units_are_named(file: Path) -> None:
    frame = Lazy(Parquet(file, whole=True), ["x"])[0]
    assert frame.offsets.tolist() == [0, 1000]
    with pytest.raises(DataError, match="no column 'who'"):
        Parquet(file, unit="who")


def test_several_files_and_folders_are_read_in_order(tmp_path: Path) -> None:
    for i in range(3):
        pq.write_table(table_of(50, seed=i), tmp_path / f"part-{i}.parquet")
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".hidden.parquet").touch()
    source = open_files(tmp_path)
    expected = pa.concat_tables([table_of(50, seed=i) for i in range(3)])
    assert cells(source, "c") == expected.column("c").to_pylist()
    assert len(source.paths) == 3
    backwards = open_files([tmp_path / "part-1.parquet", str(tmp_path / "part-0.parquet")])
    assert backwards.paths[0].name == "part-1.parquet"


def test_files_must_have_the_same_columns_and_types(tmp_path: Path) -> None:
    def write(name: str, **columns) -> Path:
        pq.write_table(pa.table(columns), tmp_path / name)
        return tmp_path / name

    a = write("a.parquet", x=[1.0], c=["u"])
    with pytest.raises(DataError, match=r"column 'c' is in 'a.parquet' but not in 'b.parquet'"):
        Parquet([a, write("b.parquet", x=[1.0])])
    with pytest.raises(DataError, match=r"column 'x' is double in 'a.parquet' and string in 'd.parquet'"):
        Parquet([a, write("d.parquet", x=["1"], c=["u"])])
    coded = pa.array(["v"]).dictionary_encode()
    same = Parquet([a, write("e.parquet", c=coded, x=pa.nulls(1))])
    assert cells(same, "x") == [1.0, None]
    assert cells(same, "c") == ["u", "v"]
    assert same.table(same.manifest()[1]).schema.types == [pa.float64(), pa.string()]


def test_a_file_without_rows_has_columns_and_an_empty_block(tmp_path: Path) -> None:
    pq.write_table(table_of(10).slice(0, 0), tmp_path / "t.parquet")
    source = Parquet(tmp_path / "t.parquet")
    assert [p.rows for p in source.manifest()] == [0]
    frame = source.read(source.manifest()[0], ["x", "c"])
    assert frame.rows == 0
    assert len(frame.columns["c"].values) == 0


def damaged(path: Path, how: str) -> Path:
    whole = path.read_bytes()
    out = path.with_name("bad.parquet")
    middle = len(whole) // 3
    out.write_bytes(
        {
            "empty": b"",
            "text": b"x,y\n1,2\n",
            "cut": whole[: len(whole) // 2],
            "footer": whole[:-200] + b"\0" * 150 + whole[-50:],
            "pages": whole[:20] + b"\xff" * middle + whole[20 + middle :],
        }[how]
    )
    return out


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("empty", "'bad.parquet' is empty"),
        ("text", "'bad.parquet' is not a Parquet file"),
        ("cut", "'bad.parquet' starts as a Parquet file but its footer is missing or damaged"),
        ("footer", "'bad.parquet' starts as a Parquet file but its footer is missing or damaged"),
        ("pages", "'bad.parquet' is damaged: its row group 0 cannot be read"),
    ],
)
@pytest.mark.parametrize("block_rows", [None, 77])
def test_damage_is_named(file: Path, how: str, message: str, block_rows: int | None) -> None:
    path = damaged(file, how)
    with pytest.raises(DataError, match=message):
        cells(Parquet(path, block_rows=block_rows), "y")


def test_columns_that_are_not_wanted_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(table_of(100), path)
    chunk = pq.read_metadata(path).row_group(0).column(1)
    content = bytearray(path.read_bytes())
    content[chunk.data_page_offset : chunk.data_page_offset + 40] = b"\xff" * 40
    path.write_bytes(content)
    source = Parquet(path)
    assert cells(source, "x") == table_of(100).column("x").to_pylist()
    with pytest.raises(DataError, match="is damaged"):
        cells(source, "y")


def test_a_column_of_nulls_has_no_kind_of_its_own(tmp_path: Path) -> None:
    columns = {"a": pa.nulls(3, pa.float64()), "b": [1.0, None, None], "c": pa.nulls(3)}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=1)
    assert kinds(Parquet(tmp_path / "t.parquet")) == {"a": "empty", "b": "number", "c": "empty"}


def test_a_file_that_changes_under_the_reader_is_noticed(file: Path) -> None:
    source = Parquet(file)
    pq.write_table(table_of(500), file)
    with pytest.raises(DataError, match="was changed while it was being read"):
        cells(source, "x")


def test_hash_of_a_file_is_of_its_bytes_and_sampled_when_huge(file: Path, monkeypatch) -> None:
    mark = Parquet(file).fingerprint()
    content = file.read_bytes()
    assert mark["sha256"] == hashlib.sha256(f"{len(content)}\0".encode() + content).hexdigest()
    assert (mark["format"], mark["rows"], mark["files"]) == ("parquet", 1000, 1)
    assert "sampled" not in mark
    for name, value in {"WHOLE": 1000, "PIECE": 16, "SAMPLES": 4, "FOOTER": 64}.items():
        monkeypatch.setattr(f"unseen.arrow.digest.{name}", value)
    sampled = file_digest([file])
    assert sampled["sampled"] == 1
    file.write_bytes(content[:-1] + b"?")
    assert file_digest([file]) != sampled


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [("int16", "int64", "int64"), ("int16", "float64", "float64"), ("float32", "float64", "float64")],
)
def test_files_may_hold_numbers_of_different_width(tmp_path: Path, first: str, second: str, together: str) -> None:
    """A month without holes is written as whole numbers, the next one with holes as floating point."""
    whole = pa.table({"delay": pa.array([1, 2, 3], first)})
    holes = pa.table({"delay": pa.array([4, None, 6], second)})
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, table in zip(paths, (whole, holes), strict=True):
        pq.write_table(table, path)
    source = open_files(paths)
    assert str(source.arrow_schema.field("delay").type) in (together, "double")
    assert cells(source, "delay") == [1, 2, 3, 4, None, 6]


def test_the_index_that_pandas_wrote_names_rows_and_is_no_column(tmp_path) -> None:
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60)})
    pd.concat([frame, frame]).to_parquet(tmp_path / "twice.parquet")
    frame.set_index(pd.Index(rng.permutation(60), name="id")).to_parquet(tmp_path / "named.parquet")
    for name, index in (("twice", "__index_level_0__"), ("named", "id")):
        found = {f.name: f for f in Parquet(tmp_path / f"{name}.parquet").schema()}
        assert found[index].kind == "other" and "index of a pandas table" in found[index].note
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), tmp_path / "twice.parquet")
    assert result.profile.names == ("a", "b")
