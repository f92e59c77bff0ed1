"""What a retrain reports to those who keep track of runs: declared once, told to each `Tracker` in the same words."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from unseen.ops.checked import Memory
from unseen.ops.config.settings import Settings
from unseen.ops.places import Places
from unseen.ops.record import Record
from unseen.ops.registry.wrapping import column_types

#: inputs that are listed one by one; `batch` names all of them together
MOST_INPUTS = 100
LONGEST_KEY = 180
#: parameters that a record does not know by itself
OF_SETTINGS = ("kind", "criterion", "covariance", "algorithm", "start", "restarts", "tol", "prior")


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

    ``identity`` are the tags that make it one run, however often it is told; ``started`` is in milliseconds.
    """

    name: str
    identity: Mapping[str, str]
    started: int
    tags: Mapping[str, str]
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    history: Mapping[str, Sequence[float]]
    inputs: Sequence[Input] = ()
    artefact: Path | None = field(default=None, compare=False)


class Tracker(Protocol):
    """Someone who keeps track of runs."""

    def report(self, report: Report) -> Any:
        """Keep a run with its artefact; told twice, it is one run."""
        ...


def report_of(
    settings: Settings,
    record: Record,
    result: Any,
    identity: Mapping[str, str],
    content: str,
    artefact: Path | None = None,
) -> Report:
    """What there is to report of a retrain that has a fit."""
    found = [*_measured(record), *_missing(result, settings.privacy.sensitive)]
    return Report(
        name=record.id,
        identity=identity,
        started=int(datetime.fromisoformat(record.started).timestamp() * 1000),
        tags=_tags(record, content),
        params=_params(record, settings),
        metrics={name: float(value) for name, value in found if value is not None and math.isfinite(value)},
        history={"loglik_per_row": record.fit.trace if record.fit else ()},
        inputs=tuple(_inputs(settings, record, result)),
        artefact=artefact,
    )


def metric_key(column: str) -> str:
    """A column's name as part of a metric's: any column may have one, and no two have the same.

    >>> metric_key("age"), metric_key("a//b")
    ('age', 'a__b-7a9acf33')
    """
    clean = re.sub(r"[^A-Za-z0-9_. :-]", "_", column)[:LONGEST_KEY]
    return clean if clean == column else f"{clean}-{hashlib.sha256(column.encode()).hexdigest()[:8]}"


def _tags(record: Record, content: str) -> dict[str, str]:
    refused = [v.gate for v in record.gates if not v.passed]
    tags = {
        "unseen.batch": record.batch.id if record.batch else None,
        "unseen.git": record.git,
        "unseen.parent": record.champion,
        "unseen.settings": record.settings,
        "unseen.content": content,
        "unseen.outcome": "passed" if record.gates and not refused else f"refused by {', '.join(refused) or 'no gate'}",
    }
    return {key: str(value) for key, value in tags.items() if value is not None}


def _params(record: Record, settings: Settings) -> dict[str, Any]:
    """What was fitted, and how."""
    assert record.fit is not None and record.batch is not None
    said = {**settings.fit.model_dump(), "kind": settings.model.kind, "criterion": settings.model.criterion}
    said["covariance"] = settings.model.form
    return {
        **{name: said[name] for name in OF_SETTINGS},
        "components": record.fit.components,
        "seed": record.fit.seed,
        "batch": record.batch.id,
        "rows": record.batch.rows,
        "partitions": len(record.batch.partitions),
        "parent": record.champion,
        "outcome": record.fit.outcome,
        **{f"version.{name}": version for name, version in record.versions.items()},
    }


def _measured(record: Record) -> Iterator[tuple[str, float | None]]:
    fit, validation, used = record.fit, record.validation, record.resources
    assert fit is not None
    for name in ("iterations", "loglik", "bic", "seconds", "floors", "smallest_share", "smallest_spread"):
        yield name, getattr(fit, name)
    measured = ("rows", "heldout", "heldout_se", "training", "champion", "gain", "gain_se", "calibration")
    for name in (*measured, "moved_share", "metric", "champion_metric") if validation else ():
        yield f"validation.{name}", getattr(validation, name)
    for name in ("cpu_seconds", "peak_memory", "cost") if used else ():
        yield name, getattr(used, name)
    yield "retrain_seconds", None if used is None else used.seconds
    yield "gates_refused", sum(not v.passed for v in record.gates)


def _missing(result: Any, sensitive: Sequence[str]) -> Iterator[tuple[str, float]]:
    """How much is missing in columns that may be named."""
    for c in result.profile.columns:
        if c.name not in sensitive and c.rows:
            yield f"missing_share.{metric_key(c.name)}", c.missing / c.rows


def _inputs(settings: Settings, record: Record, result: Any) -> Iterator[Input]:
    batch = record.batch
    assert batch is not None
    types = column_types(result)
    columns = {name: kind for name, kind in types.items() if name not in settings.privacy.sensitive}
    if len(batch.fingerprints) != len(batch.partitions):  # a record from before partitions were told one by one
        yield Input(settings.name, batch.id, settings.data.path, batch.rows, columns)
        return
    memory = Memory(Places.of(settings))
    for name, digest in list(zip(batch.partitions, batch.fingerprints, strict=True))[-MOST_INPUTS:]:
        yield Input(name, digest, settings.data.path, memory.rows(digest), columns)
