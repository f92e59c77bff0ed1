"""Components that collapse: floors that bind, components that are empty, and what helps."""

from __future__ import annotations

from collections.abc import Iterator

from unseen.result import Result
from unseen.summary.blocks import blocks
from unseen.summary.facts import floors, noun

# of a floor: how much of it a column must have for the column itself to be called narrow
OWN = 0.9


def collapses(result: Result) -> Iterator[str]:
    """Floors that bind at the end, by component and column, and what the M-step counted on the way."""
    ends: dict[tuple[str, str, bool], list[str]] = {}
    for floor in floors(result):
        place = (floor["kind"], floor["column"], floor["share"] >= OWN)
        ends.setdefault(place, []).append(str(floor["component"]))
    for (kind, column, own), those in ends.items():
        who = f"{noun(result)} {', '.join(dict.fromkeys(those))}"
        if any(b.tied and column in b.columns for b in blocks(result)):
            who = f"every {noun(result)}"
        if kind == "noise":
            yield (
                f"Column {column!r} rests on its noise floor: the factors explain all of it (a Heywood case). Use "
                "fewer "
                "factors, a prior (prior=1), or leave out one of the columns that say the same."
            )
        elif kind != "grid":
            yield (
                f"The variance floor holds {who} up in column {column!r}: it collapses onto a few rows or onto equal "
                f"values, and without the floor the likelihood has no bound; use {cures(result, column)}."
            )
        elif own:
            yield (
                f"Column {column!r} hardly varies in {who}: its spread there is the smallest that is allowed, the step "
                "in which it is recorded or a thousandth of its deviation; a finding."
            )
        else:
            yield f"In {who} columns follow from each other almost exactly, {column!r} most of all: a finding."
    hit = [any("variance floor" in event for event in r.events) for r in result.trace]
    if any(hit) and not any(kind == "variance" for kind, *_ in ends):
        when = "to the end" if hit[-1] else "on the way, not at the end"
        yield (
            f"The variance floor held in {sum(hit)} of {len(hit)} iterations, {when}: a {noun(result)} is collapsing "
            "onto "
            f"a few rows or onto equal values; use {cures(result)}."
        )
    hit = [any("empty" in event for event in r.events) for r in result.trace]
    if any(hit):
        when = "to the end" if hit[-1] else "on the way, not at the end"
        yield (
            f"A {noun(result)} was empty in {sum(hit)} of {len(hit)} iterations, {when}: it lost all its rows and was "
            "kept "
            f"as it was; use fewer {noun(result)}s or more starts."
        )


def cures(result: Result, column: str = "") -> str:
    """What helps a component that collapses, as far as the model has it."""
    several = (result.description.count) > 1
    parts = [b for b in blocks(result) if not column or column in b.columns]
    cures = [f"fewer {noun(result)}s"] if several else []
    cures += ["fewer factors"] if any(b.factors for b in parts) else []
    cures += ["a prior (prior=1; --prior 1)"]
    cures += ["a tied covariance"] if several and any(not b.tied and not b.factors for b in parts) else []
    return cures[0] if len(cures) == 1 else f"{', '.join(cures[:-1])}, or {cures[-1]}"
