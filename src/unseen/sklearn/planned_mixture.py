"""What the estimators of mixtures share: their arguments, and the call of ``fit``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import _fit_context

from unseen.core.option import COMPONENTS
from unseen.core.stats import Array
from unseen.result import Result
from unseen.sklearn.arguments import FAMILIES, SHARED, argument, initialiser
from unseen.sklearn.containers import Table, table_of
from unseen.sklearn.planned import Planned, column_name, known_classes, numbers

#: the number of components by scikit-learn's name, families, and what every fit is asked for
ARGUMENTS = (replace(argument(COMPONENTS, "n_components"), default=None), *FAMILIES, *SHARED)


class PlannedMixture(Planned):
    """A mixture whose families, number of components and form of covariance are found in the data."""

    n_components: Any
    covariance: str
    families: Mapping[Any, str] | None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {a.name: list(a.allowed) for a in ARGUMENTS}
    __init__ = initialiser(ARGUMENTS)

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
