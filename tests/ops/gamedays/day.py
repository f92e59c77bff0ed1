"""A small real loop with two versions, copied for each fault; and what Prometheus would say of its metrics."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from filelock import FileLock
from prometheus_client.parser import text_string_to_metric_families

from tests.ops.registry_case import empty_database
from tests.ops.stack import tool
from unseen.ops.config import Settings, load
from unseen.ops.doctor import Diagnosis, case_of, diagnose
from unseen.ops.doctor.examine import newest
from unseen.ops.places import Places
from unseen.ops.record import Outcome, Record
from unseen.ops.registry import Registry
from unseen.ops.retrain import retrain
from unseen.ops.watch import export, rules
from unseen.ops.watch.modes import alerts, rule
from unseen.ops.watch.rulebook import as_yaml

NAME, ROWS = "delays", 900
NUMBERS = ("delay", "distance", "air")
SETTINGS: dict[str, Any] = {
    "name": NAME,
    "data": {"path": "data/*.parquet"},
    "model": {"components": 2},
    "fit": {"restarts": 3},
    "gates": {"heldout_drop": 0.1, "first": "allow"},
    "retries": {"attempts": 2, "first_seconds": 0.01, "most_seconds": 0.02, "fits": 2},
}
LATER_MINUTES = 30


def table(rows: int = ROWS, seed: int = 0) -> dict[str, Any]:
    """Late and early flights: three numbers and a category."""
    draw = np.random.default_rng(seed)
    late = draw.random(rows) < 0.4
    return {
        "delay": np.where(late, draw.normal(60, 15, rows), draw.normal(5, 8, rows)),
        "distance": np.where(late, draw.normal(900, 200, rows), draw.normal(2000, 400, rows)),
        "air": draw.normal(120, 30, rows),
        "carrier": np.where(late, draw.choice(["AA", "B6"], rows), draw.choice(["UA", "B6"], rows)),
    }


def write(folder: Path, month: str, columns: Mapping[str, Any]) -> Path:
    path = folder / "data" / f"{month}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns)), path)
    return path


def settings(folder: Path, **sections: Any) -> Settings:
    """The settings of the loop with some keys changed, as a file and read from it."""
    said = {key: {**value} if isinstance(value, dict) else value for key, value in SETTINGS.items()}
    for name, values in sections.items():
        said[name] = {**said.get(name, {}), **values}
    (folder / "unseen.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
    return load(folder / "unseen.yaml", {})


def healthy(home: Path) -> Path:
    """Two months, two versions; made once for all processes of a test run."""
    with FileLock(f"{home}.lock"):
        if not (home / "done").exists():
            write(home, "2013-01", table(seed=1))
            made = settings(home)
            Places.of(made).home.mkdir(parents=True)
            shutil.copyfile(empty_database(), Places.of(made).home / "mlflow.db")
            assert retrain(made).outcome == Outcome.PROMOTED
            write(home, "2013-02", table(seed=2))
            assert retrain(made).outcome == Outcome.PROMOTED
            (home / "done").touch()
    return home


def copied(home: Path, target: Path) -> Path:
    """The loop in a folder of its own, MLflow's paths with it."""
    shutil.copytree(home, target, dirs_exist_ok=True)
    with sqlite3.connect(target / ".unseen" / "mlflow.db") as db:
        for name, column in (
            ("experiments", "artifact_location"),
            ("runs", "artifact_uri"),
            ("model_versions", "source"),
        ):
            db.execute(f"UPDATE {name} SET {column} = replace({column}, ?, ?)", (str(home), str(target)))
    return target


