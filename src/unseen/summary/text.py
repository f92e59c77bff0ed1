"""The summary of a fit in plain text, at most 100 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from unseen.result import Result
from unseen.summary.facts import (
    by_weight,
    described,
    mean_confidence,
    missing_share,
    model_name,
    separation,
    top_categories,
)

WIDTH = 100
MOST_COLUMNS, MOST_COMPONENTS = 24, 15


def summary(result: Result) -> str:
    """The fit in plain text: outcome, criteria, components, restarts, numbers of components tried, warnings."""
    parts = [_head(result), _criteria(result), _components(result), _restarts(result), _search(result)]
    parts += [_timing(result), _warnings(result)]
    return "\n\n".join(p for p in parts if p) + "\n"


def number(x: float | None, digits: int = 4) -> str:
    """A number with a few significant digits and thousands separated.

    >>> number(1234567.8), number(0.012345), number(float("nan"))
    ('1,234,568', '0.01235', '-')
    """
    if x is None or not np.isfinite(x):
        return "-" if x is None or np.isnan(x) else ("inf" if x > 0 else "-inf")
    if x and (abs(x) >= 1e12 or abs(x) < 1e-4):
        return f"{x:.{digits - 1}e}"
    decimals = digits - 1 - (int(np.floor(np.log10(abs(x)))) if x else 0)
    return f"{x:,.{max(decimals, 0)}f}"


def mean_and_sd(mean: float, sd: float) -> str:
    """Both with the decimals that the deviation's first two digits call for.

    >>> mean_and_sd(12.3456, 4.2), mean_and_sd(1234.6, 310)
    ('12.3 ± 4.2', '1,235 ± 310')
    """
    if not np.isfinite(sd) or sd <= 0:
        return f"{number(mean)} ± {number(sd)}"
    if max(abs(mean), sd) >= 1e7 or sd < 1e-4:
        return f"{mean:.3g} ± {sd:.2g}"
    decimals = max(1 - int(np.floor(np.log10(sd))), 0)
    return f"{mean:,.{decimals}f} ± {sd:,.{decimals}f}"


def table(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Rows as aligned lines; the first ``left`` columns to the left, the others to the right."""
    widths = [max(len(r[j]) for r in rows) for j in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [c.ljust(w) if j < left else c.rjust(w) for j, (c, w) in enumerate(zip(row, widths, strict=True))]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


def _head(result: Result) -> str:
    said = f"{result.outcome.name}: {result.outcome.message}"
    passed_over = _not_returned(result)
    lines = [passed_over] if passed_over else []
    return "\n".join(line for text in (*lines, model_name(result.model), said) for line in textwrap.wrap(text, WIDTH))


def _not_returned(result: Result) -> str:
    """Where the criterion's best is not what is returned: which it was, and why not."""
    other = result.options.get("not_returned")
    if not other:
        return ""
    form = f", {other['form']}" if other.get("form") else ""
    return (
        f"Not the best by {criterion_name(result)}: {other['components']} components{form} have "
        f"{number(other['value'], 9)}, but {other['reason']}."
    )


def criterion_name(result: Result) -> str:
    """What the number of components was judged by."""
    return {"heldout": "held-out rows", "icl": "ICL"}.get(result.options.get("criterion", "bic"), "BIC")


def _criteria(result: Result) -> str:
    profile, confidence = result.profile, mean_confidence(result)
    rows = f"{profile.rows:,}"
    if profile.units != profile.rows:
        rows += f" in {profile.units:,} units"
    if abs(result.weight - profile.units) > 1e-9 * max(result.weight, 1):
        rows += f", weight {number(result.weight, 6)}"
    pairs = [
        ("rows", rows),
        ("cells missing", f"{100 * missing_share(result):.3g} %"),
        ("log-likelihood", _loglik(result)),
        ("parameters (df)", f"{result.size:,}"),
        ("AIC", number(result.aic, 9)),
        ("BIC", number(result.bic, 9)),
        ("ICL", number(result.icl, 9)),
        ("entropy", f"{number(result.entropy)} nats, {number(result.entropy / max(result.weight, 1e-300), 3)} per row"),
    ]
    if confidence is not None:
        pairs.append(("largest responsibility", f"{confidence:.2f} on average"))
    if result.log_prior:
        pairs.append(("log prior", number(result.log_prior, 9)))
    width = max(len(name) for name, _ in pairs)
    return "\n".join(f"  {name.ljust(width)}  {value}" for name, value in pairs)


def _loglik(result: Result) -> str:
    """The log-likelihood, and as what it counts the recorded cells."""
    density = number(result.loglik, 9)
    if result.volume is None:
        return density
    told = f"{density} as density, {number(result.log_probability, 9)} as probability of the recorded cells"
    off = result.ungridded
    return told if not off else f"{told} ({len(off)} column{'s' * (len(off) > 1)} without a grid by density)"


# ---- components


def _components(result: Result) -> str:
    order = by_weight(result)
    entries = described(result)
    if not len(order) or not entries:
        return ""
    shown = entries
    if len(entries) > MOST_COLUMNS:
        shown = sorted(entries, key=lambda e: -separation(result, e))[:MOST_COLUMNS]
    lines = ["Components, heaviest first (numbered as `unseen assign` numbers them)"]
    names = max(len(_short(e["column"])) for e in shown)
    cells = {int(k): _cells(result, shown, int(k)) for k in order[:MOST_COMPONENTS]}
    for chunk in _chunks(cells, WIDTH - max(names, 5) - 2):
        heads = ["", *(f"[{k}]" for k in chunk)]
        share = ["share", *(f"{100 * result.params['weights'][k]:.3g} %" for k in chunk)]
        rows = [heads, share]
        for j, entry in enumerate(shown):
            stacked = zip_longest(*(cells[k][j] for k in chunk), fillvalue="")
            for i, line in enumerate(stacked):
                rows.append([_short(entry["column"]) if i == 0 else "", *line])
        lines += [*table(rows), ""]
    if len(order) > MOST_COMPONENTS:
        lines.append(f"  ({len(order) - MOST_COMPONENTS} lighter components are not shown: use --json)")
    if len(entries) > len(shown):
        lines.append(f"  (the {len(shown)} of {len(entries)} columns that tell the components apart best)")
    return "\n".join(lines).rstrip()


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _cells(result: Result, entries: Sequence[dict[str, Any]], k: int) -> list[list[str]]:
    """What the table says of component k: for each column one line, or one per top category."""
    out = []
    for entry in entries:
        if "probabilities" in entry:
            tops = [t for t in top_categories(result, entry, k) if t[1] >= 0.005]
            out.append([_category(*t) for t in tops])
        else:
            out.append([mean_and_sd(entry["mean"][k], entry.get("sd", [float("nan")] * (k + 1))[k])])
    return out


def _category(name: str, p: float, lift: float | None) -> str:
    return f"{_short(name, 12)} {100 * p:.0f} %" + ("" if lift is None else f" x{number(lift, 2)}")


def _chunks(cells: dict[int, list[list[str]]], room: int) -> list[list[int]]:
    """Components side by side as far as the width goes."""
    chunks: list[list[int]] = [[]]
    used = 0
    for k, column in cells.items():
        width = 2 + max((len(line) for lines in column for line in lines), default=0)
        if chunks[-1] and used + width > room:
            chunks.append([])
            used = 0
        chunks[-1].append(k)
        used += width
    return chunks


# ---- what was tried


def _restarts(result: Result) -> str:
    finished = sorted((r for r in result.restarts if r["finished"]), key=lambda r: -r["objective"])
    if len(result.restarts) < 2:
        return ""
    rows = [["logL per row", "reached by", "iterations", "outcome"]]
    scale = 1e-6 * (1 + max((abs(r["objective"]) for r in finished), default=0.0))
    groups: list[list[dict[str, Any]]] = []
    for r in finished:
        if groups and abs(groups[-1][0]["objective"] - r["objective"]) <= scale:
            groups[-1].append(r)
        else:
            groups.append([r])
    for group in groups[:8]:
        spurious = ", spurious" if group[0]["spurious"] else ""
        rows.append(
            [
                f"{group[0]['objective']:.7g}",
                f"{len(group)} of {len(finished)}",
                f"{int(np.median([r['iterations'] for r in group]))}",
                ", ".join(sorted({r["outcome"] for r in group})) + spurious,
            ]
        )
    title = f"Starts: {len(result.restarts)}, finished {len(finished)}, distinct optima {len(groups)}"
    title += _sampled(result)
    lines = [title, *(table(rows, left=0) if finished else [])]
    if len(groups) > 8:
        lines.append(f"  ({len(groups) - 8} lower optima are not shown)")
    short = [r["objective"] for r in result.restarts if not r["finished"]]
    if short:
        low, high = (f"{x:.6g}" for x in (min(short), max(short)))
        ended = "1 start ended with its short run" if len(short) == 1 else f"{len(short)} starts ended with short runs"
        lines.append(f"  {ended}, at {low} to {high} per row")
    return "\n".join(lines)


def _search(result: Result) -> str:
    if not result.search:
        return ""
    held = any("heldout" in r for r in result.search)
    forms = len({r.get("form") for r in result.search}) > 1
    heads = [
        "",
        "components",
        *(["form"] if forms else []),
        "logL",
        "df",
        "BIC",
        "ICL",
        *(["held-out per row"] if held else []),
        "seconds",
        "outcome",
    ]
    rows = [heads]
    for r in result.search:
        row = [">" if is_chosen(result, r) else "", str(r["components"]), *([str(r.get("form", ""))] if forms else [])]
        row += [number(r.get(name), 9) for name in ("loglik",)] + [str(r.get("size", "-"))]
        row += [number(r.get(name), 9) for name in ("bic", "icl")]
        if held:
            row.append(_held(r))
        told = r["outcome"] + (", spurious" if r.get("spurious") else "")
        rows.append([*row, number(r.get("seconds"), 3), told + (", singular" if r.get("singular") else "")])
    lines = table([r[:-1] for r in rows], left=0)
    title = f"Number of components{' and form of covariance' * forms}, chosen by {criterion_name(result)}"
    if held:
        title += " (logL, BIC and ICL here are those of the training rows)"
    title += _sampled(result)
    return "\n".join([title, *(f"{line}  {r[-1]}" for line, r in zip(lines, rows, strict=True))])


def is_chosen(result: Result, row: dict[str, Any]) -> bool:
    """Whether a row of the search is the fit that is returned."""
    form = result.options.get("form")
    same = row.get("form") in (None, form) or form is None
    return bool(row["components"] == getattr(result.model, "components", None) and same)


def _sampled(result: Result) -> str:
    """Where the search saw some of the rows only, how many."""
    rows = result.options.get("search_rows")
    return "" if rows is None else f", on a sample of {rows:,} rows"


def _held(row: dict[str, Any]) -> str:
    if "heldout" not in row:
        return "-"
    return mean_and_sd(row["heldout"], row["heldout_se"])


def _timing(result: Result) -> str:
    e, m = (sum(getattr(r, name) for r in result.trace) for name in ("seconds_e", "seconds_m"))
    line = (
        f"{result.iterations:,} iterations ({result.evaluations:,} passes over the data) in "
        f"{number(result.seconds, 3)} s: E-steps {number(e, 3)} s, M-steps {number(m, 3)} s"
    )
    total = [r["seconds"] for r in result.search if "seconds" in r]
    line += f"; the whole search {number(sum(total), 3)} s" if total else ""
    return "\n".join(textwrap.wrap(line, WIDTH))


def _warnings(result: Result) -> str:
    if not result.warnings:
        return ""
    lines = ["Warnings"]
    for text in result.warnings:
        lines += textwrap.wrap(text, WIDTH, initial_indent="  - ", subsequent_indent="    ")
    return "\n".join(lines)
