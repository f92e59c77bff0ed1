"""The share of zeros that a family of counts leaves unexplained."""

from __future__ import annotations

import numpy as np

from unseen.core.stats import Array

# a share of 1 would make every other count impossible, and the likelihood is flat long before
MOST = 1 - 1e-12


def excess(zero: Array, mass: Array, usual: Array, old: Array, pseudo: Array) -> Array:
    r"""The share :math:`\pi` of excess zeros where the family itself gives zeros the probability ``usual``.

    Without a prior it is the maximum of :math:`z \log(\pi + (1 - \pi) p_0) + (m - z) \log(1 - \pi)`, which gives zeros
    their share z / m and is 0 if the family gives them more; with pseudo-counts (..., 2) of excess zeros and of
    all else it is one EM step from ``old``. All others of one shape, (K,) or (K, d).

    >>> m, none = np.array([10.0, 10.0]), np.zeros((2, 2))
    >>> excess(np.array([6.0, 1.0]), m, np.array([0.2, 0.2]), np.zeros(2), none)
    array([0.5, 0. ])
    """
    rows = mass + pseudo.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        if pseudo.any():
            share = (zero * old / (old + (1 - old) * usual) + pseudo[..., 0]) / rows
        else:
            share = (zero / mass - usual) / (1 - usual)
    return np.where(np.isfinite(share), np.minimum(np.maximum(share, 0), MOST), 0.0)
