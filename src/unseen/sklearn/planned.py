"""What estimators share whose model is chosen by their data, as on the command line."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, _num_samples, check_is_fitted

from unseen.core.interrupt import interruptible
from unseen.core.masked import shown
from unseen.core.stats import Array
from unseen.core.stop import INTERRUPTED
from unseen.errors import DataError, NumericalError
from unseen.plan import fitted, plan
from unseen.result import Result
from unseen.search.order import CRITERIA
from unseen.sklearn.containers import Table, table_of
from unseen.sources import open_source
from unseen.spec import COVARIANCES


class Planned(BaseEstimator):
    """A mixture whose families, number of components and form of covariance are found in the data."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), "array-like", None],
        "covariance": [StrOptions(set(COVARIANCES))],
        "families": [dict, None],
        "ignore": ["array-like", None],
        "criterion": [StrOptions(set(CRITERIA))],
        "restarts": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0.0, None, closed="neither"), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "prior": [Interval(Real, 0.0, None, closed="left")],
        "unknown": [StrOptions({"refuse", "missing"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: Any = None,
        *,
        covariance: str = "auto",
        families: Mapping[Any, str] | None = None,
        ignore: Sequence[Any] | None = None,
        criterion: str = "bic",
        restarts: int | None = None,
        tol: float | None = None,
        max_iter: int = 1000,
        prior: float = 0.0,
        unknown: str = "refuse",
        random_state: Any = 0,
    ) -> None:
        self.n_components = n_components
        self.covariance = covariance
        self.families = families
        self.ignore = ignore
        self.criterion = criterion
        self.restarts = restarts
        self.tol = tol
        self.max_iter = max_iter
        self.prior = prior
        self.unknown = unknown
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, labels: Any = None) -> Self:
        """Decide what each column is, and search the number of components and the form of covariance.

        X : table (n, d) of numbers, booleans and text with holes; y is ignored
        sample_weight : (n,), a row of weight w counts as w copies
        labels : (n,), the known class of some rows; None, NaN or -1 where it is unknown

        Warns ConvergenceWarning when the best fit did not converge.
        """
        table = table_of(self, X, reset=True)
        weights = None
        if sample_weight is not None:
            like = np.empty((table.rows, 0))
            weights = _check_sample_weight(shown(sample_weight), like, dtype=np.float64, ensure_non_negative=True)
        try:
            result = self._fitted(table, weights, _known_classes(labels, table.rows))
        except NumericalError as error:
            raise DataError(str(error)) from error
        if result.outcome.name == INTERRUPTED:
            raise KeyboardInterrupt
        if not result.converged:
            warnings.warn(_unconverged(result), ConvergenceWarning, stacklevel=3)
        self._keep(result, table)
        return self

    @interruptible()
    def _fitted(self, table: Table, weights: Array | None, labels: Any) -> Result:
        source, weights_column, labels_column = open_source(table.data, weights, labels)
        families = {_name(table, key): family for key, family in (self.families or {}).items()}
        made = plan(
            source,
            ignore=[_name(table, key) for key in (() if self.ignore is None else self.ignore)],
            families=families,
            weights=weights_column,
            labels=labels_column,
            covariance=self.covariance,
        )
        return fitted(
            made,
            _numbers(self.n_components),
            criterion=self.criterion,
            seed=self._seed(),
            tol=self.tol,
            max_iterations=int(self.max_iter),
            restarts=self.restarts,
            prior=float(self.prior),
        )

    def _keep(self, result: Result, table: Table) -> None:
        self.result_ = result
        self.n_components_ = result.model.number or 1
        self.weights_ = np.asarray(result.params["weights"], float)
        self.converged_ = bool(result.converged)
        self.n_iter_ = int(result.iterations)
        self.columns_ = tuple(c for c in result.columns if c["column"] in table.names)
        self._container = table.kind
        if result.encoding.labels is not None:
            self.classes_ = np.array(result.encoding.classes)
        elif hasattr(self, "classes_"):
            del self.classes_

    def _seed(self) -> int:
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _scored(self, X: Any) -> tuple[Result, Table]:
        """The result that scores new data as ``unknown`` says, and the data under the names of the fit."""
        check_is_fitted(self)
        table = table_of(self, X)
        return replace(self.result_, encoding=replace(self.result_.encoding, unknown=self.unknown)), table


def _numbers(components: Any) -> tuple[int, ...] | None:
    if components is None:
        return None
    return (int(components),) if isinstance(components, Integral) else tuple(int(k) for k in components)


def _name(table: Table, key: Any) -> str:
    """The name of a column, or of the one at a position of a matrix."""
    if str(key) in table.names or not isinstance(key, Integral):
        return str(key)
    position = int(key)
    return table.names[position] if 0 <= position < len(table.names) else str(key)


def _known_classes(labels: Any, rows: int) -> Any:
    """Labels with scikit-learn's -1 for an unknown class as NaN."""
    if labels is None:
        return None
    if _num_samples(labels) != rows:
        raise DataError(f"there are {_num_samples(labels):,} labels for {rows:,} rows: give one per row")
    labels = shown(labels)
    if np.asarray(labels).dtype.kind not in "if":
        return labels
    known = np.asarray(labels, float)
    return np.where(known == -1, np.nan, known)


def _unconverged(result: Result) -> str:
    return (
        f"The best fit did not converge: {result.outcome.name}. Increase max_iter or tol, or check for degenerate data."
    )
