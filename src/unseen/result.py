"""A fitted model with everything that is known about the fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from unseen.core.blas import one_blas_thread
from unseen.core.block import INTEGER, Block, rng
from unseen.core.capabilities import Completing, Decoding, Generative, Predictive, Projecting, able
from unseen.core.description import Description
from unseen.core.encoding import Encoding
from unseen.core.kinds import kind
from unseen.core.model import Assigning, Model
from unseen.core.option import check_count
from unseen.core.profile import Profile
from unseen.core.source import Source
from unseen.core.stats import Array, Params
from unseen.core.stop import Outcome, Record
from unseen.errors import DataError, ModelError

if TYPE_CHECKING:
    from unseen.summary.notice import Notice


@kind("result")
@dataclass(frozen=True)
class Result:
    r"""Parameters, how the run ended, and methods that score new data with them.

    ``loglik`` is the log-likelihood of the *final* parameters (a closing pass computes it), a density wherever the
    families are densities; ``log_probability`` is that of the recorded cells. ``entropy`` is
    :math:`-\sum_{nk} r_{nk} \log r_{nk}`; BIC is :math:`-2 \log L + p \log n`, lower is better. Here n is ``weight``:
    the total weight of the rows that say something, since a cell that the model describes, or the label, is known. Of
    sequences rows count, too, since there may be one sequence only.
    """

    model: Model
    params: Params
    outcome: Outcome
    loglik: float
    entropy: float
    weight: float
    size: int
    trace: tuple[Record, ...]
    restarts: tuple[dict[str, Any], ...]
    profile: Profile
    encoding: Encoding
    seed: int
    iterations: int
    evaluations: int
    seconds: float
    log_prior: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    confidence: tuple[float, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    fingerprint: dict[str, Any] = field(default_factory=dict)
    search: tuple[dict[str, Any], ...] = ()
    #: log of what turns the densities of the recorded cells into probabilities, None where all columns have those
    volume: float | None = None
    #: what was found in each column and decided about it, where a plan did that
    columns: tuple[dict[str, Any], ...] = ()
    #: each row's largest responsibility, on average; None for models without any, and in runs of earlier versions
    certainty: float | None = None
    #: rows that each part stands for, its responsibilities summed, (K,); empty where there are none, as is certainty
    occupancy: tuple[float, ...] = ()

    @property
    def converged(self) -> bool:
        return self.outcome.converged

    @property
    def log_probability(self) -> float:
        r"""Log-probability of the recorded cells: a number on a grid of step h counts as :math:`h f(x)`.

        It compares families and models with each other. Columns of ``ungridded`` lie on no grid and count by density.
        """
        return self.loglik + (self.volume or 0.0)

    @property
    def ungridded(self) -> tuple[str, ...]:
        """The columns described by a density that lie on no grid."""
        return self.model.ungridded

    @property
    def bic(self) -> float:
        """Bayesian information criterion, lower is better (Schwarz 1978)."""
        return -2 * self.loglik + self.size * float(np.log(self.weight))

    @property
    def aic(self) -> float:
        """Akaike's information criterion, lower is better."""
        return -2 * self.loglik + 2 * self.size

    @property
    def icl(self) -> float:
        """Integrated completed likelihood: BIC plus twice the entropy (Biernacki, Celeux & Govaert 2000)."""
        return self.bic + 2 * self.entropy

    # ---- scoring new data

    def open(self, data: Any, unknown: str | None = None) -> tuple[Source, Encoding]:
        """The source of some data and the encoding of this model, held against the fit's schema.

        ``unknown``, here and in every method that reads rows, is what a category becomes that the fit has not met:
        ``"refuse"``, which is an error, or ``"missing"``.
        """
        from unseen.sources import open_source

        if unknown not in (None, "refuse", "missing"):
            raise ModelError(f"unknown={unknown!r} is none of 'refuse', 'missing'")

        unit = self.encoding.unit
        source, _, _ = open_source(data, unit=unit, whole=self.model.sequential and unit is None)
        encoding = replace(
            self.encoding,
            weights=None,
            labels=None,
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

    def responsibilities(self, data: Any, unknown: str | None = None) -> Array:
        """Posterior probability of each component for each row, (n, K)."""
        model = able(self.model, Assigning, "responsibilities of rows")
        return self._rows(lambda block: model.posterior(self.params, block)[0].T, data, unknown)

    def assign(self, data: Any, unknown: str | None = None) -> Array:
        """The most probable component of each row, (n,)."""
        return self.responsibilities(data, unknown).argmax(axis=1)

    def log_prob(self, data: Any, unknown: str | None = None) -> Array:
        """Log-density of the observed cells of each row, (n,); in a sequence, given the rows before it."""
        return self._rows(lambda block: self.model.log_density(self.params, block), data, unknown)

    def viterbi(self, data: Any, unknown: str | None = None) -> Array:
        """The most probable path of hidden states, (n,), for hidden Markov models."""
        model = able(self.model, Decoding, "path of hidden states")
        return self._rows(lambda block: model.viterbi(self.params, block)[0], data, unknown)

    def scores(self, data: Any, unknown: str | None = None) -> Array:
        """Posterior mean of continuous latent variables, (n, q), for factor models."""
        model = able(self.model, Projecting, "scores of rows")
        return self._rows(lambda block: model.scores(self.params, block).T, data, unknown)

    def predict(self, data: Any, unknown: str | None = None) -> Array:
        """What a regression expects of its target given the predictors, (n,): the probability of the second class.

        The target need not be there, and is not looked at where it is.
        """
        model = able(self.model, Predictive, "target to predict")
        return self._rows(lambda block: model.predict(self.params, block), data, unknown)

    def outputs(self, data: Any, unknown: str | None = None) -> dict[str, Array]:
        """All that the model says of rows, as columns (n,) by name: what `unseen assign` writes."""
        outputs = self.model.outputs()
        names = [name for output in outputs for name, _ in output.columns]

        def of(block: Block) -> Array:
            return np.stack([a for output in outputs for a in output.of(self.params, block)], axis=1)

        table = self._rows(of, data, unknown).reshape(-1, len(names))
        kinds = dict(column for output in outputs for column in output.columns)
        whole = {name: table[:, i].astype(np.int32) for i, name in enumerate(names) if kinds[name] == INTEGER}
        return {name: whole.get(name, table[:, i]) for i, name in enumerate(names)}

    def score(self, data: Any, unknown: str | None = None) -> tuple[float, float]:
        """Mean log-density per row with an observed cell, and its standard error: NaN if a row is impossible.

        Raises
        ------
        DataError
            No row has an observed cell.
        """

        def told_rows(block: Block) -> Array:
            density = self.model.log_density(self.params, block)
            seen = block.seen()
            return density if seen is None else density[seen]

        p = self._rows(told_rows, data, unknown)
        if not len(p):
            raise DataError("there is no row with an observed cell: nothing to score")
        told = len(p) > 1 and np.isfinite(p).all()
        return float(p.mean()), float(p.std(ddof=1) / np.sqrt(len(p))) if told else float("nan")

    def impute(self, data: Any, draws: int | None = None, seed: int = 0, unknown: str | None = None) -> Any:
        """The data with its missing cells filled in, of the same type as it came.

        By default with the conditional expectation given the observed cells of the row (for a category, the
        most probable one); ``draws`` gives a list of so many random completions instead.
        """
        from unseen.rows import completed

        model = able(self.model, Completing, "word on what missing cells may be: it cannot impute")
        if draws is not None:
            check_count("draws", draws, 1)
        if draws is None:
            return completed(self, data, lambda block: model.impute(self.params, block), unknown)

        def completion(m: int) -> Any:
            draw = lambda block: model.draw(self.params, block, rng(seed, m, block.id))  # noqa: E731
            return completed(self, data, draw, unknown)

        return [completion(m) for m in range(draws)]

    def sample(self, n: int, seed: int = 0) -> dict[str, Array]:
        """n new rows from the fitted model, as columns by name."""
        check_count("n", n, 0)
        from unseen.rows import decoded

        what = "way to make new rows: it describes a target given predictors; see predict(data) for rows of those"
        arrays, _ = able(self.model, Generative, what).sample(self.params, n, np.random.default_rng(seed))
        return decoded(self.encoding.slots, arrays, self.encoding.fields)

    def _rows(self, f: Callable[[Block], Array], data: Any, unknown: str | None = None) -> Array:
        # cells beyond all measure have density zero, and no warning
        with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
            parts = [f(block) for block in self.blocks(data, unknown)]
        return np.concatenate(parts) if parts else np.empty(0)

    # ---- telling and keeping

    @cached_property
    def description(self) -> Description:
        """What the model says of itself at these parameters: its parts, tables and facts."""
        return self.model.description(self.params)

    def summary(self) -> str:
        """The fit in plain text: outcome, criteria, components, restarts, warnings."""
        from unseen.summary import summary

        return summary(self)

    @cached_property
    def warnings(self) -> list[str]:
        """What a careful reader should know, in plain words with what to do."""
        from unseen.summary import sentence

        return [sentence(notice) for notice in self.notices]

    @cached_property
    def notices(self) -> list[Notice]:
        """What a careful reader should know, for programs: codes, facts and the options that help."""
        from unseen.summary import notices

        return notices(self)

    def plot(self, data: Any = None) -> Any:
        """The report as interactive figures, by name (needs plotly)."""
        from unseen.report import figures

        return figures(self, data)

    def save(self, path: Any) -> Any:
        """Write the run to a folder: arrays as .npz without pickles, the rest as JSON, with content hashes."""
        from unseen.store import save

        return save(self, path)

    def __repr__(self) -> str:
        return f"<Result {self.outcome.name}: logL {self.loglik:.6g}, {self.size} parameters, BIC {self.bic:.6g}>"
