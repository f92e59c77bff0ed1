"""From data and a model to a fitted result: one call."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from unseen.checkpoint.opening import check_asked as check_checkpoint
from unseen.checkpoint.opening import opened
from unseen.closing import close
from unseen.core.algorithm import Algorithm
from unseen.core.blas import one_blas_thread
from unseen.core.capabilities import able
from unseen.core.interrupt import interruptible
from unseen.core.model import Latent, Model, Penalised, Starting
from unseen.core.observe import Observer
from unseen.core.option import check_numbers
from unseen.core.reading import Reading
from unseen.core.stats import Params
from unseen.core.stop import Converged, MaxIterations, MaxSeconds, Rule
from unseen.errors import ModelError, NumericalError, RunError
from unseen.loop import check_pair
from unseen.problem import Problem, pose
from unseen.result import Result
from unseen.search.begin import STARTS, alone, how_long, how_many, start_of

if TYPE_CHECKING:
    from unseen.checkpoint.folder import Checkpoint
    from unseen.search.restarts import Proposals, Restarts


def fit(
    model: Model,
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
    read: Reading | Mapping[str, Any] | None = None,
    observers: Sequence[Observer] = (),
    checkpoint: str | os.PathLike[str] | None = None,
    every: int | None = None,
    resume: bool = False,
) -> Result:
    r"""Fit a latent-variable model by expectation-maximization.

    .. math:: \theta_{t+1} = \arg\max_\theta \; E[\log p(x, z; \theta) \mid x, \theta_t] + \log p(\theta)

    Parameters
    ----------
    model : for example ``Mixture(Gaussian("full"), 3)``
    data : NumPy array, dict of columns, pandas or polars or pyarrow table, path of a Parquet or CSV file (or
        several, or a folder), or a source; NaN, None and null are missing cells
    start : ``"kmeans++"``, ``"random"`` (responsibilities), ``"rows"`` (K random rows as centres), ``"labels"``,
        ``"moments"`` (clusters divided by sums alone), or parameters, as from a previous fit; ``"auto"`` takes labels
        if there are any, else the first three in turn, or what sums can do where rows may not leave
    restarts : how many starts; each is run for ``short`` iterations, then they race: those that meet another or
        cannot win any more are stopped. ``finish`` runs so many of the best to the end instead. By default 10 where
        the start is drawn, 1 where it is given
    seed : the whole run is a function of the data, the arguments and this number
    weights, labels : column name, or one value per row; a row of weight w counts as w copies, and so does a unit, whose
        rows then have one weight; a label that is missing (NaN, None) is unknown, and -1 is a class like any other
    unit : the column that names the sequence, item or user a row belongs to, for models whose unit is more than a row;
        rows of one unit need not stand together, those of a sequence keep their order
    prior : strength of a conjugate prior, in pseudo-rows per component; 0 is maximum likelihood
    tol : stop when less than this is left to gain per row; ``max_iterations`` caps each start, ``max_seconds`` all
        of them together; ``stop`` replaces all three by a rule such as ``Converged(1e-10) | MaxIterations(50)``
    read : what files do not say themselves, by the names of options (`unseen.core.reading.READ`): ``{"decimal": ","}``
    checkpoint : a folder that keeps where the fit stands, ``every`` so many iterations (by default once in ten seconds)
        and when it is interrupted; with ``resume`` the same call goes on from there, to the same bits, or begins where
        the folder holds nothing yet

    Raises
    ------
    DataError
        The data cannot be used as given; the message names the column and the knob.
    ModelError
        The model, the algorithm and the data do not go together.
    RunError
        The checkpoint belongs to another fit, is that of another process, or cannot be written.

    >>> import numpy as np, unseen
    >>> x = np.random.default_rng(0).normal([[0.0], [9.0]], 1, (2, 50)).reshape(-1, 1)
    >>> result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), x, seed=0)
    >>> result.outcome.name
    'converged'

    Source: Dempster, Laird & Rubin (1977), J. R. Statist. Soc. B 39, 1-38.
    """
    from unseen.algorithms.batch import Batch
    from unseen.sources import on_disk, open_source

    check_numbers(
        restarts=restarts, seed=seed, prior=prior, tol=tol, max_iterations=max_iterations, max_seconds=max_seconds,
        short=short, finish=finish, workers=workers, block_rows=block_rows,
    )  # fmt: skip
    check_model(model)
    check_checkpoint(checkpoint, every, resume)
    check_pair(model, Batch() if algorithm is None else algorithm)
    check_asked(model, start, prior, labels)
    tell_unkept(model)
    # a file may hold many sequences, so it has to say where they end; data in memory may be one
    whole = model.unit.ordered and unit is None and not on_disk(data)
    source, weights, labels = open_source(
        data, weights, labels, unit=unit, whole=whole, block_rows=block_rows, read=read
    )
    problem = pose(model, source, weights=weights, labels=labels, ignore=ignore, engine=engine, workers=workers)
    how: dict[str, Any] = {
        "start": start, "restarts": restarts, "seed": seed, "prior": prior, "algorithm": algorithm, "short": short,
        "finish": finish,
    }  # fmt: skip
    rules = {"tol": tol, "max_iterations": max_iterations}
    task = {}
    if checkpoint is not None:
        from unseen.checkpoint.task import task_of  # and with it all that reads and writes runs

        asked = {"weights": weights, "labels": labels, "unit": unit, "ignore": tuple(ignore), "stop": stop}
        task = task_of("fit", model, source, **asked, **rules, **how)
    with interruptible(), opened(checkpoint, every, resume, task) as kept:
        result = solve(
            problem,
            stop=stop or default_rule(tol, max_iterations, max_seconds),
            observers=observers,
            options={**rules, "max_seconds": max_seconds},
            checkpoint=kept,
            **how,
        )
        return result if kept is None else kept.told(result)


@interruptible()
@one_blas_thread()  # M-steps and starts, too: small matrices lose more to BLAS's threads than they gain
def solve(
    problem: Problem,
    *,
    stop: Rule,
    start: str | Params = "auto",
    restarts: int | None = None,
    seed: int = 0,
    prior: float = 0.0,
    algorithm: Algorithm | None = None,
    short: int = 15,
    finish: int | None = None,
    observers: Sequence[Observer] = (),
    options: dict[str, Any] | None = None,
    proposals: Proposals | None = None,
    drawn: int = 10,
    beat: float = float("-inf"),
    faster: Algorithm | None = None,
    explore: int | None = None,
    checkpoint: Checkpoint | None = None,
) -> Result:
    """Fit a model that is bound to data already: what `fit` and the search over components share.

    ``proposals`` makes starts of fits that are there already; ``drawn`` is how many are drawn where ``restarts`` does
    not say; ``beat`` is an objective below which no start is worth finishing; ``faster`` takes over after the short
    runs; ``explore`` ends all after so many passes; ``checkpoint`` keeps what the fit comes to.
    """
    from unseen.algorithms.batch import Batch
    from unseen.search.restarts import restart

    schedule: Algorithm = Batch() if algorithm is None else algorithm
    check_pair(problem.model, schedule)
    check_asked(problem.model, start, prior, problem.encoding.labels)
    if checkpoint is not None and (known := checkpoint.next(problem)) is not None:
        return known
    pseudo = able(problem.model, Penalised, "prior").prior(prior) if prior else None
    begin = start_of(start, problem, seed)
    count = how_many(problem, start, restarts, drawn)
    make = partial(
        restart,
        problem.model,
        problem.engine,
        begin,
        count,
        schedule,
        stop,
        prior=pseudo,
        seed=seed,
        rows=problem.profile.rows,
        weight=problem.profile.weight,
        short=how_long(problem, short),
        finish=1 if isinstance(start, Params) else finish,  # given parameters are gone on from, on all rows at once
        observers=observers,
        proposals=proposals,
        beat=beat,
        faster=faster,
        explore=None if alone(problem.model) else explore,
    )
    found = make() if checkpoint is None else _kept(checkpoint, make)
    named = start if isinstance(start, str) else "parameters"
    used = {"start": named, "prior": prior, "algorithm": type(schedule).__name__, **(options or {})}
    result = close(problem, found, pseudo, seed, used)
    if checkpoint is not None:
        checkpoint.finish(result, problem, found.begun)
    return result


def _kept(checkpoint: Checkpoint, make: Callable[..., Restarts]) -> Restarts:
    """The starts of a fit, with what they come to in a checkpoint."""
    try:
        return make(journal=checkpoint.journal)
    except NumericalError as error:
        checkpoint.fail(error)
        raise
    except KeyboardInterrupt:
        checkpoint.freeze()
        raise


def check_model(model: Any) -> None:
    """Refuse what is no model.

    Raises
    ------
    ModelError
        It does not inherit the contract, or it is a class and not one of its objects.
    """
    if isinstance(model, type) and issubclass(model, Model):
        raise ModelError(f"{model.__name__} is a class: give an object of it, as in {model.__name__}(...)")
    if not isinstance(model, Model):
        raise ModelError(
            f"{type(model).__name__} is no model: give a Mixture, HMM or the like, or inherit from unseen.Model"
        )


def check_asked(model: Model, start: str | Params, prior: float, labels: Any) -> None:
    """Refuse a start, a prior or labels that the model does not offer, before any data is read."""
    name = type(model).__name__
    if isinstance(start, str) and start not in STARTS:
        raise ModelError(f"start={start!r} is none of {', '.join(STARTS)}, nor parameters")
    if labels is not None and not isinstance(model, Latent):
        raise ModelError(f"{name} takes no labels")
    if prior and not isinstance(model, Penalised):
        raise ModelError(f"{name} has no prior: leave prior at 0")
    if isinstance(start, str) and not isinstance(model, (Starting, Latent)):
        raise ModelError(f"{name} does not say where to begin: give parameters with start=Params(...)")


def tell_unkept(model: Model) -> None:
    """Warn of a model that no run can keep while nothing is lost by it."""
    from unseen.store import check_kept

    try:
        check_kept(model)
    except RunError as error:
        warnings.warn(f"this fit can be used, but not saved: {error}", stacklevel=3)


def default_rule(tol: float, max_iterations: int, max_seconds: float | None, asked: float | None = None) -> Rule:
    """Converged, or capped; ``max_seconds`` may be what is left of those that were ``asked`` for."""
    rule = Converged(tol) | MaxIterations(max_iterations)
    return rule if max_seconds is None else rule | MaxSeconds(max_seconds, asked)
