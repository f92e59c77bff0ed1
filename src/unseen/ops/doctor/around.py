"""F7 silent drift and F10 non-reproducible runs: what a run was about, against what is true now."""

from __future__ import annotations

import platform
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

from unseen.errors import UnseenError
from unseen.ops.config import settings_hash
from unseen.ops.doctor.diagnosis import Case, Found
from unseen.ops.record import Outcome
from unseen.ops.watch.known import Known, known, moment

#: how long nobody may have looked for drift: a week, and a day for a job that is late
LOOK_EVERY = timedelta(days=8)


def silent_drift(case: Case) -> Found | None:
    """F7: the batch was refused, or the last look at new data found drift from the champion, or was long ago."""
    if case.record is not None and case.record.outcome == Outcome.REFUSED:
        said = [f.message for f in case.record.findings if f.check != "sensitive"]
        if not case.record.findings:
            said.append(case.record.reason)
        return _refused(case, said) if said else None
    if case.settings is None or case.places is None or not case.around:
        return None
    facts = known(case.settings)
    champion = facts.state.champion if facts.state is not None else None
    return None if champion is None else _looked(facts, champion.number)


def _refused(case: Case, said: list[str]) -> Found:
    cause = "the batch breaks the schema: nothing was trained, and the champion stays"
    name = case.settings.name if case.settings else "NAME"
    batch = case.record.batch if case.record else None
    part = batch.partitions[-1] if batch else "PARTITION"
    if case.around and (changed := _changed_rows(case)):
        said, command = [*said, *changed], "unseen retrain"
    else:
        command = f'mend the data, then: unseen retrain; or leave it out: unseen exclude {name} {part} --reason "why"'
    return Found("ticket", said, cause, command)


def _looked(facts: Known, champion: int) -> Found | None:
    looks = facts.of_kind("drift")
    # the log is ordered by its lines, not by the clock: the last look counts if it was at this champion
    about = looks[-1] if looks and looks[-1].facts.get("version") == champion else None
    if about is not None and about.facts.get("drifted"):
        if facts.drift is None:
            return Found("ticket", ["the last look at new data found drift; what it saw is lost"],
                         "drift/state.json is damaged or gone", "unseen drift DATA")  # fmt: skip
        evidence = list(facts.drift.report.causes) or ["the last look at new data found drift"]
        cause = "the data are no longer those that the champion was trained on"
        return Found("ticket", evidence, cause, "unseen retrain")
    seen = moment((about or facts.state.decisions[-1]).time)
    if datetime.now(UTC) - seen <= LOOK_EVERY:
        return None
    cause = "new data was not compared with what the champion was trained on"
    return Found("note", [f"nobody has looked for drift since {seen:%Y-%m-%d}"], cause, "unseen drift DATA")


def non_reproducible(case: Case) -> Found | None:
    """F10: the run could not be repeated, bit by bit, or what is around it is not as the log says.

    Other rows, a repository that did not hold what ran, and other parameters in a replay are failures. That settings
    or libraries have changed since is worth a note: the next retrain will differ, as it should.
    """
    if altered := _troubles(case):
        return altered
    record = case.record
    if record is None or record.batch is None:
        return None
    failures, notes = [], []
    if record.git is not None and record.git.endswith("+"):
        failures.append(f"files of the repository differed from its revision {record.git[:-1]}")
    if case.around:
        changed = _changed_settings(case)
        notes += changed + _changed_versions(case)
        # other settings may ask for other partitions: that is no change of the rows. What never trained may be mended
        failures += [] if changed or record.fit is None else _changed_rows(case)
    if case.replayed is False:
        failures.append("the same rows and seed gave other parameters")
    if not failures and not notes:
        return None
    if record.git is None:
        notes.append("no git revision was recorded: unseen.yaml does not lie in a repository")
    cause = "rows, settings, versions and seed decide every bit of a fit; one of them is not what it was"
    command = f"put it back as it was, then: unseen doctor {record.id} --replay"
    return Found("ticket" if failures else "note", [*failures, *notes], cause, command)


def _troubles(case: Case) -> Found | None:
    """What is wrong with log, artefacts, aliases or clock; with the first two nothing can be trusted."""
    if case.settings is None or not case.around:
        return None
    trouble = known(case.settings).trouble
    worst = [trouble[kind] for kind in ("log", "artefact", "registry") if kind in trouble]
    if worst:
        cause = "someone or something wrote to a file that only unseen writes"
        said = [f"the artefact of the champion, {why}" if why.startswith("version") else why for why in worst]
        return Found("page", said, cause, "put a whole copy of it back, then: unseen status")
    advice = {
        "rollback": "a rollback would find its artefact broken: put a whole copy back, or: unseen rollback NAME --to N",
        "aliases": "an alias was moved in MLflow, or it cannot be reached: the next promote or retrain mends it",
        "clock": "a clock ran ahead: the log is ordered by its lines, and nothing is fresh before its time",
    }
    for kind, cause in advice.items():
        if kind in trouble:
            return Found("ticket", [trouble[kind]], cause, "unseen status")
    return None


def _changed_versions(case: Case) -> list[str]:
    assert case.record is not None
    pairs = [(name, then, _installed(name)) for name, then in case.record.versions.items()]
    return [f"{name} was {then} and is {now} now" for name, then, now in pairs if now is not None and now != then]


def _installed(name: str) -> str | None:
    with suppress(PackageNotFoundError):
        return platform.python_version() if name == "python" else version(name)
    return None


def _changed_settings(case: Case) -> list[str]:
    assert case.record is not None
    if case.settings is None or case.record.settings == settings_hash(case.settings):
        return []
    return ["unseen.yaml decides the model differently now"]


def _changed_rows(case: Case) -> list[str]:
    from unseen.ops.ingest.intake import batch_id
    from unseen.ops.ingest.partitions import identified, listed
    from unseen.ops.registry.excluding import excluded

    assert case.record is not None
    batch = case.record.batch
    if case.settings is None or batch is None:
        return []
    try:
        paths = listed(case.settings, set(excluded(case.settings)) - set(batch.partitions))
        there = {path.name: path for path in paths}
        now = identified(case.settings, [there[name] for name in batch.partitions], paths)
    except (UnseenError, OSError, KeyError):
        return ["its partitions can no longer be read"]
    before = batch.fingerprints or (batch.id,)
    ids = tuple(p.id for p in now) if batch.fingerprints else (batch_id(now),)
    return [] if ids == before else ["its partitions hold other rows now"]
