"""What drifted, in words: columns by name and components by number, never a value of a row or a category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from unseen.core.stats import Array, Sums
from unseen.ops.drift.battery import Found
from unseen.ops.drift.reference import Reference
from unseen.ops.drift.report import percent
from unseen.ops.drift.tally import spread
from unseen.result import Result

MOST = 8
# a column's move is put down to a component when the components' shares alone explain this much of it
EXPLAINED = 0.5


@dataclass(frozen=True)
class Window:
    """The rows since some look beside the reference."""

    champion: Result
    reference: Reference
    sums: Sums
    sensitive: tuple[str, ...] = ()

    @classmethod
    def of(cls, champion: Result, reference: Reference, sums: Sums, sensitive: Sequence[str]) -> Self:
        return cls(champion, reference, sums, tuple(sensitive))

    def shares(self, name: str, *at: int) -> tuple[Array, Array]:
        """Counts as shares, in the reference and now."""
        before, now = self.reference.sums[name], self.sums[name]
        for i in at:
            before, now = before[i], now[i]
        return before / max(before.sum(), 1e-300), now / max(now.sum(), 1e-300)


def cause(window: Window, found: Found) -> str:
    """One test's finding as a sentence."""
    probe = found.probe
    if probe.kind == "missing":
        before, now = (share[1] for share in window.shares("missing", probe.at))
        return f"missing share of {probe.column} {_rose(before, now)} from {percent(before)} to {percent(now)}"
    if probe.kind == "density":
        return _density(window, found)
    if probe.kind == "shares":
        return _components(window)
    if probe.kind == "position":
        return _position(window, found)
    if probe.kind == "output":
        return _output(window, found)
    bins = window.reference.layout.columns[probe.at]
    return _number(window, found) if bins.number else _category(window, found)


def listed(causes: Sequence[str]) -> tuple[str, ...]:
    """Each cause once, the strongest first, and how many more there are."""
    once = list(dict.fromkeys(causes))
    more = len(once) - MOST
    return tuple(once) if more <= 1 else (*once[:MOST], f"and {more} more")


def _rose(before: float, now: float) -> str:
    return "rose" if now > before else "fell"


def _components(window: Window) -> str:
    """The component whose share moved most, and a second one that moved at least half as far."""
    before, now = window.shares("shares")
    change = now - before
    order = np.argsort(-np.abs(change), kind="stable")
    chosen = [int(k) for k in order[:2] if abs(change[k]) >= abs(change[order[0]]) / 2]
    return ", ".join(_component(window, k, before[k], now[k]) for k in chosen)


def _component(window: Window, k: int, before: float, now: float) -> str:
    word = "grew" if now > before else "shrank"
    return f"{window.champion.description.name(k)} {word} from {percent(before)} to {percent(now)}"


def _density(window: Window, found: Found) -> str:
    before, wide = map(float, spread(window.reference.sums["fit"]))
    now, wide_now = map(float, spread(window.sums["fit"]))
    if abs(now - before) >= 0.05 * max(wide, 1e-300):
        word, verb = ("better", "rose") if now > before else ("worse", "fell")
        return f"rows fit {word}: log-density per row {verb} from {before:.1f} to {now:.1f}"
    if abs(wide_now / max(wide, 1e-300) - 1) >= 0.05:
        return f"log-density per row {'spread out' if wide_now > wide else 'narrowed'} around {now:.1f}"
    return f"log-density per row is distributed differently {_moved(found)}"


def _position(window: Window, found: Found) -> str:
    """How far a component's middle moved in the column that says most, in its own standard deviations."""
    probe = found.probe
    head = f"{window.champion.description.name(probe.component or 0)} moved"
    if probe.column in window.sensitive:
        return f"{head} in column {probe.column}"
    before, sd = map(float, spread(window.reference.sums["places"][probe.component, probe.at]))
    now, _ = map(float, spread(window.sums["places"][probe.component, probe.at]))
    return f"{head} {_by(now - before, sd, found)} in {probe.column}"


