"""Files that are there whole or not at all."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from unseen.core.disk import umask
from unseen.errors import RegistryError


def write(path: Path, body: str | bytes) -> None:
    """Write a file beside its place, flush it to disk, and rename it; text is UTF-8.

    Raises
    ------
    RegistryError
        The disk is full or the folder cannot be written; what was there before is untouched.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(body.encode() if isinstance(body, str) else body)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~umask())
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        raise RegistryError(
            f"cannot write {path}: {why(error)}; what was there before is untouched. Free space or permissions, then "
            "run the same command again"
        ) from None


def sweep(folder: Path, names: Iterable[str]) -> None:
    """Remove what a process that was killed left half-written beside these names; call it where nobody else writes."""
    for name in names:
        for left in folder.glob(f".{glob.escape(name)}-*"):
            with suppress(OSError):
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def why(error: OSError) -> str:
    """What the system says of an error of its own."""
    return os.strerror(error.errno) if error.errno else type(error).__name__
