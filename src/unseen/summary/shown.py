"""The components of a fit as a table, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from unseen.result import Result
from unseen.summary.facts import by_weight, described, separation, top_categories
from unseen.summary.words import WIDTH, mean_and_sd, number, table

MOST_COLUMNS, MOST_COMPONENTS, MOST_ATOMS = 24, 15, 4
ALL = 0.995


def components(result: Result) -> str:
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
        which = f"the {len(shown)} of {len(entries)} columns that tell the components apart best"
        first = f"the first {len(shown)} of {len(entries)} columns"
        lines.append(f"  ({which if len(order) > 1 else first})")
    return "\n".join(lines).rstrip()


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _cells(result: Result, entries: Sequence[dict[str, Any]], k: int) -> list[list[str]]:
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


def _atoms(entry: dict[str, Any], k: int) -> list[str]:
    """The values that stand apart with their shares in component k; of counts with more zeros, those in excess."""
    what = "extra " if str(entry["family"]).startswith("zero_inflated") else ""
    shares = np.array(entry.get("atom_shares", [[]] * (k + 1)), float)
    most = np.sort(np.argsort(-shares.max(axis=0), kind="stable")[:MOST_ATOMS])
    return [f"{what}{entry['atoms'][j]:,.6g} in {100 * shares[k, j]:.0f} %" for j in most]


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
