"""Positive numbers: each component has its own mean and shape of a gamma distribution for each column."""

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
from unseen.numerics.shapes import gamma_estimates, largest_shapes, stirling

# largest error in a row's log-density that the sum of products may make before differences are taken row by row
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Ready:
    """What an E-step needs, each (K, d); ``bound`` is that of the products' rounding error in machine epsilons."""

    means: Array
    shapes: Array
    constant: Array
    bound: float


@final
@kind("gamma")
@dataclass(frozen=True)
class Gamma(Density):
    r"""Gamma distributions by mean and shape, independent from column to column inside a component.

    .. math:: f_k(x) = \prod_j \frac{(a_{kj} / \mu_{kj})^{a_{kj}}}{\Gamma(a_{kj})} x_j^{a_{kj} - 1}
        e^{-a_{kj} x_j / \mu_{kj}}, \qquad \text{variance } \mu_{kj}^2 / a_{kj}

    A missing cell is a factor 1. Where a column is recorded in steps of h, the variance is at least
    :math:`h^2 / 2\pi`, so that the probability :math:`h f_k(x)` of a recorded cell is at most 1.06 (1 at the mean), and
    the sum over all cells 1.09 where the mean is ten steps or more, 1.19 where it is one or two.

    Parameters
    ----------
    floor : smallest variance allowed of columns on no grid, in units of the squared mean, or of the data's own variance
        where that is smaller. 0: no floor, on a grid or not
    name parameters : ``means`` (K, d), in the data's units, and ``shapes`` (K, d)

    Raises
    ------
    ModelError
        A floor outside [0, 1).
    DataError
        A column with zeros or negative numbers, constant, or without numbers.

    >>> import unseen
    >>> x = np.array([0.5, 1.0, 1.5, 3.0])
    >>> result = unseen.fit(unseen.Mixture(Gamma(), 1), {"wait": x})
    >>> result.params["means"].tolist(), result.params["shapes"].round(3).tolist()
    ([[1.5]], [[2.621]])

    Source: Johnson, Kotz & Balakrishnan (1994), Continuous Univariate Distributions 1, chapter 17.
    """

    floor: float = 1e-6
    columns: tuple[str, ...] = learned(())
    centre: Any = learned()  # (d,) means of the data
    scale: Any = learned()  # (d,) their standard deviations
    logs: Any = learned()  # (d,) means of log(x / centre)
    steps: Any = learned(None)  # (d,) of the grids the columns are recorded on, 0 where there is none; None: no floors

    def __post_init__(self) -> None:
        if not 0 <= self.floor < 1:
            raise ModelError("floor is a share of the squared mean: take it from 0 up to 1, for example 1e-6")

    def bind(self, profile: Profile) -> Self:
        centre = np.array([c.mean for c in profile.columns])
        logs = []
        for c in profile.columns:
            check_open(c, np.inf, "Gamma")
            values, weights = c.table()
            logs.append(float(np.average(np.log(values / c.mean), weights=weights)))
        return replace(
            self,
            columns=profile.names,
            centre=centre,
            scale=np.sqrt([c.variance for c in profile.columns]),
            logs=np.array(logs),
            steps=steps_of(profile.columns) if self.floor else None,
        )

    @property
    def _least(self) -> Array:
        """The smallest variances that the grids allow, in units of the squared centre, (d,)."""
        steps = np.zeros(len(self.columns)) if self.steps is None else self.steps
        out: Array = (steps / self.centre) ** 2 / (2 * np.pi)
        return out

    @property
    def _most(self) -> Array:
        """The largest shapes allowed of columns on no grid, (d,)."""
        own = np.minimum((self.scale / self.centre) ** 2, 1)
        return largest_shapes(self.floor * own, self._least)

    # ---- E-step

    def _interior(self, cells: Cells) -> Interior:
        found: Interior = cells.derived(("gamma", self.centre.tobytes()), lambda: interior(cells, self.centre))
        return found

    def prepare(self, params: Params) -> Ready:
        means, shapes = params["means"] / self.centre, params["shapes"]
        constant = stirling(shapes) + shapes * (1 - np.log(means))
        return Ready(means, shapes, constant, float((shapes * (3 + np.abs(np.log(means)))).sum(axis=1).max()))

    def rounding(self, prepared: Ready) -> float:
        return float(np.finfo(float).eps) * min(prepared.bound, TOLERANCE / np.finfo(float).eps)

    def tile(self, components: int) -> int:
        return tile_rows(4 * len(self.columns) + 2 * components)

    def evaluate(self, prepared: Ready, cells: Sequence[Cells]) -> tuple[Array, Collect]:
        x = self._interior(cells[0])
        if np.finfo(float).eps * prepared.bound <= TOLERANCE:
            density = prepared.shapes @ x.logs - (prepared.shapes / prepared.means) @ x.values
            density += prepared.constant.sum(axis=1)[:, None] if x.mask is None else prepared.constant @ x.mask
        else:
            density = np.zeros((len(prepared.shapes), x.values.shape[1]))
            for k, (mean, shape) in enumerate(zip(prepared.means, prepared.shapes, strict=True)):
                gap = np.where(x.values > 0, x.values / mean[:, None] - 1, 0.0)
                terms = shape[:, None] * (np.log1p(gap) - gap) + stirling(shape)[:, None]
                density[k] = (terms if x.mask is None else terms * x.mask).sum(axis=0)
        density -= x.jacobian
        if x.outside is not None:
            density[:, x.outside] = -np.inf

        def collect(r: Array) -> Sums:
            return {"mass": x.mass(r), "totals": r @ x.values.T, "logs": r @ x.logs.T}

        return density, collect

    # ---- M-step

    def moments(self, sums: Sums, params: Params | None) -> Params:
        mass = sums["mass"]
        seen, rows = mass > EMPTY, np.maximum(mass, EMPTY)
        means = np.where(seen, sums["totals"] / rows, 1.0)
        gaps = np.where(seen, np.log(means) - sums["logs"] / rows, 1.0)
        means, shapes = gamma_estimates(means, np.maximum(gaps, 0), self._least, self._most)
        old = self.vague(len(mass)) if params is None else params
        new = Params(
            means=np.where(seen, means * self.centre, old["means"]),
            shapes=np.where(seen, shapes, old["shapes"]),
        )
        empty = int((~seen).any(axis=1).sum())
        events: dict[str, int] = {EventKind.EMPTY_COMPONENT: empty} if empty else {}
        return Params(new, events={**floor_events(self.floors(new)), **events})

    def floors(self, params: Params) -> list[Floor]:
        if not self.floor:
            return []
        squares = (params["means"] / self.centre) ** 2
        at_most = params["shapes"] >= self._most * (1 - TOUCH)
        grid = (self._least > 0) & (at_most | (self._least * params["shapes"] >= squares * (1 - TOUCH)))
        return floors_of(grid, at_most, self.columns)

    # ---- parameters

    def vague(self, components: int) -> Params:
        means, shapes = gamma_estimates(np.ones(len(self.columns)), -self.logs, self._least, self._most)
        return Params(
            means=np.repeat((means * self.centre)[None], components, axis=0),
            shapes=np.repeat(shapes[None], components, axis=0),
        )

    def valid(self, params: Params) -> Validity:
        for name, what in (("means", "mean"), ("shapes", "shape")):
            if not (np.isfinite(params[name]) & (params[name] > 0)).all():
                return Validity(f"a {what} is not positive and finite")
        return Validity()

    def size(self, params: Params) -> int:
        return params["means"].size + params["shapes"].size

    def prior(self, strength: float, components: int) -> Sums:
        mass = np.full((components, len(self.columns)), float(strength))
        return {"mass": mass, "totals": mass.copy(), "logs": mass * self.logs}

    def log_prior(self, params: Params, prior: Sums) -> float:
        at = self.prepare(params)
        terms = prior["mass"] * at.constant + prior["logs"] * at.shapes - prior["totals"] * at.shapes / at.means
        return float(terms.sum())

    def spread(self, params: Params) -> Array:
        out: Array = (params["means"] ** 2 / params["shapes"] / self.scale**2).min(axis=1)
        return out

    # ---- rows

    def mean(self, params: Params, cells: Sequence[Cells], responsibilities: Array) -> list[Array]:
        x, seen = cells[0].values.astype(float), cells[0].observed
        return [x if seen is None else np.where(seen, x, params["means"].T @ responsibilities)]

    def draw(self, params: Params, cells: Sequence[Cells], states: Array, rng: np.random.Generator) -> list[Array]:
        x, seen = cells[0].values.astype(float), cells[0].observed
        shapes = params["shapes"][states].T
        drawn = rng.gamma(shapes, params["means"][states].T / shapes)
        return [x if seen is None else np.where(seen, x, drawn)]

    def embed(self, cells: Sequence[Cells]) -> Cells:
        # Wilson & Hilferty (1931): the cube root of a gamma variable over its mean is nearly normal, sd 1 / 3 sqrt(a)
        shapes = self.vague(1)["shapes"][0][:, None]
        root = np.cbrt(np.maximum(cells[0].values / self.centre[:, None], 0))
        return Cells((root - 1) * 3 * np.sqrt(np.maximum(shapes, 0.1)), cells[0].observed)

    def describe(self, params: Params) -> list[dict[str, Any]]:
        sd = params["means"] / np.sqrt(params["shapes"])
        return [
            {
                "column": name,
                "family": "gamma",
                "mean": params["means"][:, j].tolist(),
                "sd": sd[:, j].tolist(),
                "shape": params["shapes"][:, j].tolist(),
            }
            for j, name in enumerate(self.columns)
        ]


def example() -> Example:
    """Hours between failures of the air conditioning of two aircraft, 7912 and 7913."""
    from unseen import Mixture

    first = "23 261 87 7 120 14 62 47 225 71 246 21 42 20 5 12 120 11 3 14 71 11 14 11 16 90 1 16 52 95"
    second = "97 51 11 4 141 18 142 68 77 80 1 16 106 206 82 54 31 216 46 111 39 63 18 191 18 163 24"
    return Example(
        model=Mixture(Gamma(), 1),
        params=Params(weights=[1.0], means=[[68.0]], shapes=[[1.0]]),
        data={"hours": np.array([*first.split(), *second.split()], float)},
        loglik=-297.189157,
        answer={"means": [[67.754386]], "shapes": [[0.924763]]},
        source="Proschan (1963), Technometrics 5, 375-383; maximum by SciPy's gamma.fit",
    )
