"""How often a federation finds what one machine finds: default fits of the same rows, pooled and at three sites.

python benchmarks/federated.py [--shared FOLDER]   prints a table in Markdown; FOLDER has heart/ and modeldata/
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import sklearn.datasets

import unseen
from unseen import Categorical, Gaussian, Mixture, Product, StudentT

HERE = Path(__file__).parents[1] / "tests" / "data"
SEEDS = (0, 1, 2)
#: share of the log-likelihood within which two fits found the same
SAME = 1e-3
HEART = ["age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak"]


def table(path: Path) -> dict[str, np.ndarray]:
    read = pyarrow.csv.read_csv(path, convert_options=pyarrow.csv.ConvertOptions(null_values=["NA", "", "?"]))
    return {name: read.column(name).to_pandas().to_numpy() for name in read.column_names}


def bunch(load: Any, columns: int | None = None, pieces: int = 0) -> dict[str, np.ndarray]:
    x = load().data
    if pieces:  # principal components: pixels that never change have no density
        x = x - x.mean(axis=0)
        x = np.round(x @ np.linalg.svd(x, full_matrices=False)[2][:pieces].T, 6)
    return {f"x{j}": x[:, j] for j in range(x.shape[1] if columns is None else columns)}


def cases(shared: Path) -> Iterator[tuple[str, Any, dict[str, np.ndarray], dict[str, Any], Any]]:
    """Name, model, columns, options, and the site of each row where the data say it."""
    yield "faithful", Mixture(Gaussian("full"), 3), table(HERE / "faithful.csv"), {}, None
    yield "galaxies", Mixture(Gaussian("full"), 4), table(HERE / "galaxies.csv"), {}, None
    air = {k: v for k, v in table(HERE / "airquality.csv").items() if k in ("Ozone", "Solar.R", "Wind", "Temp")}
    yield "airquality", Mixture(Gaussian("full"), 3), air, {}, None
    for name in ("carcinoma_patterns", "gss82_patterns"):
        data = table(HERE / f"{name}.csv")
        weight = next(k for k in data if k.lower() in ("count", "n", "weight", "freq", "frequency"))
        yield name, Mixture(Categorical(), 3), data, {"weights": weight}, None
    yield "iris", Mixture(Gaussian("full"), 3), bunch(sklearn.datasets.load_iris), {}, None
    yield "wine", Mixture(Gaussian("diagonal"), 3), bunch(sklearn.datasets.load_wine), {}, None
    cancer = bunch(sklearn.datasets.load_breast_cancer, 10)
    yield "breast cancer", Mixture(Gaussian("full"), 3), cancer, {}, None
    diabetes = bunch(sklearn.datasets.load_diabetes)
    yield "diabetes", Mixture(Gaussian("diagonal"), 4), diabetes, {}, None
    yield "digits", Mixture(Gaussian("full"), 10), bunch(sklearn.datasets.load_digits, pieces=6), {}, None
    yield "concrete", Mixture(StudentT(), 4), table(shared / "modeldata" / "concrete.csv"), {}, None
    hospitals = ("cleveland", "hungarian", "switzerland", "va")
    heart = [table(shared / "heart" / f"processed.{place}.data") for place in hospitals]
    sites = np.repeat(np.arange(4), [len(h["age"]) for h in heart])
    data = {name: np.concatenate([np.asarray(h[name], float) for h in heart]) for name in HEART}
    codes = ("sex", "cp", "fbs", "restecg", "exang")
    for code in codes:
        data[code] = np.array([None if np.isnan(c) else str(int(c)) for c in data[code]], object)
    numbers = tuple(k for k in HEART if k not in codes)
    yield "heart", Mixture(Product({numbers: Gaussian("diagonal"), codes: Categorical()}), 4), data, {}, sites


def split(data: dict[str, np.ndarray], sites: Any) -> dict[str, dict[str, np.ndarray]]:
    rows = len(next(iter(data.values())))
    if sites is None:  # sites that differ: rows in the order of the first column, cut in unequal parts
        order = np.argsort(next(iter(data.values())), kind="stable")
        sites = np.empty(rows, int)
        sites[order] = np.searchsorted([0.25, 0.6], np.arange(rows) / rows, side="right")
    return {f"site {s}": {k: v[sites == s] for k, v in data.items()} for s in np.unique(sites)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", nargs="*", default=())
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    heads = (
        "data",
        "rows",
        "sites",
        "pooled, best of 3",
        "pooled, worst",
        "federated, worst",
        "within 0.1 %",
        "seconds",
    )
    print(f"| {' | '.join(heads)} |\n|---{'|---:' * (len(heads) - 1)}|")
    for name, model, data, options, sites in cases(asked.shared):
        if asked.only and name not in asked.only:
            continue
        began = time.perf_counter()
        alone = [unseen.fit(model, data, seed=seed, **options).loglik for seed in SEEDS]
        pooled = max(alone)
        between = time.perf_counter()
        parts = split(data, sites)
        with unseen.Sites(parts, least_rows=5 if "patterns" in name else 20) as federation:
            found = [unseen.fit(model, federation, seed=seed, **options).loglik for seed in SEEDS]
        seconds = (between - began) / len(SEEDS), (time.perf_counter() - between) / len(SEEDS)
        good = sum(loglik >= pooled - SAME * abs(pooled) for loglik in found)
        rows = len(next(iter(data.values())))
        worst = f"{min(found):,.2f} ({100 * (min(found) - pooled) / abs(pooled):+.3f} %)"
        times = f"{seconds[0]:.1f}, {seconds[1]:.1f}"
        cells = (name, f"{rows:,}", len(parts), f"{pooled:,.2f}", f"{min(alone):,.2f}", worst, f"{good} of 3", times)
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
