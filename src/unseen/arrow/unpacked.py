"""The text of a file: unpacked, and in UTF-8 whatever it was written in."""

from __future__ import annotations

import codecs
import io
import lzma
import re
import zipfile
import zlib
from typing import Any, cast

import numpy as np

from unseen.arrow.formats import LOOSE, PACKS, known, other, packed_by, packing_of
from unseen.arrow.libraries import library, pa
from unseen.arrow.place import Place
from unseen.arrow.stores import hidden
from unseen.errors import DataError

#: what readers of packed files raise where those are damaged
DAMAGE = (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
#: bytes that are looked at before the rest is read; more where they hold few lines
HEAD, FEW, LONGEST = 1 << 18, 30, 64 << 20
#: what unpacks to so many bytes, and so many times its size, is no table
BOMB, RATIO = 1 << 30, 500


class Unpacked(io.RawIOBase):
    """The unpacked bytes of a file; what is in them is counted as they are read."""

    def __init__(self, place: Place) -> None:
        self.place, self.taken, self.lines, self.quotes, self.nulls = place, 0, 0, 0, 0
        self.packed = packed_by(place.head(6))
        try:
            self._stream = _stream(place, self.packed)
        except DAMAGE as error:
            raise self._damaged(error) from None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            piece = bytes(self._stream.read(size) if size >= 0 else self._stream.read())
        except DAMAGE as error:
            raise self._damaged(error) from None
        if piece.endswith(b"\x1a"):  # how DOS ended a text
            piece = piece.rstrip(b"\x1a")
        self.taken += len(piece)
        codes = np.frombuffer(piece, np.uint8)
        self.lines += int(np.count_nonzero(codes == ord("\n")))
        self.quotes += int(np.count_nonzero(codes == ord('"')))
        self.nulls += int(len(codes) - np.count_nonzero(codes))
        if self.packed and self.taken > max(BOMB, RATIO * self.place.size):
            raise DataError(
                f"{self.place.called!r} unpacks to more than {RATIO} times its size: unpack it yourself, and look at it"
            )
        return piece

    def readinto(self, into: Any) -> int:
        piece = self.read(len(into))
        into[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed and hasattr(self, "_stream"):
            self._stream.close()
        super().close()

    def _damaged(self, error: Exception) -> Exception:
        if isinstance(error, DataError):
            return error
        if "password" in str(error):
            return DataError(f"{self.place.called!r} is protected by a password: unpack it yourself")
        if self.packed:
            return DataError(f"{self.place.called!r} cannot be decompressed: it was cut short or damaged")
        return DataError(f"{self.place.called!r} cannot be read: the disk or the network failed")


def said_otherwise(place: Place) -> str:
    """What is told of a file whose name does not say how it is packed, or says so and it is not."""
    packed, ending = packed_by(place.head(6)), packing_of(place.name)
    if packed and PACKS.get(ending) != packed:
        return f"compressed by {packed}, which its name does not say"
    return f"not compressed, though its name ends in {ending}" if ending and not packed else ""


def _stream(place: Place, packed: str) -> Any:
    file = place.open()
    if packed != "zip":
        return _unwrapped(file, packed)
    archive = zipfile.ZipFile(file)
    names = (i.filename for i in archive.infolist() if not i.is_dir())
    inside = [n for n in names if not hidden(n.replace("../", "").split("/"))]
    inside = [n for n in inside if known(n)] or [n for n in inside if known(n, LOOSE)] or inside
    if len(inside) != 1:
        some = ", ".join(map(repr, inside[:5])) + ", ..." * (len(inside) > 5)
        raise DataError(
            f"{place.called!r} holds {some or 'no file'}: unpack it, and give the folder or the one that is meant"
        )
    stream = io.BufferedReader(cast(Any, archive.open(inside[0])))
    within = packed_by(stream.peek(6))
    if within == "zip":
        raise DataError(f"{place.called!r} holds another zip archive: unpack it")
    return _unwrapped(stream, within)


def _unwrapped(file: Any, packed: str) -> Any:
    if packed in ("gzip", "zstd", "bz2"):
        return pa.CompressedInputStream(file, packed)
    if packed == "xz":
        return lzma.open(file)
    return file


def text_of(place: Place, encoding: str) -> tuple[Any, Unpacked]:
    """A stream of the text of a file in UTF-8, and the bytes below it."""
    raw = Unpacked(place)
    stream = pa.PythonFile(raw, mode="r")
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
        stream = io.BufferedReader(raw, HEAD)
        head = stream.read(HEAD)
        while len(head) >= HEAD and head.count(b"\n") + head.count(b"\r") < FEW and len(head) < LONGEST:
            piece = stream.read(HEAD)
            if not piece:
                break
            head += piece
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
        return _named(given)
    if what := other(head):
        raise DataError(f"{place.called!r} is {what}")
    for mark, name in MARKS.items():
        if head.startswith(mark):
            return name
    if head.count(0):  # in UTF-16 every other byte of ASCII is
        odd, even = (head[i::2].count(0) > 0.3 * len(head) / 2 for i in (1, 0))
        if odd == even:
            raise null_bytes(place, 1 + head[: head.index(0)].count(b"\n"))
        return "utf-16-le" if odd else "utf-16-be"
    if len(re.findall(rb"[\x01-\x08\x0e-\x1f]", head)) > 0.01 * len(head):
        raise DataError(f"{place.called!r} is no text: too many of its first bytes are control codes")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, len(head) < HEAD)
        return "utf-8"
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and error.end == len(head):
            raise DataError(f"{place.called!r} ends within a letter of UTF-8: it was cut short") from None
        return likely(place, head)


def _named(given: str) -> str:
    try:
        "".encode(given)  # of what encodes bytes to bytes, as zlib, that is an error, too
        name = codecs.lookup(given).name
    except LookupError:
        raise DataError(
            f"there is no encoding {given!r}: utf-8, latin-1, cp1252, utf-16 are (encoding='latin-1'; "
            "--encoding latin-1)"
        ) from None
    return "utf-8" if name == "ascii" else name


def not_in(place: Place, encoding: str, where: str = "") -> str:
    """What is said of a file that is in another encoding."""
    return (
        f"{place.called!r} is not {encoding} text{where}: say what it is written in (encoding='latin-1'; "
        "--encoding latin-1)"
    )


def null_bytes(place: Place, line: int) -> DataError:
    """What is said of a text with bytes of value zero in it."""
    return DataError(f"{place.called!r} is no text: it holds NUL bytes (first in line {line:,}); it may be damaged")


def is_utf8(line: bytes) -> bool:
    """Whether some bytes are text in UTF-8."""
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def likely(place: Place, some: bytes) -> str:
    """The encoding that bytes which are no UTF-8 are likeliest in.

    Raises
    ------
    DataError
        Some of their lines are UTF-8 and others are not; it says which line is the first.
    """
    lines = some.split(b"\n")
    beyond = [line for line in lines if not line.isascii()]
    bad = [number for number, line in enumerate(lines[:-1] or lines, 1) if not is_utf8(line)]
    if bad and len(bad) < sum(not line.isascii() for line in lines[:-1]):
        raise DataError(
            f"{place.called!r} is written in two encodings: other lines are UTF-8, line {bad[0]:,} is not; save it as "
            "UTF-8, or say which is meant (encoding='latin-1'; --encoding latin-1)"
        )
    if _western(some):
        return "cp1252"
    if sum(b >= 128 for line in beyond for b in line) < FEW:
        raise DataError(
            f"{place.called!r} is not UTF-8, and has too few letters beyond ASCII to tell what it is written in: say "
            "(encoding='cp1252'; --encoding cp1252)"
        )
    found = library("chardet").detect(b"\n".join(beyond))["encoding"]
    return codecs.lookup(found).name if found and found.lower() != "ascii" else "cp1252"


#: letters and signs beyond ASCII of Western Europe
_WESTERN = set(
    "äöüÄÖÜßéèêëàâáãåæçñíìîïóòôõøúùûÿýÉÈÊËÀÂÁÃÅÆÇÑÍÌÎÏÓÒÔÕØÚÙÛ€£§°µ²³·«»“”‘’„–—…©®±½¼¾ªº¿¡\u00a0".encode("cp1252")
)


def _western(some: bytes) -> bool:
    """Whether all letters beyond ASCII are Western ones in cp1252, and words have others beside them."""
    words = b"".join(w for w in re.findall(rb"[A-Za-z\xc0-\xff]+", some) if not w.isascii())
    return {b for b in some if b >= 128} <= _WESTERN and 2 * sum(b >= 128 for b in words) <= len(words)
