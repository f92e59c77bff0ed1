"""What a file is: by its content, then by its name, or refused by its true name."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import pickle
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from tests.tabular import cells, table_of
from unseen.arrow.place import at
from unseen.errors import DataError
from unseen.sources.files import format_of, open_files


def write(path: Path) -> Path:
    pq.write_table(table_of(30), path)
    return path


def text(path: Path, content: bytes = b"a,b\n1,2\n3,4\n") -> Path:
    path.write_bytes(content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_files(path)
    return str(caught.value)


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
    source = open_files(tmp_path, read={"skip_bad": True})
    assert len(source.files) == 2 and source.skipped == ("'b.csv' is left out: it is text, and most are Parquet",)
