"""What was tried: the starts of a fit, and the rows of a search."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import numpy as np

from unseen.core.description import plural
from unseen.result import Result
from unseen.summary.facts import criterion_name, is_chosen, noun
from unseen.summary.words import WIDTH, Spelled, mean_and_sd, number, table


def starts(result: Result) -> str:
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


def search(result: Result, spelled: Spelled = str) -> str:
    if not result.search or not result.model.order:
        return ""
    held = any("heldout" in r for r in result.search)
    forms = len({r.get("form") for r in result.search}) > 1
    heads = [
        "",
        f"{plural(noun(result))}",
        *(["form"] if forms else []),
        "logL",
        "df",
        "BIC",
        "ICL",
        *(["held-out per row"] if held else []),
        "sec.",
        "outcome",
    ]
    notes = list(dict.fromkeys(_kind(r["reason"]) for r in result.search if r.get("reason")))
    rows = [heads]
    for r in result.search:
        row = [">" if is_chosen(result, r) else "", str(r["components"]), *([str(r.get("form", ""))] if forms else [])]
        row += [_short(r.get("loglik")), str(r.get("size", "-"))]
        row += [_short(r.get(name)) for name in ("bic", "icl")]
        if held:
            row.append(_held(r))
        # why it was stopped is in the footnote
        told = r["outcome"].partition(": ")[0] + (", spurious" if r.get("spurious") else "")
        mark = f" [{notes.index(kind) + 1}]" if (kind := _kind(r.get("reason", ""))) in notes else ""
        rows.append([*row, number(r.get("seconds"), 3), told + mark])
    lines = table([r[:-1] for r in rows], left=0)
    title = f"Number of {plural(noun(result))}{' and form of covariance' * forms}, chosen by {criterion_name(result)}"
    if held:
        title += " (logL, BIC and ICL here are those of the training rows)"
    title += _sampled(result)
    lines = [title, *(f"{line}  {r[-1]}" for line, r in zip(lines, rows, strict=True))]
    for i, kind in enumerate(notes, 1):
        alike = [r["reason"] for r in result.search if _kind(r.get("reason", "")) == kind]
        more = f" (the first of {len(alike)})" if len(set(alike)) > 1 else ""
        lines += textwrap.wrap(spelled(alike[0]) + more, WIDTH, initial_indent=f"  [{i}] ", subsequent_indent="      ")
    return "\n".join(lines)


def _short(x: float | None) -> str:
    """A criterion as far as it tells rows of the search apart."""
    if x is None or not abs(x) >= 1000:
        return number(x, 9)
    return f"{x:,.1f}" if abs(x) < 1e5 else f"{x:,.0f}"


def _kind(reason: str) -> str:
    """A reason without its numbers: rows that differ in those alone share a footnote."""
    return re.sub(r"\d[\d,.]*", "#", reason)


def _sampled(result: Result) -> str:
    """Where the search saw some of the rows only, how many."""
    rows = result.options.get("search_rows")
    return "" if rows is None else f", on a sample of {rows:,} rows"


def _held(row: dict[str, Any]) -> str:
    if "heldout" not in row:
        return "-"
    return mean_and_sd(row["heldout"], row["heldout_se"])
