"""A fitted model that goes on learning from batches of rows, one at a time, none of which is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np

from unseen.algorithms.stepwise import averaged
from unseen.closing import Closing, ClosingPass
from unseen.core.blas import one_blas_thread
from unseen.core.capabilities import able
from unseen.core.checks import check_profile
from unseen.core.encoding import Encoded
from unseen.core.memo import let_go
from unseen.core.model import Penalised
from unseen.core.option import NUMBER, Option
from unseen.core.source import Frames
from unseen.core.stats import Kind, Params, Stats, Sums
from unseen.core.stop import PAUSED, Outcome
from unseen.core.tasks import ProfileFrame
from unseen.engines.local import one_pass
from unseen.errors import DataError, ModelError, NumericalError
from unseen.moves import named_failures
from unseen.result import ONLINE, Result

#: smaller ones forget a fit: with 0.6, batches of one row undid fits to 3,000 (benchmarks/README.md)
EXPONENT = 1.0
LAW = (
    Option("exponent", NUMBER, "The size of steps falls by this power of the batches.", None, 0.5, True, optional=True),
    Option("memory", NUMBER, "Rows in which the weight of a row falls by 1 / e.", None, 0, True, optional=True),
    Option("seen", NUMBER, "Rows that have been seen before.", 0.0, 0),
)


class Online:
    r"""Go on learning from batches by online EM: statistics that are averaged over time, an M-step after each batch.

    .. math:: s \leftarrow (1 - \eta)\, s + \eta \frac{W}{w} S(\theta), \quad \theta \leftarrow M(s), \quad
        \eta = \left(\frac{n}{w} + 2\right)^{-a} \text{ or } \frac{w}{m + w}

    S, w are the statistics and weight of the batch, W is the weight of the fit, n that of all rows before the batch.
    So n / w batches of this size came before: where all have one size these are the steps of `Stepwise`. With a memory
    of m rows the weight of a row falls by 1 / e in about as many more, and the model follows a law that drifts.

    What it has learned is `result`, which scores rows, and whose ``save`` keeps all that is needed to go on to the same
    bits: ``Online(unseen.load(path))``. Its log-likelihood and all criteria are such averages, too, each batch at
    the parameters that it met; profile, trace and table of starts remain those of the fit.

    Parameters
    ----------
    result : of `unseen.fit`, also to a first batch, or of another `Online`, whose law goes on
    exponent : a, above 0.5 and at most 1, by default 1, which weighs all rows alike; smaller forgets the start faster
    memory : m, in rows, instead of an exponent
    seen : n before the first batch; by default the weight of the fit

    Raises
    ------
    ModelError
        A model whose statistics must not be averaged over time, a result without statistics, a law outside its range.

    >>> import numpy as np, unseen
    >>> x = np.random.default_rng(0).normal([[0.0], [9.0]], 1, (2, 500)).T.reshape(-1, 1)
    >>> online = unseen.Online(unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), x[:200]))
    >>> for batch in np.split(x[200:], 8):
    ...     online.update(batch)
    >>> abs(np.sort(online.params["means"].ravel())).round(1).tolist(), online.result.options["batches"]
    ([0.0, 8.9], 8)

    Source: Cappe & Moulines (2009), J. R. Statist. Soc. B 71, 593-613.
    """

    def __init__(
        self, result: Result, *, exponent: float | None = None, memory: float | None = None, seen: float | None = None
    ) -> None:
        model, before = type(result.model).__name__, result.options
        if result.model.kind is Kind.BOUND:
            raise ModelError(
                f"Online averages statistics taken at different parameters, but those of {model} mean something only "
                "at the parameters they were taken at: fit it to all rows again"
            )
        if result.statistics is None:
            raise ModelError(
                f"this {model} was saved without the statistics that online EM goes on from: where it is fitted, save "
                "unseen.Online(result).result"
            )
        if exponent is memory is None:
            exponent, memory = before.get("exponent", EXPONENT), before.get("memory")
        law = {
            "exponent": exponent,
            "memory": memory,
            "seen": before.get("seen", result.weight) if seen is None else seen,
        }
        for option in LAW:
            option.check(law[option.name])
        if (exponent is None) is (memory is None) or (exponent or 0) > 1:
            raise ModelError("Online takes an exponent above 0.5 and at most 1, or a memory, and not both")
        self.result = replace(result, options={"batches": 0, **before, "algorithm": ONLINE, **law})
        strength = before.get("prior") or 0.0
        self._prior: Sums = able(result.model, Penalised, "prior").prior(strength) if strength else {}

    @property
    def params(self) -> Params:
        """The parameters after the last batch."""
        return self.result.params

    def update(self, batch: Any, weights: Any = None, labels: Any = None, unknown: str | None = None) -> None:
        """Learn from a batch: one row or more, with the columns of the fit, whole units where a unit has many rows.

        After an error all is as it was before.

        Parameters
        ----------
        batch : what `unseen.fit` takes: an array (n, d), a dict of columns, a table; NaN and None are missing
        weights, labels : as in `unseen.fit`
        unknown : ``"missing"`` where categories that the fit has not met count as missing, not as an error

        Raises
        ------
        DataError
            Other columns than the fit's, bad weights, rows that the model says cannot be.
        NumericalError
            Parameters after the batch are not valid.
        """
        closing = self._sums(batch, weights, labels, unknown)
        if closing is None or not closing.stats.weight:
            return
        if not np.isfinite(closing.stats.loglik):
            raise DataError(
                "the batch has rows of density zero, outside of what a column's family describes or of another order "
                "of magnitude, so nothing was learned from it: leave out those of which result.log_prob(batch) is -inf"
            )
        running, options = self._running, self.result.options
        share = _share(closing.stats.weight, **{option.name: options[option.name] for option in LAW})
        statistics = averaged(running, closing.stats, share)
        with named_failures(), one_blas_thread():
            params = self.result.model.maximize(statistics.with_prior(self._prior).in_unit(), self.params)
        if not (sound := self.result.model.valid(params)):
            raise NumericalError(f"{sound.broken} after this batch, so nothing was learned from it: take larger ones")
        self.result = self._moved(closing, params, statistics, share)

    @property
    def _running(self) -> Stats:
        assert self.result.statistics is not None
        return self.result.statistics

    def _sums(self, batch: Any, weights: Any, labels: Any, unknown: str | None) -> Closing | None:
        """What the E-step, and with it the closing pass, says of a batch; None where it has no rows."""
        source, encoding = self.result.open(batch, unknown, weights, labels)
        if not any(part.rows for part in source.manifest()):
            return None
        if encoding.weights is not None:
            frames = Frames(source, tuple(c for c in (encoding.weights, encoding.labels) if c is not None))
            check_profile(one_pass(ProfileFrame((), encoding.weights, encoding.labels), frames))
        let_go(self.result.model, met=True)  # patterns of missing cells that other batches had
        seed = self.result.seed + self.result.options["batches"]  # models that draw do not draw the same for each batch
        task = ClosingPass(self.result.model, self.params, seed)
        with np.errstate(over="ignore", invalid="ignore"):  # cells beyond all measure have density zero
            return one_pass(task, Encoded(source, replace(encoding, grouped=True)))

    def _moved(self, closing: Closing, params: Params, statistics: Stats, share: float) -> Result:
        """The result with parameters, and all that is said of rows, as they are after a batch."""
        before, model, weight = self.result, self.result.model, closing.stats.weight
        batches, seen = before.options["batches"] + 1, before.options["seen"] + weight
        told = f"it goes on with every batch, {batches:,} so far; log-likelihood and criteria are averages as rows came"

        def mixed(old: Any, new: Any, of: float = self._running.weight / weight) -> Any:
            return None if old is None or new is None else ((1 - share) * np.asarray(old) + share * of * new).tolist()

        return replace(
            before,
            params=params,
            statistics=statistics,
            outcome=Outcome(PAUSED, told),
            loglik=statistics.loglik,
            weight=statistics.weight,
            size=model.size(params),
            entropy=mixed(before.entropy, closing.entropy),
            confidence=tuple(mixed(before.confidence, closing.confidence)),
            occupancy=tuple(mixed(before.occupancy, closing.occupancy)),
            volume=mixed(before.volume, closing.volume),
            certainty=mixed(before.certainty, closing.certainty, 1.0),
            log_prior=cast(Penalised, model).log_prior(params, self._prior) if self._prior else 0.0,
            options={**before.options, "batches": batches, "seen": seen},
        )


def _share(weight: float, exponent: float | None, memory: float | None, seen: float) -> float:
    """The size of the step for a batch of some weight."""
    return float((seen / weight + 2) ** -exponent if exponent is not None else weight / ((memory or 0.0) + weight))


__all__ = ["Online"]
