"""What the estimators of mixtures share: their arguments, and the call of ``fit``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from unseen.core.stats import Array
from unseen.result import Result
from unseen.search.order import CRITERIA
from unseen.sklearn.containers import Table, table_of
from unseen.sklearn.planned import Planned, column_name, known_classes, numbers
from unseen.spec import COVARIANCES


class PlannedMixture(Planned):
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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, labels: Any = None) -> Self:
        """Decide what each column is, and search the number of components and the form of covariance.

        X : table (n, d) of numbers, booleans and text with holes; y is ignored
        sample_weight : (n,), a row of weight w counts as w copies
        labels : (n,), the known class of some rows; None, NaN or -1 where it is unknown

        Warns ConvergenceWarning when the best fit did not converge.
        """
        table = table_of(self, X, reset=True)
        return self._learn(table, sample_weight, known_classes(labels, table.rows))

    def _numbers(self) -> tuple[int, ...] | None:
        return numbers(self.n_components)

    def _wishes(self, table: Table, target: Mapping[str, Array] | None = None) -> dict[str, Any]:
        families = {column_name(table, key): family for key, family in (self.families or {}).items()}
        return {**super()._wishes(table, target), "families": families, "covariance": self.covariance}

    def _keep(self, result: Result, table: Table) -> None:
        super()._keep(result, table)
        self.n_components_ = result.model.number or 1
        self.weights_ = np.asarray(result.params["weights"], float)
