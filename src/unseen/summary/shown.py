"""The components of a fit as a table, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from unseen.core.description import plural
from unseen.result import Result
from unseen.summary.facts import separation, top_categories
from unseen.summary.words import WIDTH, mean_and_sd, number, short, side_by_side, table

MOST_COLUMNS, MOST_COMPONENTS, MOST_ATOMS = 24, 15, 4
ALL = 0.995


def components(result: Result) -> str:
    """Return the parts side by side, the heaviest first; empty for a model that does not tell its columns by parts."""
    told = result.description
    order, entries = told.order, told.views
    if not len(order) or not entries:
        return ""
    shown = entries
    if len(entries) > MOST_COLUMNS:
        shown = sorted(entries, key=lambda e: -separation(result, e))[:MOST_COLUMNS]
    first = ", heaviest first" if told.shares is not None else ""
    lines = [f"{plural(told.noun.capitalize())}{first} (numbered as `unseen assign` numbers them)"]
    names = max(len(short(e["column"])) for e in shown)
    cells = {int(k): _cells(result, shown, int(k)) for k in order[:MOST_COMPONENTS]}
    widths = {k: max((len(line) for lines in column for line in lines), default=0) for k, column in cells.items()}
    for chunk in side_by_side(widths, WIDTH - max(names, 5) - 2):
        heads = ["", *(f"[{k}]" for k in chunk)]
        rows = [heads]
        if told.shares is not None:
            rows.append(["share", *(f"{100 * told.shares[k]:.3g} %" for k in chunk)])
        for j, entry in enumerate(shown):
            stacked = zip_longest(*(cells[k][j] for k in chunk), fillvalue="")
            for i, line in enumerate(stacked):
                rows.append([short(entry["column"]) if i == 0 else "", *line])
        lines += [*table(rows), ""]
    if len(order) > MOST_COMPONENTS:
        lines.append(f"  ({len(order) - MOST_COMPONENTS} lighter {plural(told.noun)} are not shown: use --json)")
    if len(entries) > len(shown):
        which = f"the {len(shown)} of {len(entries)} columns that tell the {plural(told.noun)} apart best"
        first = f"the first {len(shown)} of {len(entries)} columns"
        lines.append(f"  ({which if len(order) > 1 else first})")
    return "\n".join(lines).rstrip()


def _cells(result: Result, entries: Sequence[Mapping[str, Any]], k: int) -> list[list[str]]:
    """What the table says of component k: for each column one line, and one per atom or top category."""
    out = []
    for entry in entries:
        if "probabilities" in entry:
            tops = [t for t in top_categories(result, entry, k) if t[1] >= 0.005]
            out.append([_category(*t) for t in tops])
        else:
            told = mean_and_sd(entry["mean"][k], entry.get("sd", [float("nan")] * (k + 1))[k])
            atoms = _atoms(entry, k)
            # where next to nothing is left beside the atoms, its mean says nothing
            out.append([told, *atoms] if sum(entry.get("atom_shares", {k: ()})[k]) < ALL else atoms)
    return out


def _atoms(entry: Mapping[str, Any], k: int) -> list[str]:
    """The values that stand apart with their shares in component k; of counts with more zeros, those in excess."""
    what = "extra " if str(entry["family"]).startswith("zero_inflated") else ""
    shares = np.array(entry.get("atom_shares", [[]] * (k + 1)), float)
    most = np.sort(np.argsort(-shares.max(axis=0), kind="stable")[:MOST_ATOMS])
    return [f"{what}{entry['atoms'][j]:,.6g} in {100 * shares[k, j]:.0f} %" for j in most]


def _category(name: str, p: float, lift: float | None) -> str:
    return f"{short(name, 12)} {100 * p:.0f} %" + ("" if lift is None else f" x{number(lift, 2)}")
