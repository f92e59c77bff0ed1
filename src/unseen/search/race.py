"""Starts that race: all are run shortly, then the better half for twice as long, until one has won."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from unseen.checkpoint.journal import Journal
from unseen.core.algorithm import Algorithm
from unseen.core.blas import one_blas_thread, one_openmp_thread
from unseen.core.engine import Engine
from unseen.core.interrupt import check, interruptible
from unseen.core.model import Model
from unseen.core.observe import Event, Observer
from unseen.core.stats import Params, Sums
from unseen.core.stop import INTERRUPTED, TIME, Converged, Rule, facts
from unseen.errors import NumericalError
from unseen.loop import Run, Session
from unseen.moves import named_failures
from unseen.search.helpers import Helper, current, shared
from unseen.search.since import Since
from unseen.search.tries import BEHIND, CANNOT_WIN, Pause, Try, coincide, optimistic, unsound

Start = Callable[[Any, Engine, int, Any], Params]

#: after each rung half of the starts go on, at least so many: a second one tells whether the optimum is found again
LEAST_KEPT = 2
#: on a sample it is the choice of a start that matters: the end is run on all rows
SAMPLE_TOLERANCE, SAMPLE_PASSES = 1e-5, 120
#: seconds of an iteration from which threads gain more than they lose to the interpreter's lock
WORTH_THREADS = 2e-3

#: parameters that have moved for fewer iterations say too little to be compared
LEAST_TO_JOIN = 20

#: log-likelihood that is not worth an iteration more: criteria compare models by units
SMALL_GAIN = 0.05


@dataclass
class Race:
    """Starts of one model on rows of a total weight; ``beat`` is an objective below which none is worth finishing.

    ``faster`` takes over from the algorithm after the short runs, where it is given; ``journal`` keeps what the starts
    have come to.
    """

    algorithm: Algorithm
    stop: Since
    prior: Sums | None = None
    observers: Sequence[Observer] = ()
    beat: float = -np.inf
    weight: float = 1.0
    faster: Algorithm | None = None
    journal: Journal = field(default_factory=Journal)
    tries: list[Try] = field(default_factory=list)
    winner: Try | None = None
    _told: threading.Lock = field(default_factory=threading.Lock)

    # ---- moves

    def begin(self, model: Model, engine: Engine, start: Start, seed: int) -> Try:
        """The parameters of one more start; one that arithmetic refuses is a try that failed."""
        new = Try(len(self.tries), seed, model, None)
        self.tries.append(new)
        try:
            with named_failures():
                params = self.journal.begin(new.start, lambda: start(model, engine, seed, self.prior))
                new.model = model.anchored(params)
                new.params = new.begun = params
        except NumericalError as error:
            new.error = error
        return new

    def advance(self, tries: Sequence[Try], engine: Engine, rule: Rule, until: int) -> None:
        """Run each try for so many passes, unless the rule ends it; side by side where that is faster.

        A try does not depend on the others, so the outcome is the same however many run at once, and wherever.
        """
        end, threads, team = rule | Pause(until), _threads(engine), current()
        # what a helper is about can be kept only when it comes back
        team = None if self.journal.keeps else team
        if team is not None and len(tries) > 1 and (helpers := team.ready(engine, threads)):
            here, there = partial(self._go, engine=engine, end=end), partial(self._there, engine=engine, end=end)
            shared(tries, here, there, helpers)
            return
        began = time.perf_counter()
        try:
            self._here(tries, threads, partial(self._go, engine=engine, end=end))
        finally:
            if team is not None:
                team.worked += time.perf_counter() - began

    def _schedule(self, t: Try) -> Algorithm:
        return self.algorithm if t.run is None or self.faster is None else self.faster

    def _go(self, t: Try, engine: Engine, end: Rule) -> bool:
        """Run a try; whether it was not interrupted."""
        assert t.params is not None
        if self._skips(t):
            return True
        done, resume = self.journal.known(t.start, t.model, t.run)
        if done is None:
            before = resume or t.run
            session = Session(t.model, engine, t.params, self._schedule(t), self.prior, t.seed, before, self.stop.clock)
            done = self._watched(t, session, end, asked=resume is None)
        self._ran(t, done)
        return t.outcome != INTERRUPTED

    @interruptible()
    def _watched(self, t: Try, session: Session, end: Rule, asked: bool) -> Run:
        """Go through a session under a rule; ``asked`` says that the rule has been asked where it begins."""
        self.journal.watch(t.start, session, t.run, t.model)
        try:
            if not asked:
                session.end(end(session.trace, session.seconds))
            for made in session:
                self.tell(Event("iteration", facts(made)))
                session.end(end(session.trace, session.seconds))
                self.journal.look(session)
        except KeyboardInterrupt:  # of an observer
            session.interrupt()
        self.journal.close(t.start, done := session.as_run())
        return done

    def _skips(self, t: Try) -> bool:
        """Whether no time is left for a try, where another has run; one that a sample chose needs an iteration."""
        late = self.stop.late and not t.before and any(o.run is not None for o in self.tries)
        if late:
            self.journal.freeze()
        return late

    def _there(self, t: Try, helper: Helper, engine: Any, end: Rule) -> None:
        """Let a helper run a try; observers hear of its iterations when it comes back."""
        if self._skips(t):
            return
        before = None if t.run is None else replace(t.run, model=None)
        job = (t.model, t.params, self._schedule(t), end, self.prior, before, t.seed)
        ended = helper.ask(engine.blocks, job)
        for record in ended.trace[len(t.trace) :]:
            self.tell(Event("iteration", facts(record)))
        ended = ended if ended.model is not None else replace(ended, model=t.model)
        self._ran(t, ended)

    def _ran(self, t: Try, ended: Run) -> None:
        t.run, t.model, t.params = ended, ended.model, ended.params
        if not (checked := t.model.valid(t.params)):  # what the last M-step made, which no E-step has met yet
            advice = "add a prior (prior=1; --prior 1), or use fewer components"
            advice += ", or in Python raise the floor of the family"
            t.error = NumericalError(f"{checked.broken}: {advice}")
        if t.ended:
            self.told(t, "finished")

    def _here(self, tries: Sequence[Try], threads: int, go: Callable[[Try], bool]) -> None:
        """Each try in this process, in threads where those are faster."""
        if threads < 2 or len(tries) < 2 or not all(_slow(t) for t in tries):
            for t in tries:
                if not go(t):
                    raise KeyboardInterrupt
            return
        from concurrent.futures import ThreadPoolExecutor, wait

        pool_of = partial(ThreadPoolExecutor, thread_name_prefix="starts", initializer=one_openmp_thread)
        with one_blas_thread(), pool_of(min(threads, len(tries))) as pool:
            futures = [pool.submit(go, t) for t in tries]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                self.stop.halted.set()
                wait(futures)
                raise
        if any(t.outcome == INTERRUPTED for t in tries):
            check()
            raise KeyboardInterrupt

    def tell(self, event: Event) -> None:
        """Observers hear of one thing at a time."""
        with self._told:
            for observe in self.observers:
                observe(event)

    def told(self, t: Try, stage: str) -> None:
        self.tell(Event("restart", {"start": t.start, "stage": stage, "outcome": t.outcome}))

    # ---- the race

    def run(self, engine: Engine, short: int, explore: int | None = None) -> None:
        """Run the tries against each other until a rule ended the best and nothing can overtake it.

        ``explore`` ends the race after so many passes, whoever is still on the way.
        """
        until, rung = short, 0
        while alive := [t for t in self.tries if t.alive] or self._revived():
            self.advance(alive, engine, self.stop, until)
            self._judge(rung)
            if self._ended_by_time(alive) or (explore is not None and until >= explore):
                return
            until, rung = 2 * until, rung + 1

    def run_on_sample(self, few: Engine, engine: Engine, short: int, explore: int | None = None) -> None:
        """The same on a sample of the rows, then the best start on all of them."""
        until, rung = short, 0
        rule = self.stop | Converged(SAMPLE_TOLERANCE)
        while until <= (explore or SAMPLE_PASSES) and (alive := [t for t in self.tries if t.alive]):
            self.advance(alive, few, rule, until)
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
            while t.alive and not (self.stop.late and t.run is not None):
                self.advance([t], engine, self.stop, until)
                self._against_others()
                if explore is not None:
                    break
                until *= 2
            if t.usable:
                self.winner = t
                return

    def _ended_by_time(self, tries: Sequence[Try]) -> bool:
        return self.stop.late or any(t.outcome == TIME for t in tries)

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
                self.told(t, "stopped")

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


def _threads(engine: Engine) -> int:
    """How many starts may run side by side: none where the engine's blocks fill its threads already."""
    count = getattr(getattr(engine, "workers", None), "count", 1)
    return int(count) if len(engine) < count else 1


def _slow(t: Try) -> bool:
    return t.run is not None and bool(t.trace) and t.run.seconds > WORTH_THREADS * len(t.trace)
