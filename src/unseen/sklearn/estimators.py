"""An estimator for each kind of model there is, made out of what the kind declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from textwrap import fill, indent
from typing import Any, ClassVar, Self

from sklearn.base import _fit_context

from unseen.core.capabilities import Completing, Generative, Judging, Predictive, Projecting, Structured
from unseen.core.model import Assigning, Latent, Model
from unseen.core.option import COLUMN, Option
from unseen.core.stats import Array
from unseen.result import Result
from unseen.sklearn.answers import (
    Components,
    FactorScores,
    Imputations,
    JudgedClasses,
    NewRows,
    Predictions,
    Responsibilities,
    RowDensities,
)
from unseen.sklearn.arguments import Argument, arguments_of, initialiser
from unseen.sklearn.containers import Table, table_of
from unseen.sklearn.planned import Planned, column_name, numbers
from unseen.sklearn.targets import Classes, TargetClasses, TargetNumbers
from unseen.store.kinds import model


class LatentModel(Planned):
    """An estimator of a kind of model, with the arguments that the kind declares: `estimator` makes its subclasses."""

    _options: ClassVar[tuple[Option, ...]] = ()
    _over_families: ClassVar[bool] = False

    families: Mapping[Any, str] | None
    covariance: str

    def __reduce__(self) -> tuple[Any, ...]:
        return _blank, (self._kind,), self.__getstate__()

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Decide what each column is, and search the number of components, states or factors if none is given.

        X : table (n, d), a cell that is NaN, None, null or masked is missing
        y : the target of a regression, (n,), or with ``semi_supervised`` the known classes; else ignored
        sample_weight : (n,), a row of weight w counts as w copies

        Warns ConvergenceWarning when the best fit did not converge.
        """
        table = table_of(self, X, reset=True)
        return self._learn(table, sample_weight, **self._supervision(y, table))

    def _numbers(self) -> tuple[int, ...] | None:
        return next((numbers(getattr(self, option.name)) for option in self._options if option.order), None)

    def _unit(self, table: Table) -> str | None:
        units = [getattr(self, option.name) for option in self._options if option.unit]
        return next((column_name(table, unit) for unit in units if unit is not None), None)

    def _wishes(self, table: Table, target: Mapping[str, Array] | None = None) -> dict[str, Any]:
        given = {option: getattr(self, option.name) for option in self._options if not option.order}
        options = {
            option.name: column_name(table, value) if option.kind == COLUMN else value
            for option, value in given.items()
            if value is not None
        }
        wishes = {**super()._wishes(table, target), "options": options}
        if self._over_families:
            families = {column_name(table, key): family for key, family in (self.families or {}).items()}
            wishes |= {"families": families, "covariance": self.covariance}
        return wishes

    def _keep(self, result: Result, table: Table) -> None:
        super()._keep(result, table)
        self.number_ = result.model.number


def estimator(kind: str) -> type[LatentModel]:
    """Return the scikit-learn estimator of a kind of model, by its name on the command line.

    Its arguments are the options that the kind declares, and those of a fit; it has the methods that the kind is
    capable of, among ``predict``, ``predict_proba``, ``transform``, ``score_samples``, ``sample`` and ``impute``. The
    kinds of unseen itself can also be imported from ``unseen.sklearn`` by the names of their classes.

    Raises
    ------
    ModelError
        There is no such kind.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(100, 1)) @ [[1.0, 2.0, 3.0]]
    >>> x += np.random.default_rng(1).normal(size=x.shape)
    >>> factors = estimator("factor_analysis")(factors=1, noise="isotropic")
    >>> factors
    FactorAnalysis(factors=1, noise='isotropic')
    >>> factors.fit_transform(x).shape
    (100, 1)
    """
    return _estimator(kind, model(kind))


@cache
def _estimator(kind: str, cls: type[Model]) -> type[LatentModel]:
    arguments = arguments_of(cls)
    targets = [option for option in cls.options if option.target]
    body = {
        "__init__": initialiser(arguments),
        "__doc__": _docstring(cls, arguments),
        "__module__": "unseen.sklearn",
        "_kind": kind,
        "_options": tuple(option for option in cls.options if not option.target),
        "_over_families": issubclass(cls, Structured),
        "_parameter_constraints": {a.name: list(a.allowed) for a in arguments},
        "_target": targets[0].name if targets else "",
    }
    return type(cls.__name__, (*_answers(cls, targets), LatentModel), body)


def _answers(cls: type[Model], targets: Sequence[Option]) -> tuple[type, ...]:
    """What an estimator of a kind can answer; ``predict`` and ``transform`` mean the first that it is capable of."""
    transforms = _first(cls, {Projecting: FactorScores, Assigning: Responsibilities})
    if targets:  # it says something of y, not of whole rows
        return TargetClasses if targets[0].target == "category" else TargetNumbers, *transforms
    says = {Judging: JudgedClasses, Assigning: Components, Predictive: Predictions, Model: RowDensities}
    others = {Completing: Imputations, Generative: NewRows, Latent: Classes}
    return *_first(cls, says), *transforms, *(m for c, m in others.items() if issubclass(cls, c))


def _first(cls: type[Model], answers: Mapping[Any, type]) -> tuple[type, ...]:
    return next(((answer,) for capability, answer in answers.items() if issubclass(cls, capability)), ())


def _docstring(cls: type[Model], arguments: Sequence[Argument]) -> str:
    """The docstring of the estimator of a kind."""
    first = (cls.__doc__ or cls.__name__).strip().partition("\n")[0]
    lines = [f"{a.name} : default={a.default!r}\n{indent(fill(a.sentence, 106), '    ')}" for a in arguments]
    return "\n".join(
        [
            first,
            "\nParameters\n----------",
            *lines,
            "\nAttributes\n----------",
            "number_ : the number of components, states or factors, None where a kind has none",
            "columns_ : what was found in each column and decided about it, a dict for each column",
            "converged_, n_iter_ : how the best fit ended",
            "n_features_in_, feature_names_in_ : the columns of the fit",
            "result_ : the `unseen.Result` behind it, with params, trace, criteria, warnings, ``save`` and ``plot``",
        ]
    )


def _blank(kind: str) -> LatentModel:
    """An estimator without state, as pickles need it."""
    cls = estimator(kind)
    return cls.__new__(cls)


__all__ = ["LatentModel", "estimator"]
