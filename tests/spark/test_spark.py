"""Spark on this machine: every kind of model comes to the bits of one process, from files and from DataFrames."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import unseen
from tests.spark.cluster import environment, needs_spark
from tests.test_conformance import EXAMPLES
from unseen import DataError, EngineError, Gaussian, Incremental, MaxIterations, Mixture, ModelError, Params
from unseen.core.adding import add_in_tree
from unseen.engines import engine_for
from unseen.engines import spark as spark_engine
from unseen.engines.spark import Spark, spark_session
from unseen.sources import open_source
from unseen.testing.engines import check_engine

pytestmark = [needs_spark(), pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def spark() -> Any:
    from pyspark.sql import SparkSession

    for key, value in environment().items():
        if key.startswith(("SPARK", "PYSPARK")):
            os.environ[key] = value
    told = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.sql.shuffle.partitions": "3"}
    builder = SparkSession.builder.master("local[2]").appName("tests")
    for key, value in told.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def table(rows: int = 4000) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    state = np.repeat(rng.integers(0, 2, rows // 20), 20)
    x, y = rng.normal(3 * state, 1), rng.normal(-2 * state, 1)
    x[rng.random(rows) < 0.1] = np.nan
    return {
        "run": np.arange(rows) // 40,
        "x": x,
        "y": y,
        "plan": np.where(rng.random(rows) < 0.3 + 0.4 * state, "a", "b"),
    }


START = Params(weights=[0.5, 0.5], means=[[0.0, 0.0], [3.0, -2.0]], covariances=[np.eye(2), np.eye(2)])
SHORT: dict[str, Any] = {"start": START, "max_iterations": 6, "tol": 0.0}


def same(a: Any, b: Any) -> None:
    assert a.loglik == b.loglik
    for name in a.params:
        assert np.array_equal(a.params[name], b.params[name], equal_nan=True), name


def test_conformance(spark: Any) -> None:
    check_engine(Spark)
    assert Spark([1, 2, 3]).sum(Ten()).stats == 60


@dataclass(frozen=True)
class Ten:
    def __call__(self, block: int) -> int:
        return 10 * block


@dataclass(frozen=True)
class Tenth:
    def __call__(self, block: int) -> float:
        return 0.1 * block


@pytest.mark.parametrize("workers", [1, 7, 40])
def test_partitions_change_no_bit(spark: Any, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_engine, "WIDE", 3)
    monkeypatch.setattr(spark_engine, "NEIGHBOURS", 3)
    assert Spark(range(333), workers).total(Tenth()) == add_in_tree(0.1 * i for i in range(333))
    which = [5, 300, 17, 18, 19]
    assert Spark(range(333), workers).total(Tenth(), which) == add_in_tree(0.1 * i for i in which)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_kind_of_model(spark: Any, name: str) -> None:
    example = importlib.import_module(name).example()
    options = {**example.options, "start": example.params, "max_iterations": 3, "block_rows": 60}
    same(*(unseen.fit(example.model, example.data, engine=kind, **options) for kind in ("memory", "spark")))


def test_files_are_read_by_executors(spark: Any, tmp_path: Any) -> None:
    pq.write_table(pa.table(table()), tmp_path / "a.parquet", row_group_size=500)
    source = open_source(tmp_path / "a.parquet")[0]
    assert source.shared
    model = Mixture(Gaussian("full"), 2)
    options = {**SHORT, "ignore": ["run", "plan"], "block_rows": 300}
    same(*(unseen.fit(model, tmp_path / "a.parquet", engine=kind, **options) for kind in ("outofcore", "spark")))


def test_a_dataframe_stays_where_it_is(spark: Any) -> None:
    frame = spark.createDataFrame(pa.table(table())).repartition(5)
    source = open_source(frame, block_rows=300)[0]
    assert type(engine_for("auto", source, 2)([])).__name__ == "Spark"
    assert source.fingerprint()["rows"] == 4000 and {f.name: f.kind for f in source.schema()}["plan"] == "category"
    there = unseen.fit(Mixture(Gaussian("full"), 2), source, **SHORT, ignore=["run", "plan"])
    here = unseen.fit(Mixture(Gaussian("full"), 2), table(), **SHORT, ignore=["run", "plan"])
    assert there.loglik == pytest.approx(here.loglik, rel=1e-12), "the same rows in another order"


def test_units_are_put_together_once(spark: Any) -> None:
    rows = pa.table(table())
    frame = spark.createDataFrame(rows).repartition(4)
    # one row after the other of each run: a shuffle brings runs together, and keeps the order that rows have
    apart = spark.createDataFrame(rows.take(np.argsort(np.arange(len(rows)) % 40, kind="stable"))).coalesce(1)
    hmm = unseen.HMM(Gaussian("full"), 2)
    start = Params(
        **{k: v for k, v in START.items() if k != "weights"}, start=[0.5, 0.5], transitions=[[0.9, 0.1], [0.1, 0.9]]
    )
    options = {"start": start, "max_iterations": 5, "tol": 0.0, "unit": "run", "ignore": ["plan"]}
    here, there = (unseen.fit(hmm, data, **options, block_rows=200) for data in (table(), apart))
    assert there.loglik == pytest.approx(here.loglik, rel=1e-12)
    assert unseen.fit(hmm, frame, **{**options, "max_iterations": 1}).profile.rows == len(rows)


def test_the_search_runs_there(spark: Any) -> None:
    frame = spark.createDataFrame(pa.table({k: v for k, v in table().items() if k != "run"}))
    found = unseen.select(unseen.Mixture(Gaussian("full"), 1), frame, [1, 2, 3], ignore=["plan"], seed=0, restarts=2)
    assert len(found.params["weights"]) == 2


def test_an_error_of_the_data_keeps_its_sentence(spark: Any, tmp_path: Any) -> None:
    x = np.ones(4000)
    x[3000] = np.inf
    pq.write_table(pa.table({"x": x, "y": np.arange(4000.0)}), tmp_path / "a.parquet", row_group_size=500)
    with pytest.raises(DataError, match="'x' has 1 infinite values"):
        unseen.fit(Mixture(Gaussian("full"), 2), tmp_path / "a.parquet", engine="spark")
    holes = pa.table({"run": pa.array([1, None, 2]), "x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 4.0]})
    with pytest.raises(DataError, match="'run' is missing in 1 row"):
        unseen.fit(unseen.HMM(Gaussian("full"), 2), spark.createDataFrame(holes), unit="run")
    with pytest.raises(DataError, match="no column 'walk'"):
        unseen.fit(unseen.HMM(Gaussian("full"), 2), spark.createDataFrame(holes), unit="walk")
    with pytest.raises(ModelError, match="name the weight and label columns"):
        unseen.fit(Mixture(Gaussian("full"), 2), spark.createDataFrame(holes), weights=np.ones(3))


def test_what_vanishes_on_the_way_is_said(spark: Any, tmp_path: Any) -> None:
    pq.write_table(
        pa.table({"x": np.arange(4000.0), "y": np.arange(4000.0) ** 2}), tmp_path / "a.parquet", row_group_size=500
    )

    def gone(event: Any) -> None:
        (tmp_path / "a.parquet").unlink(missing_ok=True)

    with pytest.raises(DataError, match="there is no file"):
        unseen.fit(
            Mixture(Gaussian("full"), 2), tmp_path / "a.parquet", engine="spark", observers=[gone], tol=0.0, restarts=1
        )


def test_incremental_em_asks_some_blocks(spark: Any) -> None:
    options = {
        "start": START,
        "algorithm": Incremental(4),
        "stop": MaxIterations(2),
        "ignore": ["run", "plan"],
        "block_rows": 400,
    }
    same(*(unseen.fit(Mixture(Gaussian("full"), 2), table(), engine=kind, **options) for kind in ("memory", "spark")))


@dataclass(frozen=True)
class Slow:
    def __call__(self, block: int) -> int:
        time.sleep(30)
        return 1


def test_ctrl_c_cancels_the_job(spark: Any) -> None:
    threading.Timer(3.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        Spark([1, 2, 3, 4]).sum(Slow())
    until = time.monotonic() + 60
    while spark.sparkContext.statusTracker().getActiveStageIds() and time.monotonic() < until:
        time.sleep(0.2)
    assert not spark.sparkContext.statusTracker().getActiveStageIds() and began < until


def test_without_pyspark_or_java_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from pyspark.sql import SparkSession

    monkeypatch.setattr(SparkSession, "getActiveSession", staticmethod(lambda: None))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="Spark needs Java 17 or later, and there is no java on the PATH"):
        spark_session()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EngineError, match="there is none in JAVA_HOME"):
        spark_session()
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(EngineError, match=r"pip install 'unseen\[spark\]'"):
        spark_session()
