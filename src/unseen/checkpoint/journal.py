"""What the starts of one fit have come to: a race that is run again finds it here instead of computing it again.

A race decides by the traces and parameters of its starts alone, so one that is run again with what was kept takes the
same decisions, retires the same starts, and goes on where it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from unseen.core.stats import Params
from unseen.core.stop import INTERRUPTED, TIME, Outcome, Record
from unseen.loop import Kept, Run, Session


@dataclass(frozen=True, slots=True)
class Leg:
    """A part of a start's run, from one pause to the next: what was added to the trace, and where it ended.

    ``finer`` says that the precision changed on the way; ``kept`` is there where the start goes on from.
    """

    params: Params
    outcome: Outcome
    trace: tuple[Record, ...]
    evaluations: int
    seconds: float
    finer: bool
    kept: Kept | None

    @classmethod
    def of(cls, run: Run, before: int, model: Any) -> Leg:
        """The end of a run whose first ``before`` records are known, on a model as it was when the leg began."""
        finer = run.model is not None and run.model is not model
        return cls(run.params, run.outcome, run.trace[before:], run.evaluations, run.seconds, finer, run.kept)

    def run(self, before: Run | None, model: Any) -> Run:
        """What `of` took apart."""
        trace = (*(before.trace if before is not None else ()), *self.trace)
        model = model.in_double() if self.finer else model
        return Run(self.params, self.outcome, trace, self.evaluations, self.seconds, model, self.kept)


@dataclass
class Journal:
    """Where each start of one fit began, the legs it has behind it, and the session that is under way.

    ``keeps`` is whether any of it is wanted; ``changed`` is called after each iteration. What follows an interrupt or a
    limit of time is not kept: another run of the same race need not come to it.
    """

    keeps: bool = False
    changed: Callable[[], None] = lambda: None
    begun: dict[int, Params] = field(default_factory=dict)
    legs: dict[int, list[Leg]] = field(default_factory=dict)
    under_way: dict[int, Leg] = field(default_factory=dict)
    _sessions: dict[int, tuple[Session, Run | None, Any]] = field(default_factory=dict)
    _at: dict[int, int] = field(default_factory=dict)
    frozen: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def freeze(self) -> None:
        """Keep nothing that is begun from now on."""
        self.frozen = True

    def begin(self, start: int, make: Callable[[], Params]) -> Params:
        """Return the parameters that a start begins at, made unless they are known."""
        if start in self.begun:
            return self.begun[start]
        params = make()
        if self.keeps and not self.frozen:
            self.begun[start] = params
        return params

    def known(self, start: int, model: Any, before: Run | None) -> tuple[Run | None, Run | None]:
        """Return the next leg of a start if it is behind it, or else where to go on in its midst, if that is known."""
        legs, at = self.legs.get(start, []), self._at.get(start, 0)
        if at < len(legs):
            self._at[start] = at + 1
            return legs[at].run(before, model), None
        leg = self.under_way.get(start)
        return None, None if leg is None else leg.run(before, model)

    def watch(self, start: int, session: Session, before: Run | None, model: Any) -> None:
        """Take note of a session that begins a leg."""
        if self.keeps and not self.frozen:
            with self._lock:
                self._sessions[start] = session, before, model

    def look(self, session: Session) -> None:
        """Take note of an iteration; what has just ended is kept when it is closed."""
        if self.keeps and session.outcome is None:
            self.changed()

    def close(self, start: int, done: Run) -> None:
        """Take note of how a leg ended; one without an end of its own stays under way."""
        if done.outcome.name in (TIME, INTERRUPTED):
            self.freeze()
            return
        with self._lock:
            if start not in self._sessions:
                return
            _, before, model = self._sessions.pop(start)
            self.under_way.pop(start, None)
            legs = self.legs.setdefault(start, [])
            if legs:  # nobody goes on from there any more
                legs[-1] = replace(legs[-1], kept=None)
            legs.append(Leg.of(done, 0 if before is None else len(before.trace), model))
            self._at[start] = len(legs)

    def so_far(self) -> Journal:
        """Return all that is known now, for another process to go on from."""
        with self._lock:
            legs, open_legs = {s: list(found) for s, found in self.legs.items()}, dict(self.under_way)
            for start, (session, before, model) in self._sessions.items():
                run, known = session.so_far(), 0 if before is None else len(before.trace)
                if run is not None and len(run.trace) > known:
                    open_legs[start] = Leg.of(run, known, model)
            for start in open_legs:
                if legs.get(start):
                    legs[start][-1] = replace(legs[start][-1], kept=None)
            return Journal(begun=dict(self.begun), legs=legs, under_way=open_legs)


__all__ = ["Journal", "Leg"]
