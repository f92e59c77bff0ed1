"""The text of a file: unpacked, and in UTF-8 whatever it was written in."""

from __future__ import annotations

import codecs
import io
import zipfile
from contextlib import suppress
from typing import Any

from unseen.arrow.place import Place
from unseen.errors import DataError

#: bytes that say what a file is packed by
PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz", b"PK\x03\x04": "zip"}
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
#: bytes that are looked at before the rest is read
HEAD = 1 << 18
#: what unpacks to so many bytes, and so many times its size, is no table
BOMB, RATIO = 1 << 30, 500


class Unpacked(io.RawIOBase):
    """The unpacked bytes of a file, counted as they are read."""

    def __init__(self, place: Place) -> None:
        self.place, self.taken, self.lines, self.quotes = place, 0, 0, 0
        self.packed = packed_by(place)
        try:
            self._stream = _stream(place, self.packed)
        except (OSError, EOFError, zipfile.BadZipFile) as error:
            raise self._damaged(error) from None

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        import pyarrow as pa

        try:
            piece = self._stream.read(len(into))
        except (OSError, EOFError, zipfile.BadZipFile, RuntimeError, pa.ArrowException) as error:
            raise self._damaged(error) from None
        into[: len(piece)] = piece
        self.taken += len(piece)
        self.lines += piece.count(b"\n")
        self.quotes += piece.count(b'"')
        if self.packed and self.taken > max(BOMB, RATIO * self.place.size):
            raise DataError(
                f"{self.place.called!r} unpacks to more than {RATIO} times its size: unpack it yourself, and look at it"
            )
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            with suppress(AttributeError):
                self._stream.close()
        super().close()

    def _damaged(self, error: Exception) -> DataError:
        if isinstance(error, RuntimeError) and "password" in str(error):
            return DataError(f"{self.place.called!r} is protected by a password: unpack it yourself")
        if self.packed:
            return DataError(f"{self.place.called!r} cannot be decompressed: it was cut short or damaged")
        return DataError(f"{self.place.called!r} cannot be read: the disk or the network failed")


def packed_by(place: Place) -> str:
    """What a file is packed by, or nothing."""
    head = place.head(6)
    found = next((how for magic, how in PACKED.items() if head.startswith(magic)), "")
    if not found and place.name.lower().endswith((".gz", ".zst", ".bz2", ".xz", ".zip")):
        kind = place.name.rpartition(".")[2]
        raise DataError(f"{place.called!r} cannot be decompressed: it is no {kind} file, or it was cut short")
    return found


def _stream(place: Place, packed: str) -> Any:
    import pyarrow as pa

    file = place.open()
    if packed in ("gzip", "zstd", "bz2"):
        return pa.CompressedInputStream(file, packed)
    if packed == "xz":
        import lzma

        return lzma.open(file)
    if packed == "zip":
        archive = zipfile.ZipFile(file)
        names = [i.filename for i in archive.infolist() if not i.is_dir() and not i.filename.startswith("__MACOSX/")]
        if len(names) != 1:
            raise DataError(
                f"{place.called!r} holds {len(names):,} files: unpack it, and give the folder or the one that is meant"
            )
        return archive.open(names[0])
    return file


def text_of(place: Place, encoding: str) -> tuple[Any, Unpacked]:
    """A stream of the text of a file in UTF-8, and the bytes below it."""
    import pyarrow as pa

    raw = Unpacked(place)
    stream = pa.PythonFile(io.BufferedReader(raw, 1 << 20), mode="r")
    if encoding in ("utf-8", "utf-8-sig"):
        return stream, raw
    return pa.transcoding_input_stream(stream, encoding, "utf-8"), raw


def head_of(place: Place) -> bytes:
    """The first bytes of the unpacked file.

    Raises
    ------
    DataError
        It is empty, damaged, or no text.
    """
    with Unpacked(place) as raw:
        head = io.BufferedReader(raw).read(HEAD)
    if not head:
        raise DataError(f"{place.called!r} is empty: it holds no bytes at all")
    return head


def encoding_of(place: Place, head: bytes, given: str | None) -> str:
    """The encoding of some text: as its first bytes say, else UTF-8, else the likeliest.

    Raises
    ------
    DataError
        There is no encoding of that name, or the bytes are no text.
    """
    if given is not None:
        try:
            return codecs.lookup(given).name
        except LookupError:
            raise DataError(
                f"encoding: there is none called {given!r}: utf-8, latin-1, cp1252 and utf-16 are"
            ) from None
    for mark, name in MARKS.items():
        if head.startswith(mark):
            return name
    nulls = head.count(0)
    if nulls:
        odd = head[1::2].count(0) > 0.3 * len(head) / 2
        even = head[0::2].count(0) > 0.3 * len(head) / 2
        if odd != even:
            return "utf-16-le" if odd else "utf-16-be"
        raise DataError(f"{place.called!r} is no text: it holds bytes of value zero")
    controls = sum(head.count(bytes([b])) for b in (*range(1, 9), *range(14, 32)))
    if controls > 0.01 * len(head):
        raise DataError(
            f"{place.called!r} is no text: one byte in {len(head) // controls} of its first is a control code"
        )
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, len(head) < HEAD)
        return "utf-8"
    except UnicodeDecodeError:
        return likely(place, head)


def likely(place: Place, some: bytes) -> str:
    """The encoding that bytes which are no UTF-8 are likeliest in.

    Raises
    ------
    DataError
        Some of their lines are UTF-8 and others are not; it says which line is the first.
    """
    import chardet

    first, mixed = 0, False
    for number, line in enumerate(some.split(b"\n")[: some.count(b"\n") or 1], 1):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            mixed = True
        except UnicodeDecodeError:
            first = first or number
    if mixed and first:
        raise DataError(
            f"{place.called!r} is written in two encodings: other lines are UTF-8, line {first:,} is not; save it as "
            "UTF-8, or say which is meant (encoding='latin-1'; --encoding latin-1)"
        )
    found = (
        chardet.detect(b"\n".join(x for x in some.split(b"\n") if not x.isascii()))["encoding"] or "cp1252"
    ).lower()
    name = codecs.lookup(found).name if found != "ascii" else "cp1252"
    # of Western letters all these have the same bytes, and cp1252 the most common signs beside them
    return (
        "cp1252"
        if name in ("cp1250", "iso8859-1", "iso8859-15", "iso8859-2", "mac-latin2", "cp1254") and _western(some)
        else name
    )


def _western(some: bytes) -> bool:
    """Whether the letters beyond ASCII are those of Western Europe, when read so."""
    beyond = {b for b in some if b >= 128}
    return beyond <= set(
        "äöüÄÖÜßéèêëàâáãåæçñíìîïóòôõøúùûÿýÉÈÊËÀÂÁÃÅÆÇÑÍÌÎÏÓÒÔÕØÚÙÛ€£§°µ²³·«»“”‘’„–—…©®±½¼¾ªº¿¡".encode("cp1252")
    )
