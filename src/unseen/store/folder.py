"""The folder of a run: written whole or not at all, verified before any of it is used."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import os
import platform
import shutil
import tempfile
import time
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import unseen
from unseen.core.block import BOOLEAN, CATEGORY
from unseen.core.interrupt import interruptible
from unseen.core.stats import Array
from unseen.errors import RunError
from unseen.result import Result
from unseen.store.packing import pack, readable, unpack

FORMAT = 1
MANIFEST, ARRAYS, RUN = "MANIFEST.json", "arrays.npz", "run.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a run folder says of itself: format, when and by which version it was written, the hash of each file."""

    format: int
    created: str
    versions: dict[str, str]
    files: dict[str, str]
    content: str


@interruptible(brief=True)
def save(result: Result, path: str | os.PathLike[str]) -> Path:
    """Write a run: ``arrays.npz`` (no pickles), ``run.json`` and ``MANIFEST.json`` with the SHA-256 of each.

    The folder appears whole or not at all: it is written beside its place, flushed to disk, and renamed. It
    holds no row of the data; of its values only the names of categories and classes with their weights, and
    each numeric column's range, mean, variance, skewness and step, and the numbers that at least 2 % of its rows share.

    Raises
    ------
    RunError
        The folder exists, cannot be written, or the disk is full.
    """
    target = Path(path)
    files = _contents(result)
    check_place(target)
    made = _make_parents(target.parent)
    temporary: Path | None = None
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        for name, body in files.items():
            _write(temporary / name, body)
        os.chmod(temporary, 0o777 & ~_umask())
        _sync(temporary)
        os.rename(temporary, target)
        _sync(target.parent)
        temporary, made = None, []
    except OSError as error:
        raise RunError(
            f"the run could not be written to {target}: {error.strerror or error}; nothing was left"
        ) from None
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        for folder in made:
            _remove_if_empty(folder)
    return target


def check_place(target: Path) -> None:
    """Refuse a place where no run can be written, before hours are spent on one."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise RunError(f"{target} exists already: choose another name, or remove it first")
    above = next((p for p in target.parents if p.exists()), Path())
    if not above.is_dir():
        raise RunError(f"{target} cannot be made: {above} is a file, not a folder")
    if not os.access(above, os.W_OK | os.X_OK):
        raise RunError(f"{target} cannot be made: no permission to write in {above}")


def load(path: str | os.PathLike[str]) -> Result:
    """Read a run back, after every file's hash was found right; parameters are the same to the last bit.

    Raises
    ------
    RunError
        No run there, a file missing or altered, or a run of a newer format.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    bodies = {name: _verified(folder / name, digest) for name, digest in manifest.files.items()}
    try:
        with np.load(io.BytesIO(bodies[ARRAYS]), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        result = unpack(json.loads(bodies[RUN])["result"], arrays)
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise RunError(f"the run in {folder} is not in a form this version can read ({type(error).__name__})") from None
    if not isinstance(result, Result):
        raise RunError(f"{folder / RUN} does not describe a fitted model")
    sound = result.model.valid(result.params)
    if not sound:
        raise RunError(f"the parameters in {folder} are not valid: {sound.broken}")
    return result


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a run, its own hash verified."""
    if not folder.is_dir():
        raise RunError(f"there is no run at {folder}: give the folder that unseen fit printed")
    try:
        body = json.loads((folder / MANIFEST).read_bytes())
        manifest = Manifest(**{name: body[name] for name in Manifest.__slots__})
        right = manifest.content == _content(manifest)
    except FileNotFoundError:
        raise RunError(f"{folder} is not a run: it has no {MANIFEST}") from None
    except OSError as error:
        raise RunError(f"{folder / MANIFEST} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{folder / MANIFEST} was altered: it is not the manifest of a run") from None
    if manifest.format > FORMAT:
        raise RunError(
            f"{folder} was written by a newer unseen ({manifest.versions.get('unseen', '?')}, "
            f"format {manifest.format}); this one, {unseen.__version__}, reads up to format {FORMAT}: upgrade unseen"
        )
    if not right or set(manifest.files) != {ARRAYS, RUN}:
        raise RunError(f"{folder / MANIFEST} was altered: its content hash does not fit the files it lists")
    return manifest


def is_run(folder: Path) -> bool:
    """Whether a folder says it is a run."""
    return (folder / MANIFEST).is_file()


def find(path: str | os.PathLike[str]) -> Path:
    """The run at ``path``: the folder itself, or the newest of the runs in it.

    Raises
    ------
    RunError
        There is no run at or in that folder.
    """
    folder = Path(path)
    if is_run(folder) or not folder.is_dir():
        return folder
    runs = sorted((read_manifest(f).created, f.name, f) for f in folder.iterdir() if f.is_dir() and is_run(f))
    if not runs:
        raise RunError(f"{folder} is not a run and holds none: give the folder that unseen fit printed")
    return runs[-1][-1]


def run_name(result: Result) -> str:
    """A readable name for a new run: date, time and a short hash that tells runs of one second apart."""
    moment = f"{os.getpid()} {time.time_ns()}".encode()
    digest = hashlib.sha256(result.params.vector().tobytes() + moment).hexdigest()
    return f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}-{digest[:4]}"


def _contents(result: Result) -> dict[str, bytes]:
    """The files of a run by name."""
    arrays: dict[str, Array] = {}
    packed = pack(_without_values(result), arrays)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    run = readable({"format": FORMAT, "result": packed})
    files = {ARRAYS: buffer.getvalue(), RUN: run.encode()}
    draft = Manifest(
        FORMAT,
        datetime.datetime.now(datetime.UTC).isoformat(),
        {"unseen": unseen.__version__, "numpy": np.__version__, "python": platform.python_version()},
        {name: hashlib.sha256(body).hexdigest() for name, body in files.items()},
        "",
    )
    manifest = {name: getattr(draft, name) for name in Manifest.__slots__} | {"content": _content(draft)}
    return {**files, MANIFEST: json.dumps(manifest, indent=1).encode()}


def _without_values(result: Result) -> Result:
    """The result without the numbers of the data that its profile holds."""
    named = {name for slot in result.model.slots if slot.kind == CATEGORY for name in slot.columns}
    columns = tuple(
        c.kept() if c.kind in (CATEGORY, BOOLEAN) or c.name in named else replace(c.kept(), values=None)
        for c in result.profile.columns
    )
    return replace(result, profile=replace(result.profile, columns=columns))


def _content(manifest: Manifest) -> str:
    body = {n: getattr(manifest, n) for n in Manifest.__slots__ if n != "content"}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


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


def _write(path: Path, body: bytes) -> None:
    with open(path, "wb") as out:
        out.write(body)
        out.flush()
        os.fsync(out.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _make_parents(folder: Path) -> list[Path]:
    """Make the folder and its parents; returns those that are new, the deepest first."""
    new = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        for made in new:
            _remove_if_empty(made)
        raise RunError(f"the folder {folder} cannot be made: {error.strerror or error}") from None
    return new


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
