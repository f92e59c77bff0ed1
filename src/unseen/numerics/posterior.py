"""From log joint densities to responsibilities, in the log domain."""

from __future__ import annotations

import numpy as np

from unseen.core.stats import Array


def responsibilities(log_joint: Array) -> Array:
    r"""Overwrite ``log_joint`` (K, n) with responsibilities and return the log-density of each row, (n,).

    .. math:: \log p(x) = m + \log \sum_k e^{a_k - m}, \quad r_k = e^{a_k - \log p(x)}, \quad m = \max_k a_k

    A row whose density is zero under every component (all ``-inf``) keeps log-density ``-inf`` and gets equal
    responsibilities, so that no NaN is born; the caller counts such rows.
    """
    top = log_joint.max(axis=0)
    if not np.isfinite(top).all():
        dead = ~np.isfinite(top)
        log_joint[:, dead] = 0.0
        density = responsibilities(log_joint)
        density[dead] = top[dead]
        return density
    log_joint -= top
    np.exp(log_joint, out=log_joint)
    total = log_joint.sum(axis=0)
    log_joint /= total
    np.log(total, out=total)
    total += top
    return total
