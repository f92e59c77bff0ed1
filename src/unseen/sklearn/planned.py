"""What estimators share whose model is planned from the columns of a table, as on the command line."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, _num_samples, check_is_fitted

from unseen.algorithms import algorithm
from unseen.core.interrupt import interruptible
from unseen.core.masked import shown
from unseen.core.stats import Array
from unseen.core.stop import INTERRUPTED
from unseen.errors import DataError, NumericalError
from unseen.plan import fitted, plan
from unseen.result import Result
from unseen.sklearn.arguments import FIT
from unseen.sklearn.containers import Table, table_of, with_columns
from unseen.sources import open_source
from unseen.store.kinds import model


class Planned(BaseEstimator):
    """An estimator of one kind of model; subclasses say which, and what their arguments ask for."""

    #: the name of the kind
    _kind: ClassVar[str] = "mixture"

    ignore: Any
    criterion: str
    restarts: int | None
    tol: float | None
    max_iter: int
    prior: float
    unknown: str
    random_state: Any

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True  # where a model reads no text, ``ignore`` leaves it out
        return tags

    @abstractmethod
    def _numbers(self) -> tuple[int, ...] | None:
        """The numbers of components, states or factors to try; None: as many as the criterion asks for."""

    def _unit(self, table: Table) -> str | None:
        """The column that says which rows belong together."""
        return None

    def _wishes(self, table: Table, target: Mapping[str, Array] | None = None) -> dict[str, Any]:
        """What is asked of `plan`."""
        return {"ignore": [column_name(table, key) for key in (() if self.ignore is None else self.ignore)]}

    def _supervision(self, y: Any, table: Table) -> dict[str, Any]:
        """What y is to the kind of model, as arguments of `_learn`: nothing."""
        return {}

    def _search(self) -> dict[str, Any]:
        """What is asked of the search."""
        asked = {option: getattr(self, name) for name, option in FIT.items()}
        asked["algorithm"] = None if asked["algorithm"] is None else algorithm(asked["algorithm"])
        return {**asked, "seed": self._seed()}

    def _learn(
        self, table: Table, sample_weight: Any, labels: Any = None, target: Mapping[str, Array] | None = None
    ) -> Self:
        """Plan and fit; ``target`` are columns beside those of the table."""
        weights = None
        if sample_weight is not None:
            like = np.empty((table.rows, 0))
            weights = _check_sample_weight(shown(sample_weight), like, dtype=np.float64, ensure_non_negative=True)
        data = table.data
        for name, column in (target or {}).items():
            data = with_columns(data, [name], column[:, None])
        try:
            result = self._fitted(self._unit(table), data, weights, labels, self._wishes(table, target))
        except NumericalError as error:
            raise DataError(str(error)) from error
        if result.outcome.name == INTERRUPTED:
            raise KeyboardInterrupt
        if not result.converged:
            warnings.warn(_unconverged(result), ConvergenceWarning, stacklevel=4)
        self._keep(result, table)
        return self

    @interruptible()
    def _fitted(self, unit: str | None, data: Any, weights: Any, labels: Any, wishes: Mapping[str, Any]) -> Result:
        whole = model(self._kind).unit.ordered and unit is None
        source, weights, labels = open_source(data, weights, labels, unit=unit, whole=whole, infer=True)
        made = plan(source, weights=weights, labels=labels, model=self._kind, **wishes)
        return fitted(made, self._numbers(), **self._search())

    def _keep(self, result: Result, table: Table) -> None:
        self.result_ = result
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


def numbers(asked: Any) -> tuple[int, ...] | None:
    """Numbers to try: one, several, or None."""
    if asked is None:
        return None
    return (int(asked),) if isinstance(asked, Integral) else tuple(int(k) for k in asked)


def column_name(table: Table, key: Any) -> str:
    """The name of a column, or of the one at a position of a matrix."""
    if str(key) in table.names or not isinstance(key, Integral):
        return str(key)
    position = int(key)
    return table.names[position] if 0 <= position < len(table.names) else str(key)


def known_classes(labels: Any, rows: int) -> Any:
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
