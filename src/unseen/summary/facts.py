"""What is known about a fit, as plain numbers and lists: for machines, and for the text and the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unseen.core.block import OTHER
from unseen.core.stats import Array
from unseen.result import Result
from unseen.summary.names import model_name
from unseen.summary.occupancy import rows_by_part
from unseen.summary.words import Spelled

#: nats per row below which an entropy is rounding
ROUNDING = 1e-12


def facts(result: Result, spelled: Spelled = str) -> dict[str, Any]:
    """Everything that the summary says, ready for JSON: components heaviest first, sentences ``spelled``."""
    return {
        "outcome": {"name": result.outcome.name, "message": spelled(result.outcome.message)},
        "converged": result.converged,
        "model": model_name(result.model),
        "rows": result.profile.rows,
        "weight": result.weight,
        "missing_share": missing_share(result),
        "loglik": result.loglik,
        "log_probability": result.log_probability,
        "columns_without_grid": list(result.ungridded),
        "log_prior": result.log_prior,
        "parameters": result.size,
        "aic": result.aic,
        "bic": result.bic,
        "icl": result.icl,
        "entropy": nats(result),
        "mean_largest_responsibility": mean_confidence(result),
        "iterations": result.iterations,
        "evaluations": result.evaluations,
        "seconds": result.seconds,
        "seed": result.seed,
        "columns": [{**c, "note": spelled(c["note"])} for c in result.columns],
        "reading": [spelled(note) for note in result.told],
        "noun": noun(result),
        "components": components(result),
        "tables": [t.as_dict() for t in result.description.tables],
        "facts": [{"name": f.name, "value": f.value} for f in result.description.facts],
        "floors": floors(result),
        "restarts": [dict(r) for r in result.restarts],
        "search": [{**r, **({"reason": spelled(r["reason"])} if r.get("reason") else {})} for r in result.search],
        "options": dict(result.options),
        "warnings": [spelled(w) for w in result.warnings],
        "notices": [
            {"code": n.code, "severity": n.severity, "facts": dict(n.facts), "knobs": list(n.knobs)}
            for n in result.notices
        ],
    }


def floors(result: Result) -> list[dict[str, Any]]:
    """The floors that bind at the final parameters, by component and column."""
    told = set(result.profile.names)
    return [
        {"component": f.component, "column": f.column, "kind": f.kind, "share": f.share}
        for f in result.description.floors
        if f.column in told
    ]


def criterion_name(result: Result) -> str:
    """What the number of components was judged by."""
    return {"heldout": "held-out rows", "icl": "ICL"}.get(result.options.get("criterion", "bic"), "BIC")


def is_chosen(result: Result, row: dict[str, Any]) -> bool:
    """Whether a row of the search is the fit that is returned."""
    form = result.options.get("form")
    same = row.get("form") in (None, form) or form is None
    return bool(row["components"] == result.model.number and same)


def noun(result: Result) -> str:
    """What the model has some of: component, state, factor or expert."""
    return result.description.noun


def missing_share(result: Result) -> float:
    """The share of cells that are missing."""
    cells = sum(c.rows for c in result.profile.columns)
    return sum(c.missing for c in result.profile.columns) / cells if cells else 0.0


def mean_confidence(result: Result) -> float | None:
    """The mean of each row's largest responsibility; None where rows have none.

    Runs of earlier versions have its histogram only.
    """
    counts = np.array(result.confidence)
    if result.certainty is not None or counts.sum() <= 0:
        return result.certainty
    middles = (np.arange(len(counts)) + 0.5) / len(counts)
    middles[-1] = 1 - 0.25 / len(counts)
    return float(counts @ middles / counts.sum())


def nats(result: Result) -> float:
    """The classification entropy, 0 where it is no more than rounding."""
    return result.entropy if result.entropy > ROUNDING * result.weight else 0.0


def search_seconds(result: Result) -> float | None:
    """How long the whole search took, None for a fit that was none."""
    found = [row["seconds"] for row in result.search if "seconds" in row]
    return float(sum(found)) if found else None


def shares(result: Result, column: str) -> dict[str, float]:
    """The share of each value of a discrete column in the data as a whole; empty if they were not counted."""
    values = result.profile[column].values
    if column not in result.profile.names or result.profile[column].kind == OTHER or not values:
        return {}
    total = sum(values.values())
    return {name: weight / total for name, weight in values.items()}


def components(result: Result) -> list[dict[str, Any]]:
    """One entry per part, the heaviest first: its number as in the rows of `assign`, share, rows and columns."""
    told, rows = result.description, rows_by_part(result)
    return [
        {
            "component": int(k),
            "weight": None if told.shares is None else float(told.shares[k]),
            "rows": None if rows is None else float(rows[k]),
            "columns": told.part(k),
        }
        for k in told.order
    ]


def top_categories(
    result: Result, entry: Mapping[str, Any], k: int, most: int = 3
) -> list[tuple[str, float, float | None]]:
    """The most probable categories of a column in a component: (name, probability, lift over the whole)."""
    whole = shares(result, entry["column"])
    pairs = sorted(zip(entry["probabilities"][k], entry["categories"], strict=True), reverse=True)
    return [(name, p, p / whole[name] if whole.get(name) else None) for p, name in pairs[:most]]


def separation(result: Result, entry: Mapping[str, Any]) -> float:
    """How far a column tells the components apart: 0 where they all look the same.

    For numbers the spread of the means over the spread inside; for categories, and for values that stand apart, the
    mean distance (total variation) of the components' probabilities from the overall ones, whichever is more.
    """
    weights = result.description.weights
    if "probabilities" in entry:
        return _variation(weights, np.array(entry["probabilities"]))
    means, sds = np.array(entry["mean"], float), np.array(entry.get("sd", np.ones(len(weights))), float)
    atoms = np.array(entry.get("atom_shares", np.zeros((len(weights), 0))), float)
    rest = np.maximum(1 - atoms.sum(axis=1), 0)
    some = weights * rest / max(float(weights @ rest), 1e-300)
    between = float(np.sqrt(some @ (means - some @ means) ** 2))
    inside = float(np.sqrt(some @ np.where(np.isfinite(sds), sds, 0) ** 2))
    apart = between / inside if inside > 0 else between
    return max(apart, _variation(weights, np.column_stack([rest, atoms])))


def _variation(weights: Array, p: Array) -> float:
    return float(weights @ np.abs(p - weights @ p).sum(axis=1))


def at_the_end(result: Result) -> int | None:
    """The number of components that was chosen, where it is the largest of several that were tried."""
    numbers, chosen = {r["components"] for r in result.search}, result.model.number
    return chosen if len(numbers) > 1 and chosen == max(numbers) else None
