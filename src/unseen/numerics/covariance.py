"""Forms of the covariance of K Gaussians: full, diagonal, spherical, by factors (each free or tied), or common axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from unseen.core.stats import Array
from unseen.numerics.axes import common_axes
from unseen.numerics.factors import improve_diagonal
from unseen.numerics.resolution import raise_covariances

FORMS = ("full", "diagonal", "spherical", "factors", "common")
# Newton steps of the first M-step of factors; later ones go on from where the one before stopped
STEPS = 8
#: a deviation of fewer units in the last place of a value is none
ROUNDING = 64 * np.finfo(float).eps


@dataclass(frozen=True, slots=True)
class Covariance:
    """One form: how its arrays become matrices, and its best arrays given second moments."""

    form: str
    tied: bool
    factors: int
    columns: int
    scale: Array  # (d,) standard deviations of the data

    @property
    def dense(self) -> bool:
        """Whether columns depend on each other."""
        return self.form in ("full", "factors", "common")

    def size(self, components: int) -> int:
        """Free parameters of all covariances."""
        d, q = self.columns, self.factors
        full = d * (d + 1) // 2
        if self.form == "common":
            return components * d + d * (d - 1) // 2
        by_factors = min(d * (q + 1) - q * (q - 1) // 2, full)
        one = {"full": full, "diagonal": d, "spherical": 1, "factors": by_factors}[self.form]
        return one * (1 if self.tied else components)

    def vague(self, components: int) -> dict[str, Array]:
        """Arrays without correlations, with the data's own variances."""
        lead, variances = () if self.tied else (components,), self.scale**2
        if self.form == "common":
            return {"axes": np.eye(self.columns), "lengths": np.ones((components, self.columns))}
        if self.form == "factors":
            none = np.zeros((*lead, self.columns, self.factors))
            return {"loadings": none, "noise": np.broadcast_to(variances, (*lead, self.columns))}
        one = {"full": np.diag(variances), "diagonal": variances, "spherical": np.asarray(variances.mean())}[self.form]
        return {"covariances": np.broadcast_to(one, (*lead, *one.shape))}

    def matrices(self, arrays: Mapping[str, Array], components: int) -> Array:
        """Covariance matrices (K, d, d)."""
        if self.form == "factors":
            loadings, noise = arrays["loadings"], arrays["noise"]
            one = loadings @ np.swapaxes(loadings, -1, -2) + noise[..., None] * np.eye(self.columns)
            return self._each(one, components)
        if self.form == "full":
            return self._each(arrays["covariances"], components)
        if self.form == "common":
            turned = self.scale[:, None] * arrays["axes"]
            return np.einsum("ij,kj,lj->kil", turned, arrays["lengths"], turned)
        return self.variances(arrays, components)[..., None] * np.eye(self.columns)

    def variances(self, arrays: Mapping[str, Array], components: int) -> Array:
        """Variances (K, d) of a form without correlations."""
        v = self._each(arrays["covariances"], components)
        return np.repeat(v[:, None], self.columns, 1) if self.form == "spherical" else v

    def _each(self, one: Array, components: int) -> Array:
        return np.broadcast_to(one, (components, *one.shape) if self.tied else one.shape).copy()

    def best(self, spread: Array, mass: Array, least: Array, before: Mapping[str, Array] | None) -> dict[str, Array]:
        """Arrays of largest likelihood under the floors ``least``, (d,) or, of a full or free diagonal form, (K, d).

        spread : second moments about the means, (K, d, d) or, of a form without correlations, (K, d)
        mass : weights, (K,) or (K, d)
        before : the arrays so far, from which factors and axes go on
        """
        if not self.dense:
            return {
                "covariances": np.maximum(self._pooled(spread, mass), least[0] if self.form != "diagonal" else least)
            }
        if self.tied:
            spread = np.einsum("k,kij->ij", mass / mass.sum(), spread)[None]
        if self.form == "factors":
            return self._by_factors(spread, least, before)
        if self.form == "common":
            return self._common(spread, mass, least, before)
        raised = raise_covariances(spread, least, self.scale)
        return {"covariances": raised[0] if self.tied else raised}

    def _pooled(self, spread: Array, mass: Array) -> Array:
        """Variances pooled over components if tied, over columns if spherical."""
        axes = (*((0,) if self.tied else ()), *((1,) if self.form == "spherical" else ()))
        if not axes:
            return spread
        share = mass.sum(axis=axes)
        return np.divide((spread * mass).sum(axis=axes), share, out=np.zeros_like(share), where=share > 0)

    def _common(self, spread: Array, mass: Array, least: Array, before: Mapping[str, Array] | None) -> dict[str, Array]:
        fresh = before is None or np.array_equal(before["axes"], np.eye(self.columns))
        so_far = None if before is None or fresh else before["axes"]
        # no axis is shorter than the longest floor in units of the scale: whatever its direction, none is undercut
        shortest = max(float((least / self.scale**2).max()), float(np.finfo(float).eps))
        axes, lengths = common_axes(spread / np.outer(self.scale, self.scale), mass, shortest, so_far)
        return {"axes": axes, "lengths": lengths}

    def _by_factors(self, spread: Array, least: Array, before: Mapping[str, Array] | None) -> dict[str, Array]:
        least = np.maximum(least, np.finfo(float).eps * self.scale**2)
        halves = np.diagonal(spread, axis1=1, axis2=2) / 2
        # without loadings there is nothing to go on from: half the variance is a start that arrives
        fresh = before is None or not before["loadings"].any()
        noise = halves if before is None or fresh else before["noise"].reshape(-1, self.columns)
        loadings, noise = improve_diagonal(spread, self.factors, np.maximum(noise, least), least)
        for _ in range(STEPS if fresh else 0):
            loadings, noise = improve_diagonal(spread, self.factors, noise, least)
        return {"loadings": loadings[0], "noise": noise[0]} if self.tied else {"loadings": loadings, "noise": noise}

    def broken(self, arrays: Mapping[str, Array], components: int) -> str:
        """The first invariant that arrays break, or nothing."""
        if not self.dense:
            return "" if (arrays["covariances"] > 0).all() else "a variance is not positive"
        if self.form == "factors" and not (arrays["noise"] > 0).all():
            return "a noise variance is not positive"
        if self.form == "common" and not (arrays["lengths"] > 0).all():
            return "an axis has no length"
        matrices = self.matrices(arrays, components) / np.outer(self.scale, self.scale)
        for k, matrix in enumerate(matrices[:1] if self.tied else matrices):
            if not np.allclose(matrix, matrix.T, rtol=1e-8) or np.linalg.eigvalsh(matrix)[0] <= 0:
                return f"covariance {k} is not symmetric positive definite"
        return ""


def collapsed(covariances: Array, means: Array, anchor: Array, scale: Array) -> str:
    """Which component has lost its spread to rounding, or nothing.

    covariances (K, d, d), means (K, d), the ``anchor`` that rows are seen from, ``scale`` (d,) of the data
    """
    # what rounding makes of a value, and of the difference of two squares about the anchor
    sizes = ROUNDING * (np.abs(means) + scale)
    sizes = np.sqrt(sizes**2 + ROUNDING * (means - anchor) ** 2)
    units = covariances / (sizes[:, :, None] * sizes[:, None])
    least = np.linalg.eigvalsh(units)[:, 0]
    return f"the covariance of component {int(least.argmin())} is singular" if least.min() < 1 else ""