def _output(window: Window, found: Found) -> str:
    """How far a number that the model says of rows moved."""
    name = f"the model's {found.probe.column}"
    before, sd = map(float, spread(window.reference.sums["said"][found.probe.at]))
    now, sd_now = map(float, spread(window.sums["said"][found.probe.at]))
    if window.sensitive:  # it may be a column's conditional mean
        return f"{name} moved {_moved(found)}"
    if abs(now - before) >= max(0.05, found.effect) * max(sd, 1e-300):
        return f"{name} moved {_by(now - before, sd, found)}"
    if abs(sd_now / max(sd, 1e-300) - 1) >= 0.05:
        return f"{name} {'spread out' if sd_now > sd else 'narrowed'} {_moved(found)}"
    return f"{name} is distributed differently {_moved(found)}"


def _number(window: Window, found: Found) -> str:
    name = str(found.probe.column)
    if name in window.sensitive:
        return f"column {name} moved {_moved(found)}"
    at = [b.name for b in window.reference.layout.numbers].index(name)
    before, sd = map(float, spread(window.reference.sums["moments"][at]))
    now, sd_now = map(float, spread(window.sums["moments"][at]))
    move, sd = now - before, max(sd, 1e-300)
    # a plain shift by x sd is a total variation of 0.4 x: less than half of that is not the story
    if abs(move) >= max(0.05, found.effect) * sd:
        said = f"column {name} moved {_by(move, sd, found)}"
        return f"{said}{_because(window, explained=_mean_shift(window, at), seen=np.array([move]))}"
    ratio = sd_now / sd
    if abs(ratio - 1) >= 0.05:
        word = "spread out" if ratio > 1 else "narrowed"
        return f"column {name} {word}: its standard deviation is {ratio:.2g} times what it was"
    return f"column {name} is distributed differently {_moved(found)}"


def _category(window: Window, found: Found) -> str:
    name = str(found.probe.column)
    before, now = window.shares(f"column {found.probe.at}")
    said = f"{name} mix moved {_moved(found)}"
    if now[-1] >= max(0.01, 2 * before[-1]):
        return f"{said}: {percent(now[-1])} are categories that the model has never seen"
    return f"{said}{_because(window, explained=_mix_shift(window, found.probe.at), seen=now - before)}"


def _by(move: float, sd: float, found: Found) -> str:
    size = abs(move) / max(sd, 1e-300)
    return f"{'up' if move > 0 else 'down'} by {size:.2g} sd" if size >= 0.05 else _moved(found)


def _moved(found: Found) -> str:
    return f"(total variation {found.effect:.2g})"


# ---- what the shares of the components explain


def _because(window: Window, explained: Array, seen: Array) -> str:
    """The component that explains a move, if the new shares of the components explain at least half of it."""
    before, now = window.shares("shares")
    size = float(np.abs(seen).sum())
    if len(before) < 2 or size == 0 or float(explained @ np.sign(seen)) < EXPLAINED * size:
        return ""
    k = int(np.abs(now - before).argmax())
    return f": {_component(window, k, before[k], now[k])}"


def _mean_shift(window: Window, at: int) -> Array:
    """How far a column's mean would move if each component kept its own mean."""
    before, now = window.shares("shares")
    means, _ = spread(window.reference.sums["places"][:, at])
    return np.array([(now - before) @ means])


def _mix_shift(window: Window, at: int) -> Array:
    """How far the bins of a category column would move if each component kept its own mix."""
    before, now = window.shares("shares")
    bins = window.reference.layout.columns[at]
    entry = next((e for e in window.champion.description.views if e["column"] == bins.name), {})
    if "probabilities" not in entry:  # the model does not say what its components look like in this column
        return np.zeros(bins.size)
    change = (now - before) @ np.asarray(entry["probabilities"])
    return np.bincount(np.asarray(bins.codes), change, bins.size)
