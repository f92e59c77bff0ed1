"""How rows scatter around the components of a fit, in the coordinates that families give for geometric starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unseen.core.block import Block, Cells
from unseen.core.capabilities import Structured
from unseen.core.stats import Array, Params

#: rows whose log-density lies so many standard deviations below the mean fit badly
BADLY = 1.0
#: with more coordinates than this their covariances are not worth the time: the longest axis is a coordinate
MOST_COORDINATES = 200


@dataclass(frozen=True, slots=True)
class Scatter:
    """Mass (K,), first (K, m) and second moments (K, m, m), or (K, m) of many coordinates; and of the log-density."""

    mass: Array
    first: Array
    second: Array
    density: Array

    @classmethod
    def of(cls, model: Structured, params: Params, block: Block) -> Scatter:
        r, density = model.posterior(params, block)
        if block.weights is not None:
            r = r * block.weights
        z = filled(model.embed(block), None)
        w = r.sum(axis=0)
        sound = np.where(np.isfinite(density), density, 0.0)
        wide = len(z) > MOST_COORDINATES
        second = r @ (z * z).T if wide else np.array([(z * one) @ z.T for one in r])
        return cls(r.sum(axis=1), r @ z.T, second, np.array([w.sum(), w @ sound, w @ sound**2]))

    def __add__(self, other: Scatter) -> Scatter:
        return Scatter(*(getattr(self, n) + getattr(other, n) for n in self.__slots__))

    @property
    def centres(self) -> Array:
        return self.first / np.maximum(self.mass, 1e-300)[:, None]

    def axes(self) -> tuple[Array, Array]:
        """The longest axis of each component, (K, m), and the scatter of its rows along it, (K,)."""
        if self.second.ndim == 2:
            scatter = self.second - self.centres * self.first
            longest = scatter.argmax(axis=1)
            return np.eye(scatter.shape[1])[longest], scatter.max(axis=1)
        values, vectors = np.linalg.eigh(self.second - self.centres[:, :, None] * self.first[:, None])
        return vectors[:, :, -1], values[:, -1]

    @property
    def level(self) -> float:
        """The log-density below which rows fit badly."""
        weight, total, squares = self.density
        mean = total / max(weight, 1e-300)
        return float(mean - BADLY * np.sqrt(max(squares / max(weight, 1e-300) - mean**2, 0.0)))


def filled(cells: Cells, centre: Array | None) -> Array:
    """Coordinates less a centre (m,), zero where they are missing."""
    z = cells.values if centre is None else cells.values - centre[:, None]
    return np.asarray(z if cells.observed is None else np.where(cells.observed, z, 0.0), float)
