"""Components that collapse: floors that bind, components that are empty, and what helps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unseen.core.description import plural
from unseen.core.events import EventKind, count_of
from unseen.result import Result
from unseen.summary.blocks import blocks
from unseen.summary.facts import floors, noun
from unseen.summary.notice import Code, Notice, Severity
from unseen.summary.sentences import PRIOR

# of a floor: how much of it a column must have for the column itself to be called narrow
OWN = 0.9


def collapses(result: Result) -> Iterator[Notice]:
    """Floors that bind at the end, by component and column, and what the M-step counted on the way."""
    ends: dict[tuple[str, str, bool], list[int]] = {}
    for floor in floors(result):
        place = (floor["kind"], floor["column"], floor["share"] >= OWN)
        ends.setdefault(place, []).append(floor["component"])
    for (kind, column, own), those in ends.items():
        tied = any(b.tied and column in b.columns for b in blocks(result))
        who = {"noun": noun(result), "parts": list(dict.fromkeys(those)), "all": tied, "column": column}
        if kind == "noise":
            yield Notice(Code.NOISE_FLOOR, {"column": column}, ("factors", "prior", "ignore"))
        elif kind != "grid":
            yield Notice(Code.VARIANCE_FLOOR, {**who, "cures": cures(result, column)}, ("prior",))
        else:
            yield Notice(Code.CONSTANT_COLUMN if own else Code.DEPENDENT_COLUMNS, who, severity=Severity.NOTE)
    hit = [count_of(r.events, EventKind.VARIANCE_FLOOR) > 0 for r in result.trace]
    if any(hit) and not any(kind == "variance" for kind, *_ in ends):
        facts = {**_held(hit), "noun": noun(result), "cures": cures(result)}
        yield Notice(Code.VARIANCE_FLOOR_ON_THE_WAY, facts, ("prior",))
    hit = [count_of(r.events, EventKind.EMPTY_COMPONENT) > 0 for r in result.trace]
    if any(hit):
        yield Notice(Code.EMPTY_PART, {**_held(hit), "noun": noun(result)}, ("components", "restarts"))


def _held(hit: list[bool]) -> dict[str, Any]:
    return {"hit": sum(hit), "iterations": len(hit), "to_the_end": hit[-1]}


def cures(result: Result, column: str = "") -> list[str]:
    """Return what helps a component that collapses, as far as the model has it."""
    several = result.description.count > 1
    parts = [b for b in blocks(result) if not column or column in b.columns]
    cures = [f"fewer {plural(noun(result))}"] if several else []
    cures += ["fewer factors"] if any(b.factors for b in parts) else []
    cures += [PRIOR]
    cures += ["a tied covariance"] if several and any(not b.tied and not b.factors for b in parts) else []
    return cures
