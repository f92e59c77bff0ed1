"""The folder of a checkpoint: fits that are finished, and the one under way as it last stood and as it stood before."""

from __future__ import annotations

import os
import shutil
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from unseen.checkpoint.journal import Journal
from unseen.checkpoint.packed import journal_of, packed, rebuilt, stripped
from unseen.checkpoint.pieces import read_piece, write_piece
from unseen.checkpoint.task import check_same, described, digest
from unseen.core.disk import locked, sync
from unseen.core.interrupt import ends_later
from unseen.core.limits import check_numbers
from unseen.core.stop import INTERRUPTED, TIME
from unseen.errors import ModelError, NumericalError, RunError
from unseen.problem import Problem
from unseen.result import Result

LOCK, TASK = "LOCK", "CHECKPOINT.json"
#: states that are kept: the newest, and the one before it should that be damaged
KEPT = 2
#: seconds between two states where nobody says after how many iterations one is due
SECONDS = 10.0


class Checkpoint:
    """What is kept of one call: each of its fits by its number, since the same call makes the same fits in order."""

    def __init__(
        self, folder: Path, task: str, every: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder, self.task, self.every, self.clock = folder, task, every, clock
        self.fits = self.iterations = self.written = 0
        self.frozen = False
        self.journal: Journal | None = None
        self._last: float | None = None
        self._writing = threading.Lock()
        self._found = self._newest()

    def _states(self) -> list[Path]:
        return sorted(self.folder.glob("state-[0-9]*"))

    def _newest(self) -> dict[str, Any]:
        """The newest state that is not damaged."""
        states = self._states()
        self.written = int(states[-1].name.partition("-")[2]) if states else 0
        for folder in reversed(states):
            if (found := read_piece(folder, self.task)) is not None:
                return dict(found)
        return {}

    # ---- one fit after the other

    def freeze(self) -> None:
        """Keep where the fit under way stands, and nothing from now on: time is up, or it was interrupted."""
        self.write()
        self.frozen = True
        if self.journal is not None:
            self.journal.freeze()

    def next(self, problem: Problem) -> Result | None:
        """Come to the next fit: its result if it was finished before, or None, with `journal` ready for it.

        Raises
        ------
        NumericalError
            It failed before.
        """
        self.fits, self.journal = self.fits + 1, None
        found = read_piece(self._fit, self.task)
        if found is not None:
            if "failed" in found:
                raise NumericalError(found["failed"])
            return rebuilt(found, problem)
        mine = self._found.get("fit") == self.fits
        known = journal_of(self._found) if mine else Journal()
        self.journal = replace(known, keeps=True, changed=self._changed, frozen=self.frozen)
        return None

    @property
    def _fit(self) -> Path:
        return self.folder / f"fit-{self.fits:04d}"

    def finish(self, result: Result, problem: Problem, begun: Any) -> None:
        """Keep a fit that came to its end; one that did not stays as it is."""
        if result.outcome.name in (TIME, INTERRUPTED) or (self.journal is not None and self.journal.frozen):
            self.freeze()
        elif not self.frozen:
            self._write(self._fit, stripped(result, problem, begun))
            self.journal = None

    def fail(self, error: NumericalError) -> None:
        """Keep that every start of a fit failed."""
        if self.journal is not None and not self.journal.frozen:
            self._write(self._fit, {"failed": str(error)})
            self.journal = None

    # ---- the state of the one under way

    def _changed(self) -> None:
        """Write the state if it is due; the first is, so that a folder that takes nothing is known at once."""
        self.iterations += 1
        now = self.clock()
        due = self.iterations % self.every == 0 if self.every else self._last is None or now - self._last >= SECONDS
        if due or self._last is None:
            self.write()

    def write(self) -> None:
        """Write the state of the fit under way, beside the last one."""
        with self._writing:
            if self.journal is None or self.frozen:
                return
            state = {"fit": self.fits, **packed(self.journal.so_far())}
            self._write(self.folder / f"state-{self.written + 1:08d}", state)
            self.written += 1
            for old in self._states()[:-KEPT]:
                shutil.rmtree(old, ignore_errors=True)

    def _write(self, target: Path, value: Any) -> None:
        try:
            write_piece(target, value, self.task)
        except (RunError, OSError) as error:
            if self._last is None:
                raise
            warnings.warn(f"the fit goes on without a checkpoint of it: {error}", stacklevel=2)
        self._last = self.clock()

    def told(self, result: Result) -> Result:
        """Return the result with a word on how to go on, if it has not come to its end."""
        if result.outcome.name not in (TIME, INTERRUPTED):
            return result
        message = f"{result.outcome.message}; {_go_on(self.folder)}"
        return replace(result, outcome=replace(result.outcome, message=message))


def _go_on(folder: Path) -> str:
    return f"the same call goes on from the checkpoint in {folder} (resume=True; --resume)"


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
    check_numbers(every=every)
    place = Path(folder)
    if place.exists() and not place.is_dir():
        raise RunError(f"{place} is a file: give a folder for the checkpoint")
    if (place / TASK).exists():
        if not resume:
            raise RunError(
                f"{place} holds a checkpoint: go on from it (resume=True; --resume), or choose another folder"
            )
    elif place.is_dir() and any(p.name != LOCK and not p.name.startswith(".") for p in place.iterdir()):
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
            raise KeyboardInterrupt(f"interrupted: {_go_on(place)}") from None
        finally:
            os.close(lock)


def _claim(place: Path, task: Mapping[str, str]) -> None:
    """Say what the folder belongs to, or see that it is the same; what a killed process left half-written goes."""
    if (place / TASK).exists():
        check_same((place / TASK).read_bytes(), task, str(place))
    for left in place.glob(".*"):
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


__all__ = ["Checkpoint", "check_asked", "opened"]
