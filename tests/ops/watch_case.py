"""Complete records, a log that tells of them, and settings, without a single fit."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from prometheus_client.parser import text_string_to_metric_families

from unseen.ops import files
from unseen.ops.config.settings import Settings
from unseen.ops.places import Places
from unseen.ops.record import (
    Attempt,
    Batch,
    Finding,
    FitFacts,
    Match,
    Outcome,
    Record,
    Resources,
    Validation,
    Verdict,
)
from unseen.ops.registry import Log
from unseen.ops.watch.exporting import collect, text

NAME = "flights"


def settings(folder: Path, **sections: Any) -> Settings:
    """Settings whose file lies in ``folder``."""
    made = Settings.model_validate({"name": NAME, "data": {"path": "data"}, **sections})
    made._folder = folder
    return made


def record(id: str = "r1", outcome: Outcome = Outcome.PROMOTED, **facts: Any) -> Record:
    """A retrain about which everything is known."""
    trace = tuple(-5.0 + 0.9 * (1 - 0.5**i) for i in range(40))
    full = {
        "started": "2026-01-02T03:00:00+00:00",
        "finished": "2026-01-02T03:01:00+00:00",
        "reason": "all gates passed",
        "stages": {"begin": 0.1, "schema": 1.0, "fit": 50.0, "validate": 5.0},
        "batch": Batch(id="b1", partitions=("2026-01",), rows=10_000),
        "settings": "0123456789abcdef",
        "fit": FitFacts(
            outcome="converged", components=3, iterations=40, loglik=-41_000.0, bic=82_500.0, seed=0, seconds=49.0,
            floors=0, smallest_share=0.2, smallest_spread=0.5, trace=trace,
        ),
        "validation": Validation(
            rows=2000, heldout=-4.15, heldout_se=0.02, training=-4.1, champion=-4.2, gain=0.05, gain_se=0.01,
            calibration=0.01, moved_share=0.03, metric=0.7, champion_metric=0.6,
            matches=(
                Match(kind="kept", candidate=(0,), champion=(1,), share_before=0.5, share_after=0.4, distance=0.1),
                Match(kind="split", candidate=(1, 2), champion=(0,), share_before=0.5, share_after=0.6),
            ),
        ),
        "gates": (
            Verdict(gate="heldout_drop", passed=True, measured=0.05, threshold=-0.01, reason="better"),
            Verdict(gate="calibration", passed=False, reason="could not be measured"),
        ),
        "resources": Resources(seconds=60.0, cpu_seconds=100.0, peak_memory=500_000_000, cost=0.25),
        "attempts": (Attempt(stage="fit", number=1, error="ran into the cap"),),
    }  # fmt: skip
    return Record(id=id, name=NAME, outcome=outcome, **{**full, **facts})


def finding(check: str, column: str | None) -> Finding:
    return Finding(check=check, column=column, message=f"{check} of {column}")


def at(hours_ago: float) -> Any:
    """The log's clock, set back."""
    then = (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat(timespec="milliseconds")
    return patch("unseen.ops.registry.entry.now", lambda: then)


def log(settings: Settings, kind: str, hours_ago: float = 0.0, **facts: Any) -> None:
    with at(hours_ago):
        Log(Places.of(settings)).append(kind, actor="tester", **facts)


def keep(settings: Settings, record: Record) -> None:
    """Save a record as the journal does."""
    files.write(Places.of(settings).run(record.id) / "record.json", record.model_dump_json())


def ended(settings: Settings, record: Record, hours_ago: float = 0.0) -> Record:
    """A retrain that has ended: its record on disk and its line in the log."""
    keep(settings, record)
    assert record.outcome is not None
    log(settings, "retrain", hours_ago, record=record.id, outcome=record.outcome.value)
    return record


def champion(settings: Settings, number: int = 1) -> Path:
    """A version in production with an artefact of one file, which is returned."""
    home = Places.of(settings).home
    file = home / "artifacts" / str(number) / "fit"
    files.write(file, "parameters")
    facts = {
        "version": number, "record": "r1", "run": "run", "artifact": f"artifacts/{number}", "content": "c",
        "files": {"fit": hashlib.sha256(b"parameters").hexdigest()}, "parent": None, "batch": "b1", "rows": 10,
        "passed": True, "refused_by": [],
    }  # fmt: skip
    log(settings, "registered", name=NAME, **facts)
    log(settings, "promoted", name=NAME, version=number, **{"from": None})
    aliased(settings, champion=number)
    return file


_TABLES = {
    "registered_model_aliases": "name, alias, version",
    "model_versions": "name, version, current_stage",
    "model_version_tags": "name, version, key, value",
    "experiments": "name, artifact_location",
}


def aliased(settings: Settings, **aliases: int) -> None:
    """MLflow's own table of aliases, as far as it is read without MLflow."""
    with sqlite3.connect(Places.of(settings).home / "mlflow.db") as db:
        for table, columns in _TABLES.items():
            db.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
            db.execute(f"DELETE FROM {table}")
        known = [e.facts for e in Log(Places.of(settings)).entries() if e.kind == "registered"]
        db.executemany("INSERT INTO model_versions VALUES (?, ?, 'None')", [(NAME, f["version"]) for f in known])
        rows = [(NAME, alias, number) for alias, number in aliases.items()]
        db.executemany("INSERT INTO registered_model_aliases VALUES (?, ?, ?)", rows)


Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


def measured(settings: Settings, record: Record | None = None, modes: list[str] | None = None) -> Measured:
    return Measured(text(collect(settings, record, modes)))


class Measured(Mapping[str, float]):
    """An exposition, read by prometheus_client's own parser: ``m["name", "label=value"]``."""

    def __init__(self, exposition: str) -> None:
        self.families = list(text_string_to_metric_families(exposition))
        self.values_by: Values = {}
        for family in self.families:
            for sample in family.samples:
                labels = {k: v for k, v in sample.labels.items() if k != "model"}
                self.values_by[sample.name, frozenset(labels.items())] = sample.value

    def __getitem__(self, key: Any) -> float:
        name, *labels = key if isinstance(key, tuple) else (key,)
        return self.values_by[name, frozenset(tuple(label.split("=", 1)) for label in labels)]  # type: ignore[misc]

    def __iter__(self) -> Any:
        return iter({name for name, _ in self.values_by})

    def __len__(self) -> int:
        return len(self.values_by)

    def labels(self, name: str, label: str) -> set[str]:
        return {dict(labels)[label] for known, labels in self.values_by if known == name}
