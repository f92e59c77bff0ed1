"""All examinations of a run or a service, in the order of the table of failure modes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from unseen.errors import RegistryError, UnseenError
from unseen.ops.config import Settings
from unseen.ops.doctor.around import non_reproducible, silent_drift
from unseen.ops.doctor.convergence import non_convergence, slow_convergence
from unseen.ops.doctor.diagnosis import Case, Diagnosis, Found
from unseen.ops.doctor.estimates import instability, overfitting, singular_component, unreliable_responsibilities
from unseen.ops.doctor.leaks import sensitive_data
from unseen.ops.doctor.memory import out_of_memory
from unseen.ops.places import Places
from unseen.ops.record import Record
from unseen.ops.runs import MODEL, RECORD, read
from unseen.ops.watch.modes import MODES, runbook
from unseen.result import Result

EXAMINATIONS: dict[str, Callable[[Case], Found | None]] = {
    "F1": non_convergence,
    "F2": slow_convergence,
    "F3": instability,
    "F4": overfitting,
    "F5": singular_component,
    "F6": out_of_memory,
    "F7": silent_drift,
    "F8": unreliable_responsibilities,
    "F9": sensitive_data,
    "F10": non_reproducible,
}


def diagnose(case: Case) -> tuple[Diagnosis, ...]:
    """Every failure mode that is found, F1 to F10; none means that nothing was found, not that all is well."""
    said = []
    for mode in MODES.values():
        found = EXAMINATIONS[mode.id](case)
        if found is not None and found.evidence:
            name, page = mode.name.replace("-", " "), runbook(case.settings, mode.page)
            said.append(Diagnosis(mode=mode.id, title=name, runbook=page, **asdict(found)))
    return tuple(said)


def failing(found: tuple[Diagnosis, ...]) -> list[str]:
    """The modes that someone should look after; what is only worth a note is left out."""
    return [d.mode for d in found if d.severity != "note"]


def modes_of(record: Record, settings: Settings) -> list[str]:
    """The failure modes of a retrain that has just ended, for its metrics: no look beyond the run itself."""
    return failing(diagnose(_case(record.id, record, settings, around=False)))


def case_of(subject: str, settings: Settings | None) -> Case:
    """What there is to look at: a run folder, a retrain by its id, the loop's name (its last retrain), or NAME@VERSION.

    Raises
    ------
    RegistryError
        There is no such run or name, or its record is damaged.
    """
    from unseen.store import find, is_run, load

    folder = Path(subject)
    if settings is not None:
        places = Places.of(settings)
        id = newest(places) if subject == settings.name else subject
        if subject.startswith(f"{settings.name}@") and not is_run(folder):
            from unseen.ops.registry import Registry, named

            id = named(Registry(settings), subject).record
        record = read(places.run(id)) if id else None
        if record is not None or subject == settings.name:
            return _case(subject, record, settings)
    if folder.exists():
        at = folder if is_run(folder) else find(folder)
        return Case(str(at), None, load(at), None)
    known = f"the loop's name {settings.name!r}, a retrain's id, or " if settings else ""
    raise RegistryError(f"there is nothing to examine at {subject!r}: give {known}the folder of a run")


def newest(places: Places) -> str | None:
    """The id of the retrain that was worked on last."""
    found = sorted(places.runs.glob(f"*/{RECORD}"), key=lambda p: p.stat().st_mtime_ns)
    return found[-1].parent.name if found else None


def _case(subject: str, record: Record | None, settings: Settings, around: bool = True) -> Case:
    from unseen.store import load

    model: Result | None = None
    if record is not None:
        with suppress(UnseenError):
            model = load(Places.of(settings).run(record.id) / MODEL)
    return Case(subject, record, model, settings, around)
