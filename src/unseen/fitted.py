"""What a fitted model says of rows, those of the fit or others, and the new rows that it makes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from unseen.core.blas import one_blas_thread
from unseen.core.block import Block, rng
from unseen.core.capabilities import (
    Completing,
    Decoding,
    Generative,
    Judging,
    Predictive,
    Projecting,
    Uncertain,
    able,
)
from unseen.core.encoding import Encoding
from unseen.core.model import Assigning, Model
from unseen.core.option import check_count
from unseen.core.source import Source, in_input_order, input_places
from unseen.core.stats import Array, Params
from unseen.core.unit import Unit
from unseen.errors import DataError, ModelError


class Fitted:
    """A model at its parameters, with the encoding by which it reads data."""

    model: Model
    params: Params
    encoding: Encoding
    columns: tuple[dict[str, Any], ...]

    def open(
        self, data: Any, unknown: str | None = None, weights: Any = None, labels: Any = None
    ) -> tuple[Source, Encoding]:
        """The source of some data and the encoding of this model, held against the fit's schema.

        ``unknown``, here and in every method that reads rows, is what a category becomes that the fit has not met:
        ``"refuse"``, which is an error, or ``"missing"``. Weights and labels of rows are those of `unseen.fit`.
        """
        from unseen.sources import open_source

        if unknown not in (None, "refuse", "missing"):
            raise ModelError(f"unknown={unknown!r} is none of 'refuse', 'missing'")

        unit = self.encoding.unit
        whole = self.model.unit.ordered and unit is None
        read, known = self.encoding.reading, self.encoding.written()
        source, weight, label = open_source(data, weights, labels, unit=unit, whole=whole, read=read, known=known)
        encoding = replace(
            self.encoding,
            weights=weight,
            labels=label,
            grouped=False,
            unknown=unknown or self.encoding.unknown,
        )
        encoding = encoding.without(source.schema())
        encoding.check(source.schema())
        return source, encoding

    def blocks(self, data: Any, unknown: str | None = None) -> Iterator[Block]:
        """Blocks of some data in order, encoded for this model."""
        source, encoding = self.open(data, unknown)
        for part in source.manifest():
            yield encoding.encode(source.read(part, encoding.columns()))

    def rows_of(self, data: Any, of: Callable[[Block], Array], unknown: str | None = None) -> Array:
        """``of(block)``, (rows, ...), of all blocks of some data, in the order of its rows."""
        source, encoding = self.open(data, unknown)
        parts, places = [], []
        with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):  # as in `_each`
            for part in source.manifest():
                parts.append(of(encoding.encode(source.read(part, encoding.columns()))))
                places.append(input_places(source, part))
        return in_input_order(parts, places) if parts else np.empty(0)

    def responsibilities(self, data: Any, unknown: str | None = None) -> Array:
        """Posterior probability of each component for each row, (n, K)."""
        model = able(self.model, Assigning, "responsibilities of rows")
        return self.rows_of(data, lambda block: model.posterior(self.params, block)[0].T, unknown)

    def assign(self, data: Any, unknown: str | None = None) -> Array:
        """The most probable component of each row, (n,)."""
        return self.responsibilities(data, unknown).argmax(axis=1)

    def log_prob(self, data: Any, unknown: str | None = None) -> Array:
        """Log-density of the observed cells of each row, (n,); in a sequence, given the rows before it."""
        return self.rows_of(data, lambda block: self.model.log_density(self.params, block), unknown)

    def viterbi(self, data: Any, unknown: str | None = None) -> Array:
        """The most probable path of hidden states, (n,), for hidden Markov models."""
        model = able(self.model, Decoding, "path of hidden states")
        return self.rows_of(data, lambda block: model.viterbi(self.params, block)[0], unknown)

    def scores(self, data: Any, unknown: str | None = None) -> Array:
        """Posterior mean of continuous latent variables, (n, q), for factor models.

        Of users with ratings one for each, (U, q), in the order of `units`.
        """
        model = able(self.model, Projecting, "scores of rows")
        return self._latent(lambda block: model.scores(self.params, block).T, data, unknown)

    def truth(self, data: Any, unknown: str | None = None) -> Array:
        """The most probable class of each unit (item), (U,), as its labels are written, in the order of `units`."""
        from unseen.rows import decoded

        model = able(self.model, Judging, "truth about units")
        found = self._latent(lambda block: model.truth(self.params, block).T, data, unknown).argmax(axis=-1)
        labels = tuple(slot for slot in self.encoding.slots if not slot.given)
        return decoded(labels, [found[None]], self.encoding.fields)[labels[0].columns[0]]

    def units(self, data: Any) -> Array:
        """What the unit column holds, once for each unit in the order in which units first appear, (U,)."""
        source, _ = self.open(data)
        if source.unit is None:
            raise DataError("the fit had no unit column: each row is a unit, or all rows are one")
        parts = []
        for part in source.manifest():
            frame = source.read(part, (source.unit,))
            column = frame.columns[source.unit]
            values = np.array(column.categories, object)[column.values] if column.categories else column.values
            parts.append(values if frame.offsets is None else values[frame.offsets[:-1]])
        return np.concatenate(parts)

    def predict(self, data: Any, unknown: str | None = None, variance: bool = False) -> Any:
        """What is expected of a row's target, (n,), or that and its variance, (n,), where the model has one.

        Of a regression it is the probability of the second class given the predictors; of ratings the mean given all
        other ratings of the user. The target need not be there, and a row's own is not looked at where it is.
        """
        model = able(self.model, Predictive, "target to predict")
        if not variance:
            return self.rows_of(data, lambda block: model.predict(self.params, block), unknown)
        sure = able(self.model, Uncertain, "variances of predictions")

        def both(block: Block) -> Array:
            return np.stack(sure.predictive(self.params, block), axis=1)

        mean, spread = self.rows_of(data, both, unknown).reshape(-1, 2).T
        return mean, spread

    def outputs(self, data: Any, unknown: str | None = None) -> dict[str, Array]:
        """All that the model says of rows, as columns (n,) by name: what `unseen assign` writes."""
        outputs = self.model.outputs()
        names = [name for output in outputs for name, _ in output.columns]

        def of(block: Block) -> Array:
            return np.stack([a for output in outputs for a in output.of(self.params, block)], axis=1)

        table = self.rows_of(data, of, unknown).reshape(-1, len(names)).T
        at = np.cumsum([0, *(len(output.columns) for output in outputs)])
        parts = [
            o.decoded(list(table[a:b]), self.encoding.fields) for o, a, b in zip(outputs, at, at[1:], strict=False)
        ]
        return dict(zip(names, [values for part in parts for values in part], strict=True))

    def score(self, data: Any, unknown: str | None = None) -> tuple[float, float]:
        """Mean log-density per row with an observed cell, and its standard error: NaN if a row is impossible.

        Rows of a bag (the votes on one item) share their log-density, so the error is that of a mean over bags.

        Raises
        ------
        DataError
            No row has an observed cell.
        """

        def told_rows(block: Block) -> Array:
            """Density, whether a cell is observed, and whether a unit begins."""
            seen, first = block.seen(), np.ones(block.rows, bool)
            if self.model.unit is Unit.BAG and block.offsets is not None:
                first = np.isin(np.arange(block.rows), block.offsets)
            density = self.model.log_density(self.params, block)
            return np.stack([density, np.ones(block.rows) if seen is None else seen, first], axis=1)

        parts = self._each(told_rows, data, unknown)
        density, seen, first = np.concatenate([np.empty((0, 3)), *parts]).T
        if not seen.any():
            raise DataError("there is no row with an observed cell: nothing to score")
        begins = np.flatnonzero(first)
        rows, sums = np.add.reduceat(seen, begins), np.add.reduceat(np.where(seen > 0, density, 0.0), begins)
        return ratio(sums[rows > 0], rows[rows > 0])

    def impute(self, data: Any, draws: int | None = None, seed: int = 0, unknown: str | None = None) -> Any:
        """The data with its missing cells filled in, of the same type as it came, and every observed cell as it was.

        Files, datasets, and what hands itself over as an Arrow stream come back as a pyarrow Table, tensors as arrays.
        By default with the conditional expectation given the observed cells of the row (for a category, the
        most probable one); ``draws`` gives a list of so many random completions instead.
        """
        from unseen.rows import completed

        model = able(self.model, Completing, "word on what missing cells may be: it cannot impute")
        if draws is not None:
            check_count("draws", draws, 1)
        if draws is None:
            return self._told(completed(self, data, lambda block: model.impute(self.params, block), unknown))

        def completion(m: int) -> Any:
            draw = lambda block: model.draw(self.params, block, rng(seed, m, block.id))  # noqa: E731
            return completed(self, data, draw, unknown)

        return [self._told(completion(0)), *(completion(m) for m in range(1, draws))]

    def _told(self, done: Any) -> Any:
        """A completed table, after a word on the columns that a plan left out, whose missing cells stay."""
        from unseen.choices import left_empty
        from unseen.sources import open_source

        if any(c["note"].startswith("left out") for c in self.columns):
            source, _, _ = open_source(done)
            if said := left_empty(self.columns, source):
                warnings.warn(said, stacklevel=3)
        return done

    def sample(self, n: int, seed: int = 0) -> dict[str, Array]:
        """n new rows from the fitted model, as columns by name."""
        check_count("n", n, 0)
        from unseen.rows import decoded

        predicts = isinstance(self.model, Predictive)
        given = "; it describes a target given predictors: see predict(data)" if predicts else ""
        model = able(self.model, Generative, f"way to make new rows{given}")
        arrays, _ = model.sample(self.params, n, np.random.default_rng(seed))
        columns = decoded(self.encoding.slots, arrays, self.encoding.fields)
        if model.unit is Unit.BAG:
            columns = {self.encoding.unit or "unit": np.arange(n) // model.rows_per_unit, **columns}
        return columns

    def _latent(self, of: Callable[[Block], Array], data: Any, unknown: str | None) -> Array:
        """What a model says of the latent variables of each unit of bags, (U, q), or of each row, (n, q)."""
        if self.model.unit is not Unit.BAG:
            return self.rows_of(data, of, unknown)
        # units come in the order of their first rows, whatever was grouped
        parts = self._each(of, data, unknown)
        return np.concatenate(parts) if parts else np.empty((0, 0))

    def _each(self, of: Callable[[Block], Array], data: Any, unknown: str | None) -> list[Array]:
        """``of(block)`` of the blocks of some data in order."""
        # cells beyond all measure have density zero, and no warning
        with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
            return [of(block) for block in self.blocks(data, unknown)]


def ratio(sums: Array, rows: Array) -> tuple[float, float]:
    """Mean per row of sums (U,) over units of so many rows (U,), and its standard error, NaN where there is none.

    Source: Cochran (1977), Sampling Techniques, section 6.3.
    """
    units, n = len(sums), rows.sum()
    mean = sums.sum() / n
    if units < 2 or not np.isfinite(sums).all():
        return float(mean), float("nan")
    return float(mean), float(np.sqrt(((sums - mean * rows) ** 2).sum() * units / (units - 1)) / n)
