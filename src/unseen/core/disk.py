"""What every writer of files asks of the disk."""

from __future__ import annotations

import os
import sys
from glob import glob
from pathlib import Path
from typing import Any

from unseen.errors import RunError


def umask() -> int:
    """Return the permissions that new files of this process lack."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sync(folder: Path) -> None:
    """Flush the entries of a folder to disk: a file that was renamed into it is there after a crash."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def locked(path: Path) -> int | None:
    """Lock a file for this process, making it; return its descriptor, or None where another process has it.

    The lock ends when the descriptor is closed, which the end of the process does, too, whatever ended it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def not_an_input(output: Path, inputs: Any) -> None:
    """Refuse to write over what is read: one path, several, or data that is on no disk.

    Raises
    ------
    RunError
        The output is one of the input files, or a file in a folder that is read.
    """
    many = [inputs] if isinstance(inputs, (str, Path)) else inputs if isinstance(inputs, (list, tuple)) else []
    for path in (found for given in many if isinstance(given, (str, Path)) for found in _here(str(given))):
        inside = path.is_dir() and path.resolve() in output.resolve().parents
        if inside or (output.exists() and output.samefile(path)):
            raise RunError(f"{output} is among the data that is read: give another name for the output")


def _here(given: str) -> list[Path]:
    """What a path, a pattern or an address means on this machine, as far as it is there."""
    path = given
    if given.startswith("file:/"):
        from urllib.parse import urlsplit
        from urllib.request import url2pathname  # 8 MB of memory: who reads no addresses has no need of it

        path = url2pathname(urlsplit(given).path)
    path = path if os.path.lexists(path) else os.path.expanduser(path)
    return [Path(p) for p in ([path] if os.path.exists(path) else glob(path, recursive=True))]
