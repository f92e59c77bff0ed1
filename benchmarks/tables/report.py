"""TABLES.md, and one line a table while it runs."""

from __future__ import annotations

from collections import Counter

from catalogue import Table
from contestants import CONTESTANTS, TODAY
from counts import counts
from machine import machine
from results import Results

CLUSTERERS = ("mclust", "gmm", "stepmix")
HEAD = f"""# Thirty ordinary tables

Written by `make tables` (`benchmarks/tables`). The default fit is `unseen fit FILE` without an option. Medians over
seeds; every figure comes from a process of its own.

- K, form, seconds: the default fit of the whole table, classes taken out, from the start of the process to the saved
  run; processor seconds of all threads together, of the command alone, for the whole table and with cells hidden.
- Held out: mean log-probability of the recorded cells of a fifth of the rows, fitted to the rest. A density counts
  times the step of its column's grid (found from all rows, the same for everybody); a column that a contestant leaves
  out counts with what its own values say; no row counts with more than probability one (`>1`: the share of rows that
  would). Gains are those over one component of the same plan and over the code at {TODAY}, paired by seed.
- Hidden cells: a tenth of the observed cells, error as a mean over columns of the RMSE in standard deviations and of
  the share of wrong categories. IterativeImputer: numbers scaled, categories as indicators. Forest: missForest,
  50 trees, each on 10,000 rows where there are more than 12,000.
- Classes: adjusted Rand index. mclust: number columns with fewer than 30 % holes, fitted to their complete rows
  (`na.omit`), the others classified with means in their holes. scikit-learn: K of 1 to 9 and four forms by BIC,
  numbers scaled, holes at the mean. stepmix: all columns, K of 1 to 9 by BIC. What each is told about which numbers
  are codes of categories, unseen has to find out.
"""


def _often(known: Results, table: str, name: str) -> str:
    found = Counter(str(r[name]) for r in known.of(table, "default", "whole").values() if name in r)
    lost = "none" if name == "K" and known.failed(table, "default", "whole") else ""
    return "/".join(v for v, _ in found.most_common(3)) or lost


def _number(value: float, form: str) -> str:
    return "" if value != value else format(value, form)


def _gmean(known: Results, table: str, who: str) -> str:
    return _number(known.gain(table, "hidden", "default", who, ratio=True), ".3f")


def cells(table: Table, known: Results) -> list[str]:
    """The row of a table, as text."""
    n, d = table.frame.shape
    name = table.name
    best = [(known.middle(name, p, "whole"), p) for p in CLUSTERERS if known.values(name, p, "whole")]
    above = known.middle(name, "default", "heldout", "above_one")
    return [
        name, f"{n:,} x {d}", f"{100 * float(table.frame.isna().to_numpy().mean()):.3g}",
        _often(known, name, "K"), _often(known, name, "form"),
        _number(known.middle(name, "default", "whole", "command"), ".1f"),
        _number(known.middle(name, "default", "whole", "processor"), ".1f"),
        _number(known.middle(name, "default", "hidden", "processor"), ".1f"),
        _number(known.middle(name, "default", "heldout"), ".3f") + (f" ({above:.0%} >1)" if above > 0 else ""),
        _number(known.gain(name, "heldout", "default", "one"), "+.3f"),
        _number(known.gain(name, "heldout", "default", "today"), "+.3f"),
        _number(known.middle(name, "default", "hidden"), ".4f"),
        _gmean(known, name, "one"), _gmean(known, name, "iterative"), _gmean(known, name, "forest"),
        _number(known.middle(name, "default", "whole"), ".3f") if table.classes else "",
        "{:.3f} {}".format(*max(best)) if best else "",
    ]  # fmt: skip


COLUMNS = (
    "table", "rows x columns", "holes %", "K", "form", "s", "processor s", "with 10 % hidden", "held out",
    "gain on one", f"gain on {TODAY}", "error hidden", "/ one", "/ iterative", "/ forest", "ARI", "best peer",
)  # fmt: skip
WIDTHS = (11, 11, 6, 6, 10, 6, 6, 6, 18, 8, 8, 7, 6, 6, 6, 6, 14)
SHORT = ("table", "size", "holes", "K", "form", "s", "cpu", "hidden", "held out", "+one", "+today", "error", "/one",
         "/iter", "/rf", "ARI", "peer")  # fmt: skip


def head() -> str:
    return " ".join(t.ljust(w) for t, w in zip(SHORT, WIDTHS, strict=True))


def line(table: Table, known: Results) -> str:
    return " ".join(t.ljust(w) for t, w in zip(cells(table, known), WIDTHS, strict=True)).rstrip()


def failures(tables: list[Table], known: Results) -> list[str]:
    """Every fit that ended without an answer, by reason."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for t in tables:
        for who in CONTESTANTS:
            for what in who.measures:
                if said := known.failed(t.name, who.name, what):
                    found.setdefault((t.name, who.name, said), []).append(what)
    return [f"- {t}, {who}, {' and '.join(what)}: {said}" for (t, who, said), what in found.items()]


def complete(tables: list[Table], known: Results, seeds: int) -> str:
    """How many answers of every contestant are there, and on how many tables: what is blank was not run, or failed."""
    parts = []
    for who in CONTESTANTS:
        rows = {t.name: [r for what in who.measures for r in known.of(t.name, who.name, what).values()] for t in tables}
        there = [sum("failed" not in r for r in of) for of in rows.values()]
        parts.append(f"{who.name} {sum(there)} on {sum(map(bool, there))} tables")
    return f"Answers that are there: {', '.join(parts)}. Asked for: {len(tables)} tables and {seeds} seeds."


def slowest(tables: list[Table], known: Results) -> str:
    times = [(known.middle(t.name, "default", what, "processor"), t.name, what)
             for t in tables for what in ("whole", "hidden", "heldout")]  # fmt: skip
    worst = sorted((t for t in times if t[0] == t[0]), reverse=True)[:8]
    return ", ".join(f"{name} ({what}) {s:.1f} s" for s, name, what in worst)


def render(tables: list[Table], absent: dict[str, str], known: Results, seeds: int) -> str:
    """The whole report."""
    versions = ", ".join(dict.fromkeys(w.version for w in CONTESTANTS if w.group == "peers"))
    out = [HEAD, f"Measured on {machine()}; {versions}. Seeds: {seeds}; tables: {len(tables)}.", ""]
    out += ["| " + " | ".join(COLUMNS) + " |", "|---|" + "---:|" * (len(COLUMNS) - 1)]
    out += ["| " + " | ".join(cells(t, known)) + " |" for t in tables]
    out += ["", "## Counts", "", "| what | reached | wanted | missed by |", "|---|---:|---:|---|"]
    out += [f"| {c.what} | {c.text} | {c.wanted} | {', '.join(c.missed)} |" for c in counts(tables, known)]
    out += ["", f"Slowest, in processor seconds: {slowest(tables, known)}."]
    out += ["", complete(tables, known, seeds)]
    if said := failures(tables, known):
        out += ["", "## Without an answer", "", *said]
    if absent:
        out += ["", "## Left out", "", *(f"- {name}: {why}" for name, why in absent.items())]
    return "\n".join(out) + "\n"
