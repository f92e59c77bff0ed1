"""How much memory a retrain will need, said before it starts."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from unseen.core.family import tile_rows
from unseen.core.model import Model, latent_classes
from unseen.core.profile import Profile
from unseen.core.workers import usable_cores
from unseen.errors import ModelError
from unseen.ops.config import Settings
from unseen.plan import Plan
from unseen.problem import engine_for
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
    known = plan.known
    model = _largest(plan, settings)
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
    parts = source.manifest()
    rows, largest = sum(p.rows for p in parts), max((p.rows for p in parts), default=0)
    missing = any(c.missing for c in profile.columns)
    side = 8 * sum(name is not None for name in (settings.data.weights, settings.data.labels))
    row = side + sum(_row_bytes(slot, profile) for slot in slots)
    on_disk = not make([]).traits.keeps_blocks
    workers = usable_cores()
    # a text file that is small enough is one table in memory, whatever the engine
    table = 0 if hasattr(source, "paths") else rows * 8 * len(source.schema())
    parsing = PARSING + (TEXT - 1) * table if table else 0
    sample = min(rows, max(SAMPLE_ROWS, 10 * components * _features(slots)))
    tile, wide = _tile(slots, components, missing)
    return Need(
        libraries=LIBRARIES + (COMPILER if find_spec("llvmlite") else 0),
        held=table + (0 if on_disk else rows * row),
        reading=parsing + READING * (workers * largest + sample) * row + workers * _groups(parts) * row,
        working=workers * 8 * (POSTERIOR * largest * components + min(tile, largest) * wide)
        + (PATTERNS if missing else 0)
        + 8 * 40 * components * _features(slots),
    )


def _row_bytes(slot: Any, profile: Profile) -> int:
    """Bytes of one row's cells in a slot, with the mask where something is missing."""
    each = 4 if slot.coded else 8
    masked = any(profile[c].missing for c in slot.columns)
    return len(slot.columns) * (each + (1 if masked else 0))


def _widest(slots: Any) -> int:
    return max((len(s.columns) for s in slots if not s.coded), default=1)


def _features(slots: Any) -> int:
    """Numbers that a component takes of a row: moments of the widest block, and categories."""
    d = _widest(slots)
    return 1 + d + d * (d + 1) // 2 + sum(len(c) for s in slots for c in s.categories)


def _tile(slots: Any, components: int, missing: bool) -> tuple[int, int]:
    """Rows of a tile, and doubles per row.

    A row's features and densities, several times; with missing cells, the row as each component completes it, and the
    conditional covariances of its pattern, which may be its own.
    """
    d = _widest(slots)
    features = 1 + d + d * (d + 1) // 2
    if not missing:
        return tile_rows(features), TILE * (features + components)
    return tile_rows(features), components * (TILE * (d + 1) + d * (d + 1) // 2)


def _groups(parts: Any) -> int:
    """Rows of the largest row group: its pages are read as a whole, whatever part of it is wanted."""
    return max((p.where[3] for p in parts if len(p.where) == 4), default=0)
