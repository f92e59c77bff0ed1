"""The folder of a checkpoint: fits that are finished, and the one under way as it last stood and as it stood before."""

from __future__ import annotations

import shutil
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from unseen.checkpoint.journal import Journal
from unseen.checkpoint.packed import journal_of, packed, rebuilt, stripped
from unseen.checkpoint.pieces import read_piece, write_piece
from unseen.core.stop import INTERRUPTED, TIME
from unseen.errors import NumericalError, RunError
from unseen.problem import Problem
from unseen.result import Result

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
        """The newest state that is not damaged; those that are make room for sound ones."""
        states = self._states()
        self.written = int(states[-1].name.partition("-")[2]) if states else 0
        for folder in reversed(states):
            if (found := read_piece(folder, self.task)) is not None:
                return dict(found)
            shutil.rmtree(folder, ignore_errors=True)
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
        if found is not None and {"failed", "result"} & set(found):  # what is no fit was put there by nobody of us
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
        message = f"{result.outcome.message}; {go_on(self.folder)}"
        return replace(result, outcome=replace(result.outcome, message=message))


def go_on(folder: Path) -> str:
    """Return a sentence on how to go on from a folder."""
    return f"the same call goes on from the checkpoint in {folder} (resume=True; --resume)"


__all__ = ["Checkpoint", "go_on"]
