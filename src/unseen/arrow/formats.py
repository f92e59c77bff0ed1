"""What a file is: by its first bytes, then by the ending of its name."""

from __future__ import annotations

import json
import re
import zipfile

from unseen.arrow.libraries import pa
from unseen.arrow.place import Place
from unseen.errors import DataError

PARQUET = (".parquet", ".pq")
ARROW = (".feather", ".arrow", ".ipc")
SHEET = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
#: what packs files, by the ending that it adds, and by their first bytes
PACKS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz", ".zip": "zip"}
PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz", b"PK\x03\x04": "zip"}
LINES = (".jsonl", ".ndjson")
TEXT = tuple(base + packed for base in (".csv", ".tsv", ".psv", *LINES) for packed in ("", *PACKS))
#: data or notes, so that a folder stands for them only where it holds nothing else
LOOSE = tuple(base + packed for base in (".txt", ".dat", ".data", ".json") for packed in ("", *PACKS))

#: what each format is called
CALLED = {"parquet": "Parquet", "arrow": "Feather", "text": "text", "sheet": "a workbook", "json": "JSON"}

_WORKBOOK = b"\xd0\xcf\x11\xe0"
_TABLES = "write the table as Parquet or CSV"
#: files that are no table by themselves, and what to do with them, by their first bytes
_OTHERS = {
    "a Feather file of version 1: read it with pyarrow.feather and write it again": (b"FEA1",),
    "a Parquet file whose footer is encrypted: decrypt it first": (b"PARE",),
    "an Arrow stream, which is read only once: write it as an Arrow file (pyarrow.ipc.new_file)": (b"\xff" * 4,),
    "a pointer of Git LFS and not the file itself: git lfs pull": (b"version https://git-lfs",),
    f"an SQLite database: {_TABLES}": (b"SQLite format 3\x00",),
    f"an HDF5 file: {_TABLES}": (b"\x89HDF",),
    "a NumPy array: load it with numpy.load and give the array": (b"\x93NUMPY",),
    f"a PDF document: {_TABLES}": (b"%PDF",),
    f"an Avro file: {_TABLES}": (b"Obj\x01",),
    f"an RTF document: {_TABLES}": (b"{\\rtf",),
    f"an HTML page: {_TABLES}": (b"<!doctype html", b"<html"),
    f"an XML document: {_TABLES}": (b"<?xml",),
    f"a Stata file: {_TABLES}": (b"<stata_dta>",),
    f"an SPSS file: {_TABLES}": (b"$FL2",),
    f"an R data file: {_TABLES}": (b"RDX3\n", b"RDX2\n", b"X\n\x00\x00\x00"),
    "a picture (PNG, JPEG or GIF) and no table": (b"\x89PNG", b"\xff\xd8\xff", b"GIF8"),
    "a program and no table": (b"\x7fELF", b"MZ\x90\x00"),
    "a 7z or RAR archive: unpack it first": (b"7z\xbc\xaf", b"Rar!"),
    f"a Python pickle, which runs code when it is read: {_TABLES}": tuple(bytes([0x80, n]) for n in range(2, 6)),
}


def known(name: str, endings: tuple[str, ...] = (*PARQUET, *ARROW, *TEXT, *SHEET)) -> bool:
    """Whether a name ends like one of data, in whatever case."""
    return name.lower().endswith(endings)


def misnamed(name: str, kind: str) -> bool:
    """Whether a name ends like that of another format than the file has."""
    own = {"parquet": PARQUET, "arrow": ARROW, "sheet": SHEET, "json": (*LINES, ".json")}
    others = [ending for other, endings in own.items() if other != kind for ending in endings]
    return known(name, tuple(others)) or kind in ("parquet", "arrow", "sheet") and known(name, TEXT)


def other(head: bytes) -> str:
    """What a file is that is no table, by its first bytes, and what to do with it; nothing if it may be one."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    tar = "a tar archive: unpack it first" * (head[257:262] == b"ustar")
    return next((what for what, magic in _OTHERS.items() if head.startswith(magic) or start.startswith(magic)), tar)


def packed_by(head: bytes) -> str:
    """What a file is packed by, or nothing: its first bytes say that, whatever its name does."""
    return next((how for magic, how in PACKED.items() if head.startswith(magic)), "")


def packing_of(name: str) -> str:
    """The ending of a name that says how a file is packed, or nothing."""
    return next((ending for ending in PACKS if name.lower().endswith(ending)), "")


def format_of(place: Place) -> str:
    """``parquet``, ``arrow``, ``text`` (also compressed), ``sheet`` or ``json``.

    Raises
    ------
    DataError
        It is something else, which is named, or cannot be opened.
    """
    head, name = place.head(512), place.name.lower()
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for kind, magic in (("parquet", b"PAR1"), ("arrow", b"ARROW1"), ("sheet", _WORKBOOK)):
        if head.startswith(magic):
            return kind
    if what := other(head):
        raise DataError(f"{place.called!r} is {what}")
    if head.startswith(b"PK\x05\x06"):
        raise DataError(f"{place.called!r} is an archive with no file in it")
    packed = packed_by(head)
    if packed == "zip" and _in_archive(place) == "sheet":
        return "sheet"
    if known(name, (*PARQUET, *ARROW)):  # without its first bytes it is a damaged one
        return "parquet" if known(name, PARQUET) else "arrow"
    bare = name.removesuffix(packing_of(name) if packed else "")
    json_lines = bare.endswith(LINES) or bare.endswith(".json") and (packed or start[:1] in (b"{", b"["))
    return "json" if json_lines or _is_json(start) else "text"


def _is_json(start: bytes) -> bool:
    """Whether bytes begin an array of objects, or with a line that is one object."""
    first, newline, _ = start.partition(b"\n")
    return re.match(rb"\[\s*\{", start) is not None or (bool(newline) and is_object(first))


def is_object(line: str | bytes) -> bool:
    """Whether a line is one object of JSON."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _in_archive(place: Place) -> str:
    try:
        with zipfile.ZipFile(place.open()) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, pa.ArrowException, OSError):
        raise DataError(
            f"{place.called!r} starts as an archive but its end is missing or damaged: copy it again"
        ) from None
    if names & {"word/document.xml", "ppt/presentation.xml"}:
        raise DataError(f"{place.called!r} is an Office document and no workbook: {_TABLES}")
    if names and all(n.endswith(".npy") for n in names):
        raise DataError(f"{place.called!r} is an archive of NumPy arrays: load it with numpy.load and give the arrays")
    return "sheet" if names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"} else "text"
