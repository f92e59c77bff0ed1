"""How far apart components lie, from what they say of each column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unseen.core.stats import Array
from unseen.result import Result


def component_distances(candidate: Result, champion: Result) -> Array | None:
    r"""Distance of each component of the candidate from each of the champion, (K, L) in [0, 1].

    .. math:: d_{kl} = \max_j H(f_{kj}, f'_{lj}), \qquad H^2(f, g) = 1 - \int \sqrt{f g}

    H is the Hellinger distance of what the two say of column j alone: for categories that of their probabilities,
    for numbers that of normals with the components' means and standard deviations,

    .. math:: H^2 = 1 - \sqrt{\frac{2 s t}{s^2 + t^2}} \exp\left(-\frac{(\mu - \nu)^2}{4 (s^2 + t^2)}\right).

    Values that both models set apart count like categories, with the normals for the rest; where only one does, the
    column as a whole counts as normal. A shift by one standard deviation is 0.34, by two 0.63; twice the spread 0.32.
    None for models that do not describe their components column by column.

    Source: Le Cam & Yang (2000), Asymptotics in Statistics, chapter 3.
    """
    theirs = {d["column"]: d for d in champion.description.views}
    far = [
        _affinity(ours, theirs[ours["column"]])
        for ours in candidate.description.views
        if ours["column"] in theirs and ("mean" in ours) == ("mean" in theirs[ours["column"]])
    ]
    return np.sqrt(np.clip(1 - np.min(far, axis=0), 0.0, 1.0)) if far else None


def _affinity(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Array:
    r"""Affinity :math:`\int \sqrt{f g}` of one column, (K, L)."""
    if "mean" in ours:
        both = "atoms" in ours and "atoms" in theirs
        head = "" if both else "overall_"
        told = [np.asarray(d.get(head + n, d[n]), float) for d in (ours, theirs) for n in ("mean", "sd")]
        normals = _normals(*told)
        if not both:
            return normals
        values = sorted({*ours["atoms"], *theirs["atoms"]})
        p, q = (_placed(d["atom_shares"], d["atoms"], values) for d in (ours, theirs))
        rest = np.sqrt(np.outer(*(np.maximum(1 - shares.sum(axis=1), 0) for shares in (p, q))))
        return np.sqrt(p) @ np.sqrt(q).T + rest * normals
    known = sorted({*ours["categories"], *theirs["categories"]})
    p, q = (_spread(d, known) for d in (ours, theirs))
    return np.sqrt(p) @ np.sqrt(q).T


def _normals(mean: Array, sd: Array, mean_: Array, sd_: Array) -> Array:
    gap, both = mean[:, None] - mean_, sd[:, None] ** 2 + sd_**2
    certain = both == 0  # a rate of zero: nothing varies
    both = np.where(certain, 1.0, both)
    affinity = np.sqrt(2 * sd[:, None] * sd_ / both) * np.exp(-(gap**2) / (4 * both))
    return np.where(certain, gap == 0, affinity)


def _spread(described: Mapping[str, Any], known: list[str]) -> Array:
    """Probabilities (K, categories) over more categories than the model may know."""
    return _placed(described["probabilities"], described["categories"], known)


def _placed(shares: Any, names: Any, known: list[Any]) -> Array:
    """Shares of some values (K, m) among more of them."""
    out = np.zeros((len(shares), len(known)))
    place = {name: j for j, name in enumerate(known)}
    out[:, [place[name] for name in names]] = shares
    return out
