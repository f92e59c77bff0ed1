"""What an M-step had to do beyond its formula: the kinds of events, and the columns that they are counted in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """A kind of event. Runs hold these words: they never change."""

    VARIANCE_FLOOR = "variance floor"
    GRID_FLOOR = "grid floor"
    NOISE_FLOOR = "noise floor"
    RATE_FLOOR = "rate floor"
    POISSON_LIMIT = "poisson limit"
    DF_BOUND = "df bound"
    EMPTY_COMPONENT = "empty component"
    ZERO_DENSITY = "zero density"


#: the event of a floor that binds, by `Floor.kind`
FLOORS: Mapping[str, str] = {
    "variance": EventKind.VARIANCE_FLOOR,
    "grid": EventKind.GRID_FLOOR,
    "noise": EventKind.NOISE_FLOOR,
}


@dataclass(frozen=True, slots=True)
class Counted:
    """How often one kind of event happened; ``columns`` names the part of a model that counted it, "" for all of it."""

    kind: str
    columns: str
    count: int


def located(event: str, columns: str) -> str:
    """Return an event under the name of the part of a model that counted it.

    >>> located(EventKind.GRID_FLOOR, "height")
    'height: grid floor'
    """
    return f"{columns}: {event}"


def counted(events: Mapping[str, int]) -> Iterator[Counted]:
    """Yield events with the columns that they were counted in.

    >>> list(counted({"height: grid floor": 2}))
    [Counted(kind='grid floor', columns='height', count=2)]
    """
    for name, count in events.items():
        columns, _, kind = name.rpartition(": ")
        yield Counted(kind, columns, count)


def count_of(events: Mapping[str, int], kind: EventKind) -> int:
    """Return how often one kind of event happened, in whatever columns.

    >>> count_of({"height: grid floor": 2, "grid floor": 1, "empty component": 1}, EventKind.GRID_FLOOR)
    3
    """
    return sum(c.count for c in counted(events) if c.kind == kind)
