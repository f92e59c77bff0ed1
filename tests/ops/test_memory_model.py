"""The memory model against what processes really took."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from tests.ops.ingest_case import settings
from unseen.ops.doctor.memory import LIBRARIES, Need, of_plan, of_result, predict_memory
from unseen.ops.fitting import planned
from unseen.sources.files import open_files

#: a process with all that a retrain has loaded, and its fit
FIT = """
import sys
import mlflow.models, mlflow.pyfunc, pandera.pandas, scipy.optimize, sqlalchemy
from unseen.ops.config import Settings
from unseen.ops.doctor import predict_memory
from unseen.ops.judge import HoldOut
from unseen.ops.fitting import planned
from unseen.ops.retrain.learning import Learning
from unseen.ops.retrain.meter import peak_memory
from unseen.sources.files import open_files
settings = Settings.model_validate_json(sys.argv[1])
source = open_files(sys.argv[2])
plan = planned(settings, source)
Learning(settings, plan, HoldOut(source), None, lambda: None, lambda *_: None)._fit(0)
print(peak_memory(), predict_memory(plan, settings))
"""


def table(rows: int, numbers: int, missing: float = 0.0) -> pa.Table:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, rows)
    columns: dict[str, Any] = {}
    for j in range(numbers):
        hole = rng.random(rows) < missing if missing else None
        columns[f"x{j}"] = pa.array(rng.normal(size=rows) + 3 * group * (j % 2), mask=hole)
    return pa.table({**columns, "kind": np.array(["a", "b", "c"])[group]})


def loop(folder: Path, components: int, engine: str, **fit: Any) -> Any:
    quick = {"restarts": 2, "max_iterations": 3, "engine": engine, **fit}
    return settings(folder, model={"components": components}, fit=quick, retries={"fits": 1})


@pytest.mark.parametrize(
    ("rows", "numbers", "missing", "components", "engine"),
    [
        (300_000, 10, 0.0, 8, "threads"),
        (30_000, 12, 0.15, 4, "threads"),
    ],
)
def test_the_prediction_bounds_what_a_fit_takes(
    tmp_path: Path, rows: int, numbers: int, missing: float, components: int, engine: str
) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(table(rows, numbers, missing), path)
    given = loop(tmp_path, components, engine).model_dump_json(by_alias=True, exclude_unset=True)
    done = subprocess.run([sys.executable, "-c", FIT, given, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    took, predicted = map(int, done.stdout.split())
    assert took < predicted, f"{took / 1e6:.0f} MB were taken, {predicted / 1e6:.0f} MB were predicted"
    assert predicted < 2 * took, f"{took / 1e6:.0f} MB were taken, {predicted / 1e6:.0f} MB were predicted"


def need(folder: Path, rows: int = 40_000, components: int = 4, engine: str = "threads", numbers: int = 5) -> Need:
    path = folder / f"{rows}-{numbers}.parquet"
    if not path.exists():
        pq.write_table(table(rows, numbers), path)
    made = loop(folder, components, engine)
    return of_plan(planned(made, open_files(path)), made)


def test_rows_are_held_by_engines_that_keep_them(tmp_path: Path) -> None:
    few, many = need(tmp_path), need(tmp_path, rows=160_000)
    assert few.held == 40_000 * (5 * 8 + 4) and many.held == 4 * few.held
    assert need(tmp_path, engine="outofcore").held == 0
    assert need(tmp_path, engine="memory").held == few.held


def test_more_of_anything_needs_more(tmp_path: Path) -> None:
    least = need(tmp_path).total
    assert LIBRARIES < least < need(tmp_path, components=40).total
    assert least < need(tmp_path, rows=160_000).total and least < need(tmp_path, numbers=12).total


def test_a_text_file_is_a_table_in_memory(tmp_path: Path) -> None:
    rows = table(20_000, 3)
    pq.write_table(rows, tmp_path / "rows.parquet")
    pacsv.write_csv(rows, tmp_path / "rows.csv")
    made = loop(tmp_path, 2, "outofcore")
    text, binary = (of_plan(planned(made, open_files(tmp_path / name)), made) for name in ("rows.csv", "rows.parquet"))
    assert text.held == 20_000 * 4 * 8 and binary.held == 0 and text.total > binary.total


def test_the_next_fit_is_predicted_from_the_last_one_without_reading_a_row(tmp_path: Path) -> None:
    from unseen.ops.judge import HoldOut
    from unseen.ops.retrain.learning import Learning

    path = tmp_path / "rows.parquet"
    pq.write_table(table(3000, 4, 0.1), path)
    made, source = loop(tmp_path, 2, "auto"), open_files(path)
    plan = planned(made, source)
    result = Learning(made, plan, HoldOut(source), None, lambda: None, lambda *_: None)._fit(0)
    source.read = None
    assert of_result(result, source, made).total == predict_memory(plan, made)


def test_it_is_said_in_words() -> None:
    assert str(Need(330_000_000, 8_000_000_000, 100_000_000, 100_000_000)) == "11 GB (10 GB of them to hold the rows)"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's own word is taken")
def test_the_peak_of_a_process_is_not_that_of_its_parent() -> None:
    child = "from unseen.ops.retrain.meter import peak_memory; print(peak_memory())"
    parent = f"import subprocess, sys; x = b'1' * 400_000_000; subprocess.run([sys.executable, '-c', {child!r}])"
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=True)
    assert 10**7 < int(done.stdout) < 300_000_000
