"""One batch against what the champion was trained on: what the shares of its components explain, and what they do not.

`unseen drift` looks at a champion's whole life, as often as one likes; here each batch is looked at once, before it may
change what is in production. A batch whose components only have other shares is what retraining is for. A column that
moved in another way, holes that came or went, rows that fit far worse, a component that vanished: each is evident if
chance does it in less than `ALARM` of ordinary batches, for all tests together, and holds if it went further than
twice as far as any partition before went from the others, and further than its least.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen.core.stats import Array, Sums
from unseen.ops.drift import parts
from unseen.ops.drift.bins import Layout
from unseen.ops.drift.evidence import effects
from unseen.ops.drift.report import percent
from unseen.ops.record import Moved
from unseen.result import Result

#: chance that any finding about an ordinary batch is evident
ALARM = 0.001
#: total variation below which nothing is told, by kind; of holes that vanish altogether it is `GONE`
LEAST = {"column": 0.1, "joint": 0.1, "holes": 0.05, "fit": 0.1, "shares": 0.05}
GONE = 0.02
#: share of a bin of a column that is missed if less than a tenth of it is left
LACKING = 0.03
#: how much further than any partition before, of many; of m partitions the largest says m / (m - 1) times less
FURTHER = 2.0
#: a component of at least this share has vanished if less than this part of its least share is left
PRESENT, LEFT = 0.05, 0.2


@dataclass(frozen=True, slots=True)
class Test:
    """Counts of the reference, as the batch's shares would have them, and of the batch."""

    kind: str
    name: str
    before: Array
    now: Array

    @property
    def key(self) -> str:
        return f"{self.kind} {self.name}".strip()

    @property
    def effect(self) -> float:
        return float(effects(self.before[None], self.now[None, None])[0, 0])

    @property
    def p_value(self) -> float:
        """Of Pearson's test that both are drawn from the same shares."""
        from scipy.special import chdtrc

        n, m = self.before.sum(), self.now.sum()
        pooled = self.before + self.now
        there = pooled > 0
        if not n or not m or there.sum() < 2:
            return 1.0
        q = pooled[there] / (n + m)
        apart = (self.now[there] / m - self.before[there] / n) ** 2
        return float(chdtrc(there.sum() - 1, (apart / (q * (1 / n + 1 / m))).sum()))


def tests(layout: Layout, reference: Sums, batch: Sums) -> Iterator[Test]:
    """Everything that is compared, the reference brought to the shares of the batch."""
    w = parts.shares(reference, batch)
    for j, bins in enumerate(layout.columns):
        if bins.size > 1:
            name = f"column {j}"
            yield Test("column", bins.name, parts.expected(reference, w, name), batch[name].sum(axis=0))
            if f"joint {j}" in reference:
                yield Test("joint", bins.name, parts.together(reference, w, j).ravel(), batch[name].ravel())
        holes = parts.expected(reference, w, "holes", j), batch["holes"][:, j].sum(axis=0)
        yield Test("holes", bins.name, *holes)
    yield Test("fit", "", parts.expected(reference, w, "density"), batch["density"].sum(axis=0))
    if layout.discrete and layout.components > 1:
        yield Test("shares", "", parts.mass(reference), w * parts.mass(batch).sum())


def usual(layout: Layout, each: Sequence[Sums]) -> dict[str, float]:
    """How far the partitions of the reference lie from each other: of each test the largest effect of one of them.

    ``least K`` is the smallest share of component K in any of them, as part of its share in the others, and ``fall K``
    by how much less that is.
    """
    out: dict[str, float] = {}
    for i, one in enumerate(each if len(each) > 1 else ()):
        others = [s for j, s in enumerate(each) if j != i]
        rest: Sums = {name: np.sum([s[name] for s in others], axis=0) for name in one}
        if not parts.mass(one).sum() or not parts.mass(rest).sum():
            continue
        for test in tests(layout, rest, one):
            out[test.key] = max(out.get(test.key, 0.0), test.effect)
        were = parts.mass(rest) / parts.mass(rest).sum()
        for k, ratio in enumerate(_ratios(rest, one)):
            out[f"least {k}"] = min(out.get(f"least {k}", 1.0), float(ratio))
            out[f"fall {k}"] = max(out.get(f"fall {k}", 0.0), float(were[k] * (1 - ratio)))
    return out


