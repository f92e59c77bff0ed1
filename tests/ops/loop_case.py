"""A small production loop in a folder: months of rows with holes, and an unseen.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from unseen.ops.config import Settings, load

SETTINGS: dict[str, Any] = {
    "name": "visits",
    "data": {"path": "months/*.parquet", "window": 2},
    "model": {"components": 3},
    "fit": {"restarts": 2, "tol": 1e-6},
    "gates": {"heldout_drop": 0.05, "first": "allow"},
    "retries": {"attempts": 2, "first_seconds": 0.01, "most_seconds": 0.02},
}


def month(folder: Path, number: int, *, rows: int = 1500, shift: float = 0.0, seed: int | None = None) -> Path:
    """One partition: three groups over three numbers and a category, 5 % of the numbers missing."""
    rng = np.random.default_rng(number if seed is None else seed)
    group = rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    x = rng.normal(size=(rows, 3)) + np.array([[0, 0, 0], [6, 0, 3], [0, 7, -4]])[group] + shift
    x[rng.random(x.shape) < 0.05] = np.nan
    kind = np.array(["a", "b", "c"])[(group + (rng.random(rows) < 0.1)) % 3]
    path = folder / "months" / f"2024-{number:02d}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {name: pa.array(x[:, j], from_pandas=True) for j, name in enumerate(("age", "spend", "visits"))}
    pq.write_table(pa.table({**columns, "plan": kind}), path)
    return path


def settings_at(folder: Path, **changes: Any) -> Settings:
    """Write unseen.yaml, with some sections changed, and load it."""
    body = {**SETTINGS}
    for section, value in changes.items():
        body[section] = {**body.get(section, {}), **value} if isinstance(value, dict) else value
    (folder / "unseen.yaml").write_text(yaml.safe_dump(body))
    return load(folder / "unseen.yaml", env={})
