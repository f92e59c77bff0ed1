"""From log joint densities to responsibilities, in the log domain."""

from __future__ import annotations

import numpy as np

from unseen.core.stats import Array
from unseen.numerics.compiled import softmax

SMALLEST = {np.dtype(np.float64): -700.0, np.dtype(np.float32): -87.0}


def responsibilities(log_joint: Array, compiled: bool = False) -> Array:
    r"""Overwrite ``log_joint`` (K, n) with responsibilities and return the log-density of each row, (n,).

    .. math:: \log p(x) = m + \log \sum_k e^{a_k - m}, \quad r_k = e^{a_k - \log p(x)}, \quad m = \max_k a_k

    A row whose density is zero under every component (all ``-inf``) keeps log-density ``-inf`` and gets equal
    responsibilities, so that no NaN is born; the caller counts such rows. ``compiled`` asks for the kernel.
    """
    top = log_joint.max(axis=0)
    if not np.isfinite(top).all():
        dead = ~np.isfinite(top)
        log_joint[:, dead] = 0.0
        density = responsibilities(log_joint, compiled)
        density[dead] = top[dead]
        return density
    total = softmax(log_joint, top) if compiled else None
    if total is None:
        total = _plain(log_joint, top)
    np.log(total, out=total)
    total += top
    return total


def _plain(log_joint: Array, top: Array) -> Array:
    """The plain path of `softmax`."""
    log_joint -= top
    # exp of what underflows takes a path five times slower; e^-700 is as good as zero
    np.maximum(log_joint, SMALLEST[log_joint.dtype], out=log_joint)
    np.exp(log_joint, out=log_joint)
    total = log_joint.sum(axis=0)
    log_joint /= total
    return total
