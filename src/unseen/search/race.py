"""Starts that race: all are run shortly, then the better half for twice as long, until one has won."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unseen.core.engine import Engine
from unseen.core.stats import Params
from unseen.core.stop import TIME, Converged
from unseen.search.running import Starts
from unseen.search.tries import BEHIND, CANNOT_WIN, Try, coincide, optimistic, unsound

#: after each rung half of the starts go on, at least so many: a second one tells whether the optimum is found again
LEAST_KEPT = 2
#: on a sample it is the choice of a start that matters: the end is run on all rows
SAMPLE_TOLERANCE, SAMPLE_PASSES = 1e-5, 120
#: parameters that have moved for fewer iterations say too little to be compared
LEAST_TO_JOIN = 20
#: log-likelihood that is not worth an iteration more: criteria compare models by units
SMALL_GAIN = 0.05


@dataclass
class Race:
    """Starts on rows of a total weight; ``beat`` is an objective below which none is worth finishing."""

    starts: Starts
    beat: float = -np.inf
    weight: float = 1.0
    winner: Try | None = None

    @property
    def tries(self) -> list[Try]:
        return self.starts.tries

    def run(self, engine: Engine, short: int, explore: int | None = None) -> None:
        """Run the tries against each other until a rule ended the best and nothing can overtake it.

        ``explore`` ends the race after so many passes, whoever is still on the way.
        """
        until, rung = short, 0
        while alive := [t for t in self.tries if t.alive] or self._revived():
            self.starts.advance(alive, engine, self.starts.stop, until)
            self._judge(rung)
            if self._ended_by_time(alive) or (explore is not None and until >= explore):
                return
            until, rung = 2 * until, rung + 1

    def run_on_sample(self, few: Engine, engine: Engine, short: int, explore: int | None = None) -> None:
        """The same on a sample of the rows, then the best start on all of them."""
        until, rung = short, 0
        rule = self.starts.stop | Converged(SAMPLE_TOLERANCE)
        while until <= (explore or SAMPLE_PASSES) and (alive := [t for t in self.tries if t.alive]):
            self.starts.advance(alive, few, rule, until)
            self._judge(rung, compare=False)
            if self._ended_by_time(alive):
                return
            until, rung = 2 * until, rung + 1
        if self._ended_by_time(self.tries):
            return
        order = sorted((t for t in self.tries if t.joined is None and t.usable), key=_merit)
        for t in order:
            t.stopped = t.stopped or BEHIND
        for t in order:
            t.before, t.run, t.stopped, until = len(t.trace), None, "", 2 * short
            while t.alive and not (self.starts.stop.late and t.run is not None):
                self.starts.advance([t], engine, self.starts.stop, until)
                self._against_others()
                if explore is not None:
                    break
                until *= 2
            if t.usable:
                self.winner = t
                return

    def _ended_by_time(self, tries: Sequence[Try]) -> bool:
        return self.starts.stop.late or any(t.outcome == TIME for t in tries)

    def _revived(self) -> list[Try]:
        """The best of those that were behind, where every start that was ahead of them failed in the end."""
        if any(t.usable and not t.stopped for t in self.tries):
            return []
        behind = sorted((t for t in self.tries if t.stopped == BEHIND and t.usable), key=lambda t: t.rank)
        for t in behind[:LEAST_KEPT]:
            t.stopped = ""
        return behind[:LEAST_KEPT]

    @property
    def best(self) -> Try:
        """The try to keep: sound if there is a sound one, then finished, then the largest objective."""
        return self.winner or min([t for t in self.tries if t.usable and t.joined is None] or self.tries, key=_merit)

    def _judge(self, rung: int, compare: bool = True) -> None:
        """Stop what joined another start, cannot win any more, or is behind the first few."""
        before = [t for t in self.tries if t.stopped]
        self._join()
        if compare:
            self._against_others()
        left = sorted((t for t in self.tries if not t.stopped and t.usable), key=lambda t: t.rank)
        for t in left[max(LEAST_KEPT, -(-len(self.tries) // 2 ** (rung + 1))) :]:
            if t.alive:
                t.stopped = BEHIND
        for t in self.tries:
            if t.stopped and t not in before:
                self.starts.told(t, "stopped")

    def _join(self) -> None:
        settled = sorted((t for t in self.tries if not t.stopped and t.usable), key=lambda t: (not t.ended, t.rank))
        for i, t in enumerate(settled):
            if t.alive and len(t.trace) > LEAST_TO_JOIN:
                same = (o for o in settled[:i] if not o.stopped and coincide(_params(o), _params(t)))
                t.joined = next(same, None)
                t.stopped = "" if t.joined is None else f"same as start {t.joined.start}"

    def _against_others(self) -> None:
        """Stop tries that a finished one is ahead of even if they gain what they may, and those below ``beat``.

        An unsound optimum wins over no sound one, so its climb need not be seen to the end.
        """
        sound = [t.objective for t in self.tries if t.ended and t.usable and not unsound(_params(t))]
        best = max([self.beat, *(o + SMALL_GAIN / self.weight for o in sound)])
        for t in self.tries:
            if t.alive and (optimistic(t.trace) < best or (sound and unsound(_params(t)))):
                t.stopped = CANNOT_WIN


def _merit(t: Try) -> tuple[bool, int, float, int]:
    # what was stopped on its way is no answer while another was run to its end
    return (bool(t.stopped), unsound(t.params) if t.params else 9, -t.objective, t.start)


def _params(t: Try) -> Params:
    assert t.params is not None
    return t.params
