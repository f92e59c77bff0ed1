"""Positive numbers by their logarithms, jointly with other numbers, under Gaussian components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, cast, final

import numpy as np

from unseen.core.block import Cells
from unseen.core.example import Example
from unseen.core.family import Collect, Floor, few, within
from unseen.core.kinds import kind
from unseen.core.modified import Modified
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Sums, Validity
from unseen.core.written import learned
from unseen.errors import ModelError
from unseen.numerics.log_normal import (
    LARGEST,
    Logged,
    expected_exponentials,
    profile_of_logs,
    take_logs,
    units_of_data,
)
from unseen.numerics.medians import OwnFloors
from unseen.numerics.resolution import cell_volume, off_grid, steps_of

if TYPE_CHECKING:
    from unseen.families.gaussian import Gaussian


@final
@kind("log_normal")
@dataclass(frozen=True)
class LogNormal(Modified):
    r"""Columns some of which enter by their logarithm, the others as they are, under one joint Gaussian.

    .. math:: \log f_k(x) = \log \phi_k(y) - \sum_{j \in L} \log x_j, \qquad
        y_j = \log x_j \; (j \in L), \quad y_j = x_j \; (\text{else})

    Missing cells are integrated out, as by the family inside. A missing logged cell is completed by its conditional
    expectation :math:`e^{m + v/2}`, in each component no larger than the largest value of the data.

    Where a logged column is recorded in steps of h, each component has a floor of its own on the variance of the
    logarithm, :math:`(h e^{-\mu_{kj}})^2 / 2 \pi`: the :math:`h^2 / 2 \pi` of a Gaussian at its median. The probability
    :math:`h f_k(x)` of a recorded cell is then at most 1.07, and the sum over all cells 1.09 where the median is ten
    steps or more, 1.23 where it is one or two (at 1.5 times the floor: 1.002 and 1.09).

    Parameters
    ----------
    inner : the joint family, a `Gaussian` of any form (default: full covariances)
    logs : names of the columns that enter by their logarithm (default: all)
    name parameters : those of the family inside, in units of the logarithm for logged columns

    Raises
    ------
    ModelError
        Another family inside, or a logged column that is not there.
    DataError
        A logged column with zeros or negative numbers; a constant column, or one that holds no numbers.

    >>> import unseen
    >>> result = unseen.fit(unseen.Mixture(LogNormal(), 1), {"income": np.array([1.0, 10.0, 100.0])})
    >>> round(float(np.exp(result.params["means"][0, 0])), 6)
    10.0

    Source: Aitchison & Brown (1957), The Lognormal Distribution, chapter 2; for missing cells those of `Gaussian`.
    """

    inner: Gaussian = cast(Any, None)
    logs: tuple[str, ...] | None = None
    logged: Any = learned()  # (d,) which columns enter by their logarithm
    steps: Any = learned(None)  # (d,) of the grids in the data's own units, 0 where there is none; None: no floor
    high: Any = learned()  # (d,) largest values of the data

    def __post_init__(self) -> None:
        from unseen import Gaussian

        if self.inner is None:
            object.__setattr__(self, "inner", Gaussian("full"))
        if not isinstance(self.inner, Gaussian):
            raise ModelError('LogNormal takes a Gaussian inside, of any form: LogNormal(Gaussian("diagonal"))')
        if isinstance(self.logs, str):
            object.__setattr__(self, "logs", (self.logs,))

    def bind(self, profile: Profile) -> Self:
        logs = profile.names if self.logs is None else tuple(self.logs)
        absent = [name for name in logs if name not in profile.names]
        if absent:
            raise ModelError(
                f"logs names {', '.join(map(repr, absent))}, which is not among the columns {', '.join(profile.names)}"
            )
        logged = np.array([name in logs for name in profile.names])
        seen = tuple(profile_of_logs(c) if c.name in logs else c for c in profile.columns)
        # the logarithm of a single-precision number has more digits than that
        inner = self.inner.bind(replace(profile, columns=seen)).in_double()
        steps, high = None, np.array([c.high for c in profile.columns])
        if inner.steps is not None:
            steps = steps_of(profile.columns)
            # no component lies above the largest value: with its floor none is kept wider than its own floor says
            inner = replace(inner, steps=np.where(logged, steps / np.where(logged, high, 1.0), steps))
        return replace(self, inner=inner, logged=logged, steps=steps, high=high)

    @property
    def ungridded(self) -> tuple[str, ...]:
        return off_grid(self.inner.columns, self.steps)

    def inner_cells(self, cells: Sequence[Cells]) -> Sequence[Cells]:
        return [self._log(cells[0]).cells]

    def volume(self, cells: Sequence[Cells]) -> Array | None:
        return cell_volume(cells[0], self.steps)

    @property
    def label(self) -> str:
        if self.logged is None:
            names = self.logs or ()
        else:
            names = tuple(n for n, log in zip(self.slots[0].columns, self.logged, strict=True) if log)
            names = ("all",) if len(names) == len(self.logged) > 1 else names
        return within(self.inner.label, f"log of {few(names)}" if names else "log")

    # ---- E-step

    def _log(self, cells: Cells) -> Logged:
        key = ("log", self.logged.tobytes())
        found: Logged = cells.derived(key, lambda: take_logs(cells, self.logged, self.inner.dense))
        return found

    def prepare(self, params: Params) -> Any:
        return self.inner.prepare(params)

    def evaluate(self, prepared: Any, cells: Sequence[Cells]) -> tuple[Array, Collect]:
        logged = self._log(cells[0])
        density, collect = self.inner.evaluate(prepared, [logged.cells])
        density -= logged.total
        if logged.outside is not None:
            density[:, logged.outside] = -np.inf
        return density, collect

    # ---- M-step

    def moments(self, sums: Sums, params: Params | None) -> Params:
        if self.steps is None or not self.steps[self.logged].any():
            return self.inner.moments(sums, params)
        return self._floors.moments(sums, params)

    def floors(self, params: Params) -> list[Floor]:
        return self.inner.floors(params) if self.steps is None else self._floors.binding(params)

    @property
    def _floors(self) -> OwnFloors:
        return OwnFloors(self.inner, self.logged, self.steps)

    # ---- parameters

    def vague(self, components: int) -> Params:
        return self.inner.vague(components)

    def valid(self, params: Params) -> Validity:
        return self.inner.valid(self._floors.slice_of(params, slice(None)))

    def prior(self, strength: float, components: int) -> Sums:
        return self.inner.prior(strength, components)

    def log_prior(self, params: Params, prior: Sums) -> float:
        return self.inner.log_prior(params, prior)

    def rounding(self, prepared: Any) -> float:
        return self.inner.rounding(prepared)

    # ---- rows

    def mean(self, params: Params, cells: Sequence[Cells], responsibilities: Array) -> list[Array]:
        x, seen = cells[0].values.astype(float), cells[0].observed
        if seen is None:
            return [x]
        logs, means = self._log(cells[0]).cells, params["means"]
        top = np.where(self.logged, np.log(np.where(self.logged, self.high, 1.0)), 0.0)
        if self.inner.dense:
            expected = expected_exponentials(means, self.inner.full(params), logs, responsibilities, top)
        else:
            variances = np.diagonal(self.inner.full(params), axis1=1, axis2=2)
            expected = np.exp(np.minimum(means + variances / 2, top)).T @ responsibilities
        if not self.logged.all():
            plain = self.inner.mean(params, [logs], responsibilities)[0]
            expected = np.where(self.logged[:, None], expected, plain)
        return [np.where(seen, x, expected)]

    def draw(self, params: Params, cells: Sequence[Cells], states: Array, rng: np.random.Generator) -> list[Array]:
        x, seen = cells[0].values.astype(float), cells[0].observed
        if seen is None:
            return [x]
        y = self.inner.draw(params, self.inner_cells(cells), states, rng)[0]
        y[self.logged] = np.exp(np.clip(y[self.logged], -LARGEST, LARGEST))
        return [np.where(seen, x, y)]

    def embed(self, cells: Sequence[Cells]) -> Cells:
        return self.inner.embed(self.inner_cells(cells))

    def describe(self, params: Params) -> list[dict[str, Any]]:
        """Logged columns: ``mean`` and ``sd`` in the data's own units, ``median``, and ``log_sd`` of the logarithm."""
        entries = zip(self.inner.describe(params), self.logged, strict=True)
        return [{**e, "family": "log_normal", **units_of_data(e["mean"], e["sd"])} if log else e for e, log in entries]


def example() -> Example:
    """Body weight (kg) and brain weight (g) of 28 animals, three of them dinosaurs."""
    from unseen import Mixture

    body = (
        "1.35 465 36.33 27.66 1.04 11700 2547 187.1 521 10 3.3 529 207 62 6654 9400 6.8 35 0.12 0.023 2.5 55.5 100 "
        "52.16 0.28 87000 0.122 192"
    )
    brain = (
        "8.1 423 119.5 115 5.5 50 4603 419 655 115 25.6 680 406 1320 5712 70 179 56 1 0.4 12.1 175 157 440 1.9 154.5 3 "
        "180"
    )
    covariance = [[13.71006146, 6.80011771], [6.80011771, 5.55096471]]
    return Example(
        model=Mixture(LogNormal(), 1),
        params=Params(weights=[1.0], means=[[3.7, 4.4]], covariances=[[[13.0, 6.5], [6.5, 5.5]]]),
        data={"body": np.array(body.split(), float), "brain": np.array(brain.split(), float)},
        loglik=-356.522025,
        answer={"means": [[3.77130554, 4.42544566]], "covariances": [covariance]},
        source="Rousseeuw & Leroy (1987), Robust Regression and Outlier Detection, page 57: closed form; r = 0.7795",
    )
