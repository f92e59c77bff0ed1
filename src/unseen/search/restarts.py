"""Many starts: short runs first, then the best are finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from unseen.core.algorithm import Algorithm
from unseen.core.engine import Engine
from unseen.core.observe import Event, Observer
from unseen.core.stats import Array, Params, Sums
from unseen.core.stop import FAILED, INTERRUPTED, MaxIterations, Outcome, Rule
from unseen.loop import Run, run
from unseen.search.subsample import subsample

Start = Callable[[Any, Engine, int, Any], Params]

# up to this many rows every start is finished: it costs little, and hit counts say how easy the optimum is to find
FINISH_ALL_ROWS = 5_000
NARROW, ROWS_PER_PARAMETER = 0.1, 10


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line of the restart table. ``objective`` is per unit of weight, after the short run if unfinished."""

    start: int
    seed: int
    objective: float
    iterations: int
    outcome: str
    finished: bool = False
    hits: int = 1
    spurious: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Restarts:
    """The winning run, the model it ran on (anchored for it), and the table of all attempts."""

    best: Run
    model: Any
    table: tuple[Attempt, ...]


def restart(
    model: Any,
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
) -> Restarts:
    """Begin ``restarts`` times, run each for ``short`` iterations, and finish the best ``finish`` of them.

    With many rows starts and short runs see a sample of them; what is finished sees them all.
    """
    keep = min(restarts, finish or (restarts if rows <= FINISH_ALL_ROWS else 1))
    few = engine
    begun: list[Begun] = []
    try:
        few = subsample(model, engine, rows, seed) if keep < restarts else engine
        for i in range(restarts):
            begun.append(_begin(model, few, start, seed + i, prior, algorithm, short if keep < restarts else 0))
            _tell(observers, i, "started", begun[-1].run)
            if begun[-1].interrupted:
                return _stopped(model, begun, {}, restarts, weight)
    except KeyboardInterrupt:  # between two runs; inside one, the run itself keeps what it has
        if not begun:
            raise
        return _stopped(model, begun, {}, restarts, weight)
    done: dict[int, Run] = {}
    for i in sorted(range(len(begun)), key=lambda i: -_objective(begun[i].run))[:keep]:
        done[i] = run(begun[i].model, engine, begun[i].params, algorithm, stop, prior, observers)
        _tell(observers, i, "finished", done[i])
        if done[i].outcome.name == INTERRUPTED:
            return _stopped(model, begun, done, keep, weight)
    table = _table(model, begun, done, weight)
    return _best(begun, done, table)


def _best(begun: list[Begun], done: dict[int, Run], table: tuple[Attempt, ...]) -> Restarts:
    sound = [i for i in done if not is_singular(done[i].params)] or list(done)
    winner = max(sound, key=lambda i: _objective(done[i]))
    return Restarts(done[winner], begun[winner].model, table)


def _stopped(model: Any, begun: list[Begun], done: dict[int, Run], planned: int, weight: float) -> Restarts:
    """The best so far when the user interrupts: of the finished runs, else of the short ones."""
    table = _table(model, begun, done, weight)
    told = Outcome(
        INTERRUPTED,
        f"interrupted in start {len(done) or len(begun)} of {planned}; the best parameters so far were kept",
    )
    runs = done or {i: b.run or Run(b.params, told, (), 0, 0.0) for i, b in enumerate(begun)}
    found = _best(begun, runs, table)
    return replace(found, best=replace(found.best, outcome=told))


@dataclass(frozen=True, slots=True)
class Begun:
    """A start: the model anchored for it, where it stands, and its short run if it had one."""

    seed: int
    model: Any
    params: Params
    run: Run | None

    @property
    def interrupted(self) -> bool:
        return self.run is not None and self.run.outcome.name == INTERRUPTED


def _begin(
    model: Any, engine: Engine, start: Start, seed: int, prior: Sums | None, algorithm: Algorithm, short: int
) -> Begun:
    params = start(model, engine, seed, prior)
    anchored = model.anchored(params) if hasattr(model, "anchored") else model
    if not short:
        return Begun(seed, anchored, params, None)
    done = run(anchored, engine, params, algorithm, MaxIterations(short), prior)
    return Begun(seed, anchored, done.params, done)


def _objective(done: Run | None) -> float:
    if done is None or not done.trace or done.outcome.name == FAILED:
        return -np.inf
    return done.trace[-1].objective


def _tell(observers: Sequence[Observer], i: int, stage: str, done: Run | None) -> None:
    for observe in observers:
        observe(Event("restart", {"start": i, "stage": stage, "outcome": done.outcome.name if done else ""}))


def _table(model: Any, begun: list[Begun], done: dict[int, Run], weight: float) -> tuple[Attempt, ...]:
    table = []
    for i, start in enumerate(begun):
        last = done.get(i, start.run)
        short = len(start.run.trace) if start.run is not None and i in done else 0
        table.append(
            Attempt(
                i,
                start.seed,
                _objective(last),
                (len(last.trace) if last else 0) + short,
                last.outcome.name if last else "not run",
                i in done,
                spurious=i in done and is_spurious(model, done[i].params, weight),
            )
        )
    scale = 1e-6 * (1 + max((abs(a.objective) for a in table if np.isfinite(a.objective)), default=0.0))
    finished = [a.objective for a in table if a.finished]
    return tuple(
        replace(a, hits=sum(abs(o - a.objective) <= scale for o in finished)) if a.finished else a for a in table
    )


def is_singular(params: Params) -> bool:
    """Whether a variance floor holds a component up at these parameters: without it the likelihood has no bound."""
    return any("variance floor" in event for event in params.events)


def is_spurious(model: Any, params: Params, weight: float) -> bool:
    """Whether some component looks `spurious`."""
    return bool(spurious(model, params, weight).any())


def spurious(model: Any, params: Params, weight: float) -> Array:
    """Which components are so narrow and so light that they may describe a few rows, not the data, (K,) bool.

    Narrow is a smallest variance below a tenth of the median component's; light is fewer than ten rows for each
    parameter of a component. ``weight`` is the total weight of the rows. A small real group can look the same, so
    such an optimum is flagged, not dropped.

    Source: McLachlan & Peel (2000), section 3.10, on spurious local maximisers.
    """
    spread = model.spread(params) if hasattr(model, "spread") else None
    if spread is None or "weights" not in params or len(spread) < 2:
        return np.zeros(1, bool)
    rows = params["weights"] * weight
    light = rows < ROWS_PER_PARAMETER * model.size(params) / len(spread)
    flagged: Array = light & (spread < NARROW * np.median(spread))
    return flagged
