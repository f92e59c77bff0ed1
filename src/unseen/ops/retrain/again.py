"""The gates asked once more about a run that was fitted before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unseen.errors import RegistryError, UnseenError
from unseen.ops.config import Settings, settings_hash
from unseen.ops.doctor import Case
from unseen.ops.fitting import facts, planned
from unseen.ops.ingest import take_in
from unseen.ops.judge import HoldOut, allowed
from unseen.ops.places import Places, nearest
from unseen.ops.record import Validation, Verdict
from unseen.ops.registry import Registry
from unseen.ops.retrain.identity import start_of
from unseen.ops.retrain.journal import Journal
from unseen.ops.retrain.judging import Bench
from unseen.ops.retrain.learning import Learning
from unseen.ops.runs import read


def regate(
    settings: Settings, run: str, against: str = "champion"
) -> tuple[Validation | None, tuple[Verdict, ...], bool]:
    """What the gates say of a fitted run beside the champion, another version, or none; nothing is changed.

    Raises
    ------
    RegistryError
        There is no such run, or it holds no fit.
    """
    places = Places.of(settings)
    record = read(places.run(run))
    if record is None or record.batch is None:
        known = sorted(p.name for p in places.runs.glob("*/"))
        raise RegistryError(f"there is no run {run!r} under {places.runs}; {nearest(run, known)}")
    candidate = Journal(places.run(run), record).fitted()
    if candidate is None:
        raise RegistryError(f"run {run} holds no fit: it ended as {record.outcome}")
    intake = take_in(settings, record.batch.partitions[-1])
    holdout = HoldOut(intake.source, intake.sizes, settings.validate_.share, settings.validate_.seed)
    bench = _opponent(Bench(settings, Registry(settings), intake), against)
    fit = facts(candidate)
    refit = _learning(bench, holdout).without if fit.went_on and bench.champion is not None else None
    validation, _, verdicts = bench.judged(candidate, fit, holdout, *bench.moved(), refit)
    return validation, verdicts, allowed(verdicts)


def _learning(bench: Bench, holdout: HoldOut) -> Learning:
    made = planned(bench.settings, bench.intake.source, bench.champion)
    return Learning(bench.settings, made, holdout, bench.champion, lambda: None, lambda *_: None)


def _opponent(bench: Bench, against: str) -> Bench:
    registry = bench.registry
    if against == "none":
        return bench
    if against == "champion":
        current = registry.champion()
        number = current.number if current else None
    else:
        number = int(against) if against.isdigit() else -1
    if number is None:
        return bench
    try:
        return replace(bench, champion=registry.load(number), version=registry.state().version(number))
    except UnseenError as error:
        return replace(bench, trouble=str(error))


def replay(case: Case) -> bool:
    """Fit a run again on the same rows with the same seed, and compare the parameters bit by bit.

    Raises
    ------
    RegistryError
        The run holds no fit, belongs to no loop, or was fitted with other settings.
    """
    if case.record is None or case.record.batch is None or case.result is None or case.settings is None:
        raise RegistryError(f"{case.subject} cannot be replayed: it is no fitted retrain of a loop")
    settings = case.settings
    if case.record.settings != settings_hash(settings):
        raise RegistryError(
            f"{case.record.id} was fitted with other settings than unseen.yaml has now: put the file back as it was"
            + (f" (git revision {case.record.git})" if case.record.git else "")
        )
    intake = take_in(settings, case.record.batch.partitions[-1])
    judges = settings.validate_
    holdout = HoldOut(intake.source, intake.sizes, judges.share, judges.seed)
    registry, before = Registry(settings), case.record.champion
    state = registry.state()
    start = start_of(case.record.id, None if before is None else state.version(before), state)
    champion = registry.load(start.number) if start is not None else None
    made = planned(settings, intake.source, champion)
    searched = not case.record.fit.went_on if case.record.fit else True
    anew = Learning(settings, made, holdout, champion, lambda: None, lambda *_: None, search=searched).best()
    old = case.result
    return old.params.keys() == anew.params.keys() and all(
        np.array_equal(old.params[name], anew.params[name]) for name in old.params
    )
