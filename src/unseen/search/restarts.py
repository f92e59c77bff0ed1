"""Many starts: all shortly, then those that can still win."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unseen.checkpoint.journal import Journal
from unseen.core.algorithm import Algorithm
from unseen.core.engine import Engine
from unseen.core.model import Model
from unseen.core.observe import Observer
from unseen.core.stats import Params, Sums
from unseen.core.stop import INTERRUPTED, PAUSED, TIME, Outcome, Rule
from unseen.errors import NumericalError
from unseen.loop import Run
from unseen.search.race import Race
from unseen.search.running import Start, Starts
from unseen.search.since import Since
from unseen.search.subsample import subsample
from unseen.search.tries import (
    BEHIND,
    CANNOT_WIN,
    UNFINISHED,
    Attempt,
    Try,
    is_singular,
    is_spurious,
    spurious,
    table,
    unsound,
)

#: starts that are made of what is known already, for a model on the rows that starts see
Proposals = Callable[[Any, Engine], Sequence[Start]]


@dataclass(frozen=True, slots=True)
class Restarts:
    """The winning run, the model it ran on (anchored where it had begun), and the table of all attempts."""

    best: Run
    model: Model
    table: tuple[Attempt, ...]
    begun: Params | None = None


def restart(
    model: Model,
    engine: Engine,
    start: Start,
    restarts: int,
    algorithm: Algorithm,
    stop: Rule,
    prior: Sums | None = None,
    seed: int = 0,
    rows: int = 0,
    weight: float = 0.0,
    short: int = 15,
    finish: int | None = None,
    observers: Sequence[Observer] = (),
    proposals: Proposals | None = None,
    beat: float = -np.inf,
    faster: Algorithm | None = None,
    explore: int | None = None,
    journal: Journal | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Restarts:
    """Begin ``restarts`` times, run each for ``short`` iterations, and let them race, or finish the best ``finish``.

    In a race starts are stopped once they met another or cannot win any more. With many rows starts and short runs
    see a sample of them; what is finished sees them all. ``proposals`` are further starts; ``beat`` is an objective
    that is known to be needed; ``faster`` takes over from the algorithm after the short runs; ``explore`` ends the
    race after so many passes, with the outcome ``not finished``. ``clock`` runs for all starts together: when the
    seconds that ``stop`` allows are used up, no start begins or goes on. ``journal`` keeps what the starts come to.

    Raises
    ------
    NumericalError
        Every start failed.
    """
    total = max(weight, rows, 1.0)  # weights may be shares
    since = Since(stop, clock=clock)
    starts = Starts(algorithm, since, prior, observers, faster, Journal() if journal is None else journal)
    race = Race(starts, beat, total)
    short = max(short, 1)
    try:
        few = engine if finish is not None and finish >= restarts else subsample(model, engine, rows, seed)
        seeds = _begin(starts, model, few, start, range(seed, seed + restarts), short if finish is None else 0)
        for i, proposed in enumerate(proposals(model, few) if proposals and seeds else ()):
            starts.begin(model, few, proposed, seed + restarts + i)
        if finish is not None:
            _finish(starts, few, engine, finish, restarts, short)
        elif few is engine:
            race.run(engine, short, explore)
        else:
            race.run_on_sample(few, engine, short, explore)
    except KeyboardInterrupt:
        if not any(t.params is not None for t in starts.tries):
            raise
        return _interrupted(starts.tries, restarts, weight)
    return _closed(race, weight)


def _begin(starts: Starts, model: Model, engine: Engine, start: Start, seeds: Sequence[int], short: int) -> bool:
    """Begin every start, the first with its short run; False if the time was used up on the way."""
    for i, seed in enumerate(seeds):
        new = starts.begin(model, engine, start, seed)
        if short and i == 0 and new.alive:
            starts.advance([new], engine, starts.stop, short)
        starts.told(new, "started")
        first = starts.tries[0]
        if starts.stop.late or (short and first.run is not None and _late(starts, first)):
            starts.journal.freeze()
            return False
    return True


def _late(starts: Starts, t: Try) -> bool:
    ended = starts.stop(t.trace, 0.0)
    return ended is not None and ended.name == TIME


def _finish(starts: Starts, few: Engine, engine: Engine, finish: int, restarts: int, short: int) -> None:
    """Finish as many of the starts as was asked for, one after the other, however they compare."""
    if finish < restarts:
        for t in [t for t in starts.tries if t.alive]:
            starts.advance([t], few, starts.stop, short)
    finished = False
    for t in sorted(starts.tries, key=lambda t: -t.objective)[:finish]:
        if t.error is not None:
            continue
        if starts.stop.late and (finished or (few is engine and t.run is not None)):
            starts.journal.freeze()
            break
        finished = True
        if few is not engine or t.ended:
            t.before, t.run = len(t.trace), None
        starts.advance([t], engine, starts.stop, 2**62)
    for t in starts.tries:
        if t.alive and t.run is not None:
            t.stopped = "ended with its short run"


def _closed(race: Race, weight: float) -> Restarts:
    best = race.best
    if best.params is None:
        raise best.error or NumericalError("no start led anywhere: look for cells of another order of magnitude")
    done = best.run or Run(best.params, Outcome(TIME, "the time was used up before the first iteration"), (), 0, 0.0)
    late = next((t.run.outcome for t in race.tries if t.run is not None and t.run.outcome.name == TIME), None)
    if late is None and race.starts.stop.late and best.trace:
        late = race.starts.stop(best.trace, race.starts.stop.spent)
    if best.stopped == CANNOT_WIN:
        done = replace(done, outcome=Outcome(CANNOT_WIN, "none of its starts can win over a fit that is known already"))
    elif best.stopped or done.outcome.name == PAUSED:
        open_end = Outcome(UNFINISHED, "its starts were compared, and none was run to the end")
        done = replace(done, outcome=late or open_end)
    for t in race.tries:
        if t is not best and t.alive:
            t.stopped = BEHIND
    return Restarts(replace(done, kept=None), best.model, table(race.tries, weight), best.begun)


def _interrupted(tries: Sequence[Try], planned: int, weight: float) -> Restarts:
    """The best so far when the user interrupts."""
    known = [t for t in tries if t.params is not None]
    began = sum(t.run is not None for t in known) or len(known)
    told = Outcome(INTERRUPTED, f"interrupted in start {began} of {planned}; the best parameters so far were kept")
    best = min(known, key=lambda t: (unsound(t.params) if t.params else 9, -t.objective, t.start))
    assert best.params is not None
    done = best.run or Run(best.params, told, (), 0, 0.0)
    return Restarts(replace(done, outcome=told, kept=None), best.model, table(tries, weight), best.begun)


__all__ = [
    "Attempt", "Proposals", "Restarts", "Start", "is_singular", "is_spurious", "restart", "spurious", "unsound",
]  # fmt: skip
