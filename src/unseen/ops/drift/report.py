"""What a look at new data found: facts for people, metrics and the doctor."""

from __future__ import annotations

from typing import Literal

from unseen.ops.record import Fact

Kind = Literal["column", "missing", "density", "output", "shares", "position"]


class DriftTest(Fact):
    """One test: how far apart new data and reference are (total variation, noise taken off), and the evidence.

    ``e_value`` is the evidence of the champion's whole life: under no drift it ever reaches x with probability at
    most 1/x. ``verdict`` is ``drift``, ``small`` (evident, but below ``min_effect``) or ``none``; ``since`` is the
    look at which the most likely change began.
    """

    name: str
    kind: Kind
    column: str | None = None
    component: int | None = None
    effect: float
    e_value: float
    threshold: float
    verdict: Literal["drift", "small", "none"]
    since: int
    cause: str | None = None


class DriftReport(Fact):
    """What one look found; ``look`` counts those at this champion, ``first_alarm`` is the look that first saw drift.

    ``added`` says whether its rows count as evidence: not where there are too few, or where they were met before.
    """

    champion: str
    batch: str
    time: str
    look: int
    rows: int
    drifted: bool
    retrain: bool
    e_value: float
    threshold: float
    false_alarms: float
    tests: tuple[DriftTest, ...] = ()
    causes: tuple[str, ...] = ()
    first_alarm: int | None = None
    added: bool = True
    repeated: bool = False


class Latest(Fact):
    """The last look, and counters over all champions."""

    report: DriftReport
    looks_total: int
    alarms_total: int


def percent(share: float) -> str:
    """A share with two digits, as people write it.

    >>> percent(0.0812), percent(0.21), percent(1.0), percent(0.0004)
    ('8.1 %', '21 %', '100 %', '0.04 %')
    """
    value = 100 * share
    return f"{value:.0f} %" if value >= 9.95 else f"{value:.2g} %"
