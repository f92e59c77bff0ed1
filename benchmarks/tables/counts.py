"""On how many tables the default fit is ahead, and the names of those on which it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite, nan

from catalogue import Table
from results import Results

PEERS = ("mclust", "gmm", "stepmix")


@dataclass(frozen=True)
class Count:
    """``missed`` names the tables on which it does not hold, with the figure; ``of`` those that have one."""

    what: str
    reached: int
    of: int
    wanted: str
    missed: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"{self.reached} of {self.of}"


def count(what: str, wanted: str, names: list[str], figure: Callable[[str], float], holds: Callable[[float], bool],
          form: str = "+.3f") -> Count:  # fmt: skip
    found = {n: v for n in names if (v := figure(n)) == v}
    missed = tuple(f"{n} {v:{form}}" if isfinite(v) else f"{n} (none)" for n, v in found.items() if not holds(v))
    return Count(what, len(found) - len(missed), len(found), wanted, missed)


def counts(tables: list[Table], known: Results) -> list[Count]:
    """What was asked of the default fit, counted. A fit that gives no answer on any seed counts as missed."""
    names = [t.name for t in tables]

    def figure(what: str, others: tuple[str, ...], lost: float, of: Callable[[str], float]) -> Callable[[str], float]:
        def told(n: str) -> float:
            if others and not any(known.values(n, o, what) for o in others):
                return nan
            rows = known.of(n, "default", what).values()
            return lost if rows and all("failed" in r for r in rows) else of(n)

        return told

    def held(other: str) -> Callable[[str], float]:
        return figure("heldout", (other,), -inf, lambda n: known.gain(n, "heldout", "default", other))

    def hidden(other: str) -> Callable[[str], float]:
        return figure("hidden", (other,), inf, lambda n: known.gain(n, "hidden", "default", other, ratio=True))

    def classes(n: str) -> float:
        return known.middle(n, "default", "whole") - max(v for p in PEERS if (v := known.middle(n, p, "whole")) == v)

    components = figure("whole", (), inf, lambda n: known.middle(n, "default", "whole", "K"))
    up, below = (lambda v: v > 0), (lambda v: v < 1)
    return [
        count("more than one component", "where there is more", names, components, lambda k: 1 < k < inf, ".0f"),
        count("held out: above one component", "all", names, held("one"), up),
        count("held out: above the earlier code", "all", names, held("today"), up),
        count("hidden cells: below one component", "27 of 30", names, hidden("one"), below, ".3f"),
        count("hidden cells: not worse than one component by 2 %", "all", names, hidden("one"), lambda v: v <= 1.02,
              ".3f"),
        count("hidden cells: ahead of IterativeImputer", "22 of 30", names, hidden("iterative"), below, ".3f"),
        count("hidden cells: ahead of the forest", "12 of 30", names, hidden("forest"), below, ".3f"),
        count("classes: ahead of the best peer, or equal to two decimals", "7 of 10", names,
              figure("whole", PEERS, -inf, classes), lambda v: v > -0.005),
    ]  # fmt: skip
