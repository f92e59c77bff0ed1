"""F6 out of memory: how much a retrain will need, said before it starts, and memory that ran out or is about to."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from unseen.core import memory
from unseen.core.family import tile_rows
from unseen.core.model import Model, latent_classes
from unseen.core.profile import Profile
from unseen.core.workers import usable_cores
from unseen.engines import engine_for, traits_of
from unseen.errors import ModelError, UnseenError
from unseen.ops.config import Settings
from unseen.ops.doctor.diagnosis import Case, Found
from unseen.ops.doctor.leaks import last_lines
from unseen.plan import Plan
from unseen.result import Result
from unseen.search.subsample import SAMPLE_ROWS

#: measured: a process with NumPy, pyarrow, pandas, Pandera and MLflow loaded, after a retrain of a thousand rows
LIBRARIES = 330_000_000
#: while a block is read it is there decoded, as a frame, and encoded
READING = 3
#: responsibilities of a block, their logarithms and copies, in doubles per row and component
POSTERIOR = 8
#: temporaries of one tile of rows: features or completed rows, products with them, and what a thread keeps to reuse
TILE = 6
#: tables of matrices for missing patterns: those of two parameters, and what is gathered from them
PATTERNS = 4 * 8 * 2_000_000
#: the compiler of the kernels, where it is installed
COMPILER = 60_000_000
#: reading text: blocks of it, their columns, and the table that is made of them
PARSING, TEXT = 60_000_000, 2
#: what the allocator keeps of memory that was given back
SLACK = 1.25


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes of resident memory by what they are for; rows are ``held`` only by engines that keep them."""

    libraries: int
    held: int
    reading: int
    working: int

    @property
    def total(self) -> int:
        return self.libraries + round(SLACK * (self.held + self.reading + self.working))

    def __str__(self) -> str:
        return f"{self.total / 1e9:.2g} GB ({SLACK * self.held / 1e9:.2g} GB of them to hold the rows)"


def predict_memory(plan: Plan, settings: Settings) -> int:
    """Bytes of resident memory that a retrain will need at most, for the largest number of components.

    It is a bound, not a guess: a run that is predicted to fit should not be killed. Held rows grow with the data,
    the rest with the largest block, the number of workers, and components times columns.
    """
    return of_plan(plan, settings).total


def of_plan(plan: Plan, settings: Settings) -> Need:
    """What a retrain on surveyed data will need."""
    known, model = plan.known, _largest(plan, settings)
    parts = max(model.number or 1, latent_classes(model))
    return _need(model.slots, parts, known.profile, known.source, known.make, settings)


def _largest(plan: Plan, settings: Settings) -> Model:
    """The model with the largest number of components, states or factors that the columns can determine."""
    for number in sorted(settings.model.components, reverse=True)[:-1]:
        with suppress(ModelError):
            return plan.model_for(number).bind(plan.known.profile)
    return plan.model_for(min(settings.model.components)).bind(plan.known.profile)


def of_result(result: Result, source: Any, settings: Settings) -> Need:
    """What the next retrain on some source will need, by the columns of the last one; no row is read."""
    slots = result.model.slots
    make = engine_for(settings.fit.engine, source, sum(len(s.columns) for s in slots))
    parts = max(max(settings.model.components) if result.model.order else 1, latent_classes(result.model))
    return _need(slots, parts, result.profile, source, make, settings)


