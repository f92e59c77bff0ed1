r"""Covariances with axes in common: :math:`\Sigma_k = S D \,\mathrm{diag}(a_k)\, D^\top S` with orthogonal D.

S holds the data's standard deviations. Common principal components: components differ in how long each axis is, not in
where it points. With many columns and few rows that is most of what a full covariance says, for d (d - 1) / 2
parameters once instead of K times.

Source: Flury (1984), JASA 79, 892-898; Flury & Gautschi (1986), SIAM J. Sci. Stat. Comput. 7, 169-184, whose pairs of
axes are rotated here; in mixtures VVE, Browne & McNicholas (2014), Adv. Data Anal. Classif. 8, 217-226.
"""

from __future__ import annotations

import numpy as np

from unseen.core.stats import Array

#: sweeps over all pairs of axes in the first M-step; later ones go on from where the one before stopped
FIRST = 5


def common_axes(spread: Array, mass: Array, least: float, axes: Array | None = None) -> tuple[Array, Array]:
    """Axes (d, d) in columns and lengths (K, d), at least as likely as the axes given with the best lengths.

    spread : (K, d, d) covariances in units of the data's scale      mass : (K,) their weights
    least : smallest length allowed      axes : those so far, or None: from the pooled covariance
    """
    sweeps = 1
    if axes is None:
        pooled = np.einsum("k,kij->ij", mass / mass.sum(), spread)
        axes, sweeps = np.linalg.eigh(pooled)[1], FIRST
    else:
        u, _, v = np.linalg.svd(axes)  # what was extrapolated need not be orthogonal
        axes = u @ v
    lengths = along(spread, axes, least)
    for _ in range(sweeps):
        axes = _rotated(spread, mass, axes, lengths)
        lengths = along(spread, axes, least)
    return axes, lengths


def along(spread: Array, axes: Array, least: float) -> Array:
    """Variances along each axis, (K, d), none below ``least``."""
    return np.maximum(np.einsum("ij,kil,lj->kj", axes, spread, axes), least)


def _rotated(spread: Array, mass: Array, axes: Array, lengths: Array) -> Array:
    """Each pair of axes turned in its plane to where the likelihood is largest, given all lengths.

    In the plane of axes l and m the discrepancy is a quadratic form in the first of them: with T_k the weighted
    covariance in the plane, its matrix is the sum of (1 / a_kl - 1 / a_km) T_k, and the smallest eigenvector is best.
    """
    axes, precision = axes.copy(), mass[:, None] / lengths
    turned = np.einsum("kij,jl->kil", spread, axes)  # W_k D, kept up to date column by column
    d = len(axes)
    for a in range(d - 1):
        for b in range(a + 1, d):
            weight = precision[:, a] - precision[:, b]
            p = weight @ (turned[:, :, a] @ axes[:, a])
            q = weight @ (turned[:, :, a] @ axes[:, b])
            r = weight @ (turned[:, :, b] @ axes[:, b])
            angle = 0.5 * np.arctan2(2 * q, p - r) + np.pi / 2  # the smallest eigenvector of ((p, q), (q, r))
            if angle > np.pi / 2:
                angle -= np.pi
            c, s = np.cos(angle), np.sin(angle)
            if abs(s) < 1e-12:
                continue
            first, second = axes[:, a].copy(), axes[:, b].copy()
            axes[:, a], axes[:, b] = c * first + s * second, c * second - s * first
            first, second = turned[:, :, a].copy(), turned[:, :, b].copy()
            turned[:, :, a], turned[:, :, b] = c * first + s * second, c * second - s * first
    return axes
