"""Where a fit begins: what ``init_params`` names, with the given parts of the parameters put in their place."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from unseen.core.block import Block
from unseen.core.engine import Engine
from unseen.core.masked import shown
from unseen.core.memo import fields_only
from unseen.core.source import cut
from unseen.core.stats import Array, Params, Stats
from unseen.errors import DataError
from unseen.sklearn.rows import cells_of
from unseen.starts.centres import around, kmeans_plus_plus

#: our name of each covariance_type; "tied" is "full" with one covariance for all
FORMS = {"full": "full", "tied": "full", "diag": "diagonal", "spherical": "spherical"}
#: precisions_init and covariances by covariance_type, as functions of K components and d columns
SHAPES = {
    "full": lambda k, d: (k, d, d),
    "tied": lambda k, d: (d, d),
    "diag": lambda k, d: (k, d),
    "spherical": lambda k, d: (k,),
}


@dataclass(frozen=True)
class Begin:
    """A start in the sense of ``search.restart`` that draws from one RandomState, start after start.

    ``given`` holds the parts of the parameters that the caller fixed; with all three nothing is drawn. The
    draws of ``random`` and the rows of ``random_from_data`` are those that scikit-learn makes.
    """

    init_params: str
    X: Array
    weights: Array | None
    given: Mapping[str, Array]
    random_state: np.random.RandomState

    def __call__(self, model: Any, engine: Engine, seed: int, prior: Any = None) -> Params:
        if len(self.given) == 3:
            return Params(self.given)
        drawn = {
            "kmeans": self._kmeans,
            "k-means++": self._seeds,
            "random": self._random,
            "random_from_data": self._some_rows,
        }[self.init_params](model, engine)
        return Params({**drawn, **self.given})

    def _kmeans(self, model: Any, engine: Engine) -> Params:
        return kmeans_plus_plus(model, engine, self._seed(), steps=50, tries=4)

    def _seeds(self, model: Any, engine: Engine) -> Params:
        return kmeans_plus_plus(model, engine, self._seed(), steps=0)

    def _random(self, model: Any, engine: Engine) -> Params:
        task = UniformShares(model, deepcopy(self.random_state), len(self.X))
        self.random_state.uniform(size=task.shares.shape)  # ours goes on from where the task's ends
        return model.maximize(engine.total(task).in_unit(), model.vague())

    def _some_rows(self, model: Any, engine: Engine) -> Params:
        share = None if self.weights is None else self.weights / self.weights.sum()
        rows = self.random_state.choice(len(self.X), size=model.components, replace=False, p=share)
        cells = model.family.embed((cells_of(self.X[rows]),))
        centres = cells.values.T if cells.observed is None else np.where(cells.observed, cells.values, 0.0).T
        return around(model, engine, centres)

    def _seed(self) -> int:
        return int(self.random_state.randint(np.iinfo(np.int32).max))


@dataclass(frozen=True)
class UniformShares:
    """Statistics at random responsibilities, drawn row by row from one generator, which travels instead of them."""

    model: Any
    generator: np.random.RandomState
    rows: int

    __getstate__ = fields_only

    @cached_property
    def shares(self) -> Array:
        """Responsibilities of all rows in the order of the data, (n, K)."""
        r: Array = deepcopy(self.generator).uniform(size=(self.rows, self.model.components))
        r /= r.sum(axis=1, keepdims=True)
        return r

    def __call__(self, block: Block) -> Stats:
        places = np.arange(block.rows) if block.order is None else block.order
        first = cut(self.rows)[block.id][0]
        stats: Stats = self.model.collect(np.ascontiguousarray(self.shares[first + places].T), block)
        return stats


def given_parts(weights: Any, means: Any, precisions: Any, kind: str, k: int, d: int) -> dict[str, Array]:
    """The parts of the parameters that the caller fixed, checked: weights, means, covariances.

    Raises
    ------
    DataError
        A wrong shape, weights that are not a distribution, precisions that are not positive definite.
    """
    out: dict[str, Array] = {}
    if weights is not None:
        out["weights"] = _shaped(weights, (k,), "weights")
        if (out["weights"] < 0).any() or abs(out["weights"].sum() - 1) > 1e-6:
            raise DataError("The parameter 'weights' should be in the range [0, 1] and normalized: they must sum to 1")
        out["weights"] = out["weights"] / out["weights"].sum()
    if means is not None:
        out["means"] = _shaped(means, (k, d), "means")
    if precisions is not None:
        p = _shaped(precisions, SHAPES[kind](k, d), f"{kind} precision")
        out["covariances"] = _inverse(p, kind)
    return out


def check_warm(given: Mapping[str, Array], kind: str, k: int, d: int) -> None:
    """Refuse to go on from a fit of another shape.

    Raises
    ------
    DataError
        Names what has changed since.
    """
    before, columns = given["means"].shape
    changed = {
        f"n_components was {before} and is {k} now": before != k,
        f"X had {columns} columns and has {d} now": columns != d,
        "covariance_type was another": given["covariances"].shape != SHAPES[kind](before, columns),
    }
    if told := [text for text, is_so in changed.items() if is_so]:
        raise DataError(f"warm_start=True goes on from the last fit, but {' and '.join(told)}: set warm_start=False")


def _shaped(value: Any, shape: tuple[int, ...], name: str) -> Array:
    array = np.asarray(value, dtype=float)
    if array.shape != shape:
        raise DataError(f"The parameter '{name}' should have the shape of {shape}, but got {array.shape}")
    if not np.isfinite(array).all():
        raise DataError(f"The parameter '{name}' holds NaN or infinity: give finite numbers")
    return array


def _inverse(precisions: Array, kind: str) -> Array:
    if kind in ("diag", "spherical"):
        if (precisions <= 0).any():
            raise DataError(f"'{kind} precision' should be positive")
        return 1 / precisions
    symmetric = np.allclose(precisions, np.swapaxes(precisions, -1, -2))
    if not symmetric or (np.linalg.eigvalsh(precisions) <= 0).any():
        raise DataError(f"'{kind} precision' should be symmetric, positive-definite")
    inverse = np.linalg.inv(precisions)
    return (inverse + np.swapaxes(inverse, -1, -2)) / 2


def known_labels(labels: Any, n: int, components: int) -> Array | None:
    """Class of each row as a float, NaN where unknown; None when nothing is known.

    Raises
    ------
    DataError
        A wrong length, or values that are not -1, NaN or the number of a component.
    """
    if labels is None:
        return None
    try:
        y = np.array(shown(labels), dtype=float).copy()
    except (TypeError, ValueError):
        raise DataError(
            "labels must be numbers: the number of a component for a known class, -1 or NaN for an unknown one"
        ) from None
    if y.shape != (n,):
        raise DataError(f"labels has shape {y.shape} and X has {n:,} rows: give one label per row")
    y[y == -1] = np.nan
    seen = y[~np.isnan(y)]
    wrong = int(((seen != np.floor(seen)) | (seen < 0) | (seen >= components)).sum())
    if wrong:
        raise DataError(
            f"{wrong:,} labels are not the number of a component, 0 to {components - 1}: "
            "mark unknown classes with -1 or NaN, or raise n_components"
        )
    return y if len(seen) else None
