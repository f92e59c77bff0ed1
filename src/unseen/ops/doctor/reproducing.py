"""F10 non-reproducible runs: what a run depended on that is not recorded, or no longer what it was."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from unseen.errors import UnseenError
from unseen.ops.doctor.diagnosis import Case, Diagnosis


def non_reproducible(case: Case) -> Diagnosis | None:
    """F10: the run could not be repeated, bit by bit.

    Other rows, a repository that did not hold what ran, and other parameters in a replay are failures. That settings
    or libraries have changed since is worth a note: the next retrain will differ, as it should.
    """
    altered = _altered(case)
    if altered:
        cause = "someone or something wrote to a file that only unseen writes"
        return case.found("F10", "page", altered, cause, "put a whole copy of it back, then: unseen status")
    record = case.record
    if record is None or record.batch is None:
        return None
    failures, notes = [], []
    if record.git is not None and record.git.endswith("+"):
        failures.append(f"files of the repository differed from its revision {record.git[:-1]}")
    if case.around:
        changed = _changed_settings(case)
        notes += changed + _changed_versions(case)
        # other settings may ask for other partitions: that is no change of the rows
        failures += [] if changed else _changed_rows(case)
    if case.replayed is False:
        failures.append("the same rows and seed gave other parameters")
    if not failures and not notes:
        return None
    if record.git is None:
        notes.append("no git revision was recorded: unseen.yaml does not lie in a repository")
    cause = "rows, settings, versions and seed decide every bit of a fit; one of them is not what it was"
    command = f"put it back as it was, then: unseen doctor {record.id} --replay"
    return case.found("F10", "ticket" if failures else "note", [*failures, *notes], cause, command)


def _altered(case: Case) -> list[str]:
    """What is wrong with the log, or with the champion's artefact: then nothing says what is in production."""
    from unseen.ops.registry import Registry

    if case.settings is None or not case.around:
        return []
    try:
        registry = Registry(case.settings)
        champion = registry.champion()
        broken = registry.broken(champion) if champion is not None else None
    except UnseenError as error:
        return [str(error)]
    return [f"the artefact of the champion, version {champion.number}, {broken}"] if champion and broken else []


def _changed_versions(case: Case) -> list[str]:
    assert case.record is not None
    pairs = [(name, then, _installed(name)) for name, then in case.record.versions.items()]
    return [f"{name} was {then} and is {now} now" for name, then, now in pairs if now is not None and now != then]


def _installed(name: str) -> str | None:
    if name == "python":
        import platform

        return platform.python_version()
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _changed_settings(case: Case) -> list[str]:
    from unseen.ops.config import settings_hash

    assert case.record is not None
    if case.settings is None or case.record.settings == settings_hash(case.settings):
        return []
    return ["unseen.yaml decides the model differently now"]


def _changed_rows(case: Case) -> list[str]:
    from unseen.ops.ingest import take_in

    assert case.record is not None and case.record.batch is not None
    if case.settings is None:
        return []
    try:
        batch = take_in(case.settings, case.record.batch.partitions[-1]).batch
    except (UnseenError, OSError):
        return ["its partitions can no longer be read"]
    return [] if batch.id == case.record.batch.id else ["its partitions hold other rows now"]
