"""What y is: the target of regressions, or the known classes of some rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_y, check_consistent_length

from unseen.core.stats import Array
from unseen.errors import DataError
from unseen.sklearn.answers import classes_of
from unseen.sklearn.containers import Table
from unseen.sklearn.planned import Planned, known_classes


class Targeted(Planned):
    """Regressions: y is the column that the option ``target`` of the kind names."""

    #: the option that names the column
    _target: ClassVar[str]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = False  # not known of a kind before it is fitted: it says so itself
        return tags

    def _supervision(self, y: Any, table: Table) -> dict[str, Any]:
        if y is None:
            raise DataError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        name = str(getattr(y, "name", None) or "y")
        name = name if name not in table.names else f"({name})"
        checked = self._checked_target(y)
        check_consistent_length(np.empty(table.rows), checked)
        return {"target": {name: checked}}

    def _checked_target(self, y: Any) -> Array:
        return np.asarray(_check_y(y, y_numeric=True, estimator=self))

    def _wishes(self, table: Table, target: Mapping[str, Array] | None = None) -> dict[str, Any]:
        wishes = super()._wishes(table, target)
        wishes["options"] = {**wishes["options"], self._target: next(iter(target or {}))}
        return wishes


class TargetNumbers(RegressorMixin, Targeted):
    """Regressions of a number."""

    def predict(self, X: Any) -> Array:
        """Expected target of each row, (n,)."""
        result, table = self._scored(X)
        return np.asarray(result.predict(table.data))


class TargetClasses(ClassifierMixin, Targeted):
    """Regressions of a class out of two."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _checked_target(self, y: Any) -> Array:
        y = np.asarray(_check_y(y, estimator=self))
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise DataError(f"Only binary classification is supported. The type of the target is {kind}.")
        if len(np.unique(y)) < 2:
            raise DataError(f"{type(self).__name__} needs rows of two classes, and y has one class only")
        self._classes_dtype = y.dtype
        return y

    def _keep(self, result: Any, table: Table) -> None:
        super()._keep(result, table)
        self.classes_ = classes_of(result).astype(self._classes_dtype)

    def predict(self, X: Any) -> Array:
        """The more probable class of each row, (n,)."""
        second = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[second])

    def predict_proba(self, X: Any) -> Array:
        """Probability of each of ``classes_`` for each row, (n, 2)."""
        result, table = self._scored(X)
        second = np.asarray(result.predict(table.data))
        return np.column_stack([1 - second, second])


class Classes(Planned):
    """Models whose components may be named by the known classes of some rows."""

    semi_supervised: bool

    def _supervision(self, y: Any, table: Table) -> dict[str, Any]:
        return {"labels": known_classes(y, table.rows)} if self.semi_supervised else {}


__all__ = ["Classes", "TargetClasses", "TargetNumbers"]
