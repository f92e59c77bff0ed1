"""COLUMNS.md: what columns are against their labels, and what the decided families lose on held-out cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from costs import COSTS, HARMLESS
from families import CELLS, COMPONENTS, LOSS, PER_TABLE, Regret
from heldout import FOLDS
from labelled import HALVES, KINDS


@dataclass(frozen=True)
class Row:
    """A column, its label and what was decided."""

    table: str
    name: str
    half: str
    label: str
    decided: str
    family: str
    note: str


HEAD = """# What columns are

Written by `make columns` (`benchmarks/columns`): what `unseen fit FILE` decides of the columns of public tables,
written as CSV and read back. Labels (`columns/kinds.csv`) were given by hand from the documentation of the tables,
before the decisions were looked at. Rules were mended on the tables "mended on" only; which half a table is in follows
from its name. "harness" are the thirty tables of `make tables`, which were at hand when the rules were written.

Free text has no decision of its own: it is left out as identifiers are. A column of two values is 0/1 whatever its
family. Year, age, scores and sums of money are measurements also where they are whole; a count is a number of things
or events; months, episodes, grades, answers and ranks are ordered.
"""

FAMILIES = f"""## Families

Held-out mean log-probability of the recorded cells of one column, {FOLDS} folds, with one component and with a
mixture of {COMPONENTS[-1]} of that column alone: the decided family beside all others that can be bound to the column.
At most {PER_TABLE} number columns of a table, {CELLS} cells or more, binary ones not among them. A density counts
times the step of the column's grid and is divided by its sum over the grid where that exceeds one, or narrow
components on a coarse grid would beat every distribution; a share of one row of each prediction is uniform over the
column's range, so that no single cell decides. Fits begin from quantiles, those of the folds from that of all rows.

Regret is best minus decided, in nats a cell. A decision is wrong above {LOSS} nats and two standard errors of the
paired difference: {LOSS} nats are what BIC charges for some six parameters in a thousand rows, so a family that gains
less does not pay for itself beside what else a mixture spends, and the best of a dozen is ahead by chance alone.
"All" are all families of the library; "own" only those that the rules choose from: a gamma, beta or Student-t column
leaves the block with covariances, so they are for users to ask for.
"""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, r))} |" for r in rows)]) + "\n"


def confusion(rows: list[Row]) -> str:
    seen = Counter((r.decided, r.label) for r in rows)
    decided = [k for k in KINDS if k != "text"]
    return table(
        ("decided / label", *KINDS),
        [(d, *(f"**{seen[d, k]}**" if d == k else seen[d, k] or "" for k in KINDS)) for d in decided],
    )


def agreement(rows: list[Row]) -> str:
    out = []
    for half in HALVES:
        some = [r for r in rows if r.half == half]
        right = sum(r.decided == r.label for r in some)
        mild = sum((r.label, r.decided) in HARMLESS for r in some)
        bad = len(some) - right - mild
        share = f"{bad} ({100 * bad / max(len(some), 1):.1f} %)"
        out.append((half, len({r.table for r in some}), len(some), right, mild, share))
    return table(("half", "tables", "columns", "as labelled", "another, harmless", "wrong"), out)


def wrong_cells(rows: list[Row]) -> str:
    seen = Counter((r.label, r.decided, r.half) for r in rows if r.label != r.decided)
    cells = sorted({c[:2] for c in seen}, key=lambda c: (c in HARMLESS, c))
    lines = [
        (f"{a} decided {b}", *(seen[a, b, h] or "" for h in HALVES), COSTS.get((a, b), "not met before"))
        for a, b in cells
    ]
    return table(("cell", *HALVES, "cost"), lines)


def summary(found: list[Regret], by: str) -> str:
    out = []
    for components in COMPONENTS:
        for key in sorted({getattr(r, by) for r in found}):
            some = [r for r in found if getattr(r, by) == key and r.components == components]
            if some:
                out.append((key, components, *figures(some)))
    return table(
        (by, "components", "columns", "median", "mean", "wrong, all", "needs more", "needs fewer", "wrong, own",
         "median, own", "plainer as good"),
        out,
    )  # fmt: skip


def figures(some: list[Regret]) -> tuple[object, ...]:
    n = len(some)
    wrong = [r for r in some if r.wrong]
    own = sum(r.wrong_within for r in some)
    return (
        n,
        f"{sorted(r.nats for r in some)[n // 2]:.4f}",
        f"{sum(r.nats for r in some) / n:.3f}",
        f"{len(wrong)} ({100 * len(wrong) / n:.0f} %)",
        sum(r.needs == "more" for r in wrong),
        sum(r.needs == "fewer" for r in wrong),
        f"{own} ({100 * own / n:.0f} %)",
        f"{sorted(r.nats_within for r in some)[n // 2]:.4f}",
        sum(bool(r.plainer) for r in some),
    )


def worst(found: list[Regret], half: Sequence[str]) -> str:
    some = sorted((r for r in found if r.half in half and r.wrong_within), key=lambda r: -r.nats_within)[:10]
    return table(
        ("column", "components", "cells", "decided", "best of own", "regret", "error", "best of all", "regret"),
        [
            (f"{r.table} {r.name}", r.components, f"{r.cells:.0f}", r.family, r.within, f"{r.nats_within:.3f}",
             f"{r.error_within:.3f}", r.best, f"{r.nats:.3f}")
            for r in some
        ],
    )  # fmt: skip


def render(rows: list[Row], found: list[Regret], absent: dict[str, str]) -> str:
    parts = [HEAD, "## Kinds\n", agreement(rows)]
    for half in HALVES:
        some = [r for r in rows if r.half == half]
        parts += [f"### {half.capitalize()}\n", confusion(some)]
    parts += ["### What the cells off the diagonal cost\n", wrong_cells(rows)]
    if absent:
        parts += ["Left out or refused:\n", *(f"- {name}: {why}" for name, why in absent.items()), ""]
    if found:
        parts += [FAMILIES, summary(found, "half"), summary(found, "family")]
        parts += ["### The ten worst decisions of tables mended on\n", worst(found, HALVES[:1])]
        parts += ["### The ten worst of the others\n", worst(found, HALVES[1:])]
    return "\n".join(parts)
