"""Assignments and completed rows in files: block by block, whole or not at all."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

import unseen
from tests.rowdata import FAMILIES, N, check_completed, columns
from unseen.arrow.output import table_writer
from unseen.errors import DataError, RunError
from unseen.rows import write_assign, write_impute


@pytest.fixture(scope="module")
def result():
    model = unseen.Mixture(unseen.Product(**FAMILIES), 2)
    return unseen.fit(model, pa.table(columns()), seed=0, restarts=2)


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    pq.write_table(pa.table(columns()), tmp_path / "in.parquet", row_group_size=100)
    return tmp_path / "in.parquet"


def test_assign_writes_input_columns_and_what_the_model_says(result, parquet: Path, tmp_path: Path) -> None:
    seen = []
    assert write_assign(result, parquet, tmp_path / "out.parquet", progress=seen.append) == N
    out = pq.read_table(tmp_path / "out.parquet")
    assert sum(seen) == N
    assert out.column_names == [*columns(), "component", "log_density", "responsibility_0", "responsibility_1"]
    assert out.select(list(columns())).equals(pa.table(columns()))
    assert out.schema.field("component").type == pa.int32()
    r = result.responsibilities(pa.table(columns()))
    np.testing.assert_allclose(np.column_stack([out.column(f"responsibility_{k}") for k in (0, 1)]), r)
    np.testing.assert_array_equal(out.column("component"), r.argmax(1))
    np.testing.assert_allclose(out.column("log_density"), result.log_prob(pa.table(columns())))
    assert out.column("log_density")[5].as_py() == pytest.approx(0)  # nothing observed, nothing said
    np.testing.assert_allclose(r[5], result.params["weights"])


def test_csv_in_and_out(result, tmp_path: Path) -> None:
    pd.DataFrame(columns()).to_csv(tmp_path / "in.csv", index=False)
    write_assign(result, tmp_path / "in.csv", tmp_path / "out.csv")
    out = pacsv.read_csv(tmp_path / "out.csv")
    assert out.num_rows == N
    np.testing.assert_allclose(out.column("log_density"), result.log_prob(pa.table(columns())))
    write_impute(result, tmp_path / "in.csv", tmp_path / "full.csv")
    full = pacsv.read_csv(tmp_path / "full.csv")
    check_completed(full.to_pylist())


def test_dictionaries_are_written_to_both_formats(result, tmp_path: Path) -> None:
    table = pa.table(columns())
    coded = table.set_column(1, "colour", table.column("colour").dictionary_encode())
    pq.write_table(coded, tmp_path / "in.parquet", row_group_size=70)
    for name in ("out.parquet", "out.csv"):
        write_impute(result, tmp_path / "in.parquet", tmp_path / name)
    out = pq.read_table(tmp_path / "out.parquet")
    assert pa.types.is_dictionary(out.schema.field("colour").type)
    assert out.column("colour").to_pylist() == result.impute(table).column("colour").to_pylist()
    assert pacsv.read_csv(tmp_path / "out.csv").column("colour").to_pylist() == out.column("colour").to_pylist()


def test_impute_writes_what_impute_returns(result, parquet: Path, tmp_path: Path) -> None:
    assert write_impute(result, parquet, tmp_path / "out.parquet") == N
    assert pq.read_table(tmp_path / "out.parquet").equals(result.impute(parquet))


def test_draws_follow_each_other_and_equal_those_in_memory(result, parquet: Path, tmp_path: Path) -> None:
    assert write_impute(result, parquet, tmp_path / "out.parquet", draws=3, seed=4) == 3 * N
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.column_names == ["draw", *columns()]
    assert out.column("draw").to_pylist() == [1] * N + [2] * N + [3] * N
    assert out.schema.field("visits").type == pa.int64()
    for m, expected in enumerate(result.impute(parquet, draws=3, seed=4)):
        assert out.slice(m * N, N).drop_columns("draw").equals(expected)


@pytest.mark.parametrize(
    ("write", "taken"),
    [
        (write_assign, "component"),
        (write_assign, "responsibility_1"),
        (lambda *a, **k: write_impute(*a, 2, **k), "draw"),
    ],
)
def test_a_name_that_is_taken_is_refused_with_the_knob(result, tmp_path: Path, write, taken: str) -> None:
    pq.write_table(pa.table(columns()).append_column(taken, [np.arange(N)]), tmp_path / "in.parquet")
    with pytest.raises(DataError, match=rf"already has a column '{taken}'.*--prefix"):
        write(result, tmp_path / "in.parquet", tmp_path / "out.parquet")
    write(result, tmp_path / "in.parquet", tmp_path / "out.parquet", prefix="em_")
    assert f"em_{taken}" in pq.read_schema(tmp_path / "out.parquet").names


def test_names_and_types_that_cannot_be_written(result, parquet: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"ends in .parquet, .feather, .csv"):
        write_assign(result, parquet, tmp_path / "out.xlsx")
    with pytest.raises(RunError, match="no folder"):
        write_assign(result, parquet, tmp_path / "none" / "out.csv")
    with pytest.raises(RunError, match="it is a folder"):
        (tmp_path / "sub.csv").mkdir()
        write_assign(result, parquet, tmp_path / "sub.csv")
    nested = pa.table(columns()).append_column("list", [[[1]] * N])
    pq.write_table(nested, tmp_path / "nested.parquet")
    with pytest.raises(RunError, match="'list' holds nested values, which CSV cannot"):
        write_assign(result, tmp_path / "nested.parquet", tmp_path / "out.csv")
    write_assign(result, tmp_path / "nested.parquet", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").column("list").equals(nested.column("list"))


# ---- whole or not at all


def left_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("name", ["out.parquet", "out.csv"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, DataError])
def test_an_interrupt_leaves_the_old_file_and_nothing_else(
    result, parquet: Path, tmp_path: Path, name: str, error: type[BaseException]
) -> None:
    (tmp_path / name).write_text("precious")

    def stop(rows: int) -> None:
        raise error

    with pytest.raises(error):
        write_assign(result, parquet, tmp_path / name, progress=stop)
    assert (tmp_path / name).read_text() == "precious"
    assert left_in(tmp_path) == ["in.parquet", name]


@pytest.mark.parametrize("name", ["out.parquet", "out.csv"])
@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOSPC, "no space left"), (errno.EDQUOT, "quota exceeded"), (errno.EIO, "Input/output error")],
)
def test_a_write_that_fails_is_one_sentence(tmp_path: Path, monkeypatch, name: str, code: int, words: str) -> None:
    real = os.fdopen

    class Full:
        """A file that takes some bytes and then no more."""

        def __init__(self, file) -> None:
            self.file, self.room = file, 500

        def write(self, data) -> int:
            self.room -= len(memoryview(data).cast("B"))
            if self.room < 0:
                raise OSError(code, os.strerror(code))
            return self.file.write(data)

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

    monkeypatch.setattr(os, "fdopen", lambda *a: Full(real(*a)))
    (tmp_path / name).write_text("precious")
    table = pa.table({"x": np.arange(1000.0)})
    with (
        pytest.raises(RunError, match=f"{words} while writing '{name}'"),
        table_writer(tmp_path / name, table.schema) as write,
    ):
        for _ in range(20):
            write(table)
    assert (tmp_path / name).read_text() == "precious"
    assert left_in(tmp_path) == [name]


@pytest.mark.parametrize("name", ["out.parquet", "out.csv"])
def test_the_file_size_limit_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    table = pa.table({"x": np.random.default_rng(0).normal(size=5000)})
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with (
            pytest.raises(RunError, match=f"file size limit reached while writing '{name}'"),
            table_writer(tmp_path / name, table.schema) as write,
        ):
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, old[1]))
            for _ in range(5):
                write(table)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert (tmp_path / name).read_text() == "precious"
    assert left_in(tmp_path) == [name]


@pytest.fixture
def tiny_disk(tmp_path: Path):
    """A file system of 64 KiB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small file system needs root")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this system does not let root mount a tmpfs (a container, most likely)")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("name", ["out.parquet", "out.csv"])
