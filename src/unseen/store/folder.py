"""The folder of a run: written whole or not at all, verified before any of it is used."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import os
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unseen.core.block import BOOLEAN, CATEGORY
from unseen.core.interrupt import interruptible
from unseen.core.stats import Array
from unseen.errors import RunError
from unseen.result import ONLINE, Result
from unseen.store.declared import Origin
from unseen.store.format1 import converted
from unseen.store.manifest import ARRAYS, FORMAT, MANIFEST, OWN_VERSIONS, RUN, Manifest, content, read_manifest
from unseen.store.packing import Packing, readable
from unseen.store.unpacking import Unpacking
from unseen.store.whole import write_whole


@interruptible(brief=True)
def save(result: Result, path: str | os.PathLike[str]) -> Path:
    """Write a run: ``arrays.npz`` (no pickles), ``run.json`` and ``MANIFEST.json`` with the SHA-256 of each.

    The folder appears whole or not at all: it is written beside its place, flushed to disk, and renamed. It
    holds no row of the data; of its values only the names of categories and classes with their weights, and
    each numeric column's range, mean, variance, skewness and step, and the numbers that at least 2 % of its rows share.
    The result of `unseen.Online` keeps the sums, too, from which it goes on.

    Raises
    ------
    RunError
        The model holds something that could not be read back, the folder exists or cannot be written, or the disk is
        full; the result is still in memory then.
    """
    target = Path(path)
    try:
        files = _contents(result)
    except RunError as error:
        raise RunError(f"{error}. Nothing is lost: the result is still in memory") from None
    write_whole(target, files)
    return target


def load(path: str | os.PathLike[str]) -> Result:
    """Read a run back, after every file's hash was found right; parameters are the same to the last bit.

    Raises
    ------
    RunError
        No run there, or a file missing or altered.
    NotInstalledError
        A run of a newer format, or one that holds a kind of model or family which is not installed here.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    bodies = {name: _verified(folder / name, digest) for name, digest in manifest.files.items()}
    try:
        with np.load(io.BytesIO(bodies[ARRAYS]), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        result = _result(json.loads(bodies[RUN]), manifest.format, arrays, str(folder / RUN))
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError, zipfile.BadZipFile) as error:
        raise RunError(f"the run in {folder} is not in a form this version can read ({type(error).__name__})") from None
    if not isinstance(result, Result):
        raise RunError(f"{folder / RUN} does not describe a fitted model")
    try:
        sound = result.model.valid(result.params)
    except Exception as error:  # the model may be anyone's
        raise RunError(
            f"the model in {folder} cannot judge the parameters there ({type(error).__name__}): it was "
            "changed since, or they belong to another"
        ) from None
    if not sound:
        raise RunError(f"the parameters in {folder} are not valid: {sound.broken}")
    return result


def _result(run: dict[str, Any], written: int, arrays: dict[str, Array], where: str) -> Any:
    """What ``run.json`` holds, whichever format it was written in."""
    tree = converted(run["result"], where) if written == 1 else run["result"]
    origins = {name: Origin(o["distribution"], o["version"]) for name, o in run.get("kinds", {}).items()}
    return Unpacking(arrays, origins, where).unpack(tree)


def run_name(result: Result) -> str:
    """A readable name for a new run: date, time and a short hash that tells runs of one second apart."""
    moment = f"{os.getpid()} {time.time_ns()}".encode()
    digest = hashlib.sha256(result.params.vector().tobytes() + moment).hexdigest()
    return f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}-{digest[:4]}"


def _contents(result: Result) -> dict[str, bytes]:
    """The files of a run by name."""
    side = Packing()
    packed = side.pack(_without_values(result))
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **side.arrays)
    kinds = {name: {"distribution": o.distribution, "version": o.version} for name, o in side.origins.items()}
    run = readable({"format": FORMAT, "kinds": kinds, "result": packed})
    files = {ARRAYS: buffer.getvalue(), RUN: run.encode()}
    draft = Manifest(
        FORMAT,
        datetime.datetime.now(datetime.UTC).isoformat(),
        {**OWN_VERSIONS, **{o.distribution: o.version for o in side.origins.values()}},
        {name: hashlib.sha256(body).hexdigest() for name, body in files.items()},
        "",
    )
    manifest = {name: getattr(draft, name) for name in Manifest.__slots__} | {"content": content(draft)}
    return {**files, MANIFEST: json.dumps(manifest, indent=1).encode()}


def _without_values(result: Result) -> Result:
    """The result without the numbers of the data that its profile holds."""
    named = {name for slot in result.model.slots if slot.kind == CATEGORY for name in slot.columns}
    columns = tuple(
        c.kept()
        if not c.open and (c.kind in (CATEGORY, BOOLEAN) or c.name in named)
        else replace(c.kept(), values=None)
        for c in result.profile.columns
    )
    kept = result.statistics if result.options.get("algorithm") == ONLINE else None
    return replace(result, profile=replace(result.profile, columns=columns), statistics=kept)


def _verified(path: Path, digest: str) -> bytes:
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        raise RunError(f"{path} is missing: the run is not complete, use a copy that is") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from None
    if hashlib.sha256(body).hexdigest() != digest:
        raise RunError(f"{path} was altered: its content does not have the hash that {MANIFEST} names")
    return body
