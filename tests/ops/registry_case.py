"""A small fit, records of retrains, and registries in a folder of their own."""

from __future__ import annotations

import functools
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import unseen
from unseen.ops.config.settings import Settings
from unseen.ops.record import Batch, FitFacts, Record, Resources, Validation, Verdict
from unseen.ops.registry import Entry, Registry
from unseen.ops.registry.entry import REGISTERED

NAME = "people"
COLUMNS = ("age", "visits", "plan", "retired")
QUICK = {"attempts": 2, "first_seconds": 0.01, "most_seconds": 0.02}


def table(rows: int = 200, seed: int = 0) -> dict[str, Any]:
    """A number with gaps, whole numbers, a category and a boolean; two groups."""
    draw = np.random.default_rng(seed)
    old = draw.random(rows) < 0.5
    age = np.where(old, draw.normal(70, 5, rows), draw.normal(25, 4, rows))
    return {
        "age": np.where(draw.random(rows) < 0.1, np.nan, age),
        "visits": draw.poisson(np.where(old, 9, 2)),
        "plan": np.where(old, "gold", np.where(draw.random(rows) < 0.5, "blue", "red")),
        "retired": old ^ (draw.random(rows) < 0.05),
    }


@functools.cache
def fitted(components: int = 2) -> Any:
    terms = {
        ("age",): unseen.Gaussian(),
        ("visits",): unseen.Poisson(),
        ("plan",): unseen.Categorical(),
        ("retired",): unseen.Bernoulli(),
    }
    return unseen.fit(unseen.Mixture(unseen.Product(terms), components), table(), restarts=1)


def settings(folder: Path, **more: Any) -> Settings:
    known = Settings.model_validate({"name": NAME, "data": {"path": "data"}, "retries": QUICK, **more})
    known._folder = folder
    return known


def registry(folder: Path, **more: Any) -> Registry:
    return Registry(settings(folder, **more))


def record(id: str, *, passed: bool = True, champion: int | None = None, **more: Any) -> Record:
    result = fitted()
    facts: dict[str, Any] = {
        "id": id,
        "name": NAME,
        "started": "2026-01-02T03:04:05+00:00",
        "batch": Batch(id=f"batch-{id}", partitions=("a", "b"), rows=200, fingerprints=("a" * 64, "b" * 64)),
        "settings": "5e771495",
        "git": "c0ffee",
        "versions": {"unseen": unseen.__version__},
        "champion": champion,
        "fit": FitFacts(
            outcome="converged",
            components=2,
            iterations=3,
            loglik=result.loglik,
            bic=result.bic,
            seed=0,
            seconds=0.5,
            floors=0,
            smallest_share=0.4,
            trace=(-9.0, -8.5, -8.25),
        ),
        "validation": Validation(rows=40, heldout=-8.3, heldout_se=0.1, training=-8.2),
        "gates": (Verdict(gate="heldout_drop", passed=passed, reason="as measured"),),
        "resources": Resources(seconds=1.0, cpu_seconds=1.5, peak_memory=10**8, cost=0.01),
    }
    return Record(**{**facts, **more})


def saved(registry: Registry, id: str) -> Path:
    """A retrain's folder with its fit in it."""
    run = registry.places.run(id)
    if not (run / "model").exists():
        fitted().save(run / "model")
    return run


def planted(registry: Registry, id: str, *, passed: bool = True, champion: int | None = None) -> int:
    """A version without MLflow's help: its artefact as it would lie, its row in the database, its line in the log."""
    from unseen.ops.registry import artefact
    from unseen.store import read_manifest

    number = len(registry.versions()) + 1
    in_database(registry, number, id)
    place = Path("artifacts") / id / "artifacts" / "model"
    folder = registry.places.home / place
    shutil.copytree(saved(registry, id) / "model", folder / artefact.FIT)
    (folder / "MLmodel").write_text("flavors: {}\n")
    registry.log.append(
        REGISTERED,
        name=NAME,
        version=number,
        record=id,
        run=f"run-{id}",
        artifact=str(place),
        content=read_manifest(folder / artefact.FIT).content,
        files=artefact.hashes(folder),
        parent=champion,
        batch=f"batch-{id}",
        rows=200,
        passed=passed,
        refused_by=[] if passed else ["heldout_drop"],
    )
    return number


def in_database(registry: Registry, number: int, record: str) -> None:
    """MLflow's own rows of a version."""
    path = registry.places.home / "mlflow.db"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(empty_database(), path)
    with closing(sqlite3.connect(path)) as tables, tables:
        tables.execute("INSERT OR IGNORE INTO registered_models (name) VALUES (?)", [NAME])
        version = "INSERT INTO model_versions (name, version, current_stage, status) VALUES (?, ?, 'None', 'READY')"
        tables.execute(version, [NAME, number])
        tag = "INSERT INTO model_version_tags (name, version, key, value) VALUES (?, ?, 'unseen.record', ?)"
        tables.execute(tag, [NAME, number, record])


def pointing(registry: Registry, **aliases: int | None) -> None:
    """MLflow's aliases, moved behind our back."""
    with closing(sqlite3.connect(registry.places.home / "mlflow.db")) as tables, tables:
        for alias, number in aliases.items():
            tables.execute("DELETE FROM registered_model_aliases WHERE name = ? AND alias = ?", [NAME, alias])
            row = "INSERT INTO registered_model_aliases (name, alias, version) VALUES (?, ?, ?)"
            _ = number is None or tables.execute(row, [NAME, alias, number])


def promote(loop: Registry, version: int, **more: Any) -> Entry:
    """By hand, after a look at the champion; the aliases stay."""
    return loop.promote(version, champion(loop), "because", align=False, **more)


def champion(loop: Registry) -> int | None:
    now = loop.champion()
    return now.number if now else None


def registered(loop: Registry, id: str, **more: Any) -> int:
    return loop.register(record(id, **more), saved(loop, id))


def ask(loop: Registry, question: Any) -> Any:
    """What MLflow itself says."""
    return loop.tracking.call("tell", question)


def aliases(loop: Registry) -> dict[str, int]:
    found = ask(loop, lambda c: c.get_registered_model(NAME).aliases)
    return {name: int(number) for name, number in found.items()}


def with_database(folder: Path, **more: Any) -> Registry:
    """A registry whose MLflow database has its tables already: making them takes MLflow seconds."""
    made = registry(folder, **more)
    made.places.home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(empty_database(), made.places.home / "mlflow.db")
    return made


@functools.cache
def empty_database() -> Path:
    """An MLflow database without content, made once for all tests of this machine and version."""
    import mlflow
    from filelock import FileLock

    from unseen.ops.registry.opening import client

    home = Path(tempfile.gettempdir()) / f"unseen-tests-mlflow-{mlflow.__version__}-{os.getuid()}"
    with FileLock(f"{home}.lock"):
        if not (home / "done").exists():
            shutil.rmtree(home, ignore_errors=True)
            client(settings(home, registry={"uri": f"sqlite:///{home}/empty.db"}))
            (home / "done").touch()
    return home / "empty.db"


def python(code: str, *args: object, **environment: str) -> subprocess.Popen[str]:
    """Another process with the names of this file."""
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys\nfrom tests.ops.registry_case import *\n{code}", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environment},
    )


@contextmanager
def holding(database: Path) -> Iterator[None]:
    """Another process has the SQLite file for itself."""
    code = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(120)
"""
    process = subprocess.Popen([sys.executable, "-c", code, database], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    try:
        yield
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def flip(path: Path) -> None:
    """One bit of a file, in its middle."""
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
