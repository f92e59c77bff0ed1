"""Spark MLlib's GaussianMixture, local mode, data cached and counted first; no start can be given to it."""

from __future__ import annotations

import os

import numpy as np
import psutil
import pyspark
from pyspark.ml.clustering import GaussianMixture
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import SparkSession

from . import CORES


def version() -> str:
    return f"{pyspark.__version__}, start its own"


def measure(case, folder, dtype) -> dict:
    import measure as clock  # the module that called us; imported late because it imports peers

    spark = (
        SparkSession.builder.master(f"local[{CORES}]")
        .config("spark.driver.memory", "6g")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    data = spark.read.parquet(parquet(case, folder)).repartition(CORES)  # one row group is one task
    data = VectorAssembler(inputCols=data.columns, outputCol="features").transform(data).select("features").cache()
    data.count()

    def fit(m: int):
        return GaussianMixture(k=case.k, tol=0.0, maxIter=m, seed=0).fit(data)

    first, _ = clock.seconds(fit, 1)
    one, _ = clock.seconds(fit, 1)
    many, model = clock.seconds(fit, 1 + case.iterations)
    family = [psutil.Process(os.getpid()), *psutil.Process(os.getpid()).children(recursive=True)]
    peak = sum(clock.peak_mb(process.pid) for process in family)
    rows = model.gaussiansDF.collect()
    params = {
        "weights": np.array(model.weights),
        "means": np.array([row["mean"].toArray() for row in rows]),
        "covariances": np.array([row["cov"].toArray() for row in rows]),
    }
    spark.stop()
    return {"first": first, "one": one, "many": many, "peak": peak, "params": params}


def parquet(case, folder) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    X = np.load(folder / "X-float64.npy")
    path = folder / "spark.parquet"
    pq.write_table(pa.table({f"x{j}": X[:, j] for j in range(case.d)}), path)
    return str(path)
