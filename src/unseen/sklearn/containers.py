"""Tables in the containers that scikit-learn's users have: checked, read under the fit's names, and given back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import _num_samples, validate_data

from unseen.arrow.convert import library_of
from unseen.core.block import OTHER
from unseen.core.masked import shown
from unseen.core.stats import Array
from unseen.errors import DataError
from unseen.sources import open_source


@dataclass(frozen=True)
class Table:
    """A table as sources read it, under the names of the fit, and the way back to the container it came in."""

    data: Any
    names: tuple[str, ...]
    rows: int
    back: Callable[[Any], Any]
    kind: str  # of container: a data frame's library, "matrix", "structured" or "mapping"

    def holes(self) -> Array:
        """Which cells are missing, (n, d); columns that are no number, boolean or text count as observed."""
        source, _, _ = open_source(self.data)
        used = [f.name for f in source.schema() if f.kind != OTHER]
        out = np.zeros((self.rows, len(self.names)), bool)
        begin = 0
        for part in source.manifest():
            for name, cells in source.read(part, used).columns.items():
                if cells.observed is not None:
                    out[begin : begin + part.rows, self.names.index(name)] = ~cells.observed
            begin += part.rows
        return out


def table_of(estimator: Any, X: Any, reset: bool = False) -> Table:
    """Check X as scikit-learn does, and read its columns under the names that the fit used.

    ``reset`` says that this is the fit: it sets ``n_features_in_`` and ``feature_names_in_``.

    Raises
    ------
    DataError
        No rows, or only one at the fit.
    ValueError, TypeError
        What scikit-learn says of other columns than those of the fit, sparse or complex data, or infinity.
    """
    if isinstance(X, np.ndarray) and X.dtype.names:
        return _structured(estimator, X, reset)
    if isinstance(X, Mapping) and not issparse(X):  # one sparse format is a dict
        return _mapping(estimator, X, reset)
    if hasattr(X, "columns") or hasattr(X, "column_names"):
        return _frame(estimator, X, reset)
    return _matrix(estimator, X, reset)


def with_columns(X: Any, names: Sequence[str], columns: Array) -> Any:
    """X and further columns behind its own, in the container of X."""
    if isinstance(X, Mapping):
        return {**X, **dict(zip(names, columns.T, strict=True))}
    if isinstance(X, np.ndarray) and X.dtype.names:
        return _records({**{n: X[n] for n in X.dtype.names}, **dict(zip(names, columns.T, strict=True))})
    library = library_of(X)
    if library == "pandas":
        import pandas as pd

        return pd.concat([X, pd.DataFrame(columns, index=X.index, columns=list(names))], axis=1)
    if library == "polars":
        import polars as pl

        return X.with_columns([pl.Series(n, c) for n, c in zip(names, columns.T, strict=True)])
    if hasattr(X, "append_column"):
        for n, c in zip(names, columns.T, strict=True):
            X = X.append_column(n, [c])
        return X
    return _stack([*X.T, *columns.T])


def rebuilt(kind: str, names: Sequence[str], columns: Mapping[str, Array], rows: int) -> Any:
    """A container of some kind with these columns, in the order of the names; those without one are missing."""
    if kind == "polars":
        import polars as pl

        return pl.DataFrame({n: columns[n] if n in columns else pl.Series([None] * rows) for n in names})
    if kind not in ("pandas", "matrix", "structured", "mapping"):
        import pyarrow as pa

        return pa.table({n: columns[n] if n in columns else pa.nulls(rows) for n in names})
    whole = {n: columns[n] if n in columns else np.full(rows, np.nan) for n in names}
    if kind == "pandas":
        import pandas as pd

        return pd.DataFrame(whole)
    if kind == "mapping":
        return whole
    return _records(whole) if kind == "structured" else _stack(list(whole.values()))


def _frame(estimator: Any, X: Any, reset: bool) -> Table:
    validate_data(estimator, X, skip_check_array=True, reset=reset)
    rows = _enough(_num_samples(X), reset)
    labels = list(X.column_names if hasattr(X, "column_names") else X.columns)
    names = _fit_names(estimator, [str(c) for c in labels], reset)
    if list(names) == [str(c) for c in labels]:
        return Table(X, names, rows, lambda done: done, library_of(X))
    return Table(_renamed(X, names), names, rows, lambda done: _renamed(done, labels), library_of(X))


def _renamed(X: Any, names: Sequence[Any]) -> Any:
    library = library_of(X)
    if library == "pandas":
        return X.set_axis(list(names), axis=1)
    if library == "polars":
        return X.rename(dict(zip(X.columns, names, strict=True)))
    return X.rename_columns(list(names))


def _matrix(estimator: Any, X: Any, reset: bool) -> Table:
    masked = isinstance(X, np.ma.MaskedArray)
    plain = shown(X)
    kept = {"ensure_all_finite": "allow-nan", "dtype": None, "ensure_min_samples": 2 if reset else 1}
    checked = validate_data(estimator, plain, reset=reset, **kept)
    if checked.dtype.kind in "US" and not hasattr(X, "dtype"):
        checked = np.asarray(X, object)  # NumPy would turn the numbers of such a list into text
    matrix = X if masked else checked
    names = _fit_names(estimator, [f"x{j}" for j in range(matrix.shape[1])], reset)
    columns = {name: matrix[:, j] for j, name in enumerate(names)}
    return Table(columns, names, len(matrix), lambda done: _stack(list(done.values())), "matrix")


def _stack(columns: list[Array]) -> Array:
    masked = any(isinstance(c, np.ma.MaskedArray) for c in columns)
    if any(c.dtype == object for c in columns) or len({c.dtype.kind in "US" for c in columns}) > 1:
        columns = [c.astype(object) for c in columns]
    return np.ma.stack(columns, axis=1) if masked else np.stack(columns, axis=1)


def _mapping(estimator: Any, X: Mapping[str, Any], reset: bool) -> Table:
    names = tuple(str(n) for n in X)
    _named(estimator, names, reset)
    rows = _enough(_num_samples(next(iter(X.values()))) if X else 0, reset)
    return Table(X, names, rows, lambda done: done, "mapping")


def _structured(estimator: Any, X: Array, reset: bool) -> Table:
    names = tuple(X.dtype.names or ())
    _named(estimator, names, reset)
    return Table({n: X[n] for n in names}, names, _enough(len(X), reset), _records, "structured")


def _records(columns: Mapping[str, Array]) -> Array:
    """Columns as a structured array."""
    first = next(iter(columns.values()))
    masked = any(isinstance(c, np.ma.MaskedArray) for c in columns.values())
    out = (np.ma.empty if masked else np.empty)(len(first), [(n, c.dtype) for n, c in columns.items()])
    for name, column in columns.items():
        out[name] = column
    return np.asanyarray(out)


def _named(estimator: Any, names: tuple[str, ...], reset: bool) -> None:
    """Keep the names at the fit; new data is held against them when it is read."""
    if reset:
        estimator.n_features_in_ = len(names)
        estimator.feature_names_in_ = np.array(names, object)
        estimator._names = names


def _fit_names(estimator: Any, names: Sequence[str], reset: bool) -> tuple[str, ...]:
    """The names that the columns had at the fit; scikit-learn has checked their number and their order."""
    if reset:
        estimator._names = tuple(names)
    return tuple(estimator._names)


def _enough(rows: int, reset: bool) -> int:
    least = 2 if reset else 1
    if rows < least:
        raise DataError(f"Found array with {rows} sample(s) while a minimum of {least} is required.")
    return rows
