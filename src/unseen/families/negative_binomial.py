"""Counts that spread more than Poisson ones: each component has its own mean and size for each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, final

import numpy as np

from unseen.core.block import Cells
from unseen.core.events import EventKind
from unseen.core.example import Example
from unseen.core.family import Collect
from unseen.core.kinds import kind
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Sums, Validity
from unseen.core.written import learned
from unseen.numerics.counts import Counts
from unseen.numerics.discrete import edges
from unseen.numerics.negative_binomial import LONGEST, CountTables, SizeEquation, log_probability

EMPTY = 1e-8
# Nothing is unbounded, as every probability is at most 1. At the upper bound, in units of the column's mean, the
# variance is a millionth above a Poisson one, which no data tells apart.
SMALLEST, POISSON = 1e-4, 1e6


@final
@kind("negative_binomial")
@dataclass(frozen=True)
class NegativeBinomial(Counts):
    r"""Counts with variance :math:`\mu + \mu^2 / r`, independent from column to column inside a component.

    .. math:: f_k(x) = \prod_j \frac{\Gamma(x_j + r_{kj})}{\Gamma(r_{kj}) \, x_j!}
        \left(\frac{r_{kj}}{r_{kj} + \mu_{kj}}\right)^{r_{kj}} \left(\frac{\mu_{kj}}{r_{kj} + \mu_{kj}}\right)^{x_j}

    A missing cell is a factor 1. Where a component spreads no more than a Poisson distribution does, r has no maximum
    and stops at a million times the column's mean: event ``poisson limit``, which is a finding and no failure.

    The M-step takes the best mean and a step of Newton's method in r that raises the likelihood. Counts below 1,024
    enter by their histogram; larger ones by a lower bound that is tight at the old r, so the likelihood never falls.

    Parameters
    ----------
    floor : smallest mean allowed, in units of the column's mean; a mean that meets it is a counted event
    name parameters : ``means`` (K, d), in counts per row; ``sizes`` (K, d), r, without a unit

    Raises
    ------
    ModelError
        A floor outside (0, 1).
    DataError
        A column of text, with negative numbers or fractions, or a constant one.

    >>> import unseen
    >>> data = {"visits": np.repeat(np.arange(5), [60, 20, 10, 6, 4])}
    >>> result = unseen.fit(unseen.Mixture(NegativeBinomial(), 1), data)
    >>> result.params["means"].round(3).tolist(), result.params["sizes"].round(3).tolist()
    ([[0.74]], [[0.825]])

    Source: Fisher (1941), Annals of Eugenics 11, 182-187; Levin & Reeds (1977), SIAM Review 19, 79-87, for one root.
    """

    floor: float = 1e-6
    columns: tuple[str, ...] = learned(())
    centre: Any = learned()  # (d,) means of the data
    scale: Any = learned()  # (d,) their standard deviations
    lengths: tuple[int, ...] = learned(())  # counts with a place in the histogram

    def bind(self, profile: Profile) -> Self:
        bound = super().bind(profile)
        return replace(bound, lengths=tuple(int(min(c.high + 1, LONGEST)) for c in profile.columns))

    # ---- E-step and M-step

    def prepare(self, params: Params) -> CountTables:
        return CountTables(params["means"], params["sizes"], self.lengths)

    def evaluate(self, prepared: CountTables, cells: Sequence[Cells]) -> tuple[Array, Collect]:
        density, collect = prepared.evaluate(cells[0])

        def sums(r: Array) -> Sums:
            histogram, tail = collect(r)
            return {"histogram": histogram, "tail": tail}

        return density, sums

    def moments(self, sums: Sums, params: Params | None) -> Params:
        tail = sums["tail"]
        old = self.vague(len(tail)) if params is None else params
        pseudo = sums.get("pseudo", np.zeros(tail.shape[:2]))
        histograms = np.split(sums["histogram"], edges(self.lengths)[1:-1], axis=1)
        below = np.stack(
            [h @ np.stack([np.ones(h.shape[1]), np.arange(h.shape[1])], axis=1) for h in histograms], axis=1
        )
        mass = below[..., 0] + tail[..., 0] + pseudo
        totals = below[..., 1] + tail[..., 1] + pseudo * self.centre
        kept, least = mass <= EMPTY, self.floor * self.centre
        means = np.divide(totals, mass, out=np.array(old["means"], float), where=~kept)
        floored = means < least
        means = np.maximum(means, least)
        exceed = np.concatenate([h[:, :0:-1].cumsum(axis=1)[:, ::-1] for h in histograms], axis=1)
        widths = [length - 1 for length in self.lengths]
        equation = SizeEquation(widths, exceed, below, tail, pseudo, *self._pseudo_rows(), means, old["sizes"])
        # zeros alone say nothing of r
        sizes = equation.climb(SMALLEST, self.limit, ~kept & (totals > EMPTY))
        events = {
            EventKind.RATE_FLOOR: int(floored.sum()),
            EventKind.POISSON_LIMIT: int((sizes >= self.limit).sum()),
            EventKind.EMPTY_COMPONENT: int(kept.any(axis=1).sum()),
        }
        return Params(means=means, sizes=sizes, events={k: v for k, v in events.items() if v})

    # ---- parameters

    @property
    def limit(self) -> Array:
        """The sizes (d,) that stand for Poisson distributions."""
        return POISSON * np.maximum(self.centre, 1)

    def vague(self, components: int) -> Params:
        more = self.scale**2 - self.centre  # than a Poisson variance
        size = np.divide(self.centre**2, more, out=self.limit, where=more > 0)
        size = np.clip(size, SMALLEST, self.limit)
        return Params(
            means=np.repeat(self.centre[None], components, axis=0), sizes=np.repeat(size[None], components, axis=0)
        )

    def valid(self, params: Params) -> Validity:
        for name in ("means", "sizes"):
            if not (np.isfinite(params[name]) & (params[name] > 0)).all():
                return Validity(f"one of the {name} is not positive and finite")
        return Validity()

    def size(self, params: Params) -> int:
        return params["means"].size + params["sizes"].size

    def _pseudo_rows(self) -> tuple[Array, Array]:
        """Two counts (d, 2) and their shares (d, 2), with the mean and the variance of each column as a whole."""
        mean, sd = self.centre, self.scale
        skew = np.minimum(1.0, 0.5 * mean / sd)  # the lower one stays above half the mean
        points = np.stack([mean - sd * skew, mean + sd / skew], axis=1)
        return points, np.stack([np.ones_like(skew), skew**2], axis=1) / (1 + skew**2)[:, None]

    def prior(self, strength: float, components: int) -> Sums:
        return {"pseudo": np.full((components, len(self.columns)), float(strength))}

    def log_prior(self, params: Params, prior: Sums) -> float:
        total = 0.0
        for j, (rows, points, shares) in enumerate(zip(prior["pseudo"].T, *self._pseudo_rows(), strict=True)):
            total += float(rows @ (log_probability(points, params["means"][:, j], params["sizes"][:, j]) @ shares))
        return total

    def rounding(self, prepared: CountTables) -> float:
        largest = prepared.means.max(axis=0)  # the terms of a log-probability are of the size x log x
        return float(np.finfo(float).eps * (largest * np.log1p(largest)).sum())

    # ---- rows

    def mean(self, params: Params, cells: Sequence[Cells], responsibilities: Array) -> list[Array]:
        x, seen = cells[0].values.astype(float), cells[0].observed
        return [x if seen is None else np.where(seen, x, params["means"].T @ responsibilities)]

    def draw(self, params: Params, cells: Sequence[Cells], states: Array, rng: np.random.Generator) -> list[Array]:
        x, seen = cells[0].values.astype(float), cells[0].observed
        if seen is None:
            return [x]
        means, sizes = params["means"][states].T, params["sizes"][states].T
        return [np.where(seen, x, rng.poisson(rng.gamma(sizes, means / sizes)))]

    def embed(self, cells: Sequence[Cells]) -> Cells:
        # what makes the spread of a negative binomial even (Anscombe 1948); about 1 for the data as a whole
        size = self.vague(1)["sizes"].T
        x = np.maximum(cells[0].values, 0)
        z = 2 * np.sqrt(size) * (np.arcsinh(np.sqrt(x / size)) - np.arcsinh(np.sqrt(self.centre[:, None] / size)))
        return Cells(z, cells[0].observed)

    def describe(self, params: Params) -> list[dict[str, Any]]:
        mean, size = params["means"], params["sizes"]
        sd = np.sqrt(mean + mean**2 / size)
        return [
            {
                "column": name,
                "family": "negative_binomial",
                "mean": mean[:, j].tolist(),
                "sd": sd[:, j].tolist(),
                "size": size[:, j].tolist(),
            }
            for j, name in enumerate(self.columns)
        ]


def example() -> Example:
    """European red mites on 150 apple leaves: one negative binomial."""
    from unseen import Mixture

    leaves = [70, 38, 17, 10, 9, 3, 2, 1]
    return Example(
        model=Mixture(NegativeBinomial(), 1),
        params=Params(weights=[1.0], means=[[1.1]], sizes=[[1.0]]),
        data={"mites": np.repeat(np.arange(8), leaves)},
        loglik=-222.437154,
        answer={"means": [[1.146667]], "sizes": [[1.024592]]},
        options={"tol": 1e-13},
        source="Bliss & Fisher (1953), Biometrics 9, 176-200: mean 1.1467 and k 1.0246; digits by SciPy",
    )
