"""From data and a model to a fitted result: one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unseen.core.algorithm import Algorithm
from unseen.core.observe import Observer
from unseen.core.stats import Params
from unseen.core.stop import Converged, MaxIterations, MaxSeconds, Rule
from unseen.errors import ModelError
from unseen.loop import check_pair
from unseen.problem import Problem, pose
from unseen.result import Result, close


def fit(
    model: Any,
    data: Any,
    *,
    start: str | Params = "auto",
    restarts: int | None = None,
    seed: int = 0,
    weights: Any = None,
    labels: Any = None,
    unit: str | None = None,
    ignore: Sequence[str] = (),
    prior: float = 0.0,
    algorithm: Algorithm | None = None,
    engine: str | Any = "auto",
    workers: int | None = None,
    tol: float = 1e-7,
    max_iterations: int = 1000,
    max_seconds: float | None = None,
    stop: Rule | None = None,
    short: int = 15,
    finish: int | None = None,
    block_rows: int | None = None,
    observers: Sequence[Observer] = (),
) -> Result:
    r"""Fit a latent-variable model by expectation-maximization.

    .. math:: \theta_{t+1} = \arg\max_\theta \; E[\log p(x, z; \theta) \mid x, \theta_t] + \log p(\theta)

    Parameters
    ----------
    model : for example ``Mixture(Gaussian("full"), 3)``
    data : NumPy array, dict of columns, pandas or polars or pyarrow table, path of a Parquet or CSV file (or
        several, or a folder), or a source; NaN, None and null are missing cells
    start : ``"kmeans++"``, ``"random"``, ``"labels"``, or parameters, as from a previous fit; ``"auto"`` takes
        labels if there are any, k-means++ else
    restarts : how many starts; each is run shortly and the best ``finish`` are run to the end. By default 10
        where the start is drawn, 1 where it is given
    seed : the whole run is a function of the data, the arguments and this number
    weights, labels : column name, or one value per row; a row of weight w counts as w copies; a label that is
        missing is unknown
    unit : the column that names the sequence a row belongs to, for sequential models
    prior : strength of a conjugate prior, in pseudo-rows per component; 0 is maximum likelihood
    tol : stop when less than this is left to gain per row; ``max_iterations`` and ``max_seconds`` are caps;
        ``stop`` replaces all three by a rule such as ``Converged(1e-10) | MaxIterations(50)``

    Raises
    ------
    DataError
        The data cannot be used as given; the message names the column and the knob.
    ModelError
        The model, the algorithm and the data do not go together.

    >>> import numpy as np, unseen
    >>> x = np.random.default_rng(0).normal([[0.0], [9.0]], 1, (2, 50)).reshape(-1, 1)
    >>> result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), x, seed=0)
    >>> result.outcome.name
    'converged'

    Source: Dempster, Laird & Rubin (1977), J. R. Statist. Soc. B 39, 1-38.
    """
    from unseen.algorithms.batch import Batch
    from unseen.search.restarts import restart
    from unseen.sources import open_source

    schedule: Algorithm = Batch() if algorithm is None else algorithm
    check_pair(model, schedule)
    whole = model.sequential and unit is None
    source, weights, labels = open_source(data, weights, labels, unit=unit, whole=whole, block_rows=block_rows)
    problem = pose(model, source, weights=weights, labels=labels, ignore=ignore, engine=engine, workers=workers)
    rule = stop or _rule(tol, max_iterations, max_seconds)
    pseudo = problem.model.prior(prior) if prior else None
    begin = _start(start, problem)
    count = restarts or (10 if start in ("auto", "kmeans++", "random") and labels is None else 1)
    if isinstance(start, Params) or getattr(problem.model, "components", 2) == 1:
        count = 1
    found = restart(
        problem.model,
        problem.engine,
        begin,
        count,
        schedule,
        rule,
        pseudo,
        seed,
        problem.profile.units,
        short,
        finish,
        observers,
    )
    return close(problem, found, pseudo, seed, {"prior": prior, "algorithm": type(schedule).__name__, "tol": tol})


def _rule(tol: float, max_iterations: int, max_seconds: float | None) -> Rule:
    rule = Converged(tol) | MaxIterations(max_iterations)
    return rule if max_seconds is None else rule | MaxSeconds(max_seconds)


def _start(start: str | Params, problem: Problem) -> Any:
    """The start by name, or one that begins at given parameters."""
    if isinstance(start, Params):
        checked = problem.model.valid(start)
        if not checked:
            raise ModelError(f"start is not valid: {checked.broken}")
        return lambda *_: start
    own = getattr(problem.model, "start", None)
    if own is not None:
        return lambda model, engine, seed, prior=None: model.start(engine, seed)
    from unseen.starts.geometry import kmeans_plus_plus
    from unseen.starts.responsibilities import from_labels, random

    names = {"kmeans++": kmeans_plus_plus, "random": random, "labels": from_labels}
    names["auto"] = from_labels if problem.encoding.labels and problem.profile.labels else kmeans_plus_plus
    if start not in names:
        raise ModelError(f"start={start!r} is none of {', '.join(names)}, nor parameters")
    return names[start]
