"""A piece of a checkpoint: a folder with ``arrays.npz`` (no pickles), ``piece.json``, and the hash of each.

Arrays come back in the layout that they had in memory: sums over another layout may have other bits.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from unseen.core.stats import Array
from unseen.errors import RunError
from unseen.store.declared import Origin
from unseen.store.packing import Packing
from unseen.store.unpacking import Unpacking
from unseen.store.whole import write_whole

ARRAYS, PIECE, MANIFEST = "arrays.npz", "piece.json", "MANIFEST.json"


def write_piece(target: Path, value: Any, task: str) -> None:
    """Write a value of numbers, text, arrays, tuples, mappings and kinds; it is there whole or not at all.

    ``task`` is the digest of what the checkpoint belongs to.

    Raises
    ------
    RunError
        The value holds something that a file without code cannot bring back, or the disk does not take it.
    """
    side = Packing()
    packed = side.pack(value)
    arrays, axes = {}, {}
    for name, array in side.arrays.items():
        order = _order(array)
        arrays[name] = array.transpose(order)
        if order != sorted(order):
            axes[name] = order
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    kinds = {name: {"distribution": o.distribution, "version": o.version} for name, o in side.origins.items()}
    body = json.dumps({"kinds": kinds, "axes": axes, "value": packed}, allow_nan=False).encode()
    files = {ARRAYS: buffer.getvalue(), PIECE: body}
    manifest = {"task": task, "files": {name: hashlib.sha256(b).hexdigest() for name, b in files.items()}}
    if target.exists():
        shutil.rmtree(target)
    write_whole(target, {**files, MANIFEST: json.dumps(manifest).encode()})


def read_piece(folder: Path, task: str) -> Any:
    """Return the value that was written there for this task; None where it is missing, damaged, or another task's."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        bodies = {name: (folder / name).read_bytes() for name in (ARRAYS, PIECE)}
        hashes = {name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()}
        if manifest["task"] != task or manifest["files"] != hashes:
            return None
        piece = json.loads(bodies[PIECE])
        with np.load(io.BytesIO(bodies[ARRAYS]), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        for name, order in piece["axes"].items():
            arrays[name] = arrays[name].transpose(np.argsort(order))
        origins = {name: Origin(o["distribution"], o["version"]) for name, o in piece["kinds"].items()}
        return Unpacking(arrays, origins, str(folder / PIECE)).unpack(piece["value"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RunError, zipfile.BadZipFile):
        return None


def _order(array: Array) -> list[int]:
    """The axes of an array from the outermost in memory to the innermost."""
    return sorted(range(array.ndim), key=lambda i: -abs(array.strides[i]))


__all__ = ["read_piece", "write_piece"]
