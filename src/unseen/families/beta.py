"""Proportions: each component has its own two shapes of a beta distribution for each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, final

import numpy as np

from unseen.core.block import Cells
from unseen.core.events import EventKind
from unseen.core.example import Example
from unseen.core.family import Collect, Floor, tile_rows
from unseen.core.kinds import kind
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Sums, Validity
from unseen.core.written import learned
from unseen.errors import ModelError
from unseen.numerics.open_range import EMPTY, TOUCH, Interior, check_open, floors_of, interior
from unseen.numerics.resolution import Density, floor_events, steps_of
from unseen.numerics.shapes import beta_estimates, largest_shapes, stirling

# largest error in a row's log-density that the sum of products may make before differences are taken row by row
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Ready:
    """What an E-step needs, each (K, d); ``bound`` is that of the products' rounding error in machine epsilons."""

    alphas: Array
    betas: Array
    peak: Array  # log-density of log-odds at the mean
    constant: Array
    bound: float


@final
@kind("beta")
@dataclass(frozen=True)
class Beta(Density):
    r"""Beta distributions over (0, u), independent from column to column inside a component.

    .. math:: f_k(x) = \prod_j \frac{y_j^{a_{kj} - 1} (1 - y_j)^{b_{kj} - 1}}{u \, B(a_{kj}, b_{kj})},
        \qquad y = x / u

    A missing cell is a factor 1. Where a column is recorded in steps of h, the variance is at least
    :math:`h^2 / 2\pi`, so that the probability :math:`h f_k(x)` of a recorded cell is at most 1.06 (1 at the mean).

    Parameters
    ----------
    upper : the largest possible value of every column, u: 1 for proportions, 100 for percentages
    floor : smallest variance allowed of columns on no grid, in units of :math:`m (1 - m)` at mean m, or of the data's
        own variance where that is smaller. 0: no floor, on a grid or not
    name parameters : ``alphas`` and ``betas``, (K, d)

    Raises
    ------
    ModelError
        An upper bound that is not positive, or a floor outside [0, 1).
    DataError
        A column with values at a bound or outside the bounds, constant, or without numbers.

    >>> import unseen
    >>> x = np.array([0.2, 0.4, 0.5, 0.7])
    >>> result = unseen.fit(unseen.Mixture(Beta(), 1), {"share": x})
    >>> result.params["alphas"].round(3).tolist(), result.params["betas"].round(3).tolist()
    ([[3.171]], [[3.889]])

    Source: Johnson, Kotz & Balakrishnan (1995), Continuous Univariate Distributions 2, chapter 25.
    """

    upper: float = 1.0
    floor: float = 1e-6
    columns: tuple[str, ...] = learned(())
    centre: Any = learned()  # (d,) means of the data
    scale: Any = learned()  # (d,) their standard deviations
    logs: Any = learned()  # (2, d) means of log(x / centre) and of log((u - x) / (u - centre))
    steps: Any = learned(None)  # (d,) of the grids the columns are recorded on, 0 where there is none; None: no floors

    def __post_init__(self) -> None:
        if not 0 < self.upper < np.inf:
            raise ModelError("upper is the largest possible value: 1 for proportions, 100 for percentages")
        if not 0 <= self.floor < 1:
            raise ModelError("floor is a share of a variance: take it from 0 up to 1, for example 1e-6")

    def bind(self, profile: Profile) -> Self:
        logs = []
        for c in profile.columns:
            check_open(c, self.upper, "Beta")
            values, weights = c.table()
            pairs = np.log(values / c.mean), np.log((self.upper - values) / (self.upper - c.mean))
            logs.append([float(np.average(one, weights=weights)) for one in pairs])
        return replace(
            self,
            columns=profile.names,
            centre=np.array([c.mean for c in profile.columns]),
            scale=np.sqrt([c.variance for c in profile.columns]),
            logs=np.array(logs).T,
            steps=steps_of(profile.columns) if self.floor else None,
        )

    @property
    def _middle(self) -> Array:
        """The centre as a proportion, (d,)."""
        out: Array = self.centre / self.upper
        return out

    @property
    def _least(self) -> Array:
        """The smallest variances that the grids allow, of proportions, (d,)."""
        steps = np.zeros(len(self.columns)) if self.steps is None else self.steps
        out: Array = (steps / self.upper) ** 2 / (2 * np.pi)
        return out

    @property
    def _most(self) -> Array:
        """The largest a + b allowed of columns on no grid, (d,)."""
        own = np.minimum((self.scale / self.upper) ** 2 / (self._middle * (1 - self._middle)), 1)
        return largest_shapes(self.floor * own, self._least)

    def _estimates(self, logs: Array, rest: Array) -> tuple[Array, Array]:
        """Shapes from means of the logarithms that `interior` makes, (K, d) each."""
        g, q = logs + np.log(self._middle), rest + np.log1p(-self._middle)
        return beta_estimates(g, q, self._least, np.broadcast_to(self._most, g.shape))

    # ---- E-step

    def _interior(self, cells: Cells) -> Interior:
        key = ("beta", self.upper, self.centre.tobytes())
        found: Interior = cells.derived(key, lambda: interior(cells, self.centre, self.upper))
        return found

    def prepare(self, params: Params) -> Ready:
        a, b = params["alphas"], params["betas"]
        peak = stirling(a) + stirling(b) - stirling(a + b)
        left, right = np.log(a / (a + b) / self._middle), np.log(b / (a + b) / (1 - self._middle))
        bound = float((a * (2 + np.abs(left)) + b * (2 + np.abs(right))).sum(axis=1).max())
        return Ready(a, b, peak, peak - a * left - b * right, bound)

    def rounding(self, prepared: Ready) -> float:
        return min(float(np.finfo(float).eps) * prepared.bound, TOLERANCE)

    def tile(self, components: int) -> int:
        return tile_rows(5 * len(self.columns) + 2 * components)

    def evaluate(self, prepared: Ready, cells: Sequence[Cells]) -> tuple[Array, Collect]:
        x = self._interior(cells[0])
        if np.finfo(float).eps * prepared.bound <= TOLERANCE:
            density = prepared.alphas @ x.logs + prepared.betas @ x.rest
            density += prepared.constant.sum(axis=1)[:, None] if x.mask is None else prepared.constant @ x.mask
        else:
            density = self._from_means(prepared, x)
        density -= x.jacobian
        if x.outside is not None:
            density[:, x.outside] = -np.inf

        def collect(r: Array) -> Sums:
            return {"mass": x.mass(r), "logs": r @ x.logs.T, "rest": r @ x.rest.T}

        return density, collect

    def _from_means(self, prepared: Ready, x: Interior) -> Array:
        """The sum over columns by each row's difference from each mean, without cancellation."""
        density = np.zeros((len(prepared.alphas), x.values.shape[1]))
        for k, (a, b, peak) in enumerate(zip(prepared.alphas, prepared.betas, prepared.peak, strict=True)):
            mean = (a / (a + b))[:, None]
            gap = np.where(x.values > 0, x.values * self._middle[:, None] - mean, 0.0)
            terms = a[:, None] * np.log1p(gap / mean) + b[:, None] * np.log1p(-gap / (1 - mean)) + peak[:, None]
            density[k] = (terms if x.mask is None else terms * x.mask).sum(axis=0)
        return density

    # ---- M-step

    def moments(self, sums: Sums, params: Params | None) -> Params:
        mass = sums["mass"]
        seen, rows = mass > EMPTY, np.maximum(mass, EMPTY)
        logs, rest = (
            np.where(seen, sums[name] / rows, usual) for name, usual in zip(("logs", "rest"), self.logs, strict=True)
        )
        a, b = self._estimates(logs, rest)
        old = self.vague(len(mass)) if params is None else params
        new = Params(alphas=np.where(seen, a, old["alphas"]), betas=np.where(seen, b, old["betas"]))
        empty = int((~seen).any(axis=1).sum())
        events: dict[str, int] = {EventKind.EMPTY_COMPONENT: empty} if empty else {}
        return Params(new, events={**floor_events(self.floors(new)), **events})

    def floors(self, params: Params) -> list[Floor]:
        if not self.floor:
            return []
        a, b = params["alphas"], params["betas"]
        at_most = a + b >= self._most * (1 - TOUCH)
        variance = a * b / (a + b) ** 2 / (a + b + 1)
        return floors_of((self._least > 0) & (at_most | (variance <= self._least * (1 + TOUCH))), at_most, self.columns)

    # ---- parameters

    def vague(self, components: int) -> Params:
        a, b = self._estimates(*self.logs[:, None])
        return Params(alphas=np.repeat(a, components, axis=0), betas=np.repeat(b, components, axis=0))

    def valid(self, params: Params) -> Validity:
        good = all((np.isfinite(params[n]) & (params[n] > 0)).all() for n in ("alphas", "betas"))
        return Validity("" if good else "a shape is not positive and finite")

    def size(self, params: Params) -> int:
        return params["alphas"].size + params["betas"].size

    def prior(self, strength: float, components: int) -> Sums:
        mass = np.full((components, len(self.columns)), float(strength))
        return {"mass": mass, "logs": mass * self.logs[0], "rest": mass * self.logs[1]}

    def log_prior(self, params: Params, prior: Sums) -> float:
        at = self.prepare(params)
        return float((prior["mass"] * at.constant + prior["logs"] * at.alphas + prior["rest"] * at.betas).sum())

    def spread(self, params: Params) -> Array:
        _, sd = self._told(params)
        out: Array = ((sd / self.scale) ** 2).min(axis=1)
        return out

    # ---- rows

    def _told(self, params: Params) -> tuple[Array, Array]:
        """Means and standard deviations in the data's own units, (K, d)."""
        a, total = params["alphas"], params["alphas"] + params["betas"]
        return self.upper * a / total, self.upper * np.sqrt(a * params["betas"] / (total + 1)) / total

    def mean(self, params: Params, cells: Sequence[Cells], responsibilities: Array) -> list[Array]:
        x, seen = cells[0].values.astype(float), cells[0].observed
        return [x if seen is None else np.where(seen, x, self._told(params)[0].T @ responsibilities)]

    def draw(self, params: Params, cells: Sequence[Cells], states: Array, rng: np.random.Generator) -> list[Array]:
        x, seen = cells[0].values.astype(float), cells[0].observed
        drawn = self.upper * rng.beta(params["alphas"][states].T, params["betas"][states].T)
        return [x if seen is None else np.where(seen, x, drawn)]

    def embed(self, cells: Sequence[Cells]) -> Cells:
        # the arcsine makes the spread of proportions even; its own is sd / (2 sqrt(m (1 - m))) to first order
        m, y = self._middle[:, None], np.clip(cells[0].values / self.upper, 0, 1)
        z = (np.arcsin(np.sqrt(y)) - np.arcsin(np.sqrt(m))) * 2 * np.sqrt(m * (1 - m))
        return Cells(z / (self.scale / self.upper)[:, None], cells[0].observed)

    def describe(self, params: Params) -> list[dict[str, Any]]:
        mean, sd = self._told(params)
        return [
            {
                "column": name,
                "family": "beta",
                "mean": mean[:, j].tolist(),
                "sd": sd[:, j].tolist(),
                "alpha": params["alphas"][:, j].tolist(),
                "beta": params["betas"][:, j].tolist(),
            }
            for j, name in enumerate(self.columns)
        ]


def example() -> Example:
    """Gasoline from 32 crude oils, in percent of the crude."""
    from unseen import Mixture

    percent = (
        "12.2 22.3 34.7 45.7 8.0 13.1 26.6 7.4 18.2 30.4 6.9 15.2 26.0 33.6 14.4 26.8 34.9 10.0 24.8 31.7 2.8 6.4 16.1 "
        "27.8 5.0 17.6 32.1 14.0 23.2 8.5 14.7 18.0"
    )
    return Example(
        model=Mixture(Beta(upper=100), 1),
        params=Params(weights=[1.0], alphas=[[2.0]], betas=[[8.0]]),
        data={"gasoline": np.array(percent.split(), float)},
        loglik=-118.980076,
        answer={"alphas": [[2.464103]], "betas": [[10.113466]]},
        source="Prater (1956), Petroleum Refiner 35, 236-238; maximum by SciPy's beta.fit",
    )
