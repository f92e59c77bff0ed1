"""Holes of a table filled from a mixture that is chosen by the table."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from unseen.core.stats import Array
from unseen.result import Result
from unseen.sklearn.arguments import Argument, initialiser
from unseen.sklearn.containers import Table, with_columns
from unseen.sklearn.planned_mixture import ARGUMENTS, PlannedMixture

IMPUTING = (
    *ARGUMENTS,
    Argument("sample", False, ("boolean",), "Whether to draw values instead of the conditional expectation."),
    Argument("add_indicator", False, ("boolean",), "Whether to append a column for each that had holes in the fit."),
)


class MixtureImputer(TransformerMixin, PlannedMixture):
    r"""Fill the missing cells of a mixed table from a mixture that is chosen by the table.

    .. math:: \hat x_m = E[x_m \mid x_o] = \sum_k r_k(x_o) \, E_k[x_m \mid x_o]

    A number gets its conditional expectation given the observed cells x_o of its row (a 0/1 column: a probability),
    text and booleans their most probable value; ``sample=True`` draws all from their conditional distribution
    instead, which keeps variances and correlations. X is what `MixedMixture` takes, and comes back in its container:
    a data frame with its index and, where they can hold the values, its types; a matrix as a matrix. Observed
    cells are what they were. Columns that the fit left out (constant, text that differs in nearly every row, dates,
    those of ``ignore``) pass through as they are, holes included; ``columns_`` names them.

    Parameters
    ----------
    n_components, covariance, families, ignore, criterion, restarts, tol, max_iter, max_seconds, algorithm, prior : as
        in `MixedMixture`
        `MixedMixture`
    sample : whether to draw values instead of the conditional expectation
    add_indicator : whether to append a boolean column for each column that had holes in the fit
    unknown : ``"refuse"`` (an error) categories that the fit has not seen, or take them as ``"missing"``: they say
        nothing about other cells, and stay as they are
    random_state : same number, same fit and same draws

    Attributes
    ----------
    n_components_, weights_, columns_, converged_, n_iter_, classes_, result_ : as in `MixedMixture`
    n_features_in_, feature_names_in_ : the columns of the fit
    indicator_features_ : positions of the columns that had holes in the fit

    Raises
    ------
    DataError
        A column without any observed cell in the fit, a mix of numbers and text in one column, no column that can be
        used; it is a ValueError.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(100, 1)) @ [[1.0, 2.0]] + [[0.0, 5.0]]
    >>> X[:, 1] += np.random.default_rng(1).normal(0, 0.1, 100)
    >>> imputer = MixtureImputer(1).fit(X)
    >>> imputer.transform([[1.0, np.nan]]).round(1).tolist()
    [[1.0, 7.0]]

    Source: Little & Rubin (2002), Statistical Analysis with Missing Data, chapter 11.
    """

    sample: bool
    add_indicator: bool

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {a.name: list(a.allowed) for a in IMPUTING}
    __init__ = initialiser(IMPUTING)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _keep(self, result: Result, table: Table) -> None:
        super()._keep(result, table)
        self.indicator_features_ = np.flatnonzero(table.holes().any(axis=0))

    def transform(self, X: Any) -> Any:
        """X with its holes filled, in its container; indicators behind it if ``add_indicator``."""
        result, table = self._scored(X)
        if self.sample:
            (done,) = result.impute(table.data, draws=1, seed=self._seed())
        else:
            done = result.impute(table.data)
        out = table.back(done)
        if not self.add_indicator:
            return out
        return with_columns(out, self._indicator_names(self._names), table.holes()[:, self.indicator_features_])

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """The names of the columns that `transform` gives."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        more = self._indicator_names(names) if self.add_indicator else []
        return np.array([*names, *more], dtype=object)

    def _indicator_names(self, names: Any) -> list[str]:
        return [f"missingindicator_{names[j]}" for j in self.indicator_features_]
