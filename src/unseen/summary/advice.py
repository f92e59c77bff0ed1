"""Notices: what a careful reader of a fit should know, with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from unseen.core.events import EventKind, count_of
from unseen.core.stop import CAP, CONVERGED, FAILED, FELL, STALLED, TIME
from unseen.result import Result
from unseen.search.restarts import spurious
from unseen.summary.alike import coinciding
from unseen.summary.blocks import blocks
from unseen.summary.collapse import collapses
from unseen.summary.facts import at_the_end, floors, is_chosen, mean_confidence, noun
from unseen.summary.notice import Code, Notice, Severity
from unseen.summary.occupancy import rows_by_part

FEW_ROWS = 5.0
FLAT = 1e-4
UNSURE = 0.7
SINGULAR = "singular"


def notices(result: Result) -> list[Notice]:
    """Return what a careful reader should know, the gravest first."""
    found: list[Notice] = []
    for check in (_outcome, collapses, _components, _starts, _search, _confidence, _data):
        found.extend(check(result))
    return found


def _outcome(result: Result) -> Iterator[Notice]:
    if result.outcome.name != CONVERGED:
        yield Notice(Code.NOT_CONVERGED, {"outcome": result.outcome.name, "message": result.outcome.message})


def _components(result: Result) -> Iterator[Notice]:
    about = {"noun": noun(result)}
    for group in coinciding(result):
        yield Notice(Code.COINCIDING_PARTS, {**about, "parts": list(group)}, ("components",))
    if (rows := rows_by_part(result)) is None:
        return
    for k in np.flatnonzero(rows < FEW_ROWS).tolist():
        yield Notice(Code.FEW_ROWS, {**about, "part": k, "rows": float(rows[k])}, ("components", "prior"))
    if result.description.shares is None or result.description.long_run:  # what follows reads the weights of a mixture
        return
    narrow = spurious(result.model, result.params, result.weight)
    for k in np.flatnonzero(narrow).tolist():
        facts = {**about, "part": k, "rows": float(rows[k])}
        yield Notice(Code.SPURIOUS_PART, facts, ("prior", "covariance", "components"))
    resting = {floor["component"] for floor in floors(result)}
    flat: set[int] = set()
    for block in blocks(result):
        if block.crossed and not (block.tied and resting):
            flat.update(np.flatnonzero((block.spread < FLAT) & ~narrow).tolist())
    # where a floor binds, that has been said
    if flat := flat - resting:
        yield Notice(Code.NEARLY_FLAT, {**about, "parts": sorted(flat), "below": FLAT}, ("covariance", "ignore"))


def _starts(result: Result) -> Iterator[Notice]:
    finished = [r for r in result.restarts if r["finished"]]
    if len(finished) > 1:
        best = max(finished, key=_objective)
        if best["hits"] == 1:
            yield Notice(Code.ONE_START_REACHED_THE_BEST, {"finished": len(finished)}, ("restarts",))
    failed = sum(r["outcome"] == "failed" for r in result.restarts)
    if failed:
        yield Notice(Code.STARTS_FAILED, {"failed": failed, "starts": len(result.restarts)}, ("prior",))


def _objective(row: dict[str, Any]) -> float:
    return float(row["objective"])


def _search(result: Result) -> Iterator[Notice]:
    about = {"noun": noun(result)}
    if (chosen := at_the_end(result)) is not None:
        yield Notice(Code.LARGEST_NUMBER_CHOSEN, {**about, "chosen": chosen}, ("components",))
    if lower := list(_missed(result)):
        yield Notice(Code.LIKELIHOOD_FALLS_WITH_SIZE, {**about, "pairs": lower}, ("restarts",))
    yield from _failures(result)


def _missed(result: Result) -> Iterator[dict[str, Any]]:
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
            yield {"more": row["components"], "fewer": fewer["components"], "form": form}
        elif row["loglik"] > fewer["loglik"]:
            best[form] = row


def _failures(result: Result) -> Iterator[Notice]:
    """Rows of the search that went wrong; what was not tried, or could not win, is its ordinary course."""
    why: dict[str, list[dict[str, Any]]] = {}
    for row in result.search:
        kind = SINGULAR if str(row.get("reason", "")).startswith(SINGULAR) else row["outcome"]
        if "reason" in row and kind in (SINGULAR, FAILED, FELL, STALLED, CAP, TIME) and not is_chosen(result, row):
            why.setdefault(kind, []).append(row)
    for kind, alike in why.items():
        forms: dict[str, list[int]] = {}
        for row in alike:
            forms.setdefault(row.get("form", ""), []).append(row["components"])
        reason = str(alike[0]["reason"]).removeprefix(f"{SINGULAR}: ")
        yield Notice(Code.SEARCH_FAILED, {"noun": noun(result), "outcome": kind, "reason": reason, "numbers": forms})


def _confidence(result: Result) -> Iterator[Notice]:
    largest = mean_confidence(result)
    if largest is None or not result.description.discrete or result.description.count < 2:
        return
    if largest < UNSURE:
        facts = {"noun": noun(result), "largest": largest, "gap": result.icl - result.bic}
        yield Notice(Code.ROWS_HARD_TO_ASSIGN, facts, ("criterion",))


def _data(result: Result) -> Iterator[Notice]:
    profile, about = result.profile, {"noun": noun(result)}
    if profile.empty_rows:
        by = "neighbours" if result.model.unit.ordered else "weights" if result.description.discrete else ""
        yield Notice(Code.EMPTY_ROWS, {**about, "rows": profile.empty_rows, "assigned_by": by}, severity=Severity.NOTE)
    if "-1" in profile.labels:
        yield Notice(Code.LABEL_MINUS_ONE, about, ("labels",))
    for c in profile.columns:
        if c.rows and c.missing > 0.5 * c.rows:
            yield Notice(Code.COLUMN_MOSTLY_MISSING, {"column": c.name, "share": c.missing / c.rows}, ("ignore",))
    zero = count_of(result.counts, EventKind.ZERO_DENSITY)
    if zero:
        yield Notice(Code.ZERO_DENSITY, {**about, "rows": zero}, ("prior",))


__all__ = ["notices"]
