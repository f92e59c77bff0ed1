"""What a user calls data on disk: folders, patterns, keys of folders, formats, and what is refused in one sentence."""

from __future__ import annotations

import os
import pickle
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.tabular import cells, table_of
from unseen.arrow.digest import file_digest
from unseen.arrow.place import Place, at
from unseen.arrow.stores import _shown
from unseen.core.disk import not_an_input
from unseen.errors import DataError, RunError
from unseen.sources.files import format_of, listed, open_files


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
