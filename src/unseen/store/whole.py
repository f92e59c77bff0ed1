"""A folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from unseen.core.disk import sync, umask
from unseen.errors import RunError


def write_whole(target: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of files beside its place, flush it to disk, and rename it.

    Raises
    ------
    RunError
        The folder exists, cannot be written, or the disk is full; nothing is left.
    """
    check_place(target)
    made = _make_parents(target.parent)
    temporary: Path | None = None
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        for name, body in files.items():
            _write(temporary / name, body)
        os.chmod(temporary, 0o777 & ~umask())
        sync(temporary)
        os.rename(temporary, target)
        sync(target.parent)
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


def check_place(target: Path) -> None:
    """Refuse a place where no run can be written, before hours are spent on one."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise RunError(f"{target} exists already: choose another name, or remove it first")
    above = next((p for p in target.parents if p.exists()), Path())
    if not above.is_dir():
        raise RunError(f"{target} cannot be made: {above} is a file, not a folder")
    if not os.access(above, os.W_OK | os.X_OK):
        raise RunError(f"{target} cannot be made: no permission to write in {above}")


def _write(path: Path, body: bytes) -> None:
    with open(path, "wb") as out:
        out.write(body)
        out.flush()
        os.fsync(out.fileno())


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
