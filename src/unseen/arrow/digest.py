"""Content hashes of files, whole or, past a gigabyte, sampled."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

WHOLE = 1 << 30
PIECE = 1 << 20
SAMPLES = 64
FOOTER = 8 << 20


def file_digest(paths: Sequence[Path]) -> dict[str, str | int]:
    """sha256 of the files' bytes in order; past 1 GB of sizes, even samples and the ends, with ``sampled: 1``."""
    sizes = [p.stat().st_size for p in paths]
    digest = hashlib.sha256()
    sampled = sum(sizes) > WHOLE
    for path, size in zip(paths, sizes, strict=True):
        digest.update(f"{size}\0".encode())
        with open(path, "rb") as file:
            if sampled:
                for start, length in _samples(size, max(2, SAMPLES // len(paths))):
                    file.seek(start)
                    digest.update(file.read(length))
            else:
                while piece := file.read(PIECE):
                    digest.update(piece)
    out: dict[str, str | int] = {"files": len(paths), "sha256": digest.hexdigest()}
    return {**out, "sampled": 1} if sampled else out


def _samples(size: int, count: int) -> list[tuple[int, int]]:
    """Even pieces of a file and its end, where Parquet keeps the footer."""
    if size <= FOOTER + count * PIECE:
        return [(0, size)]
    return [*((size * i // count, PIECE) for i in range(count)), (size - FOOTER, FOOTER)]
