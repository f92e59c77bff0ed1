"""Starts of one model on their way: begun, and run in passes, side by side where that is faster."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from unseen.checkpoint.journal import Journal
from unseen.core.algorithm import Algorithm
from unseen.core.blas import one_blas_thread, one_openmp_thread
from unseen.core.engine import Engine
from unseen.core.interrupt import check, interruptible
from unseen.core.model import Model
from unseen.core.observe import Event, Observer
from unseen.core.stats import Params, Sums
from unseen.core.stop import INTERRUPTED, Rule, facts
from unseen.errors import NumericalError
from unseen.loop import Run, Session
from unseen.moves import named_failures
from unseen.search.helpers import Helper, current, shared
from unseen.search.since import Since
from unseen.search.tries import Pause, Try

Start = Callable[[Any, Engine, int, Any], Params]

#: seconds of an iteration from which threads gain more than they lose to the interpreter's lock
WORTH_THREADS = 2e-3


@dataclass
class Starts:
    """What is begun of one model, and how it goes on.

    ``faster`` takes over from the algorithm after the short runs, where it is given; ``journal`` keeps what the starts
    have come to.
    """

    algorithm: Algorithm
    stop: Since
    prior: Sums | None = None
    observers: Sequence[Observer] = ()
    faster: Algorithm | None = None
    journal: Journal = field(default_factory=Journal)
    tries: list[Try] = field(default_factory=list)
    _told: threading.Lock = field(default_factory=threading.Lock)

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


def _threads(engine: Engine) -> int:
    """How many starts may run side by side: none where the engine's blocks fill its threads already."""
    count = getattr(getattr(engine, "workers", None), "count", 1)
    return int(count) if len(engine) < count else 1


def _slow(t: Try) -> bool:
    return t.run is not None and bool(t.trace) and t.run.seconds > WORTH_THREADS * len(t.trace)
