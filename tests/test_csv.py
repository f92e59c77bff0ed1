"""CSV files as a source: kinds from every cell, missing cells, dialects, the temporary copy, damage."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.tabular import cells, kinds, table_of
from unseen.errors import DataError
from unseen.sources.csv import Csv
from unseen.sources.files import open_files


def csv(tmp_path: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_kinds_come_from_the_cells(tmp_path: Path) -> None:
    text = 'whole,number,truth,text,day,none\n1,1.5,true,ab,2013-01-01,\n,NA,,NaN,NA,NA\n 3,2,false,"c,d",2013-01-02,\n'
    source = Csv(csv(tmp_path, text))
    assert kinds(source) == {
        "whole": "integer",
        "number": "number",
        "truth": "boolean",
        "text": "category",
        "day": "other",
        "none": "empty",
    }
    assert cells(source, "whole") == [1, None, 3]
    assert cells(source, "number") == [1.5, None, 2]
    assert cells(source, "truth") == [1, None, 0]
    assert cells(source, "text") == ["ab", None, "c,d"]
    assert source.table(source.manifest()[0]).column("day").to_pylist() == ["2013-01-01", None, "2013-01-02"]


@pytest.mark.parametrize("block", [64, 8 << 20])
def test_a_late_cell_widens_the_whole_column(tmp_path: Path, monkeypatch, block: int) -> None:
    monkeypatch.setattr("unseen.arrow.delimited.BLOCK", block)
    head = "a,b,c\n" + "1,,x\n" * 60
    source = Csv(csv(tmp_path, head + "2.5,7,y\n"))
    assert kinds(source) == {"a": "number", "b": "integer", "c": "category"}
    assert cells(source, "b") == [None] * 60 + [7]
    assert cells(source, "a")[-1] == 2.5


@pytest.mark.parametrize("block", [256, 8 << 20])
def test_text_in_a_number_column_is_refused_when_it_is_used(tmp_path: Path, monkeypatch, block: int) -> None:
    monkeypatch.setattr("unseen.arrow.delimited.BLOCK", block)
    rows = [f"{i / 4},{i}" for i in range(200)]
    rows[150] = "SECRET,1"
    source = Csv(csv(tmp_path, "x,y\n" + "\n".join(rows) + "\n"))
    assert cells(source, "y")[:2] == [0, 1]
    told = r"column 'x' looks numeric but has text in 1 of its cells .*data row 151: .*--ignore x"
    with pytest.raises(DataError, match=told) as e:
        cells(source, "x")
    assert "SECRET" not in str(e.value)
    assert cells(Csv(tmp_path / "t.csv", read={"text": ["x"]}), "x")[150] == "SECRET"


def test_codes_that_repeat_are_categories_though_they_look_like_numbers(tmp_path: Path) -> None:
    source = Csv(csv(tmp_path, "c\n" + "1\n2\n3\nA\n" * 5))
    assert kinds(source) == {"c": "category"}
    assert cells(source, "c")[:4] == ["1", "2", "3", "A"]


def test_tabs_semicolons_gzip_and_a_byte_order_mark(tmp_path: Path) -> None:
    assert cells(Csv(csv(tmp_path, "a\tb\n1\tx,y\n", "t.tsv")), "b") == ["x,y"]
    assert cells(Csv(csv(tmp_path, "a;b\n1;2\n")), "b") == [2]
    assert cells(open_files(csv(tmp_path, gzip.compress(b"a,b\n1,2\n"), "t.csv.gz")), "b") == [2]
    assert cells(Csv(csv(tmp_path, b"\xef\xbb\xbfa,b\n1,2\n")), "a") == [1]


def test_several_csv_files_share_their_kinds(tmp_path: Path) -> None:
    paths = [csv(tmp_path, "a,b\n1,x\n", "1.csv"), csv(tmp_path, "b,a\ny,2.5\n", "2.csv")]
    source = Csv(paths)
    assert cells(source, "a") == [1.0, 2.5]
    assert cells(source, "b") == ["x", "y"]
    with pytest.raises(DataError, match=r"column 'c' is in '3.csv' but not in '1.csv'"):
        Csv([paths[0], csv(tmp_path, "a,b,c\n1,x,2\n", "3.csv")])


def test_a_large_file_is_spooled_to_parquet_and_the_copy_goes_with_the_source(tmp_path: Path) -> None:
    table = table_of(3000)
    path = tmp_path / "t.csv"
    table.to_pandas().to_csv(path, index=False)
    small, spooled = Csv(path), Csv(path, memory_bytes=1000)
    assert not hasattr(small, "paths")
    copy = spooled.paths[0]
    assert copy.exists()
    for name in ("x", "c", "k"):
        assert cells(spooled, name) == cells(small, name)
    assert spooled.fingerprint() == small.fingerprint()
    assert (small.fingerprint()["format"], small.fingerprint()["rows"]) == ("csv", 3000)
    del spooled
    assert not copy.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'t.csv' is empty"),
        ("a,b,a\n1,2,3\n", "duplicated in 't.csv': 'a'"),
        ("a,b\n1,2\nSECRET\n", r"more or fewer cells than the header \(first in line 3\)"),
        ("a,b\n1,é\n2,".encode() + "é\n".encode("latin-1"), "in two encodings: other lines are UTF-8, line 3 is not"),
        (b"a,b\n1,\x00\x01\x02\n", r"is no text: it holds NUL bytes \(first in line 2\)"),
    ],
)
def test_bad_text_is_named_without_its_cells(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        Csv(csv(tmp_path, text))
    assert "SECRET" not in str(error.value)


def test_a_gzip_file_that_was_cut_short(tmp_path: Path) -> None:
    lines = "".join(f"{i},{i * i % 977}\n" for i in range(20_000))
    packed = gzip.compress(("a,b\n" + lines).encode())
    with pytest.raises(DataError, match="cannot be decompressed"):
        Csv(csv(tmp_path, packed[: len(packed) // 2], "t.csv.gz"))
    plain = Csv(csv(tmp_path, "a,b\n1,2\n3,4\n", "u.csv.gz"))
    assert plain.told == ("not compressed, though its name ends in .gz",)


def test_a_title_with_more_words_than_the_table_has_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'t.csv' has rows with more or fewer cells than the header"):
        open_files(csv(tmp_path, "Report of 2020\ntruth\ntrue\nfalse\ntrue\n"))


def test_numbers_beyond_floats_that_are_said_to_be_numbers(tmp_path: Path) -> None:
    numbers = [370008562962998156, 2, 3]
    source = Csv(csv(tmp_path, "\n".join(["card", *map(str, numbers)])), read={"number": ["card"]})
    assert cells(source, "card") == list(map(float, numbers))
