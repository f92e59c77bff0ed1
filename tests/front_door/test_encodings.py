"""Encodings of text, and bytes that are no text at all: read and told, or refused by what they are."""

from __future__ import annotations

import gzip
import io
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.front_door.zoo import (
    PEOPLE,
    Case,
    N,
    each,
    joined,
    judge,
    levels,
    lines,
    people,
    picks,
    read,
    real,
    reals,
    refused,
    table,
    whole,
)

GOOD = table(people())
HEAD, *ROWS = lines(GOOD)
X = reals()
WEST = {"ville": picks("Orléans Besançon Nîmes Paris"), "âge": people()["age"], "x": X}
EURO = {"preis": picks("5€ 10€ 20€"), "wort": picks("„so“ „anders“", seed=5), "x": X}
RUSSIAN = {"город": picks("Москва Казань Омск"), "x": X}
JAPANESE = {"都市": picks("東京 大阪 京都"), "x": X}
CHINESE = {"城市": picks("北京 上海 广州"), "x": X}
GREEK = {"πόλη": picks("Αθήνα Πάτρα Βόλος"), "x": X}
MANY = {"t": picks("naïve 東京 Москва 🎉 e\u0301té"), "x": X}
LATIN = "latin-1|latin1|iso-8859-1|iso8859-1|cp1252|windows-1252"


def read_as(name: str, columns: dict[str, list[object]], encoding: str, *options: str, told: str | None = None) -> Case:
    made = table(columns, encoding=encoding)
    wanted = {c: real() if c == "x" else whole() if c == "âge" else levels() for c in columns if c != "preis"}
    return read(name, made, wanted, *options, told=(told,) if told else ())


READ = [
    read_as("UTF-8", MANY, "utf-8"),
    read_as("UTF-8 with a mark", MANY, "utf-8-sig"),
    read_as("UTF-8 with a mark, quoted names", {"a b, c": picks(), "x": X}, "utf-8-sig"),
    read("two marks at the start", b"\xef\xbb\xbf" + table(MANY, encoding="utf-8-sig"), {"x": real()}),
    read_as("UTF-16", MANY, "utf-16", told="utf-16|utf16"),
    read("UTF-16, big end first", b"\xfe\xff" + table(MANY, encoding="utf-16-be"), {"t": levels(), "x": real()},
         told=("utf-16|utf16",)),
    read("UTF-16 without a mark", table(people(), encoding="utf-16-le"), PEOPLE, told=("utf-16|utf16",)),
    read("UTF-16 and tabs, as Excel saves it", table(MANY, "\t", "\r\n", "utf-16"), {"t": levels(), "x": real()},
         told=("utf-16|utf16",), file="t.txt"),
    read_as("UTF-32", MANY, "utf-32", told="utf-32|utf32"),
    read_as("Latin-1", WEST, "latin-1", told=LATIN),
    read_as("Windows of the west", EURO, "cp1252", told="cp1252|windows-1252"),
    read("one letter of Latin-1 in the last row", GOOD + "30,170.5,2,Orléans\n".encode("latin-1"), PEOPLE, rows=N + 1,
         told=(LATIN,)),
    read("ASCII, --encoding", GOOD, PEOPLE, "--encoding", "ascii", only=True),
    read_as("Latin-1, --encoding", WEST, "latin-1", "--encoding", "latin-1"),
    read_as("Windows of the west, --encoding", WEST, "cp1252", "--encoding", "windows-1252"),
    read_as("Windows Cyrillic, --encoding", RUSSIAN, "cp1251", "--encoding", "cp1251"),
    read_as("KOI8, --encoding", RUSSIAN, "koi8-r", "--encoding", "koi8-r"),
    read_as("Shift-JIS, --encoding", JAPANESE, "shift_jis", "--encoding", "shift_jis"),
    read_as("EUC-JP, --encoding", JAPANESE, "euc_jp", "--encoding", "euc-jp"),
    read_as("GB 18030, --encoding", CHINESE, "gb18030", "--encoding", "gb18030"),
    read_as("Big5, --encoding", {"城市": picks("北京 上海 台北"), "x": X}, "big5", "--encoding", "big5"),
    read_as("Greek, --encoding", GREEK, "iso8859_7", "--encoding", "iso-8859-7"),
    read_as("old Macintosh, --encoding", WEST, "mac_roman", "--encoding", "mac-roman"),
    read_as("DOS, --encoding", WEST, "cp850", "--encoding", "cp850"),
    read_as("UTF-8, --encoding in other letters", MANY, "utf-8", "--encoding", "UTF8"),
    read_as("UTF-16, --encoding", MANY, "utf-16", "--encoding", "utf-16"),
    read("Latin-1, decimal comma, semicolons", table({"größe": [f"{v:.1f}".replace(".", ",") for v in X], "ort": picks(
         "Köln Bonn")}, ";", encoding="latin-1"), {"größe": real("comma"), "ort": levels()}, told=(LATIN,)),
    read("no-break blanks of Latin-1 between thousands", table({"v": [f"{1000 + abs(v) * 99:,.2f}".replace(",",
         "\u00a0")
         for v in X], "ort": picks("Köln Bonn")}, encoding="latin-1"), {"v": real("thousand|group")}, told=(LATIN,)),
    refused("an encoding that does not exist", GOOD, "--encoding", "klingon", options=("--encoding", "klingon"),
            code=(2, 3)),
    refused("an encoding that does not fit", table(WEST, encoding="latin-1"), "utf-8|utf8", "line",
            options=("--encoding", "utf-8")),
    refused("UTF-8, then Latin-1", joined([HEAD, *(r.replace("Oslo", "Orléans") for r in ROWS[:60])]) +
            "30,170.5,2,Orléans\n".encode("latin-1"), "line 62", "encoding|utf-8|utf8", secret=("Orl",)),
    refused("Latin-1, then UTF-8", b"n,t\n" + "".join(f"{i},Orléans\n" for i in range(40)).encode("latin-1") +
            "".join(f"{i},東京\n" for i in range(40)).encode(), "line", "encoding|utf-8|utf8"),
    refused("UTF-16 cut within a letter", table(MANY, encoding="utf-16")[:-1], "utf-16|utf16|cut|ends"),
    refused("UTF-8 cut within a letter", b"x,t\n" + b"1,a\n" * 60 + b"2,\xe6\x9d",
            "line 62|cut|ends|encoding|utf-8"),
]  # fmt: skip


