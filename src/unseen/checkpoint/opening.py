"""Opening a checkpoint: whose it is, and that no other process has it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from unseen.core.interrupt import ends_later
from unseen.core.option import check_numbers
from unseen.errors import ModelError, RunError

if TYPE_CHECKING:  # most fits do without, and without what reads and writes runs
    from pathlib import Path

    from unseen.checkpoint.folder import Checkpoint

LOCK, TASK = "LOCK", "CHECKPOINT.json"
#: what a process that was killed may leave half-written
HALF = (".state-*", ".fit-*", f".{TASK}")


def check_asked(folder: str | os.PathLike[str] | None, every: int | None, resume: bool) -> None:
    """Refuse options of a checkpoint that cannot be, before any data is read.

    Raises
    ------
    ModelError
        ``every`` or ``resume`` without a folder, or an ``every`` below 1.
    RunError
        The folder holds a checkpoint that nobody wants to go on from, or something else.
    """
    if folder is None:
        if resume or every is not None:
            name = "resume (resume=True; --resume)" if resume else f"every (every={every}; --every {every})"
            raise ModelError(f"{name} needs the folder of a checkpoint (checkpoint=FOLDER; --checkpoint FOLDER)")
        return
    from pathlib import Path

    check_numbers(every=every)
    place = Path(folder)
    if place.exists() and not place.is_dir():
        raise RunError(f"{place} is a file: give a folder for the checkpoint")
    if (place / TASK).exists():
        if not resume:
            raise RunError(
                f"{place} holds a checkpoint: go on from it (resume=True; --resume), or choose another folder"
            )
    elif place.is_dir() and {*place.iterdir()} - {place / LOCK, *_half_written(place)}:
        raise RunError(f"{place} is not empty and holds no checkpoint: choose another folder")


@contextmanager
def opened(
    folder: str | os.PathLike[str] | None, every: int | None, resume: bool, task: Mapping[str, str]
) -> Iterator[Checkpoint | None]:
    """Open the checkpoint of a call for this process alone, and write where it stands when the call ends early.

    Raises
    ------
    RunError
        Another process has it, it belongs to another call, or the folder cannot be written.
    """
    check_asked(folder, every, resume)
    if folder is None:
        yield None
        return
    from pathlib import Path

    from unseen.checkpoint.folder import Checkpoint, go_on
    from unseen.checkpoint.task import digest
    from unseen.core.disk import locked

    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock = locked(place / LOCK)
    except OSError as error:
        raise RunError(f"the checkpoint in {place} cannot be written: {error.strerror or error}") from None
    if lock is None:
        raise RunError(f"another process is at the checkpoint in {place}: wait for it, or choose another folder")
    with ends_later():
        try:
            _claim(place, task)
            made = Checkpoint(place, digest(dict(task)), every)
            try:
                yield made
            finally:
                made.write()
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"interrupted: {go_on(place)}") from None
        finally:
            os.close(lock)


def _claim(place: Path, task: Mapping[str, str]) -> None:
    """Say what the folder belongs to, or see that it is the same; what a killed process left half-written goes."""
    import shutil

    from unseen.checkpoint.task import check_same, described
    from unseen.core.disk import sync

    if (place / TASK).exists():
        check_same((place / TASK).read_bytes(), task, str(place))
    for left in _half_written(place):
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
    if (place / TASK).exists():
        return
    try:
        new = place / f".{TASK}"
        with open(new, "wb") as out:
            out.write(described(task))
            out.flush()
            os.fsync(out.fileno())
        os.replace(new, place / TASK)
        sync(place)
    except OSError as error:
        raise RunError(f"the checkpoint in {place} cannot be written: {error.strerror or error}") from None


def _half_written(place: Path) -> list[Path]:
    return [path for pattern in HALF for path in place.glob(pattern)]


__all__ = ["check_asked", "opened"]