class Day:
    """One game day: the loop, the champion before the fault, and the four questions."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.folder = copied(home, folder)
        self.settings = settings(folder)
        before = Registry(self.settings).champion()
        assert before is not None and before.number == 2
        self.before = before.number

    def configure(self, **sections: Any) -> None:
        self.settings = settings(self.folder, **sections)

    def configure_as_it_stands(self) -> None:
        """Read the file that lies there."""
        self.settings = load(self.folder / "unseen.yaml", {})

    def last(self) -> str:
        """The id of the retrain that was worked on last."""
        id = newest(Places.of(self.settings))
        assert id is not None
        return id

    def arrives(self, columns: Mapping[str, Any], month: str = "2013-03") -> Path:
        return write(self.folder, month, columns)

    def retrain(self, **options: Any) -> Record:
        return retrain(self.settings, **options)

    # ---- detection

    def found(self, subject: str | None = None) -> dict[str, Diagnosis]:
        """What the doctor says of the last retrain, or of another run."""
        return {d.mode: d for d in diagnose(case_of(subject or NAME, self.settings))}

    # ---- alert

    def monitor(self) -> None:
        """What `unseen monitor` does, with the doctor's word."""
        assert not export(None, self.settings, [m for m, d in self.found().items() if d.severity != "note"])

    def firing(self, *expected: str | tuple[str, str]) -> None:
        """Exactly these alerts fire on the exported metrics: names, or names with the value of their own label."""
        known = {a.name: rule(a, mode, self.settings)["labels"] for a, mode in reversed(alerts())}
        samples = []
        for one in expected:
            name, value = (one, "") if isinstance(one, str) else one
            labels = {"alertname": name, "alertstate": "firing", **known[name]}
            if value:
                labels[_OWN[name]] = value
            if name == "UnseenRetrainFailed":
                labels["mode"] = _MODE_OF[value]
            samples.append({"labels": f"ALERTS{_braced(labels)}", "value": 1})
        said = promtool(self.folder, self.settings, samples)
        assert not said, said

    # ---- service

    def serves(self, version: int | None = None) -> None:
        """The champion is the one from before, every byte of it verified, and scores rows."""
        registry = Registry(self.settings)
        champion = registry.champion()
        assert champion is not None and champion.number == (version or self.before)
        result = registry.load(champion.number)
        assert np.isfinite(result.log_prob(table(50, seed=9))).all()
        assert registry.status()["champion"]["intact"]


_MODE_OF = {"unfit": "F1-non-convergence", "limit": "F6-out-of-memory"} | dict.fromkeys(
    ("error", "registry"), "F10-non-reproducible-run"
)
_OWN = {
    "UnseenRetrainFailed": "outcome",
    "UnseenBatchRefused": "outcome",
    "UnseenCandidateHeld": "outcome",
    "UnseenTampered": "kind",
    "UnseenRegistryTrouble": "kind",
    "UnseenDiagnosis": "mode",
}


def promtool(folder: Path, settings: Settings, firing: list[dict[str, Any]]) -> str:
    """What the real promtool objects to when the exported metrics stay as they are for half an hour."""
    (folder / "rules.yml").write_text(as_yaml(rules(settings)))
    look = {"expr": 'ALERTS{alertstate="firing"}', "eval_time": f"{LATER_MINUTES}m", "exp_samples": firing}
    test = {"interval": "1m", "input_series": list(_series(settings)), "promql_expr_test": [look]}
    body = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "tests.yml").write_text(yaml.safe_dump(body, width=10_000))
    command = [tool("promtool"), "test", "rules", "tests.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _series(settings: Settings) -> Any:
    """The text file as series that stand still; promtool's clock begins at zero, when the file was written."""
    now = time.time()
    for family in text_string_to_metric_families(Places.of(settings).metrics().read_text()):
        for sample in family.samples:
            value = sample.value - now if sample.name.endswith("_timestamp_seconds") else sample.value
            yield {
                "series": f"{sample.name}{_braced(sample.labels)}",
                "values": f"{Decimal(repr(float(value))):f}x{LATER_MINUTES + 1}",
            }


def _braced(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{key}="{value}"' for key, value in sorted(labels.items())) + "}"
