"""Files that cannot be read: what may pass is told from what is wrong with the data, and a broken gate refuses."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.ops.ingest_case import aged, findings, said, settings, table, write
from unseen.errors import DataError, OpsError
from unseen.ops.ingest import ReadError, check, take_in
from unseen.ops.ingest.partitions import reading

DAMAGED = {
    "empty.parquet": b"",
    "empty.csv": b"",
    "text.parquet": b"arr_delay,distance\n1,2\n",
    "start.parquet": b"PAR1" + b"\0" * 64,
    "noise.csv.gz": b"\x1f\x8b" + b"\xff" * 40,
    "binary.csv": b"\xff\xfe\x00\x01" * 30,
}


@pytest.mark.parametrize("name", DAMAGED)
def test_an_unreadable_file_is_a_finding_with_its_name(tmp_path, name):
    write(tmp_path / "data" / "a.parquet", table())
    aged(tmp_path / "data" / "a.parquet")
    (tmp_path / "data" / name).write_bytes(DAMAGED[name])
    (found,) = findings(settings(tmp_path))
    assert found.check == "unreadable" and repr(name) in found.message and found.message.count("\n") == 0
    assert take_in(settings(tmp_path)).batch.rows == 300


def test_a_batch_of_nothing_readable_is_refused_too(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.parquet").write_bytes(b"")
    assert said(findings(settings(tmp_path))) == [("unreadable", None)]


@pytest.mark.parametrize("share", [0.2, 0.7, 0.99])
def test_a_file_that_was_cut_short_is_a_finding(tmp_path, share):
    path = write(tmp_path / "data" / "a.parquet", table(3000))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    (found,) = findings(settings(tmp_path))
    assert found.check == "unreadable" and "'a.parquet'" in found.message


def test_damage_inside_the_data_is_a_finding(tmp_path):
    path = write(tmp_path / "data" / "a.parquet", table(3000))
    content = bytearray(path.read_bytes())
    content[40:4000] = b"\xff" * 3960
    path.write_bytes(content)
    (found,) = findings(settings(tmp_path))
    assert found.check == "unreadable" and "'a.parquet' is damaged" in found.message


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/mem cannot be read at its start: a real failing disk")
def test_a_real_input_error_is_no_finding(tmp_path):
    write(tmp_path / "data" / "a.parquet", table())
    (tmp_path / "data" / "b.parquet").symlink_to("/proc/self/mem")
    with pytest.raises(ReadError, match=r"'b.parquet' could not be read just now \(Input/output error\)"):
        take_in(settings(tmp_path))


@pytest.mark.parametrize("where", ["pyarrow.parquet.ParquetFile", "unseen.arrow.rowgroups.frame_of"])
def test_a_passing_trouble_below_the_reader_comes_out_as_itself(tmp_path, monkeypatch, where):
    write(tmp_path / "data" / "a.parquet", table())
    given = settings(tmp_path)
    intake = take_in(given)

    def flaky(*_, **__):
        raise OSError(110, "Connection timed out")

    with monkeypatch.context() as patch:
        patch.setattr(where, flaky)
        intake._open.clear()
        with pytest.raises(ReadError, match="could not be read just now") as caught:
            check(intake, given, None)
    assert isinstance(caught.value, OSError) and isinstance(caught.value, OpsError)
    assert not isinstance(caught.value, DataError)
    assert check(intake, given, None) == ()  # the second try


def test_no_memory_is_no_finding(tmp_path, monkeypatch):
    write(tmp_path / "data" / "a.parquet", table())
    intake = take_in(settings(tmp_path))

    def full(*_, **__):
        import pyarrow as pa

        raise pa.ArrowMemoryError("malloc of size 4929123456789012 failed")

    monkeypatch.setattr("pyarrow.parquet.ParquetFile", full)
    intake._open.clear()
    with pytest.raises(MemoryError, match="no memory left to read 'a.parquet'"):
        check(intake, settings(tmp_path), None)


def test_trouble_is_looked_for_behind_a_sentence():
    def sentence(cause: Exception) -> None:
        try:
            raise cause
        except Exception:
            raise DataError("it is damaged") from None

    with pytest.raises(DataError, match="it is damaged"), reading("x"):
        sentence(OSError("Couldn't deserialize thrift"))  # pyarrow's word for damage: no number
    with pytest.raises(ReadError, match=r"x could not be read just now \(No such file or directory\)"), reading("x"):
        sentence(FileNotFoundError(2, "No such file or directory", "/secret/place"))


@pytest.mark.parametrize("change", ["written", "replaced", "removed"])
def test_a_partition_that_changes_under_our_hands_is_not_passed(tmp_path, change):
    path = write(tmp_path / "data" / "a.parquet", table())
    given = settings(tmp_path)
    intake = take_in(given)
    if change == "removed":
        path.unlink()
    elif change == "written":  # neither size nor time tells
        content = bytearray(path.read_bytes())
        content[60] ^= 1
        path.write_bytes(content)
        aged(path)
    else:
        os.replace(write(tmp_path / "new.parquet", table(200)), path)
    with pytest.raises(ReadError):
        check(intake, given, None)
    with pytest.raises(ReadError):
        _ = intake.source
    assert not (tmp_path / ".unseen" / "checked.json").exists()


def test_an_error_in_the_gate_refuses(tmp_path, monkeypatch):
    write(tmp_path / "data" / "a.parquet", table())

    def broken(*_):
        raise KeyError("Ada Lovelace")

    monkeypatch.setattr("unseen.ops.ingest.gate.cells", broken)
    (found,) = findings(settings(tmp_path))
    assert (found.check, found.message) == ("unchecked", "'a.parquet' could not be checked: KeyError")


def test_a_check_that_fails_to_run_refuses(tmp_path, monkeypatch):
    write(tmp_path / "data" / "a.parquet", table())

    def broken(x):
        raise ValueError("Ada Lovelace")

    monkeypatch.setattr("unseen.ops.ingest.cells.np.isinf", broken)
    found = findings(settings(tmp_path))
    assert ("unchecked", "arr_delay") in said(found) and "Ada" not in repr(found)


@pytest.mark.parametrize("value", ["False", "SCHEMA_ONLY"])
def test_the_gate_cannot_be_switched_off_from_outside(tmp_path, value):
    import subprocess

    write(tmp_path / "data" / "a.parquet", table())
    code = (
        "from pathlib import Path; from tests.ops.ingest_case import *\n"
        "columns = {**{n: {'type': 'other'} for n in ()}, 'distance': {'type': 'number', 'max': 1}}\n"
        f"print(said(findings(settings(Path({str(tmp_path)!r}), schema={{'columns': columns, 'extra': 'ignore'}}))))"
    )
    switch = {"PANDERA_VALIDATION_ENABLED": value} if value == "False" else {"PANDERA_VALIDATION_DEPTH": value}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, env=os.environ | switch, check=True
    )
    assert done.stdout.strip() == "[('range', 'distance')]"


def test_a_pandera_that_looks_at_nothing_refuses(tmp_path, monkeypatch):
    write(tmp_path / "data" / "a.parquet", table())
    monkeypatch.setattr("unseen.ops.ingest.cells.complaints", lambda *_: set())
    assert {check for check, _ in said(findings(settings(tmp_path)))} == {"unchecked"}
