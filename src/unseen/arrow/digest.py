"""Content hashes of files, whole or, past a gigabyte, sampled."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from unseen.arrow.place import Place, places_of

WHOLE = 1 << 30
PIECE = 1 << 20
SAMPLES = 64
FOOTER = 8 << 20


def file_digest(files: Sequence[Path | Place]) -> dict[str, str | int]:
    """sha256 of the files' bytes in order; past 1 GB of sizes, even samples and the ends, with ``sampled: 1``.

    Where files lie does not matter, but what their folders say of their rows does.
    """
    places = places_of(files)
    digest = hashlib.sha256()
    sampled = sum(p.size for p in places) > WHOLE
    for place in places:
        digest.update("".join(f"{key}={value}\0" for key, value in place.keys).encode() + f"{place.size}\0".encode())
        with place.open() as file:
            if sampled:
                for start, length in _samples(place.size, max(2, SAMPLES // len(places))):
                    file.seek(start)
                    digest.update(file.read(length))
            else:
                while piece := file.read(PIECE):
                    digest.update(piece)
    out: dict[str, str | int] = {"files": len(places), "sha256": digest.hexdigest()}
    return {**out, "sampled": 1} if sampled else out


def _samples(size: int, count: int) -> list[tuple[int, int]]:
    """Even pieces of a file and its end, where Parquet keeps the footer."""
    if size <= FOOTER + count * PIECE:
        return [(0, size)]
    return [*((size * i // count, PIECE) for i in range(count)), (size - FOOTER, FOOTER)]
