"""Elliptical families over one slot of numbers: a location and a matrix, about an anchor that keeps them accurate."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from unseen.core.profile import Profile
from unseen.core.stats import Array
from unseen.errors import DataError, ModelError
from unseen.numerics.compiled import worthwhile
from unseen.numerics.compiled_patterns import CELL
from unseen.numerics.incomplete import Met
from unseen.numerics.resolution import Density, least_variances, steps_of


class Elliptical(Density):
    """A family whose density falls with the distance from a location, in units of a matrix.

    Source: Kelker (1970), Sankhya A 32, 419-430.
    """

    #: what it is called, and what a constant column has none of, where it refuses a column
    _called: ClassVar[str]
    _extent: ClassVar[str]

    floor: float
    anchor: Any  # (d,) or, where accuracy needs it, (K, d)
    scale: Any  # (d,) standard deviations of the data
    incomplete: bool
    rows: int  # of the data it is bound to: few are not worth a compiler

    def _check_floor(self) -> None:
        if not 0 <= self.floor < 1:
            raise ModelError("floor is a share of the data's variance: take it from 0 up to 1, for example 1e-6")

    def bind(self, profile: Profile) -> Self:
        for c in profile.columns:
            if c.kind == "category":
                raise DataError(
                    f"column {c.name!r} holds text, which {self._called} cannot describe: use Categorical for it, "
                    "or ignore it"
                )
            if not c.variance > 0:
                raise DataError(
                    f"column {c.name!r} is constant, so its {self._extent} is zero: it tells components nothing, "
                    "ignore it"
                )
        return replace(  # type: ignore[type-var]
            self,
            columns=profile.names,
            anchor=np.array([c.mean for c in profile.columns]),
            scale=np.sqrt([c.variance for c in profile.columns]),
            incomplete=any(c.missing for c in profile.columns),
            steps=steps_of(profile.columns) if self.floor else None,
            rows=profile.rows,
        )

    @property
    def least(self) -> Array:
        """The smallest diagonal allowed of the matrix, (d,): no density is higher at its centre than the normal one."""
        return least_variances(self.scale, self.steps, self.floor)

    @property
    def centre(self) -> Array:
        """One point (d,) near the middle of the data."""
        centre: Array = self.anchor if self.anchor.ndim == 1 else self.anchor.mean(axis=0)
        return centre

    @cached_property
    def _met(self) -> Met:
        """Missing patterns met so far, at whatever parameters."""
        return Met()

    def _worth_compiling(self, components: int) -> bool:
        """Whether a pass over all rows is so long that kernels win back the time they take to load."""
        d = len(self.columns)
        return worthwhile(self.rows * components * d * (d + 3 + (CELL if self.incomplete else 0)))

    def _described(self, family: str, locations: Array, matrices: Array) -> list[dict[str, Any]]:
        """What `describe` says of locations (K, d) and matrices (K, d, d)."""
        sd = np.sqrt(np.diagonal(matrices, axis1=1, axis2=2))
        return [
            {"column": name, "family": family, "mean": locations[:, j].tolist(), "sd": sd[:, j].tolist()}
            for j, name in enumerate(self.columns)
        ]
