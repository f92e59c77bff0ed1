"""Spark: seconds of an iteration against MLlib's GaussianMixture, in one session on the same rows.

spark-submit --master local[2] benchmarks/spark.py [ROWS]       or: python benchmarks/spark.py
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from typing import Any

import numpy as np

COLUMNS, K, ROUNDS, MORE = 8, 16, 3, 3


def main(rows: int = 1_000_000) -> None:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    import pyspark
    from pyspark.ml.clustering import GaussianMixture
    from pyspark.ml.feature import VectorAssembler
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    import unseen
    from unseen.sources import open_source

    master = os.environ.get("SPARK_MASTER", "local[2]")
    builder = SparkSession.builder.master(master).config("spark.driver.memory", "4g")
    session = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    names = [f"x{j}" for j in range(COLUMNS)]
    centre = F.floor(F.rand(seed=1) * K)
    columns = [(F.randn(seed=10 + j) + 2.5 * F.sin(centre * (j + 1))).alias(n) for j, n in enumerate(names)]
    frame = session.range(rows, numPartitions=8).select(*columns).persist()
    vectors = VectorAssembler(inputCols=names, outputCol="features").transform(frame).select("features").persist()
    assert frame.count() == vectors.count() == rows
    source = open_source(frame)[0]
    x = np.array(frame.limit(200).collect())
    start = unseen.Params(weights=np.full(K, 1 / K), means=x[:K], covariances=np.array([np.cov(x.T)] * K))
    model = unseen.Mixture(unseen.Gaussian("full"), K)

    def ours(n: int) -> Any:
        return unseen.fit(model, source, start=start, max_iterations=n, tol=0.0).loglik / rows

    def theirs(n: int) -> Any:
        fitted = GaussianMixture(k=K, maxIter=n, tol=0.0, seed=1).fit(vectors)
        return fitted.summary.logLikelihood / rows

    each: dict[str, list[float]] = {"unseen": [], "MLlib": []}
    reached: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, fit in (("unseen", ours), ("MLlib", theirs)):
            took = []
            for n in (1, 1 + MORE):
                began = time.perf_counter()
                reached[name] = fit(n)
                took.append(time.perf_counter() - began)
            each[name].append((took[1] - took[0]) / MORE)
            print(f"{name}: {each[name][-1]:.3f} s an iteration", file=sys.stderr, flush=True)
    found = {name: statistics.median(several) for name, several in each.items()}
    told = {
        "rows": rows,
        "columns": COLUMNS,
        "K": K,
        "master": master,
        "pyspark": pyspark.__version__,
        "numpy": np.__version__,
    }
    print(json.dumps({**told, **found, "ratio": found["MLlib"] / found["unseen"], "reached": reached, "all": each}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
