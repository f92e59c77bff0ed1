"""What estimators answer, a class for each capability of models: an estimator has those that its kind of model has."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from unseen.core.block import Block
from unseen.core.capabilities import Generative, Projecting, able
from unseen.core.model import latent_classes
from unseen.core.stats import Array
from unseen.core.unit import Unit
from unseen.errors import DataError
from unseen.result import Result
from unseen.rows import decoded
from unseen.sklearn.containers import Table, rebuilt
from unseen.sklearn.planned import Planned
from unseen.sklearn.scores import Assignments, Densities


class RowDensities(Densities, Planned):
    """Log-densities of rows: of every model of whole rows."""

    def score_samples(self, X: Any) -> Array:
        """Log-density of the observed cells of each row, (n,): nats, of probabilities where columns are discrete."""
        result, table = self._scored(X)
        return result.log_prob(table.data)

    def _told(self, X: Any) -> int:
        result, table = self._scored(X)
        return sum(block.rows - block.all_missing() for block in result.blocks(table.data))

    def _n_parameters(self) -> int:
        return self.result_.size


class Components(Assignments, RowDensities):
    """Responsibilities of components or states: of models with a discrete latent variable."""

    def predict_proba(self, X: Any) -> Array:
        """Posterior probability of each component for each row, (n, K)."""
        result, table = self._scored(X)
        return result.responsibilities(table.data)


class JudgedClasses(RowDensities):
    """The class of the unit of each row: of models whose latent classes are the values of a column."""

    def _keep(self, result: Result, table: Table) -> None:
        super()._keep(result, table)
        self.classes_ = classes_of(result)

    def predict(self, X: Any) -> Array:
        """The most probable class of the unit of each row, (n,), as it is written in the data."""
        codes = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[codes])

    def predict_proba(self, X: Any) -> Array:
        """Posterior probability of each of ``classes_`` for the unit of each row, (n, C)."""
        result, table = self._scored(X)
        return result.responsibilities(table.data)


class Predictions(RowDensities):
    """What is expected of a column that X has: of regressions whose target is told by other rows of a unit."""

    def predict(self, X: Any) -> Array:
        """What is expected of each row's target given all but its own, (n,)."""
        result, table = self._scored(X)
        return np.asarray(result.predict(table.data))


class Responsibilities(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Planned):
    """Rows as the probabilities of components: of models with a discrete latent variable."""

    def transform(self, X: Any) -> Array:
        """Posterior probability of each component for each row, (n, K)."""
        result, table = self._scored(X)
        return result.responsibilities(table.data)

    @property
    def _n_features_out(self) -> int:
        return latent_classes(self.result_.model)


class FactorScores(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Planned):
    """Rows as the posterior means of factors: of models with continuous latent variables."""

    def transform(self, X: Any) -> Array:
        """Posterior mean of the latent variables of each row, or of its unit, (n, q)."""
        result, table = self._scored(X)
        model = able(result.model, Projecting, "scores of rows")

        def of(block: Block) -> Array:
            scores = model.scores(result.params, block)
            return (block.by_row(scores) if model.unit is Unit.BAG else scores).T

        return result.rows_of(table.data, of)

    @property
    def _n_features_out(self) -> int:
        return self.result_.model.number or 1


class Imputations(Planned):
    """Missing cells: of models that say what they may be."""

    def impute(self, X: Any) -> Any:
        """X with its missing cells filled by their expectation given what is observed, in its container."""
        result, table = self._scored(X)
        return table.back(result.impute(table.data))


class NewRows(Planned):
    """Random rows: of models of whole rows."""

    def sample(self, n_samples: int = 1) -> tuple[Any, Array]:
        """Random rows from the fitted model, in the container of the fit, and the latent variables behind each.

        Columns that the fit left out are missing in every row. ``random_state`` says which rows.
        """
        check_is_fitted(self)
        if n_samples < 1:
            raise DataError(f"Invalid value for 'n_samples': {n_samples}. The sampling requires at least one sample.")
        result, n = self.result_, int(n_samples)
        model = able(result.model, Generative, "way to make new rows")
        arrays, latent = model.sample(result.params, n, np.random.default_rng(self._seed()))
        columns = decoded(model.slots, arrays, result.encoding.fields)
        if result.encoding.unit is not None:  # a sequence is made in one piece
            rows_per_unit = n if model.unit.ordered else model.rows_per_unit
            columns[result.encoding.unit] = np.arange(n) // rows_per_unit
        return rebuilt(self._container, self._names, columns, n), np.moveaxis(latent, -1, 0)


def classes_of(result: Result) -> Array:
    """The categories of the column that a model tells, as it is written in the data, (C,)."""
    told = [slot for slot in result.encoding.slots if not slot.given]
    codes = np.arange(len(told[0].categories[0]))
    return np.asarray(decoded(told[:1], [codes[None]], result.encoding.fields)[told[0].columns[0]])
