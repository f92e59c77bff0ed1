"""What a retrain reports to those who keep track of runs: declared once, told to each tracker in the same words."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from unseen.ops.checked import Memory
from unseen.ops.config.settings import Settings
from unseen.ops.record import Batch, FitFacts, Record
from unseen.ops.registry.wrapping import column_types

#: inputs that are listed one by one; `batch` names all of them together
MOST_INPUTS = 100
LONGEST_KEY = 180
#: parameters that a record does not know by itself
OF_SETTINGS = ("kind", "criterion", "covariance", "algorithm", "start", "restarts", "tol", "prior")
#: parts of a record, what stands before the names of their metrics, and those
MEASURED = (
    ("fit", "", "iterations loglik bic seconds floors smallest_share smallest_spread"),
    ("validation", "validation.", "rows heldout heldout_se training champion gain gain_se calibration moved_share"),
    ("validation", "validation.", "metric champion_metric"),
    ("resources", "", "cpu_seconds peak_memory cost"),
)


@dataclass(frozen=True, slots=True)
class Input:
    """Rows that a fit was made of: what tells them from others, never one of them.

    ``digest`` is the SHA-256 of a partition's bytes, ``source`` where ``data.path`` says it lies, ``rows`` their number
    where it is known, ``columns`` types by name without those that are sensitive.
    """

    name: str
    digest: str
    source: str
    rows: int | None
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """One run: ``params`` of the fit, ``metrics`` at its end, ``history`` by iteration, ``inputs``, and the artefact.

    ``identity`` are the tags that make it one run, however often a tracker is told; ``started`` is in milliseconds.
    """

    name: str
    identity: Mapping[str, str]
    started: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)
    inputs: Sequence[Input] = ()
    artefact: Path | None = field(default=None, compare=False)


def report_of(
    settings: Settings,
    record: Record,
    result: Any,
    identity: Mapping[str, str],
    content: str,
    artefact: Path | None = None,
) -> Report:
    """What there is to report of a retrain that has a fit."""
    assert record.fit is not None and record.batch is not None
    found = [*_measured(record), *_missing(result, settings.privacy.sensitive)]
    return Report(
        name=record.id,
        identity=identity,
        started=milliseconds(record.started),
        tags=tags(
            parent=record.champion,
            content=content,
            passed=record.passed,
            refused_by=record.refused_by,
            batch=record.batch.id,
            git=record.git,
            settings=record.settings,
        ),
        params=_params(settings, record, record.fit, record.batch),
        metrics={name: float(value) for name, value in found if value is not None and math.isfinite(value)},
        history={"loglik_per_row": record.fit.trace},
        inputs=tuple(_inputs(settings, record.batch, result)),
        artefact=artefact,
    )


def tags(*, passed: bool, refused_by: Sequence[str], **facts: object) -> dict[str, str]:
    """What a version and its run are told apart by."""
    outcome = "passed" if passed else f"refused by {', '.join(refused_by) or 'no gate'}"
    return {f"unseen.{k}": str(v) for k, v in {**facts, "outcome": outcome}.items() if v is not None}


def milliseconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1000)


def metric_key(column: str) -> str:
    """A column's name as part of a metric's: any column may have one, and no two have the same.

    >>> metric_key("age"), metric_key("a//b")
    ('age', 'a__b-7a9acf33')
    """
    clean = re.sub(r"[^A-Za-z0-9_. :-]", "_", column)[:LONGEST_KEY]
    return clean if clean == column else f"{clean}-{hashlib.sha256(column.encode()).hexdigest()[:8]}"


def _params(settings: Settings, record: Record, fit: FitFacts, batch: Batch) -> dict[str, Any]:
    """What was fitted, and how."""
    said = {**settings.fit.model_dump(), "kind": settings.model.kind, "criterion": settings.model.criterion}
    said["covariance"] = settings.model.form
    return {
        **{name: said[name] for name in OF_SETTINGS},
        "components": fit.components,
        "seed": fit.seed,
        "batch": batch.id,
        "rows": batch.rows,
        "partitions": len(batch.partitions),
        "parent": record.champion,
        "outcome": fit.outcome,
        **{f"version.{name}": version for name, version in record.versions.items()},
    }


def _measured(record: Record) -> Iterator[tuple[str, float | None]]:
    for part, prefix, names in MEASURED:
        facts = getattr(record, part)
        for name in names.split() if facts else ():
            yield f"{prefix}{name}", getattr(facts, name)
    yield "retrain_seconds", record.resources.seconds if record.resources else None
    yield "gates_refused", len(record.refused_by)


def _missing(result: Any, sensitive: Sequence[str]) -> Iterator[tuple[str, float]]:
    """How much is missing in columns that may be named."""
    for c in result.profile.columns:
        if c.name not in sensitive and c.rows:
            yield f"missing_share.{metric_key(c.name)}", c.missing / c.rows


def _inputs(settings: Settings, batch: Batch, result: Any) -> Iterator[Input]:
    types = column_types(result)
    columns = {name: kind for name, kind in types.items() if name not in settings.privacy.sensitive}
    if len(batch.fingerprints) != len(batch.partitions):  # a record from before partitions were told one by one
        yield Input(settings.name, batch.id, settings.data.path, batch.rows, columns)
        return
    memory = Memory.of(settings)
    for name, digest in list(zip(batch.partitions, batch.fingerprints, strict=True))[-MOST_INPUTS:]:
        yield Input(name, digest, settings.data.path, memory.rows(digest), columns)
