"""The report for people who may not see the data: no names of categories, no private columns, no small groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from unseen.core.description import Description, plural
from unseen.core.events import counted
from unseen.errors import DataError, ModelError
from unseen.report.view import View
from unseen.summary.occupancy import rows_by_part

#: rows that a component must stand for: means of fewer describe single people
FEWEST_ROWS = 20


@dataclass(frozen=True)
class Shareable(View):
    """A view that numbers categories and single values and names none, of a result that `without` has cut down."""

    @cached_property
    def description(self) -> Description:
        """What the model says of itself, without hidden columns and the names of categories."""
        columns = {name for slot in self.result.model.slots for name in slot.columns}
        return super().description.without(columns - set(self.result.profile.names)).numbered()

    @property
    def notice(self) -> str:
        return "This page is meant to be passed on: it holds no row of the data and no name of a category."


def without(result: Any, hide: Sequence[str], fewest: int = FEWEST_ROWS) -> Any:
    """The result as far as it may be told: without some columns, and without what identifies the data.

    Raises
    ------
    ModelError
        A column that the model does not have.
    DataError
        A component stands for fewer rows than ``fewest``, or the run does not say for how many.
    """
    for name in hide:
        if name not in result.profile.names:
            raise ModelError(f"there is no column {name!r} to hide; the columns are {', '.join(result.profile.names)}")
    told, rows = result.description, rows_by_part(result)
    if rows is None and told.views:
        raise DataError(
            f"a {told.noun} may stand for fewer than {fewest} rows, which this run does not say, so a report could "
            "describe single people: fit once more with this version, which counts them"
        )
    small = [] if rows is None else [str(k) for k, n in enumerate(rows) if not n >= fewest]
    if small:
        raise DataError(
            f"{told.noun} {', '.join(small)} stands for fewer than {fewest} rows, so a report would describe single "
            f"people: fit fewer {plural(told.noun)} before you pass it on"
        )
    ignored = [name for name in result.options.get("ignored", ()) if name not in hide]
    return replace(
        result,
        profile=result.profile.select(tuple(n for n in result.profile.names if n not in hide)),
        trace=tuple(replace(t, events=_unnamed(t.events)) for t in result.trace),
        options={**result.options, "ignored": ignored},
        # what speaks for a family may be a value that many rows have
        columns=tuple({**c, "note": ""} for c in result.columns if c["column"] not in hide),
        told=(),
        fingerprint={},
    )


def _unnamed(events: dict[str, int]) -> dict[str, int]:
    """What was counted in the M-step, without the columns that it was counted in."""
    out: dict[str, int] = {}
    for event in counted(events):
        out[event.kind] = out.get(event.kind, 0) + event.count
    return out
