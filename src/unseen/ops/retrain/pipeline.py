"""The stages of a retrain: ingest, schema, fit, validate, gates, register, promote or hold."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from unseen.core.interrupt import interruptible
from unseen.core.observe import Observer
from unseen.core.source import told_of
from unseen.errors import NumericalError, UnseenError
from unseen.ops.config import Settings, settings_hash
from unseen.ops.drift.own import apart
from unseen.ops.fitting import facts, planned
from unseen.ops.ingest import Intake, check
from unseen.ops.judge import HoldOut
from unseen.ops.logs import logger, reason
from unseen.ops.patience import passes, patiently
from unseen.ops.places import Places
from unseen.ops.record import Attempt, FitFacts, Outcome, Record
from unseen.ops.registry import Registry, Version
from unseen.ops.registry.excluding import learned_from
from unseen.ops.retrain.ending import Ended, close, ended_by
from unseen.ops.retrain.identity import environment, learning_hash, start_of
from unseen.ops.retrain.journal import Journal
from unseen.ops.retrain.judging import Bench
from unseen.ops.retrain.learning import Learning, broken, ended, usable
from unseen.ops.retrain.meter import Meter, check_memory
from unseen.ops.retrain.remembering import remember
from unseen.ops.retrain.room import check_room, for_want_of_memory
from unseen.ops.runs import read
from unseen.plan import Plan
from unseen.result import Result
from unseen.store import check_kept

#: what calls for other numbers of components where the settings do not let it hold the batch
SEARCHED = ("fit", "vanished")
Tell = Callable[[str, str], Any]


@dataclass
class Retrain:
    """One run of the loop; each stage adds its facts to the journal."""

    settings: Settings
    places: Places
    intake: Intake
    journal: Journal
    meter: Meter
    tell: Tell
    observers: tuple[Observer, ...] = ()
    actor: str | None = None
    search: bool = False
    registry: Registry = field(init=False)
    plan: Plan = field(init=False)
    holdout: HoldOut = field(init=False)
    result: Result = field(init=False)
    fit_facts: FitFacts = field(init=False)
    bench: Bench = field(init=False)
    unmoved: str | None = None
    log: Any = None

    def __post_init__(self) -> None:
        self.registry = Registry(self.settings)
        self.log = logger(self.places.events, run=self.journal.record.id, model=self.settings.name)

    def through(self) -> Record:
        """All stages; whatever happens ends in a record with an outcome."""
        # not while an exception is being handled: it holds on to all that had filled the memory
        outcome, why = self._through()
        return self._end(outcome, why)

    def _through(self) -> tuple[Outcome, str]:
        try:
            for stage in (self.begin, self.schema, self.drift, self.fit, self.validate, self.register, self.promote):
                self._timed(stage)
        except (Exception, KeyboardInterrupt) as error:  # whatever it is, the champion stays
            return for_want_of_memory(ended_by(error))
        raise AssertionError("the last stage always ends the run")

    def _timed(self, stage: Callable[[], None]) -> None:
        name, began = stage.__name__, time.perf_counter()
        self.log.info("stage started", stage=name)
        try:
            stage()
        finally:
            seconds = time.perf_counter() - began
            self.log.info("stage ended", stage=name, seconds=round(seconds, 3))
            # kept in memory here, saved with the next facts
            stages = {**self.journal.record.stages, name: seconds}
            self.journal.record = self.journal.record.having(stages=stages)

    # ---- the stages

    def begin(self) -> None:
        """Say what is about to be done, and look at the champion."""
        batch = self.intake.batch
        check_room()
        current = self.registry.champion()
        if current is not None and current.record == self.journal.record.id and self.journal.record.fit is not None:
            self.journal.know(version=current.number)  # killed after its promotion, before it could say so
            raise Ended(Outcome.PROMOTED, f"version {current.number} is the champion")
        self.journal.know(
            batch=batch,
            settings=settings_hash(self.settings),
            champion=current.number if current else None,
            learns=learning_hash(self.settings),
            settings_changed=self._changed(current),
            **environment(self.settings),
        )
        self.registry.began(self.journal.record, actor=self.actor)
        self.bench = Bench(
            self.settings, self.registry, self.intake, seconds_left=self.meter.seconds_left, tell=self.tell
        )
        names = batch.partitions[-1] if len(batch.partitions) == 1 else f"{batch.partitions[0]}..{batch.partitions[-1]}"
        self.tell("batch", f"{names}: {batch.rows:,} rows")
        if batch.left_out:
            (name, why), more = [*batch.left_out.items()][-1], len(batch.left_out) - 1
            self.tell("left out", f"{name}: {why}" + (f"; and {more} more, which status names" if more else ""))
        if current is None:
            return
        if (out := learned_from(self.settings)) is not None:
            self.tell("champion", out)
        try:
            champion = self.registry.load(current.number)
            before = start_of(self.journal.record.id, current, self.registry.state())
            start = None if before is None else champion if before == current else self.registry.load(before.number)
            self.bench = replace(self.bench, champion=champion, version=current, start=start)
        except UnseenError as error:
            self.bench = replace(self.bench, trouble=str(error))
            self.tell("champion", str(error))

    def _changed(self, champion: Version | None) -> bool:
        """Whether another model is asked for than the champion is, or by other rows."""
        known = read(self.places.run(champion.record)) if champion else None
        changed = known is not None and known.learns not in ("", learning_hash(self.settings))
        if changed:
            self.tell("settings", "another model is asked for than the champion is: a loss against it may be theirs")
        return changed

    def schema(self) -> None:
        """Nothing is computed on a batch that breaks the rules."""
        champion = self.bench.champion
        encoding = champion.encoding if champion else None
        findings = patiently(
            lambda: check(self.intake, self.settings, encoding), self.settings.retries, self._failed("schema")
        )
        self.journal.know(findings=tuple(findings))
        if findings:
            raise Ended(Outcome.REFUSED, "; ".join(self._reasons(Outcome.REFUSED)))
        self.tell("schema", "passed")
        for said in told_of(self.intake.source):
            self.tell("read", said)

    def drift(self) -> None:
        """The newest partition beside what the champion was trained on: no model is trained by it yet."""
        moved, self.unmoved = self.bench.moved()
        self.journal.know(moved=moved)
        for finding in moved:
            self.tell("drift", f"{finding.message}{'; it holds the batch' if finding.holds else ''}")

    def fit(self) -> None:
        """Fit on the training rows, unless an earlier try of this run did."""
        judges = self.settings.validate_
        self.plan = planned(self.settings, self.intake.source, self.bench.start)
        check_kept(self.plan.model_for(1))
        self._end_if_identifying()
        self.holdout = HoldOut(self.intake.source, self.intake.sizes, judges.share, judges.seed)
        self.result = self.journal.fitted() or self._learned()
        self.fit_facts = facts(self.result)
        self.journal.know(fit=self.fit_facts)
        self._end_if_unfit(self.result)
        self.journal.keep(self.result)
        self.tell("fit", ended(self.result, self.fit_facts))

    def _end_if_identifying(self) -> None:
        """A model keeps the names of categories: none is made of columns that name people."""
        from unseen.ops.doctor import identifying

        findings = identifying(self.plan.known.profile, self.settings)
        if findings:
            self.journal.know(findings=findings)
            raise Ended(Outcome.REFUSED, "; ".join(self._reasons(Outcome.REFUSED)))

    @interruptible()
    def _learned(self) -> Result:
        """The best fit there is, within the limits."""
        self.meter.check()
        check_memory(self.plan, self.settings)
        learning = self._learning()
        if self.bench.start is not None and (why := learning.searched):
            self.tell("search", why)
        return learning.best()

    def _learning(self) -> Learning:
        return Learning(
            self.settings,
            self.plan,
            self.holdout,
            self.bench.start,
            self.meter.seconds_left,
            lambda number, why: self._failed("fit")(number, NumericalError(why)),
            self.observers,
            search=self.search or any(m.kind in SEARCHED and m.far and not m.holds for m in self.journal.record.moved),
        )

    def _end_if_unfit(self, result: Result) -> None:
        name = result.outcome.name
        if name == "interrupted":
            raise KeyboardInterrupt
        if name == "out of time":
            raise Ended(Outcome.LIMIT, f"limits.seconds or limits.cost: {result.outcome.message}")
        if broken(result) or (self.settings.gates.converged and not usable(result)):
            raise Ended(Outcome.UNFIT, result.outcome.message)
        self.meter.check()

    def validate(self) -> None:
        """Rows of this batch and of earlier ones, drift, every gate: trouble of any kind is a refused gate."""
        validation, past, verdicts = self.bench.judged(
            self.result,
            self.fit_facts,
            self.holdout,
            self.journal.record.moved,
            self.unmoved,
            self._learning().without if self.fit_facts.went_on else None,
        )
        self.journal.know(validation=validation, past=past, gates=verdicts)
        refused = [v for v in verdicts if not v.passed]
        self.tell("gates", f"{len(verdicts) - len(refused)} passed, {len(refused)} refused")

    def register(self) -> None:
        """A version of its own, whatever the gates said: what was fitted can be looked at."""
        sources = self.intake.by_partition()
        stored = self.journal.remember(self.result, sources, self.bench.since())
        if self.bench.champion is None and self.bench.trouble is None:  # nothing looked at these partitions before
            self._tell_apart(apart(self.result, sources, stored))
        self.journal.know(resources=self.meter.read())  # so far: what is told of the run is told here
        record = self.journal.record
        version = self.registry.register(record, self.journal.folder, align=not record.passed)
        self.journal.know(version=version)
        self.tell("registry", f"version {version}")
        if self.registry.untold:
            self.tell("tracker", self.registry.untold)

    def promote(self) -> None:
        """The one step that changes what is in production."""
        record = self.journal.record
        refused = [v for v in record.gates if not v.passed]
        if refused or not record.gates or record.version is None:
            raise Ended(Outcome.HELD, "; ".join(self._reasons(Outcome.HELD)) or "no gate was configured")
        try:
            self.meter.check()
            remember(self.settings, self.registry, self.intake, self.result, record.version)
            self.registry.promote(record.version, expected=record.champion, reason="all gates passed", actor=self.actor)
        except UnseenError:
            self.registry.align()  # as the challenger, which it stays
            raise
        if self.registry.behind:
            self.tell("aliases", self.registry.behind)
        if (since := record.since_pinned) is not None:
            self.tell("pinned", since)
        raise Ended(Outcome.PROMOTED, f"version {record.version} is the champion")

    # ---- help

    def _tell_apart(self, found: dict[int, str]) -> None:
        """Partitions that lie far from the others: the first champion takes all of them for right."""
        for i, why in found.items():
            name = self.intake.partitions[i].name
            way = f'if it is wrong, unseen exclude {self.settings.name} {name} --reason "...", then retrain'
            self.tell("apart", f"{name} lies far from the other partitions: {why}; {way}")
            self.log.warning("a partition lies far from the others", partition=name, reason=why)

    def _end(self, outcome: Outcome, why: str) -> Record:
        if len(reasons := self._reasons(outcome)) > 1:
            self.tell(outcome.value, f"for {len(reasons)} reasons:")
            for one in reasons:
                self.tell("", one)
        else:
            self.tell(outcome.value, why)
        return close(self.settings, self.journal, self.meter, outcome, why, self.actor)

    def _reasons(self, outcome: Outcome) -> tuple[str, ...]:
        """All that speaks against the candidate or its batch."""
        record = self.journal.record
        if outcome is Outcome.REFUSED:
            return tuple(f.message for f in record.findings)
        refused = record.gates if outcome is Outcome.HELD else ()
        return tuple(dict.fromkeys(v.reason for v in refused if not v.passed))

    def _failed(self, stage: str) -> Callable[[int, BaseException], None]:
        def told(number: int, error: BaseException) -> None:
            attempt = Attempt(stage=stage, number=number, error=reason(error))
            self.journal.know(attempts=(*self.journal.record.attempts, attempt))
            self.log.warning("attempt failed", stage=stage, number=number, error=reason(error), passes=passes(error))

        return told
