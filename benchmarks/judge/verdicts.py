"""What was promised, and whether it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import comb

from benchmarks.judge.harm import most
from benchmarks.judge.tasks import Row

#: share of clean months that may be held, and nats per row that a champion may be behind an oracle
HELD, BEHIND = 0.02, 0.02
BROKE = ("broke", "took too long", "error", "registry")
REAL = ("flights", "bank")
Lives = dict[tuple[str, int, int], float]


@dataclass(frozen=True)
class Verdict:
    what: str
    found: str
    target: str
    met: bool


def by_life(rows: Iterable[Row]) -> dict[tuple[str, int, int], list[Row]]:
    out: dict[tuple[str, int, int], list[Row]] = {}
    for row in rows:
        out.setdefault((row["stream"], row["rows"], row["seed"]), []).append(row)
    return out


def tolerances(rows: Iterable[Row]) -> Lives:
    """What `init` proposed to lose, by life; where it proposed nothing, the most that it may propose."""
    firsts = by_life(r for r in rows if r.get("step") == "first")
    return {life: most(life[1]) if (found := these[0].get("proposed")) is None else found
            for life, these in firsts.items()}  # fmt: skip


def promoted(row: Row) -> bool:
    """Whether a champion was replaced by one that could be measured beside it."""
    return row["outcome"] == "promoted" and row.get("gain") is not None


def harmful(row: Row, limits: Lives) -> bool:
    life = row["stream"], row["rows"], row["seed"]
    return promoted(row) and row["gain"] < -limits.get(life, most(row["rows"]))


def verdicts(rows: list[Row]) -> Iterator[Verdict]:
    """Every target of which something was measured."""
    yield from _harm(rows)
    yield from _proposed(rows)
    firsts = [r["outcome"] == "promoted" for r in rows if r.get("step") == "first"]
    yield Verdict("first champions after init and a retrain", f"{sum(firsts)} of {len(firsts)}", "all", all(firsts))
    clean = [r for r in rows if r.get("step") == "clean"]
    for what, these in (
        ("clean months held, synthetic", [r for r in clean if r["stream"] not in REAL]),
        ("next months held, real", [r for r in clean if r["stream"] in REAL]),
    ):
        if these:
            held = sum(r["outcome"] != "promoted" for r in these)
            yield Verdict(what, f"{held} of {len(these)}", f"at most {HELD:.0%}", held <= HELD * len(these))
    yield from _slow(rows)
    yield from _alarms(rows)
    broke = [r for r in rows if r["outcome"] in BROKE or r["outcome"].startswith("exit")]
    yield Verdict("steps that broke", str(len(broke)), "0", not broke)


def _harm(rows: list[Row]) -> Iterator[Verdict]:
    limits = tolerances(rows)
    for what, these in (
        ("harmful promotions, one wrong month", [r for r in rows if r["what"] == "wrong"]),
        ("harmful after months of creeping", [r for r in rows if r.get("step") == "ends"]),
        ("harmful promotions, clean months", [r for r in rows if r.get("step") == "clean"]),
    ):
        passed = [r for r in these if promoted(r)]
        bad = sum(harmful(r, limits) for r in passed)
        if these:
            yield Verdict(what, f"{bad} of {len(passed)} promotions", "0", not bad)


def _proposed(rows: list[Row]) -> Iterator[Verdict]:
    for size in sorted({r["rows"] for r in rows}):
        found = [r.get("proposed") for r in rows if r.get("step") == "first" and r["rows"] == size]
        named = [p for p in found if p is not None]
        said = f"{max(named):g} at most" if named else "none"
        met = bool(named) and len(named) == len(found) and max(named) <= most(size)
        yield Verdict(f"tolerance that init proposes, {size:,} rows", said, f"at most {most(size):g}", met)


def _slow(rows: list[Row]) -> Iterator[Verdict]:
    ends = [these[-1] for these in by_life(r for r in rows if r.get("step") == "moving").values()]
    if not ends:
        return
    near = sum(r.get("loss") is not None and r["loss"] <= BEHIND for r in ends)
    held = sum((r.get("loss") is None or r["loss"] > BEHIND) and r["outcome"] == "held" for r in ends)
    found = f"{near} of {len(ends)} near, {held} held with the reason"
    yield Verdict("slow real drift followed", found, f"within {BEHIND:g} nats, or held", near + held == len(ends))


def _alarms(rows: list[Row]) -> Iterator[Verdict]:
    """The promise is about a champion's whole life, so lives are counted, and chance gets its share of them."""
    looks = [r for r in rows if r.get("step") == "look"]
    if not looks:
        return
    lives = by_life(looks).values()
    alarmed = sum(any(r["outcome"] == "drift" for r in these) for these in lives)
    rate = max((r["promise"] for r in looks if r.get("promise")), default=0.0)
    most_lives = _quantile(len(lives), rate)
    found = f"{alarmed} of {len(lives)} champions, {len(looks)} looks"
    yield Verdict("drift's false alarms", found, f"at most {most_lives} ({rate:g} a champion)", alarmed <= most_lives)


def _quantile(lives: int, rate: float) -> int:
    """As many alarms as chance alone exceeds one time in twenty."""
    below = 0.0
    for k in range(lives + 1):
        below += comb(lives, k) * rate**k * (1 - rate) ** (lives - k)
        if below >= 0.95:
            return k
    return lives