def packed(kind: str) -> bytes:
    """The table in a format that is no text."""
    made = io.BytesIO()
    frame = pa.table({k: [str(v) for v in vs] for k, vs in people().items()})
    if kind == "parquet":
        pq.write_table(frame, made)
    elif kind == "feather":
        with pa.ipc.new_file(made, frame.schema) as writer:
            writer.write_table(frame)
    elif kind == "npy":
        np.save(made, np.asarray(X))
    elif kind == "npz":
        np.savez(made, x=np.asarray(X))
    elif kind == "tar":
        with tarfile.open(fileobj=made, mode="w:gz") as tar:
            entry = tarfile.TarInfo("t.csv")
            entry.size = len(GOOD)
            tar.addfile(entry, io.BytesIO(GOOD))
    elif kind == "docx":
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr("[Content_Types].xml", "<Types/>")
            archive.writestr("word/document.xml", "<w:document/>")
    elif kind == "sqlite":
        with sqlite3.connect(":memory:") as base:
            base.execute("create table t (x real)")
            return base.serialize()
    return made.getvalue()


PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 8
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 2040
NO_TEXT = {
    "a picture (PNG)": (PNG, "png|image|picture"),
    "a picture (JPEG)": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 8, "jpeg|image|picture"),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n" + bytes(range(256)), "pdf"),
    "a database (SQLite)": (packed("sqlite"), "sqlite|database"),
    "a pickle": (pickle.dumps(people()), "pickle"),
    "an old workbook": (OLE, "xls|excel|workbook|office"),
    "a document (Word)": (packed("docx"), "docx|word|office|zip"),
    "an array (npy)": (packed("npy"), "numpy|npy"),
    "arrays (npz)": (packed("npz"), "numpy|npz|npy|zip"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + b"\x00" * 2000, "hdf"),
    "data of R": (gzip.compress(b"RDX3\nX\n" + bytes(range(256)) * 4), "rdata|rds|r data|data of r"),
    "Stata": (b"<stata_dta><header><release>118</release>" + b"\x00" * 400, "stata"),
    "SPSS": (b"$FL2@(#) IBM SPSS STATISTICS" + b"\x00" * 400, "spss"),
    "a program": (b"\x7fELF\x02\x01\x01" + b"\x00" * 2000, "elf|program|executable|binary"),
    "a 7z archive": (b"7z\xbc\xaf\x27\x1c" + bytes(range(256)), "7z|archive"),
    "a RAR archive": (b"Rar!\x1a\x07\x01\x00" + bytes(range(256)), "rar|archive"),
    "a tar archive": (packed("tar"), "tar"),
    "nothing but zeros": (b"\x00" * 5000, "nul|zero|binary"),
    "noise": (np.random.default_rng(1).bytes(5000), "binary|nul|no text|not text|encoding"),
    "a page (HTML)": (b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>\n</body></html>\n", "html"),
    "a page that begins with blanks": (b"\n\n  <html lang='en'>\n<body>404</body>\n</html>\n", "html"),
    "XML": (b"<?xml version='1.0'?>\n<rows><row x='1'/></rows>\n", "xml"),
    "a pointer of Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    "lfs|pointer"),
    "nothing": (b"", "empty"),
    "a mark and nothing": (b"\xef\xbb\xbf", "empty|no row|no data"),
    "line breaks only": (b"\n\n\n\n", "empty|no row|no data"),
    "blanks only": (b"    \n   \n", "empty|no row|no data"),
}  # fmt: skip
BYTES = [refused(f"named .csv: {name}", made, word) for name, (made, word) in NO_TEXT.items()] + [
    refused("NUL bytes in one row", GOOD.replace(b"Oslo", b"Os\x00lo", 1), "nul|zero byte", "line"),
    refused("a hole of zeros in the middle, as after a crash", GOOD[:900] + b"\x00" * 512 + GOOD[900:],
            "nul|zero byte", "line"),
    read("named .csv: Parquet, read as what it is or said", packed("parquet"), {}, told=("parquet",)),
    read("named .csv: gzip", gzip.compress(GOOD), PEOPLE, told=("gzip|compressed",)),
    read("named .csv: xz", lzma.compress(GOOD), PEOPLE, told=("xz",)),
    refused("named .parquet: text", GOOD, "parquet", file="t.parquet"),
    refused("named .parquet: nothing", b"", "empty|parquet", file="t.parquet"),
    refused("named .parquet: cut", packed("parquet")[:-30], "parquet|cut|damaged|truncated", file="t.parquet"),
    refused("named .feather: text", GOOD, "feather|arrow", file="t.feather"),
    read("text is told by its bytes, whatever its name", GOOD, PEOPLE, file="t.exe"),
]  # fmt: skip

CASES: list[Case] = [*READ, *BYTES]


@each(CASES)
def test_encodings(case: Case, tmp_path: Path) -> None:
    judge(case, tmp_path)