def test_a_full_disk_is_one_sentence(result, tmp_path: Path, tiny_disk: Path, name: str) -> None:
    (tiny_disk / name).write_text("precious")
    big = pa.concat_tables([pa.table(columns())] * 40)
    big = big.set_column(0, "x", [np.random.default_rng(0).normal(size=big.num_rows)])
    pq.write_table(big, tmp_path / "big.parquet", row_group_size=1000)
    with pytest.raises(RunError, match=f"no space left while writing '{name}'"):
        write_assign(result, tmp_path / "big.parquet", tiny_disk / name)
    assert (tiny_disk / name).read_text() == "precious"
    assert left_in(tiny_disk) == [name]


def test_no_space_for_the_copy_of_a_large_csv(tmp_path: Path, tiny_disk: Path, monkeypatch) -> None:
    from unseen.sources.csv import Csv

    x = np.random.default_rng(0).normal(size=20_000)
    pd.DataFrame({"x": x}).to_csv(tmp_path / "t.csv", index=False)
    monkeypatch.setattr("tempfile.tempdir", str(tiny_disk))
    with pytest.raises(RunError, match="no space left while writing the temporary copy"):
        Csv(tmp_path / "t.csv", memory_bytes=0)
    assert left_in(tiny_disk) == []


def test_memory_stays_flat_while_files_are_written(tmp_path: Path) -> None:
    """Peak memory of a fresh process grows by far less than the rows it writes."""
    probe = (
        "import resource, sys, numpy as np, pyarrow as pa, pyarrow.parquet as pq, unseen\n"
        "from unseen.rows import write_assign\n"
        "folder, groups = sys.argv[1], int(sys.argv[2])\n"
        "rng = np.random.default_rng(0)\n"
        "x = rng.normal(size=(400, 2))\n"
        "r = unseen.fit(unseen.Mixture(unseen.Gaussian(), 4), {'a': x[:, 0], 'b': x[:, 1]}, restarts=1)\n"
        "path = f'{folder}/{groups}.parquet'\n"
        "schema = pa.schema({'a': pa.float64(), 'b': pa.float64()})\n"
        "with pq.ParquetWriter(path, schema) as w:\n"
        "    for _ in range(groups):\n"
        "        w.write_table(pa.table([rng.normal(size=50_000)] * 2, schema=schema))\n"
        "write_assign(r, path, f'{folder}/out.parquet')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )

    def peak(groups: int) -> int:
        command = [sys.executable, "-c", probe, str(tmp_path), str(groups)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    # 10 groups more are 40 MB of input and output columns
    assert peak(12) - peak(2) < 20_000


@pytest.mark.parametrize("write", [write_assign, write_impute])
def test_no_input_is_written_over(result, write, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    path = folder / "rows.parquet"
    pq.write_table(pa.table(columns()), path)
    before = path.read_bytes()
    for given in (path, [path], folder):
        with pytest.raises(RunError, match=r"rows\.parquet is among the data that is read: give another name"):
            write(result, given, path)
    assert path.read_bytes() == before


def test_rows_that_no_component_can_have_are_told(tmp_path: Path) -> None:
    fitted = unseen.fit(unseen.Mixture(unseen.Gaussian("diagonal"), 1), {"a": np.arange(9.0)})
    pq.write_table(pa.table({"a": [1.0, 1e300]}), tmp_path / "in.parquet")
    with pytest.warns(UserWarning, match="1 row is impossible under every component"):
        assert write_assign(fitted, tmp_path / "in.parquet", tmp_path / "out.parquet") == 2
