"""F7 silent drift and F10 non-reproducible runs: what a run was about, against what is true now."""

from __future__ import annotations

import platform
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

from unseen.errors import UnseenError
from unseen.ops.config import Settings, settings_hash
from unseen.ops.doctor.diagnosis import Case, Found
from unseen.ops.drift.own import remedy, trouble
from unseen.ops.record import Outcome, Record
from unseen.ops.registry import Registry, Version
from unseen.ops.watch.known import Known, known, moment
from unseen.store import load

#: how long nobody may have looked for drift: a week, and a day for a job that is late
LOOK_EVERY = timedelta(days=8)
#: troubles after which nothing can be trusted, and what the others mean
WORST = ("log", "artefact", "registry")
OTHERS = {
    "rollback": "the artefact of a rollback is broken: put it back, or: unseen rollback NAME --to N --reason ...",
    "aliases": "an alias was moved in MLflow, or it cannot be reached: the next promote or retrain mends it",
    "clock": "a clock ran ahead: the log is ordered by its lines, and nothing is fresh before its time",
}


def silent_drift(case: Case) -> Found | None:
    """F7: the batch was refused, or the last look at new data found drift from the champion, or was long ago."""
    if case.record is not None and case.ended(Outcome.REFUSED):
        return _refused(case, case.record)
    if case.settings is None or not case.around:
        return None
    facts = known(case.settings)
    champion = facts.state.champion if facts.state is not None else None
    if champion is None:
        return None
    return _without_reference(case.settings, champion) or _looked(facts, champion.number)


def _without_reference(settings: Settings, champion: Version) -> Found | None:
    """The champion cannot be compared with anything: every batch is held until that is mended."""
    with suppress(UnseenError, OSError):
        wrong = trouble(settings, champion, load(Registry(settings).run(champion)))
        if wrong is not None:
            said, anew = wrong
            command = "unseen drift DATA, which makes it anew" if anew else remedy(settings, champion)
            return Found("ticket", [said], "a file was lost or replaced: drift cannot be seen without it", command)
    return None


def _refused(case: Case, record: Record) -> Found:
    said = [f.message for f in record.findings if f.check != "sensitive"] if record.findings else [record.reason]
    changed = _changed_rows(case.settings, record) if case.around and said and case.settings else []
    name = case.settings.name if case.settings else "NAME"
    part = record.batch.partitions[-1] if record.batch else "PARTITION"
    mend = f'mend the data, then: unseen retrain; or leave it out: unseen exclude {name} {part} --reason "why"'
    broken = "breaks the schema" if record.findings else "passed the schema, and the model asked for does not take it"
    cause = f"the batch {broken}: nothing was trained, and the champion stays"
    return Found("ticket", said + changed, cause, "unseen retrain" if changed else mend)


def _looked(facts: Known, champion: int) -> Found | None:
    looks = facts.of_kind("drift")
    # the log is ordered by its lines, not by the clock: the last look counts if it was at this champion
    about = looks[-1] if looks and looks[-1].facts.get("version") == champion else None
    if about is not None and about.facts.get("drifted"):
        said = ["the last look at new data found drift"]
        if facts.drift is None:
            said = [f"{said[0]}; what it saw is lost"]
            return Found("ticket", said, "drift/state.json is damaged or gone", "unseen drift DATA")
        cause = "the data are no longer those that the champion was trained on"
        return Found("ticket", facts.drift.report.causes or said, cause, "unseen retrain")
    seen = moment((about or facts.state.decisions[-1]).time)
    said = [f"nobody has looked for drift since {seen:%Y-%m-%d}"] if datetime.now(UTC) - seen > LOOK_EVERY else []
    return Found("note", said, "new data was not compared with what the champion was trained on", "unseen drift DATA")


def non_reproducible(case: Case) -> Found | None:
    """F10: the run could not be repeated, bit by bit, or what is around it is not as the log says.

    Other rows, a repository that did not hold what ran, and other parameters in a replay are failures. That settings
    or libraries have changed since is worth a note: the next retrain will differ, as it should.
    """
    if case.settings is not None and case.around and (altered := _troubles(case.settings)):
        return altered
    record, settings = case.record, case.settings if case.around else None
    if record is None or record.batch is None:
        return None
    failures, notes = [], []
    if record.git is not None and record.git.endswith("+"):
        failures.append(f"files of the repository differed from its revision {record.git[:-1]}")
    other = settings is not None and record.settings != settings_hash(settings)
    if other:
        notes.append("unseen.yaml decides the model differently now")
    for name, then in record.versions.items() if case.around else ():
        with suppress(PackageNotFoundError):
            now = platform.python_version() if name == "python" else version(name)
            if now not in (None, then):
                notes.append(f"{name} was {then} and is {now} now")
    # other settings may ask for other partitions: that is no change of the rows. What never trained may be mended
    if settings is not None and not other and record.fit is not None:
        failures += _changed_rows(settings, record)
    if case.replayed is False:
        failures.append("the same rows and seed gave other parameters")
    if (failures or notes) and record.git is None:
        notes.append("no git revision was recorded: unseen.yaml does not lie in a repository")
    cause = "rows, settings, versions and seed decide every bit of a fit; one of them is not what it was"
    command = f"put it back as it was, then: unseen doctor {record.id} --replay"
    return Found("ticket" if failures else "note", [*failures, *notes], cause, command)


def _troubles(settings: Settings) -> Found | None:
    """What is wrong with log, artefacts, aliases or clock; with the first two nothing can be trusted."""
    trouble = known(settings).trouble
    if worst := [trouble[kind] for kind in WORST if kind in trouble]:
        cause = "someone or something wrote to a file that only unseen writes"
        said = [f"the artefact of the champion, {why}" if why.startswith("version") else why for why in worst]
        return Found("page", said, cause, "put a whole copy of it back, then: unseen status")
    other = next((kind for kind in OTHERS if kind in trouble), None)
    return Found("ticket", [trouble[other]], OTHERS[other], "unseen status") if other else None


def _changed_rows(settings: Settings, record: Record) -> list[str]:
    from unseen.ops.ingest.intake import batch_id
    from unseen.ops.ingest.partitions import identified, listed
    from unseen.ops.registry.excluding import excluded

    batch = record.batch
    if batch is None:
        return []
    try:
        paths = listed(settings, set(excluded(settings)) - set(batch.partitions))
        there = {path.name: path for path in paths}
        now = identified(settings, [there[name] for name in batch.partitions], paths)
    except (UnseenError, OSError, KeyError):
        return ["its partitions can no longer be read"]
    same = tuple(p.id for p in now) == batch.fingerprints if batch.fingerprints else batch_id(now) == batch.id
    return [] if same else ["its partitions hold other rows now"]
