"""Warnings: what a careful reader of a fit should know, in plain words with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from unseen.core.model import Assigning
from unseen.core.stop import CAP, CONVERGED, FAILED, FELL, STALLED, TIME
from unseen.result import Result
from unseen.search.restarts import spurious
from unseen.summary.alike import coinciding
from unseen.summary.blocks import blocks
from unseen.summary.collapse import collapses
from unseen.summary.facts import at_the_end, floors, is_chosen, mean_confidence, noun

FEW_ROWS = 5.0
FLAT = 1e-4
UNSURE = 0.7
SINGULAR = "singular"
MOST = 6


def warnings(result: Result) -> list[str]:
    """What a careful reader should know, the gravest first."""
    found: list[str] = []
    for check in (_outcome, collapses, _components, _starts, _search, _confidence, _data):
        found.extend(check(result))
    return found


def _outcome(result: Result) -> Iterator[str]:
    if result.outcome.name != CONVERGED:
        yield f"The fit did not converge ({result.outcome.name}): {result.outcome.message}."


def _components(result: Result) -> Iterator[str]:
    for group in coinciding(result):
        yield (
            f"{noun(result).capitalize()}s {', '.join(map(str, group[:-1]))} and {group[-1]} coincide: they look the "
            "same in "
            f"every column, so fewer {noun(result)}s would say as much."
        )
    weights = result.params.get("weights")
    if weights is None or np.ndim(weights) != 1:
        return
    rows = weights * result.weight
    for k in np.flatnonzero(rows < FEW_ROWS).tolist():
        count = f"{rows[k]:.3g}"
        yield (
            f"Component {k} stands for only {count} row{'s' * (count != '1')}: its parameters mean little; use "
            "fewer components or a prior (prior=1; --prior 1)."
        )
    narrow = spurious(result.model, result.params, result.weight)
    for k in np.flatnonzero(narrow).tolist():
        yield (
            f"Component {k} may be spurious: it is much narrower than the others and stands for {rows[k]:,.0f} rows "
            "only; if they are no group of their own, use a prior (prior=1; --prior 1), a tied covariance, or fewer "
            "components."
        )
    resting = {floor["component"] for floor in floors(result)}
    flat: set[int] = set()
    for block in blocks(result):
        if block.crossed and not (block.tied and resting):
            flat.update(np.flatnonzero((block.spread < FLAT) & ~narrow).tolist())
    # where a floor binds, that has been said
    if flat := flat - resting:
        yield (
            f"Nearly flat: component {', '.join(map(str, sorted(flat)))}, whose variance in one direction is below "
            f"{FLAT:g} of the data's own, so some columns follow from others there; leave such columns out or use "
            "a diagonal covariance (Gaussian('diagonal'); --covariance diagonal)."
        )


def _starts(result: Result) -> Iterator[str]:
    finished = [r for r in result.restarts if r["finished"]]
    if len(finished) > 1:
        best = max(finished, key=_objective)
        if best["hits"] == 1:
            yield (
                f"Only 1 of {len(finished)} finished starts reached the best optimum: there may be a better one; use "
                "more starts (restarts=20; --restarts 20)."
            )
    failed = sum(r["outcome"] == "failed" for r in result.restarts)
    if failed:
        of = f"{failed} of {len(result.restarts)} starts"
        yield f"{of} failed on the way: a prior (prior=1; --prior 1) makes them sound."


def _objective(row: dict[str, Any]) -> float:
    return float(row["objective"])


def _search(result: Result) -> Iterator[str]:
    if (chosen := at_the_end(result)) is not None:
        first, last = max(chosen - 1, 1), chosen + 6
        option = f"; --components {first}:{last}" if noun(result) == "component" else ""
        yield (
            f"{chosen} {noun(result)}s is the largest number tried, so more may be better: try further (for example "
            f"range({first}, {last + 1}){option})."
        )
    if lower := list(_missed(result)):
        more = f", and {len(lower) - MOST} more" if len(lower) > MOST else ""
        yield (
            f"The log-likelihood is lower with more {noun(result)}s than with fewer of the same form: "
            f"{', '.join(lower[:MOST])}{more}. Their starts missed a better optimum; use more of them (restarts=20; "
            "--restarts 20)."
        )
    yield from _failures(result)


def _missed(result: Result) -> Iterator[str]:
    """Settled rows that fell below a settled row of fewer components in the same form: there is a better optimum."""
    if result.options.get("prior"):  # then it is not the likelihood that cannot fall
        return
    short = float(result.options.get("tol") or 0) * result.weight
    best: dict[str, dict[str, Any]] = {}
    settled = [r for r in result.search if r["outcome"] == CONVERGED and not r.get("reason")]
    for row in sorted(settled, key=lambda r: int(r["components"])):
        form = row.get("form", "")
        fewer = best.setdefault(form, row)
        if row["loglik"] < fewer["loglik"] - max(1e-6 * abs(fewer["loglik"]), short):
            yield f"{row['components']} against {fewer['components']}" + (f" ({form})" if form else "")
        elif row["loglik"] > fewer["loglik"]:
            best[form] = row


def _failures(result: Result) -> Iterator[str]:
    """Rows of the search that went wrong; what was not tried, or could not win, is its ordinary course."""
    why: dict[str, list[dict[str, Any]]] = {}
    for row in result.search:
        kind = SINGULAR if str(row.get("reason", "")).startswith(SINGULAR) else row["outcome"]
        if "reason" in row and kind in (SINGULAR, FAILED, FELL, STALLED, CAP, TIME) and not is_chosen(result, row):
            why.setdefault(kind, []).append(row)
    for kind, alike in why.items():
        forms: dict[str, list[str]] = {}
        for row in alike:
            forms.setdefault(row.get("form", ""), []).append(str(row["components"]))
        told = [f"{', '.join(ks)} {noun(result)}s" + (f" ({form})" if form else "") for form, ks in forms.items()]
        more = f" and {len(told) - MOST} more forms" if len(told) > MOST else ""
        first = " (the first of them)" if len(alike) > 1 else ""
        reason = str(alike[0]["reason"]).removeprefix(f"{SINGULAR}: ")
        yield f"With {'; '.join(told[:MOST])}{more}: {kind}; {reason}{first}."


def _confidence(result: Result) -> Iterator[str]:
    confidence = mean_confidence(result)
    k = getattr(result.model, "components", 1)
    if confidence is None or k < 2:
        return
    if confidence < UNSURE:
        yield (
            f"Rows are hard to assign: the largest responsibility is {confidence:.2f} on average, and ICL exceeds BIC "
            f"by {result.icl - result.bic:,.0f}. Read the {noun(result)}s as a description of the whole, not as "
            "separate "
            "groups; ICL as criterion asks for groups that are apart (criterion='icl'; --criterion icl)."
        )


def _data(result: Result) -> Iterator[str]:
    profile = result.profile
    if profile.empty_rows:
        nothing = "they say nothing, and count in no criterion"
        yield f"{profile.empty_rows:,} rows have no observed cell: {nothing}{_gap(result)}."
    if "-1" in profile.labels:
        yield (
            "The label -1 was taken for a class of its own, with a component of its own: if it stands for an unknown "
            "class, "
            "mark that by NaN or None."
        )
    for c in profile.columns:
        if c.rows and c.missing > 0.5 * c.rows:
            yield (
                f"Column {c.name!r} is missing in {100 * c.missing / c.rows:.0f} % of the rows: what is said of it "
                "rests on the others."
            )
    zero = result.counts.get("zero density", 0)
    if zero:
        yield (
            f"{zero:,} rows have density zero under every {noun(result)}, so the log-likelihood is minus infinity: "
            "look "
            "for impossible values, or use a prior (prior=1; --prior 1)."
        )


def _gap(result: Result) -> str:
    """What is said of a row without an observed cell, by kind of model."""
    if result.model.unit.ordered:
        return "; the rows before and after them in their sequence tell their states"
    return "; they are assigned by the component weights alone" if isinstance(result.model, Assigning) else ""


__all__ = ["warnings"]
