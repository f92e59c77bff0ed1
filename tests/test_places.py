"""What a user calls data on disk: folders, patterns, keys of folders, formats, and what is refused in one sentence."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import pickle
import sqlite3
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

import unseen
from tests.tabular import cells, kinds, table_of
from unseen.arrow.digest import file_digest
from unseen.arrow.place import Place, at
from unseen.arrow.stores import _shown
from unseen.core.disk import not_an_input
from unseen.errors import DataError, RunError
from unseen.sources.files import format_of, listed, local_paths, open_files


def write(path: Path, rows: int = 30, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table_of(rows, seed), path)
    return path


def text(path: Path, content: str | bytes = "a,b\n1,2\n3,4\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def names(data: object) -> list[str]:
    return [p.name for p in listed(data)]


def refusal(data: object, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        open_files(data, **options)
    message = str(caught.value)
    assert "\n" not in message and "Traceback" not in message
    return message


# ---- folders and patterns


def test_a_folder_is_walked_whatever_the_case_of_endings(tmp_path: Path) -> None:
    for name in (
        "jan.csv",
        "FEB.CSV",
        "deep/mar.Csv",
        "_SUCCESS",
        ".hidden.csv",
        "_temporary/x.csv",
        ".git/y.csv",
        "n.md",
    ):
        text(tmp_path / name)
    assert names(tmp_path) == ["FEB.CSV", "mar.Csv", "jan.csv"]
    assert cells(open_files(tmp_path), "a") == [1, 3] * 3


def test_notes_beside_data_are_left_out_and_told(tmp_path: Path) -> None:
    text(tmp_path / "jan.csv"), text(tmp_path / "readme.txt", "hello")
    source = open_files(tmp_path)
    assert cells(source, "b") == [2, 4]
    assert len(source.skipped) == 1 and "readme.txt' is left out" in source.skipped[0]
    os.remove(tmp_path / "jan.csv")
    assert names(tmp_path) == ["readme.txt"]


def test_patterns_home_and_addresses_of_files(tmp_path: Path, monkeypatch) -> None:
    for name in ("2023/jan.csv", "2024/jan.csv", "2024/feb.csv", "2024/_old.csv", "2024/notes.md", "[x].csv"):
        text(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert names("2024/*.csv") == ["feb.csv", "jan.csv"]
    assert names("2024/*") == ["feb.csv", "jan.csv"]
    assert names("2024/*.md") == ["notes.md"]
    assert names("2024/_*.csv") == ["_old.csv"]
    assert names("20*") == ["jan.csv", "feb.csv", "jan.csv"]
    assert names(str(tmp_path / "**" / "jan.csv")) == ["jan.csv", "jan.csv"]
    assert names("**") == ["jan.csv", "feb.csv", "jan.csv", "[x].csv"]
    assert names("[x].csv") == ["[x].csv"]
    assert names("~/2023") == names("~/2023/jan.csv") == ["jan.csv"]
    assert names((tmp_path / "2023" / "jan.csv").as_uri()) == names(f"file://{tmp_path}/2023") == ["jan.csv"]
    assert names(Path((tmp_path / "2023").as_uri())) == ["jan.csv"]
    assert names(["2024/feb.csv", Path("2023")]) == ["feb.csv", "jan.csv"]
    assert local_paths("2023") == [Path("2023/jan.csv")]
    assert "no file that matches '2022/*.csv'" in refusal("2022/*.csv")


def test_a_pattern_tells_what_it_leaves_out(tmp_path: Path) -> None:
    text(tmp_path / "a.csv"), text(tmp_path / "a.md5")
    source = open_files(str(tmp_path / "a*"))
    assert len(source.skipped) == 1 and "a.md5' is left out" in source.skipped[0]


def test_links_are_followed_once(tmp_path: Path) -> None:
    text(tmp_path / "jan" / "a.csv")
    (tmp_path / "again").symlink_to(tmp_path / "jan")
    (tmp_path / "jan" / "around").symlink_to(tmp_path)
    assert names(tmp_path) == ["a.csv"]


# ---- keys


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


# ---- formats


def test_formats_are_told_by_content_then_by_name(tmp_path: Path) -> None:
    def told(name: str, content: bytes) -> str:
        return format_of(at(text(tmp_path / name, content)))

    parquet = write(tmp_path / "t").read_bytes()
    assert told("t.csv", parquet) == told("t", parquet) == told("bad.parquet", b"nothing") == "parquet"
    feather.write_feather(table_of(5), tmp_path / "f")
    assert told("f.parquet", (tmp_path / "f").read_bytes()) == told("empty.feather", b"") == "arrow"
    assert (
        told("t.csv", b"a,b\n1,2\n")
        == told("no ending", b"a")
        == told("t.json", b"a,b\n")
        == told("e.csv", b"")
        == "text"
    )
    for packed in (gzip.compress(b"a\n1\n"), bz2.compress(b"a\n1\n"), lzma.compress(b"a\n1\n"), b"\x28\xb5\x2f\xfd..."):
        assert told("t.csv", packed) == "text"
        assert told("t.jsonl.gz", packed) == told("t.ndjson", packed) == "json"
    for content in (b'\xef\xbb\xbf \n{"a": 1}\n', b'[{"a": 1}]'):
        assert told("t.json", content) == told("t.jsonl", content) == "json"
    assert told("t.xls", b"\xd0\xcf\x11\xe0....") == "sheet"


@pytest.mark.parametrize(
    ("inside", "kind"),
    [("xl/workbook.xml", "sheet"), ("content.xml", "sheet"), ("xl/workbook.bin", "sheet"), ("a.csv", "text")],
)
def test_archives_are_workbooks_by_what_they_hold(tmp_path: Path, inside: str, kind: str) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr(inside, "a,b\n1,2\n")
    assert format_of(at(tmp_path / "t.zip")) == kind


def test_what_is_no_table_is_refused_by_its_name(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "t.db").execute("create table t(a)").connection.close()
    with zipfile.ZipFile(tmp_path / "t.docx", "w") as archive:
        archive.writestr("word/document.xml", "")
    np.save(tmp_path / "t.npy", np.arange(3))
    np.savez(tmp_path / "t.npz", a=np.arange(3))
    text(tmp_path / "old.feather", b"FEA1....FEA1")
    with pa.OSFile(str(tmp_path / "t.arrows"), "wb") as sink, pa.ipc.new_stream(sink, table_of(5).schema) as writer:
        writer.write_table(table_of(5))
    text(tmp_path / "t.pkl", pickle.dumps([1]))
    text(tmp_path / "t.h5", b"\x89HDF\r\n\x1a\n")
    text(tmp_path / "t.xls", b"\n  <!DOCTYPE html><html>")
    text(tmp_path / "cut.zip", b"PK\x03\x04....")
    for name, what in {
        "t.db": "an SQLite database", "t.docx": "an Office document", "t.npy": "a NumPy array", "t.npz": "NumPy arrays",
        "old.feather": "Feather file of version 1", "t.arrows": "an Arrow stream", "t.pkl": "a Python pickle",
        "t.h5": "an HDF5 file", "t.xls": "an HTML page", "cut.zip": "its end is missing",
    }.items():  # fmt: skip
        message = refusal(tmp_path / name)
        assert what in message and name in message


def test_parquet_under_another_name_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv")
    assert cells(open_files(path), "x") == table_of(30).column("x").to_pylist()
    assert json.dumps(open_files(path).fingerprint())


def test_formats_do_not_mix(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet"), text(tmp_path / "b.csv"), write(tmp_path / "c.parquet")
    assert "'b.csv' is text and 'a.parquet' is Parquet, which cannot be read together" in refusal(tmp_path)
    source = open_files(tmp_path, skip_bad=True)
    assert len(source.files) == 2 and source.skipped == ("'b.csv' is left out: it is text, and most are Parquet",)


# ---- refusals


def test_what_is_not_there_or_no_file(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "there is no file 'none.csv'" in refusal("none.csv")
    assert f"there is no file '{Path.home()}/none.csv'" in refusal("~/none.csv")
    (tmp_path / "empty").mkdir()
    assert "folder 'empty' holds no file that ends in .parquet" in refusal("empty")
    (tmp_path / "broken.csv").symlink_to("gone.csv")
    assert "'broken.csv' is a link to a file that is not there" in refusal("broken.csv")
    assert "is a link to a file that is not there" in refusal(str(tmp_path))
    os.remove("broken.csv")
    os.mkfifo("pipe.csv")
    assert "'pipe.csv' is a pipe or a device" in refusal("pipe.csv")
    assert "pipe.csv' is a pipe or a device" in refusal(tmp_path)
    assert "'/dev/null' is a pipe or a device" in refusal("/dev/null")
    assert "null character" in refusal("a\0b.csv")
    assert "cannot be opened: File name too long" in refusal("a" * 5000)


def test_names_with_newlines_are_names_and_text_is_no_path(tmp_path: Path) -> None:
    assert cells(open_files(text(tmp_path / "two\nlines.csv")), "a") == [1, 3]
    message = refusal("SECRET,b\n1,2\n")
    assert "data is given by its path" in message and "SECRET" not in message
    (tmp_path / "two\nlines.csv").write_bytes(pickle.dumps(1))
    assert r"'two\nlines.csv' is a Python pickle" in refusal(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_a_name_may_be_no_text(tmp_path: Path) -> None:
    text(tmp_path / os.fsdecode(b"caf\xe9.csv"))
    write(tmp_path / "n" / "t").rename(tmp_path / "n" / os.fsdecode(b"\xff.parquet"))
    assert format_of(listed(tmp_path)[0]) == "text" and len(cells(open_files(tmp_path / "n"), "x")) == 30


def test_the_same_file_twice(tmp_path: Path) -> None:
    a = text(tmp_path / "a.csv")
    os.link(a, tmp_path / "b.csv")
    for data in ([a, a], [a, tmp_path], tmp_path):
        assert "is given twice: its rows would count twice" in refusal(data)


def test_no_permission(tmp_path: Path, monkeypatch) -> None:
    def shut(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pa, "OSFile", shut)
    assert "a.parquet' cannot be opened: permission denied" in refusal(write(tmp_path / "a.parquet"))


def test_a_folder_that_cannot_be_listed_is_no_empty_one(tmp_path: Path, monkeypatch) -> None:
    text(tmp_path / "a.csv"), text(tmp_path / "shut" / "b.csv")
    real = os.scandir

    def scandir(path: object) -> object:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    for data in (tmp_path, str(tmp_path / "**" / "*.csv")):
        assert "shut' cannot be listed: Permission denied" in refusal(data)


def test_a_place_that_changed_is_refused(tmp_path: Path) -> None:
    place = at(text(tmp_path / "a.csv"))
    assert place.head(3) == b"a,b" and isinstance(place, Place)
    text(tmp_path / "a.csv", "a,b\n1,2,3\n")
    with pytest.raises(DataError, match=r"'a.csv' was changed while it was being read"):
        place.open()
    os.remove(tmp_path / "a.csv")
    with pytest.raises(DataError, match="there is no file"):
        file_digest([place])


def test_what_is_read_is_not_written_over(tmp_path: Path, monkeypatch) -> None:
    out = text(tmp_path / "a.csv")
    monkeypatch.setenv("HOME", str(tmp_path))
    for data in (
        out,
        str(tmp_path / "*.csv"),
        "~/a.csv",
        "~",
        out.as_uri(),
        Path(out.as_uri()),
        ["s3://bucket/x", "~/*.csv"],
    ):
        with pytest.raises(RunError, match="among the data that is read"):
            not_an_input(out, data)
    not_an_input(out, ["s3://bucket/a.csv", "~/b.csv", str(tmp_path / "*.parquet")])


def test_thousands_of_files_are_listed_in_no_time(tmp_path: Path) -> None:
    for i in range(3_000):
        (tmp_path / f"{i}.csv").touch()
    before = time.perf_counter()
    assert len(listed(tmp_path)) == 3_000
    assert time.perf_counter() - before < 10


def test_addresses_that_need_another_package(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    assert (
        refusal("ftp://ann:SECRET@host/x.csv?key=SECRET")
        == "'ftp://host/x.csv' needs fsspec: pip install 'unseen[stores]'"
    )


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("s3://AK:se/c@ret@bucket/a b?region=x&endpoint_override=http://h", "s3://bucket/a b"),
        ("s3://bucket/year=?/x@y.csv", "s3://bucket/year=?/x@y.csv"),
        ("https://ann@host/x.csv?sig=secret#t", "https://host/x.csv"),
        ("sftp://ann:secret@host:22/x.csv", "sftp://host:22/x.csv"),
        ("abfs://files:secret@account/x", "abfs://files@account/x"),
        ("abfs://files@account/x/", "abfs://files@account/x"),
        ("gs://", "gs://"),
    ],
)
def test_what_is_secret_in_an_address_is_not_shown(given: str, shown: str) -> None:
    assert _shown(given) == shown
