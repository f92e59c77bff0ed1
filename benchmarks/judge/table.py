"""What was found, against what was promised: the section of PRODUCTION.md, and a line for every cell."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

from benchmarks.judge.harm import most
from benchmarks.judge.living import MONTHS
from benchmarks.judge.tasks import Row, Task
from benchmarks.judge.verdicts import Verdict, by_life, harmful, promoted, tolerances, verdicts

REPORT = Path(__file__).parents[1] / "PRODUCTION.md"
CELLS = Path(__file__).parent / "cells.csv"
HEAD = "## What is promoted, held and followed"
#: seconds of a step, of which nothing was measured yet
GUESS = {500: 10.0, 2000: 25.0, 20_000: 200.0}
#: steps of a task; a third of the wrong months never get to the fit
STEPS = {"wrong": 0.65, "frog": MONTHS, "clean": MONTHS, "slow": MONTHS + MONTHS // 4}
FIELDS = (
    "stream",
    "rows",
    "what",
    "name",
    "month",
    "step",
    "outcome",
    "gate",
    "gain",
    "se",
    "tolerance",
    "loss",
    "seconds",
)


def expected(todo: list[Task], rows: list[Row], jobs: int) -> str:
    """How long it will take, by what retrains of that size took."""
    begins = {t.life for t in todo} - {Task(**{k: r[k] for k in ("what", "stream", "rows", "seed")}).life for r in rows}
    seconds = 0.0
    for size in {t.rows for t in todo}:
        known = [r["seconds"] for r in rows if r["rows"] == size and r.get("step") in ("first", "clean")]
        each = statistics.mean(known) if known else GUESS[min(GUESS, key=lambda g: abs(g - size))]
        steps = sum(STEPS.get(t.what, 0.1) for t in todo if t.rows == size)
        seconds += each * (steps + 2 * sum(life[1] == size for life in begins))
    return f"{len(todo):,} tasks, about {seconds / jobs / 60:,.0f} minutes with {jobs} at a time"


def render(rows: list[Row]) -> str:
    limits = tolerances(rows)
    parts = [
        [HEAD, "", *PREFACE, ""],
        _targets(verdicts(rows)),
        _table(
            ("wrong month", "rows", "cells", "promoted", "harmful", "worst", "held", "refused", "seconds"),
            _by_month(rows),
        ),
        _table(("clean months of", "rows", "months", "held", "harmful", "held by", "seconds, median"), _clean(rows)),
        _table(("slow drift of", "rows", "promoted", "loss to the oracle", "held by"), _slow(rows)),
        _matrix(rows, limits),
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


PREFACE = (
    "Written by `make judge`: synthetic streams whose law is known and two real ones, with the file that `unseen init`",
    "writes. A gain is mean log-density per row, new champion less old one, on 3,000 ordinary rows that neither saw; a",
    "promotion is harmful where it loses more than the tolerance that `init` proposes or, where it proposes none,",
    "of 0.05 at 500 rows a month, 0.02 at 2,000 and 0.01 at 20,000. `judge/cells.csv` has every cell. At 20,000 rows",
    "five streams have six of the wrong months and four clean ones, for time.",
)


def _targets(found: Iterable[Verdict]) -> list[str]:
    rows = [(v.what, v.found, v.target, "met" if v.met else "missed") for v in found]
    return _table(("what", "found", "target", ""), rows)


def _by_month(rows: list[Row]) -> list[tuple[object, ...]]:
    limits, out = tolerances(rows), []
    cells = [r for r in rows if (r["what"] == "wrong" or r.get("step") == "ends") and r["outcome"] != "unsuited"]
    kinds = [(r["rows"], r["name"] or r["what"]) for r in cells]
    for size, name in sorted(set(kinds), key=lambda kind: (kind[0], kinds.index(kind))):
        these = [r for r, kind in zip(cells, kinds, strict=True) if kind == (size, name)]
        passed = [r for r in these if r["outcome"] == "promoted"]
        worst = min((r["gain"] for r in passed if promoted(r)), default=None)
        refused = sum(r["outcome"] == "refused" for r in these)
        took = statistics.median([r.get("seconds", 0.0) for r in these])
        counts = len(these), len(passed), sum(harmful(r, limits) for r in passed), _nats(worst)
        out.append((name, f"{size:,}", *counts, len(these) - len(passed) - refused, refused, f"{took:.0f}"))
    return out


def _clean(rows: list[Row]) -> list[tuple[object, ...]]:
    limits, out = tolerances(rows), []
    for (stream, size, _), these in by_life(r for r in rows if r.get("step") == "clean").items():
        held = [r for r in these if r["outcome"] != "promoted"]
        seconds = statistics.median([r["seconds"] for r in these])
        bad = sum(harmful(r, limits) for r in these)
        out.append((stream, f"{size:,}", len(these), len(held), bad, _gates(held), f"{seconds:.1f}"))
    return out


def _slow(rows: list[Row]) -> list[tuple[object, ...]]:
    out = []
    for (stream, size, _), these in by_life(r for r in rows if r.get("step") == "moving").items():
        losses = ", ".join(_nats(r["loss"]) for r in these if r.get("loss") is not None)
        held = [r for r in these if r["outcome"] != "promoted"]
        out.append((stream, f"{size:,}", f"{len(these) - len(held)} of {len(these)}", losses, _gates(held)))
    return out


def _matrix(rows: list[Row], limits: dict[tuple[str, int, int], float]) -> list[str]:
    """Months by streams, a table for each size."""
    cells = [r for r in rows if r["what"] == "wrong" or r.get("step") == "ends"]
    out = []
    for size in sorted({r["rows"] for r in cells}):
        these = {(r["name"] or r["what"], r["stream"]): r for r in cells if r["rows"] == size}
        streams = list(dict.fromkeys(s for _, s in these))
        lines = [(m, *(_cell(these.get((m, s)), limits) for s in streams)) for m in dict.fromkeys(m for m, _ in these)]
        out += [
            f"{size:,} rows a month; promoted with the gain (harmful in bold), (held), or refused by the schema:",
            "",
        ]
        out += _table(("", *streams), lines)
    return out


def _cell(row: Row | None, limits: dict[tuple[str, int, int], float]) -> str:
    if row is None or row["outcome"] == "unsuited":
        return ""
    gain = _nats(row.get("gain"))
    if promoted(row):
        return f"**{gain}**" if harmful(row, limits) else gain
    return f"({gain})" if row["outcome"] == "held" else row["outcome"]


def _gates(held: list[Row]) -> str:
    names = [r.get("gate") or r["outcome"] for r in held]
    return ", ".join(f"{n} {names.count(n)}" for n in dict.fromkeys(names))


def _nats(gain: float | None) -> str:
    return "" if gain is None else f"{gain:+.3f}"


def _table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> list[str]:
    if not rows:
        return []
    return [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(map(str, r))} |" for r in rows), ""]


def cells(rows: list[Row]) -> str:
    """A line for every step of every task."""
    limits, out = tolerances(rows), StringIO()
    writer = csv.DictWriter(out, FIELDS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for r in sorted(rows, key=lambda r: (r["rows"], r["stream"], r["what"], r["name"], r["at"])):
        tolerance = limits.get((r["stream"], r["rows"], r["seed"]), most(r["rows"]))
        told = {k: round(r[k], 5) for k in ("gain", "se", "loss") if r.get(k) is not None}
        writer.writerow(r | told | {"tolerance": tolerance})
    return out.getvalue()


def write(text: str, rows: list[Row]) -> None:
    """Into PRODUCTION.md, in place of the section that was there, and every cell beside this file."""
    known = REPORT.read_text()
    before, _, after = known.partition(HEAD)
    rest = after.partition("\n## ")[2]
    REPORT.write_text(before.rstrip() + "\n\n" + text + (f"\n## {rest}" if rest else ""))
    CELLS.write_text(cells(rows))
