"""F6: memory that ran out, or is about to."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from unseen.errors import UnseenError
from unseen.ops.doctor.diagnosis import Case, Found
from unseen.ops.doctor.leaks import last_lines
from unseen.ops.doctor.memory import Need, of_plan, of_result
from unseen.ops.record import Outcome, Record
from unseen.problem import free_memory

CGROUP = Path("/sys/fs/cgroup")


def out_of_memory(case: Case) -> Found | None:
    """F6: a run over its limit, one that died without a word, or one whose next fit will not fit."""
    record, evidence = case.record, []
    if record is not None and record.outcome == Outcome.LIMIT and "memory" in record.reason:
        evidence.append(record.reason)
    if record is not None and record.outcome is None and not _at_work(case, record):
        evidence.append(f"the run ended{_where(case)} without an outcome: it was killed, or its machine went down")
        evidence += _kills()
    happened = bool(evidence)
    need = predicted(case) if case.around else None
    if need is not None:
        evidence += _too_much(need, case)
    if not evidence:
        return None
    cause = "rows held in memory and the temporaries of every worker, for the largest number of components"
    command = case.change(*_smaller(need, case))
    return Found("page" if happened else "ticket", evidence, cause, command)


def predicted(case: Case) -> Need | None:
    """What the next fit of the loop will need; None where its data cannot be opened."""
    if case.settings is None:
        return None
    from unseen.ops.fitting import planned
    from unseen.ops.ingest import take_in

    try:
        source = take_in(case.settings).source
        if case.result is not None:
            return of_result(case.result, source, case.settings)
        return of_plan(planned(case.settings, source), case.settings)
    except (UnseenError, OSError):
        return None


def available() -> int:
    """Bytes that a process can still have: of the machine, or of the container if that gives less."""
    free = free_memory()
    try:
        most, used = ((CGROUP / f"memory.{name}").read_text().strip() for name in ("max", "current"))
        return free if most == "max" else min(free, max(int(most) - int(used), 0))
    except (OSError, ValueError):
        return free


def _too_much(need: Need, case: Case) -> list[str]:
    """Why the next fit does not fit, if so."""
    assert case.settings is not None
    said, limit, free = f"the next fit is predicted to need {need}", case.settings.limits.memory_gb, available()
    if limit is not None and need.total > limit * 1e9:
        return [f"{said}, and limits.memory_gb is {limit:g}"]
    return [f"{said}, and {free / 1e9:.2g} GB are free"] if need.total > free else []


def _smaller(need: Need | None, case: Case) -> tuple[str, ...]:
    """Settings that need less, the one that costs least first."""
    fewer = ("data.window: 6", "model.components: 4") if case.settings else ("model.components: 4",)
    return fewer if need is not None and not need.held else ("fit.engine: outofcore", *fewer)


def _where(case: Case) -> str:
    """The stage that the run's last words are about."""
    assert case.record is not None
    for line in reversed(last_lines(case.places.events, case.record.id) if case.places else []):
        with suppress(ValueError, KeyError, TypeError):
            said = json.loads(line)
            if said["event"] == "stage started":
                return f" in stage {said['stage']!r}"
    return ""


def _at_work(case: Case, record: Record) -> bool:
    """Whether a process holds the run's lock: then it has not ended."""
    if case.places is None:
        return False
    try:
        import fcntl

        with open(case.places.run(record.id) / ".lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):
        return False
    return False


def _kills() -> list[str]:
    """What the kernel says of this container, where it is one."""
    try:
        lines = (CGROUP / "memory.events").read_text().splitlines()
        count = next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    except (OSError, ValueError, StopIteration, IndexError):
        return []
    return [f"the kernel has killed {count} processes of this container for want of memory"] if count else []
