"""Which component of the candidate is which of the champion, and what became of the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from unseen.core.stats import Array
from unseen.ops.record import Match

KEPT, MOVED, SPLIT, MERGED, BORN, DIED = "kept", "moved", "split", "merged", "born", "died"
#: two components share their rows if at least so much of the smaller one lies in both
OVERLAP = 0.5
#: largest distance of a component that stayed where it was: 0.57 standard deviations, or a spread 1.5 times as large
STAYED = 0.2
#: largest distance of a part from its whole: beyond 2.9 standard deviations it is something else
FAR = 0.8
#: a component that holds less than this of the rows says nothing about them
A_ROW = 0.5
#: rows in common that differ by no more of themselves are equal
ROUNDED = 1e-9
#: weight of what decides between pairs that share their rows equally
TIE = 1e-9


@dataclass(frozen=True, slots=True)
class Flow:
    r"""Where the rows of the champion's components went: sums over rows of weight w.

    joint : (K, L), :math:`J_{kl} = \sum_n w_n r_k(x_n) r'_l(x_n)`, r of the candidate and r' of the champion
    common : (K, L), :math:`T_{kl} = \sum_n w_n \min(r_k(x_n), r'_l(x_n))`
    hard : (K, L), weight of the rows whose most probable components are k and l
    after, before : (K,) and (L,), the components' total responsibilities
    """

    joint: Array
    common: Array
    hard: Array
    after: Array
    before: Array

    @classmethod
    def of(cls, candidate: Array, champion: Array, weights: Array | None = None) -> Flow:
        """From responsibilities (K, n) and (L, n) for the same rows."""
        k, n = candidate.shape
        w = np.ones(n) if weights is None else weights
        hard = np.zeros((k, len(champion)))
        np.add.at(hard, (candidate.argmax(axis=0), champion.argmax(axis=0)), w)
        common = np.stack([np.minimum(r, champion) @ w for r in candidate])
        return cls((candidate * w) @ champion.T, common, hard, candidate @ w, champion @ w)

    def __add__(self, other: Flow) -> Flow:
        return Flow(
            self.joint + other.joint,
            self.common + other.common,
            self.hard + other.hard,
            self.after + other.after,
            self.before + other.before,
        )

    @property
    def weight(self) -> float:
        return float(self.hard.sum())


def pairs(flow: Flow, distance: Array | None = None) -> dict[int, int]:
    """The assignment of champions' components to the candidate's that keeps most rows together, k -> l.

    The Hungarian method on ``joint``, among pairs that share their rows (``OVERLAP``). Ties are decided by hard
    labels, then by distance; a component that holds no row at all is paired with one that lies where it lies.

    Source: Kuhn (1955), Naval Research Logistics Quarterly 2; Stephens (2000), J. R. Statist. Soc. B 62, for
    relabelling components.
    """
    from scipy.optimize import linear_sum_assignment

    far = np.zeros(flow.joint.shape) if distance is None else distance
    small = np.minimum(flow.after[:, None], flow.before)
    allowed = np.where(small < A_ROW, far <= STAYED, flow.common >= OVERLAP * small)
    value = (flow.joint + TIE * flow.hard) / max(flow.weight, 1.0) + TIE * (2 - far)
    rows, columns = linear_sum_assignment(np.where(allowed, value, 0.0), maximize=True)
    return {int(k): int(m) for k, m in zip(rows, columns, strict=True) if allowed[k, m]}


def moved_share(flow: Flow, paired: dict[int, int]) -> float:
    """Share of the rows whose most probable component is not the same one any more."""
    changed = flow.hard.copy()
    for k, m in paired.items():
        changed[k, m] = 0.0
    return float(changed.sum() / flow.weight) if flow.weight else 0.0


def align(flow: Flow, distance: Array | None = None) -> tuple[Match, ...]:
    """What became of every component, those of the candidate in order, then those that died.

    ``distance`` (K, L) is that of `component_distances`, in [0, 1]. A pair is ``kept`` or, beyond ``STAYED``,
    ``moved``. An unpaired component most of whose rows were in one component of the champion, not ``FAR`` from it, is
    a part of a ``split``; of the champion's, a part of a ``merged`` one. What is left was ``born`` or ``died``.
    Shares are those of the held-out rows, ``share_before`` under the champion and ``share_after`` under the
    candidate; the distance of a split or merged component is that of its farthest part, of one that was born or died
    that of the nearest there is.

    Source: Spiliopoulou, Ntoutsi, Theodoridis & Schult (2006), KDD, for transitions told by the overlap of rows.

    >>> r = np.array([[0.9, 0.8, 0.1], [0.1, 0.2, 0.9]])
    >>> [(m.kind, m.candidate, m.champion) for m in align(Flow.of(r, r[::-1]))]
    [('kept', (0,), (1,)), ('kept', (1,), (0,))]
    """
    paired = pairs(flow, distance)
    into = _parts(flow.common, flow.after, distance, set(paired), set(paired.values()))
    turned = None if distance is None else distance.T
    from_ = _parts(flow.common.T, flow.before, turned, set(paired.values()), set(paired))
    return tuple(_matches(flow, distance, paired, into, from_))


def _parts(common: Array, mass: Array, distance: Array | None, paired: set[int], others: set[int]) -> dict[int, int]:
    """For each unpaired component of one side, the paired one of the other side that it was a part of, if any.

    That one is paired but for ties: two that share their rows do not both stay alone in the best assignment.
    """
    out = {}
    for k in range(len(mass)):
        # of those that are equal but for rounding, which depends on the side that sums were made from, the first
        equal = np.flatnonzero(common[k] >= (1 - ROUNDED) * common[k].max()).tolist()
        whole = next((i for i in equal if i in others), equal[0])
        inside = mass[k] >= A_ROW and common[k, whole] > (1 + ROUNDED) * OVERLAP * mass[k]
        if k not in paired and whole in others and inside and (distance is None or distance[k, whole] <= FAR):
            out[k] = whole
    return out


def _matches(
    flow: Flow, distance: Array | None, paired: dict[int, int], into: dict[int, int], from_: dict[int, int]
) -> Iterator[Match]:
    def match(kind: str, ks: tuple[int, ...], ms: tuple[int, ...]) -> Match:
        far = None
        if distance is not None:
            found = distance[np.ix_(ks or range(len(flow.after)), ms or range(len(flow.before)))]
            far = float(found.max() if ks and ms else found.min())
        total = flow.weight or 1.0
        before, after = float(flow.before[list(ms)].sum()) / total, float(flow.after[list(ks)].sum()) / total
        return Match(kind=kind, candidate=ks, champion=ms, share_before=before, share_after=after, distance=far)

    for k in range(len(flow.after)):
        if k not in paired:
            if k not in into:
                yield match(BORN, (k,), ())
            continue
        m = paired[k]
        more, less = (tuple(i for i in d if d[i] == whole) for d, whole in ((into, m), (from_, k)))
        if more:
            yield match(SPLIT, (k, *more), (m,))
        if less:
            yield match(MERGED, (k,), (m, *less))
        if not more and not less:
            stayed = distance is None or distance[k, m] <= STAYED
            yield match(KEPT if stayed else MOVED, (k,), (m,))
    for m in range(len(flow.before)):
        if m not in from_ and m not in paired.values():
            yield match(DIED, (), (m,))
