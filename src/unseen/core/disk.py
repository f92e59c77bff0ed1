"""What every writer of files asks of the disk."""

from __future__ import annotations

import os
from pathlib import Path


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
