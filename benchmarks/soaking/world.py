"""Months of rows whose true density is known, and the loop that learns from them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

NUMBERS, PLANS = ("age", "spend", "visits"), ("a", "b", "c")
SHARES = np.array([0.5, 0.3, 0.2])
MEANS = np.array([[0.0, 0.0, 0.0], [6.0, 0.0, 3.0], [0.0, 7.0, -4.0]])
MISSING, STRAY = 0.05, 0.1
METRIC = "def value(result, table):\n    raise ValueError('4111 1111 1111 1111')\n"
SETTINGS = """\
name: visits
data: {path: months/*.parquet, window: 2}
schema:
  columns:
    age: {type: number, min: -10, max: 16, missing: 0.1, median: [-2, 4]}
    spend: {type: number, min: -10, max: 16, missing: 0.1, median: [-2, 3]}
    visits: {type: number, min: -14, max: 13, missing: 0.1, median: [-2, 2.5]}
    plan: {type: category, values: [a, b, c], missing: 0}
  duplicates: 0.05
  min_rows: 100
model: {components: 3}
fit: {restarts: 2, tol: 1.0e-5}
gates: {heldout_drop: 0.1, first: allow}
retries: {attempts: 2, first_seconds: 0.01, most_seconds: 0.02}
"""
ROOT = Path(__file__).parents[2]
#: the command, started by this very Python
UNSEEN = (sys.executable, "-c", "from unseen.cli import main; main()")


def rows(seed: int, count: int) -> pa.Table:
    """Three groups over three numbers and a category; some of the numbers are missing."""
    rng = np.random.default_rng(seed)
    group = rng.choice(3, count, p=SHARES)
    x = rng.normal(size=(count, 3)) + MEANS[group]
    x[rng.random(x.shape) < MISSING] = np.nan
    plan = np.array(PLANS)[(group + (rng.random(count) < STRAY)) % 3]
    return pa.table({**{name: pa.array(x[:, j], from_pandas=True) for j, name in enumerate(NUMBERS)}, "plan": plan})


def true_density(table: pa.Table) -> np.ndarray:
    """The log-density (n,) of each row under the distribution that drew it, missing cells integrated out."""
    x = np.column_stack([table.column(name).to_numpy(zero_copy_only=False) for name in NUMBERS])
    seen = ~np.isnan(x)
    plan = np.searchsorted(PLANS, table.column("plan").to_pylist())
    joint = np.empty((len(x), 3))
    for k in range(3):
        apart = np.where(seen, -0.5 * (x - MEANS[k]) ** 2 - 0.5 * np.log(2 * np.pi), 0.0)
        drawn = np.choose((plan - k) % 3, [1 - STRAY, STRAY, 0.0])
        with np.errstate(divide="ignore"):
            joint[:, k] = np.log(SHARES[k]) + apart.sum(axis=1) + np.log(drawn)
    top = joint.max(axis=1, keepdims=True)
    return (top + np.log(np.exp(joint - top).sum(axis=1, keepdims=True)))[:, 0]


@dataclass
class World:
    """A folder with months and an unseen.yaml. ``spoiled`` are batches with a month that is not as it was drawn."""

    folder: Path
    seed: int = 0
    count: int = 1200
    spoiled: set[str] = field(default_factory=set)
    commands: int = 0

    def __post_init__(self) -> None:
        (self.folder / "months").mkdir(parents=True, exist_ok=True)
        (self.folder / "unseen.yaml").write_text(SETTINGS)
        (self.folder / "judges.py").write_text(METRIC)
        self.clean = rows(10**9 + self.seed, 2000)
        self.truth = float(true_density(self.clean).mean())

    def path(self, month: int) -> Path:
        return self.folder / "months" / f"2024-{month:04d}.parquet"

    def drawn(self, month: int) -> pa.Table:
        return rows(self.seed * 100_003 + month, self.count)

    def deliver(self, month: int, table: pa.Table | None = None) -> Path:
        """Put a month where the loop looks, as it was drawn or as it is given; the old file goes at once."""
        path = self.path(month)
        fresh = path.with_name(f".{path.name}")
        pq.write_table(self.drawn(month) if table is None else table, fresh)
        os.replace(fresh, path)
        return path

    def settings(self, **changes: Any) -> Any:
        """Settings with some changed, as ``section__key=value``."""
        from unseen.ops.config import load

        return load(self.folder / "unseen.yaml", env=_variables(changes))

    def registry(self) -> Any:
        from unseen.ops.registry import Registry

        return Registry(self.settings())

    def batch(self, month: int) -> str:
        """What identifies the rows that a retrain would train on now."""
        from unseen.ops.ingest import take_in

        return str(take_in(self.settings(), f"2024-{month:04d}").batch.id)

    def retrain(self, month: int, **changes: Any) -> Any:
        """What the command does, in this process."""
        from unseen.ops.retrain import retrain

        self.commands += 1
        return retrain(self.settings(**changes), f"2024-{month:04d}", actor="soak")

    def start(self, month: int, *before: str, **changes: Any) -> subprocess.Popen[str]:
        """The command itself, as a process of its own; ``before`` is Python that it runs first."""
        self.commands += 1
        words = ["retrain", "-c", str(self.folder / "unseen.yaml"), "--until", f"2024-{month:04d}", "--actor", "soak"]
        program = UNSEEN if not before else (*UNSEEN[:2], "\n".join((*before, UNSEEN[2])))
        env = os.environ | _variables(changes) | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([*program, *words], env=env, cwd=self.folder, **streams)


def ended(process: subprocess.Popen[str]) -> str:
    """How a command ended: an outcome's name, "killed", or its exit code."""
    from unseen.ops.record import Outcome

    _, said = process.communicate(timeout=600)
    code = process.returncode
    if code == -signal.SIGKILL:
        return "killed"
    if "Traceback" in said:
        return "traceback"
    return next((o.value for o in Outcome if o.exit_code == code), f"exit {code}")


def _variables(changes: dict[str, Any]) -> dict[str, str]:
    return {f"UNSEEN__{key.upper()}": str(value) for key, value in changes.items()}
