r"""How narrow a component may be: floors on variances, from the data's own scale and from the step of its grid.

Numbers recorded in steps of h have the probability of their cell, which :math:`h f(x)` stands for. With a variance of
at least :math:`h^2 / 2\pi` it is never above 1, and by Poisson's summation formula its sum over a normal component's
whole grid lies within :math:`2 \sum_{m \ge 1} e^{-2 \pi^2 m^2 \sigma^2 / h^2}` of 1: at most 8.7 % off at the floor,
1.5 % at :math:`\sigma = h / 2`, 0.01 % at :math:`\sigma = 0.71 h`. (At Sheppard's :math:`h^2 / 12` it would be 39 %.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unseen.core.block import Cells, Slot
from unseen.core.events import FLOORS
from unseen.core.family import Family, Floor, unset
from unseen.core.profile import ColumnProfile
from unseen.core.stats import Array
from unseen.errors import NumericalError

# a variance within this share of its floor rests on it: what clipping and refactoring add in rounding is far less
TOUCH = 1e-6


def steps_of(columns: tuple[ColumnProfile, ...]) -> Array:
    """The grid steps of some columns, (d,), 0 where there is no grid."""
    return np.array([c.resolution or 0.0 for c in columns])


def off_grid(columns: tuple[str, ...], steps: Array | None) -> tuple[str, ...]:
    """The columns that lie on no grid."""
    return columns if steps is None else tuple(c for c, h in zip(columns, steps, strict=True) if not h > 0)


def cell_volume(cells: Cells, steps: Array | None) -> Array | None:
    r"""Sum of :math:`\log h` over each row's observed cells on a grid, (n,); None where no column has one."""
    if steps is None or not (steps > 0).any():
        return None
    logs = np.log(np.where(steps > 0, steps, 1.0))
    return np.full(cells.values.shape[1], logs.sum()) if cells.observed is None else logs @ cells.observed


class Density(Family):
    """A family of densities over one slot of numbers: what it answers follows from its columns and their grid steps."""

    columns: tuple[str, ...]
    steps: Any  # (d,) 0 where a column lies on no grid, or None where no grid counts

    @property
    def continuous(self) -> bool:
        return True

    @property
    def ungridded(self) -> tuple[str, ...]:
        return off_grid(self.columns, self.steps)

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (Slot(self.columns),) if self.columns else unset()

    def volume(self, cells: Sequence[Cells]) -> Array | None:
        return cell_volume(cells[0], self.steps)


def least_variances(scale: Array, steps: Array | None, floor: float) -> Array:
    r"""The smallest variances allowed, (d,): :math:`\max(\text{floor} \cdot s_j^2, h_j^2 / 2 \pi)`; 0: no floor."""
    least = floor * np.asarray(scale, float) ** 2
    return least if steps is None or not floor else np.maximum(least, steps**2 / (2 * np.pi))


def raise_covariances(covariances: Array, least: Array, scale: Array) -> Array:
    r"""Raise what lies below the floors: eigenvalues of :math:`D^{-1/2} \Sigma D^{-1/2}` under 1, D the floors.

    This is the maximum of the Gaussian likelihood under :math:`\Sigma \succeq D`. covariances (K, d, d), least (d,) or
    (K, d) smallest variances (all 0: only negative eigenvalues are raised), scale (d,) standard deviations of the data.

    Raises
    ------
    NumericalError
        A covariance that is not finite: cells so large that their squares are none.
    """
    floored = bool((least > 0).all())
    roots = np.sqrt(least) if floored else scale
    units, margin = roots[..., :, None] * roots[..., None, :], 1.0 if floored else 0.0
    standard = covariances / units
    if not np.isfinite(standard).all():
        raise NumericalError("a component's covariance is not finite: look for cells of another order of magnitude")
    try:
        np.linalg.cholesky(standard - margin * np.eye(roots.shape[-1]))
        return covariances
    except np.linalg.LinAlgError:
        pass
    values, vectors = np.linalg.eigh(standard)
    low = values[:, 0] < margin
    raised = (vectors * np.maximum(values, margin)[:, None, :]) @ np.swapaxes(vectors, 1, 2) * units
    return np.where(low[:, None, None], raised, covariances)


def resting(covariances: Array, least: Array, steps: Array | None, columns: tuple[str, ...]) -> list[Floor]:
    """Which components rest on a floor; of a direction across columns, the one that has most of it is named.

    covariances (K, d, d), least (d,) or (K, d) smallest variances; all of them 0 means that there is no floor.
    """
    if not (least > 0).all():
        return []
    roots = np.sqrt(least)
    standard = covariances / (roots[..., :, None] * roots[..., None, :])
    try:
        np.linalg.cholesky(standard - (1 + TOUCH) * np.eye(roots.shape[-1]))
        return []
    except np.linalg.LinAlgError:
        pass
    values, vectors = np.linalg.eigh(standard)
    gridded = np.zeros(roots.shape[-1], bool) if steps is None else steps > 0
    out = []
    for k, j in zip(*np.nonzero(values <= 1 + TOUCH), strict=True):
        shares = vectors[k, :, j] ** 2
        kind, most = "grid" if shares[gridded].sum() > 0.5 else "variance", int(shares.argmax())
        # a direction may lie almost along a column that varies widely all the same: with another, far wider one
        own = min(float(shares[most]), 1 / float(standard[k, most, most]))
        out.append(Floor(int(k), columns[most], kind, own))
    return out


def floor_events(floors: Sequence[Floor]) -> dict[str, int]:
    """How many floors of variances bind, by what is counted of them in ``Params.events``."""
    found = [floor.kind for floor in floors]
    return {FLOORS[kind]: found.count(kind) for kind in ("variance", "grid") if kind in found}
