"""Which files a batch is, and what identifies it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from tests.ops.ingest_case import LONG_AGO, aged, settings, table, write
from unseen.errors import DataError
from unseen.ops.ingest import check, partitions, take_in
from unseen.ops.ingest.partitions import order


@pytest.fixture
def months(tmp_path):
    for month in (2, 10, 9):
        write(tmp_path / "data" / f"m-{month}.parquet", table(40 + month, seed=month))
    return tmp_path


def names(found):
    return [p.name for p in found]


def test_partitions_are_files_in_the_order_of_their_numbers(months):
    found = partitions(settings(months))
    assert names(found) == ["m-2.parquet", "m-9.parquet", "m-10.parquet"]
    assert all(p.id == hashlib.sha256(p.path.read_bytes()).hexdigest() for p in found)


@pytest.mark.parametrize(
    "path", ["data", "data/", "data/*.parquet", "data/m-*", "d*a/*", "**/*.parquet", "./data/m-[0-9]*.parquet"]
)
def test_a_folder_and_patterns_name_the_same_files(months, path):
    assert names(partitions(settings(months, path))) == ["m-2.parquet", "m-9.parquet", "m-10.parquet"]


def test_one_file_is_one_partition(months):
    assert names(partitions(settings(months, "data/m-9.parquet"))) == ["m-9.parquet"]
    assert names(partitions(settings(months, str(months / "data" / "m-9.parquet")))) == ["m-9.parquet"]


def test_hidden_files_notes_and_the_state_folder_are_no_partitions(months):
    for extra in (".hidden.parquet", "_tmp.parquet", "README.md", "m-11.parquet.part", ".unseen/runs/x.parquet"):
        target = months / "data" / extra
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"x")
    write(months / "data" / "state" / "x.parquet", table(5))
    for path in ("data", "data/*"):
        given = settings(months, path, state="data/state")
        assert names(partitions(given)) == ["m-2.parquet", "m-9.parquet", "m-10.parquet"]


def test_a_pattern_may_ask_for_other_endings(months):
    os.rename(months / "data" / "m-9.parquet", months / "data" / "m-9.dat")
    assert names(partitions(settings(months, "data/*.dat"))) == ["m-9.dat"]
    assert take_in(settings(months, "data/*.dat")).batch.rows == 49


@pytest.mark.parametrize("path", ["nowhere", "nowhere/*.parquet", "data/*.csv", "data/m-3.parquet"])
def test_nothing_there_is_said_with_the_key(months, path):
    with pytest.raises(DataError, match=r"^data\.path: .* names no data file"):
        partitions(settings(months, path))


def test_two_files_of_one_name_are_refused(months):
    write(months / "data" / "old" / "m-9.parquet", table(5))
    with pytest.raises(DataError, match=r"two files are called 'm-9.parquet', in 'data' and in 'old'"):
        take_in(settings(months))


def test_a_folder_that_cannot_be_listed_is_not_passed_over(months, monkeypatch):
    (months / "data" / "more").mkdir()
    scandir = os.scandir

    def flaky(path):
        if str(path).endswith("more"):
            raise OSError(5, "Input/output error")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", flaky)
    with pytest.raises(OSError, match="could not be read just now"):
        partitions(settings(months))


def test_the_window_ends_where_it_should(months):
    given = settings(months, data={"window": 2})
    assert take_in(given).batch.partitions == ("m-9.parquet", "m-10.parquet")
    assert take_in(given).newest.name == "m-10.parquet"
    assert take_in(given, "m-9.parquet").batch.partitions == ("m-2.parquet", "m-9.parquet")
    assert take_in(given, "m-9").batch.partitions == ("m-2.parquet", "m-9.parquet")
    assert take_in(given, "m-2").batch.partitions == ("m-2.parquet",)
    assert take_in(given).batch.rows == 49 + 50
    assert take_in(settings(months)).batch.rows == 42 + 49 + 50


def test_an_unknown_partition_is_answered_with_the_nearest(months):
    with pytest.raises(DataError, match=r"'m-8.parquet' is no partition; the nearest name is 'm-\d+.parquet'"):
        take_in(settings(months), "m-8.parquet")
    write(months / "data" / "m-9.csv", table(5))
    with pytest.raises(DataError, match="'m-9' names more than one partition"):
        take_in(settings(months), "m-9")


def test_the_source_reads_the_partitions_in_order(months):
    intake = take_in(settings(months))
    assert sum(p.rows for p in intake.source.manifest()) == intake.batch.rows
    assert [p.name for p in intake.source.paths] == list(intake.batch.partitions)


def test_the_batch_is_the_same_wherever_its_rows_lie(months):
    here = take_in(settings(months)).batch
    moved = months / "elsewhere"
    os.rename(months / "data", moved)
    assert take_in(settings(months, "elsewhere/*.parquet")).batch == here
    os.rename(moved / "m-2.parquet", moved / "m-02.parquet")
    again = take_in(settings(months, "elsewhere")).batch
    assert (again.id, again.rows) == (here.id, here.rows)
    write(moved / "m-9.parquet", table(49, seed=99))
    assert take_in(settings(months, "elsewhere")).batch.id != here.id


def test_a_nightly_run_hashes_only_what_is_new(months, monkeypatch):
    given, hashed = settings(months), []
    real = hashlib.file_digest

    def noted(file, kind):
        hashed.append(os.path.basename(file.name))
        return real(file, kind)

    monkeypatch.setattr(hashlib, "file_digest", noted)
    first = partitions(given)
    assert hashed == ["m-2.parquet", "m-9.parquet", "m-10.parquet"]
    write(months / "data" / "m-11.parquet", table(20))
    assert partitions(given)[:3] == first
    assert hashed[3:] == ["m-11.parquet"]

    changed = bytearray((months / "data" / "m-2.parquet").read_bytes())
    changed[30] ^= 1
    (months / "data" / "m-2.parquet").write_bytes(changed)  # the same size
    aged(months / "data" / "m-2.parquet", seconds=60)
    assert partitions(given)[0].id != first[0].id
    assert hashed[4:] == ["m-2.parquet"]

    (months / ".unseen" / "hashes.json").write_text('{"files": {"half of')
    assert partitions(given)[1].id == first[1].id


def test_a_change_that_keeps_size_and_time_is_noticed(months):
    path = months / "data" / "m-2.parquet"
    before = partitions(settings(months))[0]
    changed = bytearray(path.read_bytes())
    changed[30] ^= 1
    path.write_bytes(changed)
    aged(path)
    after = partitions(settings(months))[0]
    assert before.stamp[:2] == after.stamp[:2] == (len(changed), LONG_AGO * 10**9)
    assert before.id != after.id


def test_a_file_written_a_moment_ago_is_not_taken_for_settled(months):
    path = months / "data" / "m-2.parquet"
    os.utime(path)
    partitions(settings(months))
    kept = (months / ".unseen" / "hashes.json").read_text()
    assert "m-2.parquet" not in kept and "m-9.parquet" in kept


def test_state_that_cannot_be_written_costs_time_and_nothing_else(months, monkeypatch):
    (months / "blocked").write_text("a file where the state folder should be")
    given = settings(months, state="blocked")
    assert len(partitions(given)) == 3
    assert check(take_in(given), given, None) == ()


def test_csv_rows_are_counted_and_read(tmp_path):
    write(tmp_path / "data" / "a.csv", table(30))
    write(tmp_path / "data" / "b.csv", table(31, seed=1))
    intake = take_in(settings(tmp_path))
    assert intake.batch.rows == 61
    assert sum(p.rows for p in intake.source.manifest()) == 61


def test_numbers_in_names_are_ordered_by_size():
    assert sorted(["b10", "b9", "b1a", "b", "2", "10", "a"], key=order) == ["2", "10", "a", "b", "b1a", "b9", "b10"]


def test_importing_ingest_is_light():
    code = "import sys, unseen.ops.ingest; print([m for m in ('pandas', 'pandera', 'pyarrow') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.parametrize(("kind", "what"), [("link", "a link to nothing"), ("pipe", "a pipe")])
@pytest.mark.parametrize("path", ["data", "data/*.parquet"])
def test_what_is_called_as_data_is_and_cannot_be_read_is_no_silent_gap(tmp_path, kind, what, path):
    write(tmp_path / "data" / "a.parquet", table())
    newest = tmp_path / "data" / "b.parquet"
    newest.symlink_to(tmp_path / "nowhere") if kind == "link" else os.mkfifo(newest)
    with pytest.raises(DataError, match=rf"'b\.parquet' is {what}: "):
        take_in(settings(tmp_path, path))
