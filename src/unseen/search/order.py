"""How many components, and in which form: fit each on the same blocks, and keep the best by a criterion."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from unseen.checkpoint.opening import check_asked, opened
from unseen.checkpoint.task import task_of
from unseen.core.blas import one_blas_thread
from unseen.core.model import Model
from unseen.core.option import fit_option
from unseen.core.reading import Reading
from unseen.errors import DataError, ModelError
from unseen.fit import tell_unkept
from unseen.problem import Survey, survey
from unseen.result import Result
from unseen.search.fitting import Fitting
from unseen.search.grid import Grid
from unseen.search.helpers import team
from unseen.search.holdout import Split
from unseen.search.kept import are_shares
from unseen.search.walk import walk

CRITERIA = fit_option("criterion").choices
#: what is tried where nothing is asked for: from the first number on, until the criterion gets worse
DEFAULT = range(1, 9)


def select(
    model: Any,
    data: Any,
    components: Iterable[int] | None = None,
    criterion: str = "bic",
    *,
    forms: Sequence[str] = (),
    weights: Any = None,
    labels: Any = None,
    unit: str | None = None,
    ignore: Sequence[str] = (),
    engine: str | Any = "auto",
    workers: int | None = None,
    block_rows: int | None = None,
    read: Reading | Mapping[str, Any] | None = None,
    **options: Any,
) -> Result:
    r"""Fit a model with each number of components, states or factors; return the best, with all in ``search``.

    .. math:: \hat K = \arg\min_K \left( -2 \log L_K + p_K \log n \right)

    for ``criterion="bic"``; ``"icl"`` adds twice the entropy of the responsibilities; ``"heldout"`` takes the
    largest mean log-density of rows that were left out of the fit, then fits the chosen number to all rows.

    Parameters
    ----------
    model : a model with components, such as ``Mixture(Gaussian(), 1)``, states (`HMM`) or factors (`FactorAnalysis`),
        or a function from K to a model, with ``forms`` from K and a form
    components : the numbers to try; by default 1 to 8, as far as the criterion does not get worse three times running
    criterion : ``"bic"``, ``"icl"`` or ``"heldout"``
    forms : forms of the model, such as those of covariance, tried around the best numbers of components
    read : what files do not say themselves, as in `unseen.fit`
    options : those of `unseen.fit`; ``tol`` is 1e-5 by default where numbers of components are not given, and the
        best fit then ends with `SQUAREM`; ``max_seconds`` is for all fits together; ``share`` (0.2) is what
        ``"heldout"`` leaves out

    The data is read and profiled once. Each fit also starts from those of one component less or more. What cannot
    be fitted, or is not tried, is a row of the table with its reason. Where the criterion's best is not what is
    returned, ``options["not_returned"]`` says why.

    Raises
    ------
    DataError, NumericalError
        No number of components could be fitted.
    ModelError
        An unknown criterion, no number of components, or one below 1.

    >>> import numpy as np, unseen
    >>> x = np.random.default_rng(0).normal([[0.0], [9.0]], 1, (2, 100)).reshape(-1, 1)
    >>> best = unseen.select(unseen.Mixture(unseen.Gaussian(), 1), x, range(1, 4), seed=0)
    >>> best.model.components, [row["components"] for row in best.search]
    (2, [1, 2, 3])

    Source: Schwarz (1978), Ann. Statist. 6; Biernacki, Celeux & Govaert (2000), IEEE Trans. PAMI 22;
    Smyth (2000), Stat. Comput. 10, for held-out rows.
    """
    from unseen.sources import on_disk, open_source

    tried = numbers(DEFAULT if components is None else components)
    if forms and not callable(model):
        raise ModelError("forms need a function that takes the number of components and the form, and gives a model")
    model_for: Callable[..., Any] = model if callable(model) else (lambda k: _with(model, k))
    first = model_for(tried[0], *forms[:1])
    whole = first.unit.ordered and unit is None and not on_disk(data)  # as in `fit`
    source, weights, labels = open_source(
        data, weights, labels, unit=unit, whole=whole, block_rows=block_rows, read=read
    )
    tell_unkept(first)
    known = survey(first, source, weights=weights, labels=labels, ignore=ignore, engine=engine, workers=workers)
    return search(model_for, known, None if components is None else tried, criterion, forms=forms, **options)


def _with(model: Any, number: int) -> Any:
    """The model with another number of components, states or factors."""
    name = model.order
    if not is_dataclass(model) or name not in {f.name for f in fields(model)}:
        raise ModelError(
            f"{type(model).__name__} has no field {name!r} to try numbers of: give a function from the number to a "
            "model"
        )
    return replace(model, **{name: number})  # type: ignore[type-var]


def _from(classes: int) -> Sequence[int]:
    """The numbers of components that are tried by default where some rows are of known classes."""
    return DEFAULT if classes < 2 else range(classes, max(DEFAULT[-1], classes + 3) + 1)


def numbers(components: Iterable[int]) -> tuple[int, ...]:
    """The numbers of components to try, sorted, each once."""
    tried = tuple(sorted(set(components)))
    if not tried or tried[0] < 1:
        raise ModelError("components are whole numbers of 1 or more, and at least one has to be tried")
    return tried


@one_blas_thread()
def search(
    model_for: Callable[..., Any],
    known: Survey,
    components: Iterable[int] | None = None,
    criterion: str = "bic",
    *,
    forms: Sequence[str] = (),
    variants: Mapping[str, Sequence[str]] | None = None,
    share: float = 0.2,
    checkpoint: str | os.PathLike[str] | None = None,
    every: int | None = None,
    resume: bool = False,
    **options: Any,
) -> Result:
    """`select` on data that is surveyed already.

    ``variants`` are second thoughts about the model, by name with the forms that are worth a try under them: the form
    ``"full, apart"`` is ``"full"`` after the second thought ``"apart"``. They are tried where the search has come to.
    ``options`` are those of `Fitting`.
    """
    classes = len(known.profile.labels) if known.labels is not None else 0
    # fewer components than classes cannot be
    tried = numbers(_from(classes) if components is None else components)
    check_asked(checkpoint, every, resume)
    weight = max(known.profile.weight, known.profile.rows - known.profile.empty_rows)  # weights may be shares
    fitting = Fitting(weight, components is None, **options)
    first = model_for(tried[0], *forms[:1])
    check_criterion(criterion, first, known)
    split = Split(share, fitting.seed) if criterion == "heldout" else None
    grid = Grid(
        model_for, known, criterion, fitting, split, tuple(forms), dict(variants or {}),
        bounded=fitting.bounded, deadline=fitting.deadline, observers=fitting.observers,
    )  # fmt: skip
    task = {} if checkpoint is None else task_of(
        "select", first, known.source, columns=tuple(f.name for f in known.fields),
        weights=known.weights, labels=known.labels, components=None if fitting.bounded else tried, criterion=criterion,
        forms=tuple(forms), variants={name: tuple(v) for name, v in (variants or {}).items()}, share=share,
        **fitting.asked(),
    )  # fmt: skip
    with opened(checkpoint, every, resume, task) as kept:
        grid.checkpoint = fitting.checkpoint = kept
        with team():
            walk(grid, tried, whole=components is not None)
            grid.finish()
            result = grid.result()
        result = result if fitting.done(result) else fitting.finished(result, grid.best_problem())
        return result if kept is None else kept.told(result)


def check_criterion(criterion: str, model: Model, known: Survey) -> None:
    """Refuse a criterion that there is not, or that would compare nothing on these rows.

    Raises
    ------
    DataError
        Row weights that are no numbers of rows, which all but held-out rows ask for.
    ModelError
        An unknown criterion, or units of several rows to hold out.
    """
    fit_option("criterion").check(criterion)
    if criterion == "heldout" and model.unit.many:
        raise ModelError(f"rows of a {model.unit.value} cannot be held out one by one: choose criterion='bic' or 'icl'")
    if criterion != "heldout" and known.weights and are_shares(known.profile):
        raise DataError(
            f"the row weights sum to {known.profile.weight:.3g}, which {criterion.upper()} takes for the number of "
            "rows: a row of weight w counts as w copies, so scale the weights, for example to a mean of 1"
        )


__all__ = ["CRITERIA", "DEFAULT", "search", "select"]
