"""The report for people who may not see the data: no names of categories, no private columns, no small groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from unseen.errors import DataError, ModelError
from unseen.report.view import View

#: rows that a component must stand for: means of fewer describe single people
FEWEST_ROWS = 20


@dataclass(frozen=True)
class Shareable(View):
    """A view that numbers categories and single values and names none, of a result that `without` has cut down."""

    @cached_property
    def profiles(self) -> list[dict[str, Any]]:
        shown = [e for e in super().profiles if e["column"] in self.result.profile.names]
        hidden = {"categories": "category", "atoms": "value"}
        return [{**e, **{key: _numbered(e[key], word) for key, word in hidden.items() if key in e}} for e in shown]

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
        A component stands for fewer rows than ``fewest``.
    """
    for name in hide:
        if name not in result.profile.names:
            raise ModelError(f"there is no column {name!r} to hide; the columns are {', '.join(result.profile.names)}")
    rows = result.params["weights"] * result.weight if "weights" in result.params else []
    small = [str(k) for k, n in enumerate(rows) if n < fewest]
    if small:
        raise DataError(
            f"component {', '.join(small)} stands for fewer than {fewest} rows, so a report would describe single "
            "people: fit fewer components before you pass it on"
        )
    ignored = [name for name in result.options.get("ignored", ()) if name not in hide]
    return replace(
        result,
        profile=result.profile.select(tuple(n for n in result.profile.names if n not in hide)),
        trace=tuple(replace(t, events=_unnamed(t.events)) for t in result.trace),
        options={**result.options, "ignored": ignored},
        # what speaks for a family may be a value that many rows have
        columns=tuple({**c, "note": ""} for c in result.columns if c["column"] not in hide),
        fingerprint={},
    )


def _unnamed(events: dict[str, int]) -> dict[str, int]:
    """What was counted in the M-step, without the columns that it was counted in."""
    out: dict[str, int] = {}
    for event, count in events.items():
        kind = event.rpartition(": ")[2]
        out[kind] = out.get(kind, 0) + count
    return out


def _numbered(values: Sequence[Any], word: str) -> list[str]:
    return [f"{word} {i}" for i in range(1, len(values) + 1)]
