"""A standalone cluster: a worker is killed while a fit is under way, and the answer has the same bits."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import unseen
from tests.spark.cluster import ROOT, Cluster, environment, needs_spark
from tests.spark.driver import OPTIONS, model

pytestmark = [needs_spark(), pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> Path:
    rng = np.random.default_rng(3)
    folder = tmp_path_factory.mktemp("rows")
    for part in range(3):
        x = rng.normal(size=(20_000, 3)) + 3.0 * rng.integers(0, 3, 20_000)[:, None]
        x[rng.random(x.shape) < 0.02] = np.nan
        pq.write_table(pa.table({f"x{j}": x[:, j] for j in range(3)}), folder / f"{part}.parquet", row_group_size=5000)
    return folder


def driven(spark: Cluster, rows: Path, out: Path, *kill: str, ends: int = 0) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.spark.driver", str(rows), str(out), *kill],
        env=spark.submitted("--conf", "spark.task.maxFailures=8", "--conf", "spark.speculation=true"),
        capture_output=True,
        text=True,
        timeout=600,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == ends, done.stderr[-3000:]
    if ends:
        return {}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_worker_that_is_killed_changes_no_bit(standalone: Cluster, rows: Path, tmp_path: Path) -> None:
    here = unseen.fit(model(), rows, engine="memory", **OPTIONS)
    name = next(iter(standalone.workers))
    whole = driven(standalone, rows, tmp_path / "whole")
    killed = driven(standalone, rows, tmp_path / "killed", "4", str(standalone.workers[name].pid))
    assert whole["loglik"] == killed["loglik"] == here.loglik.hex()
    assert standalone.workers[name].poll() is not None, "the worker was not killed"
    one, other = unseen.load(tmp_path / "whole"), unseen.load(tmp_path / "killed")
    for key in here.params:
        assert np.array_equal(one.params[key], here.params[key]) and np.array_equal(other.params[key], here.params[key])


def test_a_driver_that_is_killed_goes_on_to_the_same_bits(standalone: Cluster, rows: Path, tmp_path: Path) -> None:
    seen: list[Any] = []
    here = unseen.fit(model(), rows, engine="memory", observers=[seen.append], **OPTIONS)
    assert driven(standalone, rows, tmp_path / "out", "6", "0", ends=-signal.SIGKILL) == {}
    again = driven(standalone, rows, tmp_path / "out")
    assert again["loglik"] == here.loglik.hex()
    whole = sum(event.name == "iteration" for event in seen)
    assert int(str(again["iterations"])) < whole - 3, "it began anew"


LACKING = """
import sys
sys.path[:0] = sys.argv[1:3]
from unseen.engines.spark import Spark
from unseen.errors import EngineError
from tests.spark.test_spark import Tenth
try:
    Spark([1, 2, 3]).total(Tenth())
except EngineError as error:
    print(error)
"""


def test_executors_without_the_package_are_told_what_to_do(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    env = environment(PYSPARK_PYTHON=str(tmp_path / "bare" / "bin" / "python"), PYSPARK_DRIVER_PYTHON=sys.executable)
    env |= {"PYSPARK_SUBMIT_ARGS": "--master local[1] --conf spark.task.maxFailures=1 pyspark-shell", "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", LACKING, str(ROOT / "src"), str(ROOT)],
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "the Python of the executors has no unseen: install it there" in done.stdout, done.stderr[-2000:]
