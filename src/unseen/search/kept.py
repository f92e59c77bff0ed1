"""What is kept of each fit of a search, how fits compare, and what is said of the choice between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unseen.core.model import Latent, Model
from unseen.core.profile import Profile
from unseen.core.stats import Params
from unseen.core.stop import INTERRUPTED, TIME, Outcome
from unseen.result import Result
from unseen.search.tries import is_singular, unsound

NOT_TRIED = "not tried"
#: observed cells that each parameter of the smallest component should have: with fewer the criterion is misled by
#: what a component says of its own few rows
CELLS_OF_EACH = 5
#: observed cells that each parameter of a model should have
CELLS_EACH = 4
#: a total weight below this is no number of rows
FEWEST_ROWS = 10
#: components and form
Place = tuple[int, str]
#: failed, unsound, the criterion: the least is the best
Rank = tuple[bool, bool, float]
WORST: Rank = (True, True, float("inf"))


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What is kept of a fit: its result, its row of the table, and how it compares."""

    result: Result
    row: dict[str, Any]
    rank: Rank

    @property
    def place(self) -> Place:
        """Components and form."""
        return self.row["components"], self.row.get("form", "")


def continued(before: Result, after: Result) -> Result:
    """The end of a run with the beginning it had, and with the table of the starts it came from."""
    first = before.trace[-1] if before.trace else None
    steps, passes = (0, 0) if first is None else (first.iteration, before.evaluations)
    trace = tuple(replace(r, iteration=r.iteration + steps, evaluations=r.evaluations + passes) for r in after.trace)
    if first is not None and trace:
        trace = (replace(trace[0], change=trace[0].objective - first.objective), *trace[1:])
    ended = after.restarts[0]
    won = next((r for r in before.restarts if r["objective"] == (first and first.objective)), None)
    table = tuple(
        {
            **r,
            **{n: ended[n] for n in ("objective", "outcome", "finished", "spurious")},
            "iterations": r["iterations"] + ended["iterations"],
        }
        if r is won
        else r
        for r in before.restarts
    )
    return replace(
        after,
        outcome=after.outcome.after(len(after.trace), steps),
        trace=(*before.trace, *trace),
        restarts=table,
        iterations=before.iterations + after.iterations,
        evaluations=before.evaluations + after.evaluations,
        seconds=before.seconds + after.seconds,
        options=before.options,
    )


def doubtful(result: Result) -> str:
    """Why an optimum loses whatever its criterion says, or ``""``."""
    params: Params = result.params
    if is_singular(params):
        found = [f for f in result.model.floors(params) if f.kind == "variance"]
        held = ", ".join(f"component {f.component} up in column {f.column}" for f in found[:3])
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        return f"singular: a variance floor holds {held or 'a component up'}{more}"
    if unsound(params):
        return "a component is empty: fewer would say the same"
    return thin(result)


def thin(result: Result) -> str:
    """Whether the smallest component has too few observed cells for its parameters to mean anything, and how few."""
    weights = result.params.get("weights")
    if weights is None or np.ndim(weights) != 1 or len(weights) < 2 or not result.model.order:
        return ""
    cells = float(weights.min()) * observed_cells(result.profile)
    size = result.size / len(weights)
    if cells >= CELLS_OF_EACH * size:
        return ""
    return (
        f"component {int(weights.argmin())} has {cells / size:.2g} observed cells for each of its parameters, and "
        f"{CELLS_OF_EACH} are wanted"
    )


def are_shares(profile: Profile) -> bool:
    """Whether row weights are shares of a whole: they sum to too little for a number of rows."""
    return profile.weight < min(FEWEST_ROWS, profile.rows - profile.empty_rows)


def observed_cells(profile: Profile) -> float:
    """The number of observed cells, those of a row of weight w counted w times unless weights are shares."""
    if are_shares(profile):
        return float(sum(c.rows - c.missing for c in profile.columns))
    return sum(c.weight for c in profile.columns)


def parameters(model: Model) -> int | None:
    """The number of free parameters before there is a fit; None for a model that does not say."""
    return int(model.size(model.vague())) if isinstance(model, Latent) else None


def too_large(model: Model, profile: Profile) -> str:
    """Why a model asks more of the rows than they can tell, or ``""``."""
    size, cells = parameters(model), observed_cells(profile)
    if size is None or CELLS_EACH * size <= cells:
        return ""
    return f"{size:,} parameters are too many for {cells:,.0f} observed cells: fewer than {CELLS_EACH} for each"


def last_objective(result: Result) -> float:
    return result.trace[-1].objective if result.trace else -np.inf


def not_returned(fits: Iterable[Fit], best: Fit, criterion: str) -> dict[str, Any] | None:
    """The fit that the criterion puts first, where that is another than the one returned, and why."""
    first = min(fits, key=lambda f: (f.rank[0], f.rank[2]))
    if first is best or not first.rank[2] < best.rank[2]:
        return None
    row = first.row
    value = row["heldout"] if criterion == "heldout" else first.rank[2]
    return {
        "components": row["components"],
        "form": row.get("form", ""),
        "value": value,
        "reason": row.get("reason", row["outcome"]),
    }


def ending(rows: Sequence[dict[str, Any]], best: Fit, chosen: Result, interrupted: bool) -> Outcome:
    """How the search as a whole ended."""
    k, last = best.row["components"], rows[-1]["components"]
    noun = chosen.model.order
    if interrupted and len(rows) > 1:
        return Outcome(
            INTERRUPTED,
            f"interrupted while fitting {last} {noun}; {k} is the best of those tried before",
        )
    late = sorted({r["components"] for r in rows if r["outcome"] == TIME and "loglik" not in r})
    if late and chosen.outcome.converged:
        return Outcome(
            TIME,
            f"max_seconds was used up before {', '.join(map(str, late))} {noun} were tried; {k} is the best of "
            "the others: raise max_seconds or try fewer",
        )
    return chosen.outcome
