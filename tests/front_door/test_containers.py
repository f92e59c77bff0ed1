"""Compressed files and archives: one table inside is read, anything else is refused by what it is."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import zipfile
from pathlib import Path

import pyarrow as pa

from tests.front_door.zoo import PEOPLE, Case, N, each, judge, people, read, refused, table

GOOD = table(people())
TABS = table(people(), "\t")


def zst(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return made.getvalue()


def locked(content: bytes) -> bytes:
    """The archive with the flag that says its files are encrypted."""
    made = bytearray(content)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        where = made.find(mark)
        made[where + at : where + at + 2] = struct.pack("<H", 1)
    return bytes(made)


ONE = zipped({"people.csv": GOOD})
READ = [
    read(f"{name}", made, PEOPLE, file=name, only=True)
    for name, made in {
        "t.csv.gz": gzip.compress(GOOD),
        "t.csv.bz2": bz2.compress(GOOD),
        "t.csv.zst": zst(GOOD),
        "t.tsv.gz": gzip.compress(TABS),
        "t.tsv.zst": zst(TABS),
        "t.txt.gz": gzip.compress(TABS),
        "T.CSV.GZ": gzip.compress(GOOD),
        "t.csv.gzip": gzip.compress(GOOD),
        "t.gz": gzip.compress(GOOD),
        "t.zip": ONE,
        "t.csv.zip": ONE,
        "T.ZIP": ONE,
    }.items()
] + [
    read("gzip in two parts", gzip.compress(GOOD[:700]) + gzip.compress(GOOD[700:]), PEOPLE, file="t.csv.gz",
         only=True),
    read("gzip with a name inside", gzip.compress(GOOD, mtime=0), PEOPLE, file="t.csv.gz", only=True),
    read("bzip2 in two parts", bz2.compress(GOOD[:700]) + bz2.compress(GOOD[700:]), PEOPLE, file="t.csv.bz2",
         only=True),
    read("gzip within zip", zipped({"people.csv.gz": gzip.compress(GOOD)}), PEOPLE, file="t.zip"),
    read("zip: one table in a folder", zipped({"export/": b"", "export/people.csv": GOOD}), PEOPLE, file="t.zip",
         only=True),
    read("zip as a Macintosh makes it", zipped({"people.csv": GOOD, "__MACOSX/._people.csv": b"\x00\x05\x16\x07" * 9,
         ".DS_Store": b"\x00\x00\x00\x01Bud1"}), PEOPLE, file="t.zip", only=True),
    read("zip with a note beside the table", zipped({"people.csv": GOOD, "README.md": b"about it\n"}), PEOPLE,
         file="t.zip", only=True),
    read("zip, stored only", zipped({"people.csv": GOOD}, zipfile.ZIP_STORED), PEOPLE, file="t.zip", only=True),
    read("zip: tabs", zipped({"people.tsv": TABS}), PEOPLE, file="t.zip", only=True),
    read("zip: a name of other letters", zipped({"личности.csv": GOOD}), PEOPLE, file="t.zip", only=True),
    read("text that is named .csv.gz", GOOD, PEOPLE, file="t.csv.gz", told=("gz|not compressed|plain",)),
    read("zstd that is named .csv", zst(GOOD), PEOPLE, told=("zst|compressed",)),
    read("bzip2 that is named .csv", bz2.compress(GOOD), PEOPLE, told=("bz|compressed",)),
    read("zip that is named .csv", ONE, PEOPLE, told=("zip",)),
    read("UTF-16 within gzip", gzip.compress(table(people(), "\t", encoding="utf-16")), PEOPLE, file="t.txt.gz",
         told=("utf-16|utf16",)),
    read("a title above, within gzip", gzip.compress(b"Survey of 2024\n\n" + GOOD), PEOPLE, file="t.csv.gz"),
]  # fmt: skip

REFUSED = [
    read("xz", lzma.compress(GOOD), PEOPLE, file="t.csv.xz", only=True),
    refused("gzip, cut", gzip.compress(GOOD)[:-40], "gzip|gz|cut|ends|truncated|damaged", file="t.csv.gz"),
    refused("gzip, checksum wrong", gzip.compress(GOOD)[:-8] + b"\x00" * 8, "gzip|gz|checksum|crc|damaged",
            file="t.csv.gz"),
    refused("gzip of nothing", gzip.compress(b""), "empty|no row|no data", file="t.csv.gz"),
    refused("gzip and rubbish behind", gzip.compress(GOOD) + b"rubbish", "gzip|gz|behind|trailing|damaged",
            file="t.csv.gz"),
    refused("bzip2, cut", bz2.compress(GOOD)[:-40], "bz|cut|ends|truncated|damaged", file="t.csv.bz2"),
    refused("zstd, cut", zst(GOOD)[:-40], "zst|cut|ends|truncated|damaged", file="t.csv.zst"),
    refused("a picture within gzip", gzip.compress(b"\x89PNG\r\n\x1a\n" + bytes(range(256))), "png|image|picture",
            file="t.csv.gz"),
    refused("zip of two tables: both are named", zipped({"jan.csv": GOOD, "feb.csv": GOOD}), "jan.csv", "feb.csv",
            file="t.zip"),
    refused("zip of no table", zipped({"README.md": b"about it\n", "photo.png": b"\x89PNG\r\n\x1a\n"}),
            "no table|csv|README|2",
            file="t.zip"),
    refused("zip of nothing", zipped({}), "empty|no file|nothing", file="t.zip"),
    refused("zip, cut", ONE[:-30], "zip|cut|damaged|truncated", file="t.zip"),
    refused("zip, damaged inside", ONE[:60] + bytes(40) + ONE[100:], "zip|damaged|crc|checksum", file="t.zip"),
    refused("zip with a password", locked(ONE), "password|encrypted", file="t.zip"),
    refused("zip that leads out of its folder", zipped({"../../people.csv": GOOD, "../x.csv": GOOD}), "zip|csv|two|2",
            file="t.zip"),
    refused("zip of a zip", zipped({"inner.zip": ONE}), "zip", file="t.zip"),
    refused("a bomb: thirty megabytes of zeros", gzip.compress(bytes(30_000_000), 9), "nul|zero|binary|large|expand",
            file="t.csv.gz"),
]  # fmt: skip

CASES: list[Case] = [*READ, *REFUSED]


@each(CASES)
def test_containers(case: Case, tmp_path: Path) -> None:
    judge(case, tmp_path)


def test_the_archives_are_what_they_say() -> None:
    assert gzip.decompress(gzip.compress(GOOD[:700]) + gzip.compress(GOOD[700:])) == GOOD
    assert zipfile.ZipFile(io.BytesIO(locked(ONE))).infolist()[0].flag_bits & 1
    assert pa.CompressedInputStream(pa.BufferReader(zst(GOOD)), "zstd").read() == GOOD
    assert len(GOOD.splitlines()) == N + 1