def compared(
    champion: Result, layout: Layout, reference: Mapping[str, Any], batch: Sums, holding: Sequence[str]
) -> tuple[Moved, ...]:
    """What is evident of a batch, what holds first; ``holding`` are the kinds that may.

    Parameters
    ----------
    reference : ``parts`` and ``usual`` of `remember`
    batch : `parts.parts_of` the newest partition
    """
    before, known = parts.read(reference["parts"], layout), reference["usual"]
    if not parts.mass(batch).sum() or not parts.mass(before).sum():
        return ()
    all_tests = list(tests(layout, before, batch))
    limit = ALARM / (len(all_tests) + layout.components)
    many = reference.get("partitions", 0)
    further = FURTHER * many / (many - 1) if many > 1 else FURTHER
    found = [_moved(t, known.get(t.key, 0.0), further, holding) for t in all_tests if t.p_value <= limit]
    found += _vanished(champion, layout, before, batch, known, further, limit, holding)
    return tuple(sorted((f for f in found if f is not None), key=lambda f: (not f.holds, -f.effect)))


def apart(champion: Result, layout: Layout, each: Sequence[Sums]) -> dict[int, Moved]:
    """Which partitions lie far from the others, each with what moved most; of fewer than three nobody can tell.

    Each is held against the others as a new one against those behind a champion: an odd one among the others shows
    in how far they lie apart.
    """
    found = {}
    for i, one in enumerate(each if len(each) > 2 else ()):
        others = [s for j, s in enumerate(each) if j != i]
        rest = {name: np.sum([s[name] for s in others], axis=0).tolist() for name in one}
        known = {"parts": rest, "usual": usual(layout, others), "partitions": len(others)}
        far = [m for m in compared(champion, layout, known, one, ()) if m.far]
        if far:
            found[i] = max(far, key=lambda m: m.effect)
    return found


def _moved(test: Test, known: float, further: float, holding: Sequence[str]) -> Moved | None:
    effect, least = test.effect, LEAST[test.kind]
    before, now = (float(c[1] / max(c.sum(), 1e-300)) for c in (test.before, test.now))
    gone = test.kind == "holes" and before >= GONE and now < before / 10
    lacks = test.kind == "column" and _lacks(test)
    if not gone and not lacks and effect < least:
        return None
    far = effect > further * known
    kind = "column" if test.kind == "joint" else test.kind
    return Moved(
        kind=kind,
        column=test.name or None,
        effect=round(effect, 4),
        usual=round(known, 4),
        p_value=test.p_value,
        far=far,
        holds=far and kind in holding,
        message=_words(test, before, now, effect, known),
    )


def _lacks(test: Test) -> bool:
    """Whether a bin that should hold some of the rows holds next to none: a filter dropped them."""
    before, now = (c / max(c.sum(), 1e-300) for c in (test.before, test.now))
    return bool(((before >= LACKING) & (now < before / 10)).any())


def _words(test: Test, before: float, now: float, effect: float, known: float) -> str:
    size = f"total variation {effect:.2g}, {known:.2g} at most between the partitions before"
    if test.kind == "holes":
        word = "rose" if now > before else "fell"
        return f"missing share of {test.name} {word} from {percent(before)} to {percent(now)}"
    if test.kind == "fit":
        return f"rows fit otherwise than they did, whatever the shares of the components ({size})"
    if test.kind == "shares":
        return f"the shares of the components moved ({size})"
    if test.kind == "joint":
        return f"column {test.name} goes with other components than it did ({size})"
    return f"column {test.name} is distributed otherwise, whatever the shares of the components ({size})"


def _ratios(reference: Sums, batch: Sums) -> Array:
    """The share of each component in a batch as part of its share in the reference, (K,)."""
    v = parts.mass(reference)
    out: Array = parts.shares(reference, batch) / np.maximum(v / max(v.sum(), 1e-300), 1e-300)
    return out


def _vanished(
    champion: Result,
    layout: Layout,
    before: Sums,
    batch: Sums,
    known: Mapping[str, float],
    further: float,
    limit: float,
    holding: Sequence[str],
) -> Iterator[Moved]:
    """Components without rows, which all partitions before had."""
    if not layout.discrete or layout.components < 2:
        return
    v, m, names = parts.mass(before), parts.mass(batch).sum(), champion.description.name
    was, ratios = v / v.sum(), _ratios(before, batch)
    for k in np.flatnonzero(was >= PRESENT).tolist():
        now = was[k] * ratios[k]
        least = min(known.get(f"least {k}", 1.0), 1.0)
        fall = known.get(f"fall {k}", was[k] * (1 - least))  # older references have the first alone
        pair = Test("vanished", "", np.array([v[k], v.sum() - v[k]]), m * np.array([now, 1 - now]))
        if ratios[k] < LEFT * least and was[k] - now > further * fall and pair.p_value <= limit:
            yield Moved(
                kind="vanished",
                component=k,
                effect=round(float(was[k] - now), 4),
                usual=round(float(fall), 4),
                p_value=pair.p_value,
                far=True,
                holds="vanished" in holding,
                message=f"{names(k)} vanished: its share fell from {percent(was[k])} to {percent(now)}",
            )
