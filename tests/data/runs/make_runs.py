"""Write runs by whichever unseen is on the path, small ones of every kind, and what they are known to answer.

The runs in this folder were made with it once, by the code of the commit that their folder is named after (``format2``:
by the first code that wrote that format), and are never written again: they are what today's code must still read.

    git archive COMMIT src | tar x -C /tmp/then
    PYTHONPATH=/tmp/then/src python tests/data/runs/make_runs.py tests/data/runs/COMMIT [examples]

With ``examples`` only the worked case of each family and model.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import unseen as u
from unseen.store import save

ROWS = 6
Case = Callable[[], Any]
TINY = {"restarts": 2, "seed": 0, "max_iterations": 4}


def table(rows: int = 60) -> dict[str, Any]:
    """Two groups of rows in columns of every kind, with holes."""
    rng = np.random.default_rng(5)
    group = rng.integers(0, 2, rows)
    a, b, c, d = (rng.normal(2.0 * group, 1).round(2) for _ in range(4))
    hole = rng.random(rows) < 0.15
    return {
        "a": np.where(hole, np.nan, a),
        "b": (b + 0.7 * a).round(2),
        "c": (c - 0.4 * a).round(2),
        "d": d,
        "amount": np.where(rng.random(rows) < 0.3, 0.0, np.exp(rng.normal(1 + group, 0.5)).round(2) + 0.01),
        "wait": (rng.gamma(2.0, 1 + group) + 0.01).round(2),
        "share": rng.beta(2 + 3 * group, 2).round(3).clip(0.001, 0.999),
        "count": rng.poisson(1 + 4 * group),
        "zeros": np.where(rng.random(rows) < 0.5, 0, rng.poisson(3, rows)),
        "spread": rng.negative_binomial(2, 0.3, rows),
        "rating": rng.integers(1, 6, rows),
        "yes": (rng.random(rows) < 0.3 + 0.4 * group).astype(int),
        "city": np.where(hole, None, np.array(["north", "south"])[(group + (rng.random(rows) < 0.2)) % 2]),
        "weight": rng.integers(1, 4, rows).astype(float),
        "class": np.array([None, "one", "two"])[(1 + group) * (rng.random(rows) < 0.3)],
    }


def some(*names: str) -> dict[str, Any]:
    whole = table()
    return {name: whole[name] for name in names}


def of(family: Callable[[], Any], *names: str, components: int = 2, **options: Any) -> Case:
    """A mixture of a family over some columns of the table."""
    return lambda: (u.Mixture(family(), components), some(*names), {**TINY, **options})


def gaussian(form: str, **options: Any) -> Case:
    return of(lambda: u.Gaussian(form, **options), "a", "b", "c", "d")


def mixed() -> Any:
    inner = u.Hurdle(u.LogNormal(u.Gaussian("full"), logs=("amount",)), atoms={"amount": 0})
    terms = {("a", "amount"): inner, "wait": u.Gamma(), "share": u.Beta(), "spread": u.NegativeBinomial()}
    counts = {"zeros": u.ZeroInflated(u.Poisson()), "rating": u.Ordinal(), "city": u.Categorical()}
    return u.Product({**terms, **counts, "yes": u.Bernoulli(), "d": u.StudentT()})


CASES: dict[str, Case] = {
    "tied": gaussian("full", tied=True),
    "diagonal": gaussian("diagonal"),
    "spherical": gaussian("spherical"),
    "common_axes": gaussian("common"),
    "factors": gaussian("factors", factors=1),
    "tied_factors": gaussian("factors", factors=1, tied=True),
    "log_normal_factors": of(
        lambda: u.LogNormal(u.Gaussian("factors", factors=1)), "wait", "share", "weight", "rating"
    ),
    "hurdle_log_normal": of(lambda: u.Hurdle(u.LogNormal(), atoms={"amount": 0}), "amount", "wait"),
    "hurdle_found": of(lambda: u.Hurdle(u.Gaussian("full")), "amount", "a"),
    "hurdle_gamma": of(lambda: u.Hurdle(u.Gamma(), atoms={"amount": 0}), "amount"),
    "hurdle_negative_binomial": of(lambda: u.Hurdle(u.NegativeBinomial(), atoms={"zeros": 0}), "zeros"),
    "zero_inflated_negative_binomial": of(lambda: u.ZeroInflated(u.NegativeBinomial()), "zeros", "spread"),
    "student_t": of(u.StudentT, "a", "b"),
    "product": of(
        lambda: u.Product({("a", "b"): u.Gaussian(), "city": u.Categorical(), "count": u.Poisson()}),
        *("a", "b", "city", "count"),
    ),
    "everything": of(mixed, "a", "amount", "wait", "share", "spread", "zeros", "rating", "city", "yes", "d"),
    "weights": of(u.Gaussian, "a", "b", "weight", weights="weight"),
    "labels": of(u.Gaussian, "a", "b", "class", labels="class"),
    "prior": of(u.Gaussian, "a", "b", prior=1.5),
    "isotropic": lambda: (u.FactorAnalysis(1, "isotropic"), some("b", "c", "d"), TINY),
    "stationary": lambda: (u.HMM(u.Gaussian("diagonal"), 2, stationary=True), some("a", "b"), TINY),
    "two_experts": lambda: (u.LogisticExperts(2, target="yes"), some("b", "c", "yes"), TINY),
    "single": lambda: (u.Mixture(u.Gaussian(), 2), {n: x.astype(np.float32) for n, x in some("a", "b").items()}, TINY),
}


def chosen(criterion: str) -> Any:
    options = {**TINY, "criterion": criterion, "tol": 1e-4}
    return u.select(u.Mixture(u.Gaussian("diagonal"), 1), some("b", "c"), (1, 2), **options), some("b", "c")


def planned() -> Any:
    """What the command line makes of a table."""
    from unseen.plan import fitted, plan
    from unseen.sources import open_source

    data = some("a", "b", "c", "amount", "count", "city")
    return fitted(plan(open_source(data)[0], covariance="auto"), (1, 2), restarts=2, max_iterations=5), data


def examples() -> Iterator[tuple[str, Case]]:
    """The worked case of every family and model, ended after a few iterations."""
    for room in ("families", "models"):
        for module in pkgutil.iter_modules(importlib.import_module(f"unseen.{room}").__path__):
            e = importlib.import_module(f"unseen.{room}.{module.name}").example()
            options = {k: v for k, v in e.options.items() if k in ("labels", "start", "unit", "weights")}
            yield f"{room}.{module.name}", lambda e=e, o=options: (e.model, dict(e.data), {**TINY, **o, "restarts": 1})


def fitted_case(case: Case) -> Any:
    model, data, options = case()
    return u.fit(model, data, **options), data


def answers(result: Any, data: dict[str, Any]) -> dict[str, Any]:
    """What the code of that time says of the first rows, with those rows."""
    whole = result.model.unit.ordered  # what a state is depends on the rows before and after
    few = {name: column if whole else column[:ROWS] for name, column in data.items()}
    told: dict[str, Any] = {"loglik": result.loglik, "bic": result.bic, "outcome": result.outcome.name}
    told["params"] = {name: np.asarray(value).tolist() for name, value in result.params.items()}
    told["log_prob"] = result.log_prob(few).tolist()
    if hasattr(result.model, "posterior"):
        told["assign"] = result.assign(few).tolist()
    kinds = {name: str(np.asarray(column).dtype) for name, column in few.items()}
    rows = {name: [None if v != v else v for v in np.asarray(column).tolist()] for name, column in few.items()}
    return {"rows": rows, "dtypes": kinds, **told}


def main(target: Path, few: bool) -> None:
    cases = {name: (lambda c=case: fitted_case(c)) for name, case in [*examples(), *([] if few else CASES.items())]}
    if not few:
        cases |= {"select_bic": lambda: chosen("bic"), "select_heldout": lambda: chosen("heldout"), "planned": planned}
    for name, make in cases.items():
        try:
            result, data = make()
        except Exception as error:  # code of an earlier time lacks some kinds
            print(f"{name}: {type(error).__name__}: {error}")
            continue
        save(result, target / name)
        (target / f"{name}.json").write_text(json.dumps(answers(result, data)) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), "examples" in sys.argv[2:])