def _need(slots: Any, components: int, profile: Profile, source: Any, make: Any, settings: Settings) -> Need:
    parts, workers = source.manifest(), usable_cores()
    rows, largest = sum(p.rows for p in parts), max((p.rows for p in parts), default=0)
    # a row group's pages are read as a whole, whatever part of it is wanted
    group = max((p.where[3] for p in parts if len(p.where) == 4), default=0)
    side = 8 * sum(name is not None for name in (settings.data.weights, settings.data.labels))
    row = side + sum(_row_bytes(slot, profile) for slot in slots)
    # a text file that is small enough is one table in memory, whatever the engine
    table = 0 if hasattr(source, "paths") else rows * 8 * len(source.schema())
    parsing = PARSING + (TEXT - 1) * table if table else 0
    # of a row, a component takes the moments of the widest block, and categories
    d = max((len(s.columns) for s in slots if not s.coded), default=1)
    square = d * (d + 1) // 2
    moments = 1 + d + square
    features = moments + sum(len(c) for s in slots for c in s.categories)
    sample = min(rows, max(SAMPLE_ROWS, 10 * components * features))
    # doubles of a tile's row: features and densities; with missing cells the row as each component completes it, and
    # the conditional covariances of its pattern, which may be its own
    missing = any(c.missing for c in profile.columns)
    wide = components * (TILE * (d + 1) + square) if missing else TILE * (moments + components)
    tile = min(tile_rows(moments), largest) * wide
    return Need(
        libraries=LIBRARIES + (COMPILER if find_spec("llvmlite") else 0),
        held=table + (rows * row if traits_of(make).keeps_blocks else 0),
        reading=parsing + READING * (workers * largest + sample) * row + workers * group * row,
        working=workers * 8 * (POSTERIOR * largest * components + tile)
        + (PATTERNS if missing else 0)
        + 8 * 40 * components * features,
    )


def _row_bytes(slot: Any, profile: Profile) -> int:
    """Bytes of one row's cells in a slot, with the mask where something is missing."""
    masked = any(profile[c].missing for c in slot.columns)
    return len(slot.columns) * ((4 if slot.coded else 8) + masked)


def out_of_memory(case: Case) -> Found | None:
    """F6: a run over its limit, one that died without a word, or one whose next fit will not fit."""
    evidence = case.over(memory=True)
    if case.record is not None and case.record.outcome is None and not _at_work(case, case.record.id):
        where = _where(case, case.record.id)
        evidence.append(f"the run ended{where} without an outcome: it was killed, or its machine went down")
        evidence += _kills()
    happened, need = bool(evidence), _predicted(case) if case.around else None
    if need is not None and case.settings is not None:
        limit, free = case.settings.limits.memory_gb, memory.free_memory()
        if limit is not None and need.total > limit * 1e9:
            evidence.append(f"the next fit is predicted to need {need}, and limits.memory_gb is {limit:g}")
        elif need.total > free:
            evidence.append(f"the next fit is predicted to need {need}, and {free / 1e9:.2g} GB are free")
    cause = "rows held in memory and the temporaries of every worker, for the largest number of components"
    # what needs less, the one that costs least first
    outside = ["fit.engine: outofcore"] if need is None or need.held else []
    window = ["data.window: 6"] if case.settings else []
    command = case.change(*outside, *window, "model.components: 4")
    return Found("page" if happened else "ticket", evidence, cause, command)


def _predicted(case: Case) -> Need | None:
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


def _where(case: Case, id: str) -> str:
    """The stage that the run's last words are about."""
    for line in reversed(last_lines(case.places.events, id) if case.places else []):
        with suppress(ValueError, KeyError, TypeError):
            said = json.loads(line)
            if said["event"] == "stage started":
                return f" in stage {said['stage']!r}"
    return ""


def _at_work(case: Case, id: str) -> bool:
    """Whether a process holds the run's lock: then it has not ended."""
    if case.places is None:
        return False
    try:
        import fcntl

        with open(case.places.run(id) / ".lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):
        pass
    return False


def _kills() -> list[str]:
    """What the kernel says of this container, where it is one."""
    with suppress(OSError, ValueError, IndexError):
        for line in (memory.CONTAINER / "memory.events").read_text().splitlines():
            if line.startswith("oom_kill ") and (count := int(line.split()[1])):
                return [f"the kernel has killed {count} processes of this container for want of memory"]
    return []
