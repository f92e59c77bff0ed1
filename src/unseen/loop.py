"""THE loop: every algorithm, on every engine, for every model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from unseen.core.algorithm import Algorithm, State
from unseen.core.engine import Engine
from unseen.core.interrupt import check, interruptible
from unseen.core.memo import let_go
from unseen.core.model import Model
from unseen.core.observe import Event, Observer
from unseen.core.stats import Kind, Params, Sums
from unseen.core.stop import FAILED, INTERRUPTED, PAUSED, Outcome, Record, Rule, facts, fall
from unseen.errors import ModelError, NumericalError
from unseen.moves import Counted, Local, record


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a session stood after a whole iteration: with the trace, enough to go on to the same bits.

    ``refined`` says that the precision has just been changed; ``local`` is what the model left for each block.
    """

    state: State
    refined: bool
    evaluations: int
    local: Local = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """What the loop leaves: final parameters, how it ended, the trace, and the model as it computed at the end."""

    params: Params
    outcome: Outcome
    trace: tuple[Record, ...]
    evaluations: int
    seconds: float
    model: Any = None
    kept: Kept | None = field(default=None, repr=False, compare=False)


def check_pair(model: Model, algorithm: Algorithm) -> None:
    """Refuse a model and an algorithm that cannot go together.

    Raises
    ------
    ModelError
        The algorithm mixes statistics over time and the model's mean something only where they were taken.
    """
    if algorithm.needs is Kind.FREE and model.kind is Kind.BOUND:
        raise ModelError(
            f"{type(algorithm).__name__} averages statistics taken at different parameters, but those of "
            f"{type(model).__name__} mean something only at the parameters they were taken at: use batch "
            "(algorithm=Batch(); --algorithm batch)"
        )


class Session:
    r"""Repeat an algorithm's step, yielding one `Record` per iteration, until someone names the outcome.

    .. math:: \theta_{t+1} = M\left(\sum_b S_b(\theta_t)\right)

    Iterate it and call `end` with what a rule says; a fall, a failure and Ctrl-C end it, too. A loop that is left with
    ``break`` goes on where it was when it is iterated again; so does a session with ``resume``, the `Run` of another.

    Parameters
    ----------
    model, engine : bound to data
    params : where it begins
    algorithm : the schedule of E and M
    prior : pseudo-statistics
    seed : of the draws of models with a random E-step
    resume : what an earlier session of the same model, algorithm and data left
    clock : seconds

    Raises
    ------
    ModelError
        The model and the algorithm cannot go together.

    >>> from unseen import Batch
    >>> from unseen.models.mixture import example
    >>> from unseen.testing.setting import set_up
    >>> s = set_up(example())
    >>> session = Session(s.model, s.problem.engine, s.params, Batch())
    >>> for made in session:
    ...     session.end(Outcome("enough", "") if made.iteration == 3 else None)
    >>> len(session.trace), session.evaluations, session.outcome.name
    (3, 3, 'enough')
    """

    def __init__(
        self,
        model: Model,
        engine: Engine,
        params: Params,
        algorithm: Algorithm,
        prior: Sums | None = None,
        seed: int = 0,
        resume: Run | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        check_pair(model, algorithm)
        self.begun, self.algorithm, self.params = params, algorithm, params
        self.trace: list[Record] = []
        self.outcome: Outcome | None = None
        self._work = Counted(model, engine, prior or {}, seed)
        self._clock, self._since = clock, clock()
        self._whole: tuple[Kept | None, int, Any] = (None, 0, model)  # one object: other threads may look at it
        if resume is not None and resume.kept is not None:
            kept = resume.kept
            self.trace, self.params, self._since = list(resume.trace), kept.state.params, clock() - resume.seconds
            self._work.evaluations, self._work.local = kept.evaluations, kept.local
            self._work.model = model if resume.model is None else resume.model
            self._whole = (kept, len(self.trace), self._work.model)

    @property
    def state(self) -> State | None:
        """Where the algorithm stood after the last whole iteration; None before it began."""
        kept = self._whole[0]
        return None if kept is None else kept.state

    @property
    def model(self) -> Any:
        """The model as it computes now."""
        return self._work.model

    @property
    def evaluations(self) -> int:
        """E-steps so far."""
        return self._work.evaluations

    @property
    def seconds(self) -> float:
        """Seconds so far, with those of the session it goes on from."""
        return self._clock() - self._since

    def end(self, outcome: Outcome | None) -> None:
        """Say how the session ended, if it has; what ended it first stands."""
        self.outcome = self.outcome or outcome

    def __iter__(self) -> Iterator[Record]:
        moves, algorithm = self._work.moves(), self.algorithm
        try:
            if self.state is None:
                self._mark(algorithm.init(self.begun, moves), False)
            while self.outcome is None:
                kept = self._whole[0]
                assert kept is not None
                spent = (self._work.e, self._work.m)
                state = algorithm.step(kept.state, moves)
                self.trace.append(record(self._work, self.trace, state, spent, kept.refined))
                self.params = state.params
                # an objective that is itself drawn may go down
                if algorithm.monotone and not self.model.needs_pass and (fell := fall(self.trace)):
                    self.end(fell)
                    self.params = kept.state.at or kept.state.params
                    yield self.trace[-1]
                    return
                self._mark(state, self._work.refine(self.trace[-1]))
                yield self.trace[-1]
                check()
        except KeyboardInterrupt:
            self.interrupt()
        except NumericalError as error:
            told = f"{error} (after {len(self.trace)} iterations; the last sound parameters were kept)"
            self.outcome = Outcome(FAILED, told)
            self.params = (self.state and self.state.at) or self.begun

    def interrupt(self) -> None:
        """Say that it was interrupted, whatever ended it."""
        told = f"interrupted after {len(self.trace)} iterations; the last parameters were kept"
        self.outcome = Outcome(INTERRUPTED, told)

    def _mark(self, state: State, refined: bool) -> None:
        kept = Kept(state, refined, self._work.evaluations, self._work.local)
        self._whole = (kept, len(self.trace), self._work.model)

    def as_run(self) -> Run:
        """Return what the session came to; its model keeps nothing for parameters that were."""
        let_go(self.model)
        outcome, kept = self.outcome or Outcome(PAUSED, ""), self._whole[0]
        return Run(self.params, outcome, tuple(self.trace), self.evaluations, self.seconds, self.model, kept)

    def so_far(self) -> Run | None:
        """Return where to go on from, as of the last whole iteration; any thread may ask. None before the first."""
        kept, iterations, model = self._whole
        if kept is None:
            return None
        trace = tuple(self.trace[:iterations])
        return Run(kept.state.params, Outcome(PAUSED, ""), trace, kept.evaluations, self.seconds, model, kept)


@interruptible()
def run(
    model: Model,
    engine: Engine,
    params: Params,
    algorithm: Algorithm,
    stop: Rule,
    prior: Sums | None = None,
    observers: Sequence[Observer] = (),
    resume: Run | None = None,
    seed: int = 0,
) -> Run:
    """Repeat the algorithm's step from ``params``, or from where ``resume`` ended, until a rule names the outcome."""
    session = Session(model, engine, params, algorithm, prior, seed, resume)
    try:
        for made in session:
            for observe in observers:
                observe(Event("iteration", facts(made)))
            session.end(stop(session.trace, session.seconds))
    except KeyboardInterrupt:  # of an observer
        session.interrupt()
    return session.as_run()


__all__ = ["Kept", "Run", "Session", "check_pair", "run"]
