"""M-steps of zero-inflated counts: the share of zeros that their family leaves unexplained, and its part of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from unseen.core.block import Cells
from unseen.core.family import Family
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, unprefixed

# a share of 1 would make every other count impossible, and the likelihood is flat long before
MOST = 1 - 1e-12
# rows of a component, or fewer, that say nothing of its shares
EMPTY = 1e-8


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


def split_zeros(
    family: Family,
    given: Mapping[str, Array],
    sums: Mapping[str, Array],
    share: Array,
    zero: Array,
    mass: Array,
    pseudo: Array,
) -> tuple[Array, Params]:
    """Shares of excess zeros (K, d) and the family's own parameters, from the sums of all cells of d columns.

    given, sums : the family's own parameters so far, and its statistics as if it had all zeros
    share, zero, mass, pseudo : shares so far, weights of the zeros and of all cells (K, d), pseudo-counts (K, d, 2)
    """
    old, d = Params(given), share.shape[1]
    # a row for each column, in which all others are missing
    lone = Cells(np.zeros((d, d)), None if d == 1 else np.eye(d, dtype=bool))
    density, collect = family.evaluate(family.prepare(old), (lone,))
    usual = np.exp(density)
    share = np.where(mass + pseudo.sum(axis=-1) > EMPTY, excess(zero, mass, usual, share, pseudo), share)
    split = np.divide(share, share + (1 - share) * usual, out=np.zeros_like(share), where=share > 0)
    taken = collect(split * zero)
    return share, family.moments(
        {key: value - taken[key] if key in taken else value for key, value in sums.items()}, old
    )


def together(inner: Family, each: Sequence[Family], profile: Profile) -> Family | None:
    """The inner family of all columns, if its parameters are those of the single ones beside each other."""
    whole = inner.bind(profile)
    parts, found = [family.vague(2) for family in each], whole.vague(2)
    single = all(set(p) == set(found) and all(v.shape == (2, 1) for v in p.values()) for p in parts)
    alike = single and all(np.array_equal(v, np.hstack([p[name] for p in parts])) for name, v in found.items())
    return whole if alike else None


def side_by_side(arrays: Mapping[str, Array], names: Sequence[str]) -> dict[str, Array]:
    """What stands behind the columns' names, their arrays side by side on the second axis."""
    parts = [unprefixed(name, arrays) for name in names]
    return parts[0] if len(parts) == 1 else {key: np.hstack([p[key] for p in parts]) for key in parts[0]}
