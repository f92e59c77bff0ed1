"""What the next verdict can tell, from the retrains there were."""

from __future__ import annotations

import math
from collections.abc import Sequence

from unseen.core.unit import Unit
from unseen.ops.config import Settings
from unseen.ops.config.kind import named
from unseen.ops.judge.crossing import MOST_ROWS
from unseen.ops.judge.power import Power, Windows, power
from unseen.ops.places import Places
from unseen.ops.record import Record
from unseen.ops.registry import Log
from unseen.ops.registry.entry import RETRAIN
from unseen.ops.runs import newest

#: what is expected of a model before there is one: components, and parameters of each by column
COMPONENTS, PARAMETERS = 3, 2
#: partitions that a window is taken for where it is not given
WINDOW = 6
#: newest retrains that are looked at
MOST = 20


def foreseen(settings: Settings, rows: int, columns: int, units: int | None = None) -> Power:
    """How often an equally good model would pass with what the newest partition, of so many rows, holds out.

    The error of a gain is that of the newest retrain that had a champion, brought to the share that is set now; else it
    is expected from the number of parameters of the champion, or of what may be fitted to so many columns. ``units``
    are those of the newest partition, where rows belong together.
    """
    share, gates = settings.validate_.share, settings.gates
    records = _records(settings)
    judges = max(round(share * (rows * _units(records) if units is None else units)), 1)
    lost = gates.loss(rows if units is None else units)
    error, measured = _measured(records, judges), True
    if error is None:
        error, measured = _expected(settings, records, rows, columns) / math.sqrt(judges), False
    crossed = rows if rows <= MOST_ROWS and _crosses(settings) else 0
    return power(judges, error, lost, gates.confidence, share, measured=measured, crossed=crossed)


def _crosses(settings: Settings) -> bool:
    """Whether rows that the first look leaves open judge as well: rows that are units by themselves."""
    return settings.model.unit is None and named(settings.model.kind).unit is Unit.ROW


def _records(settings: Settings) -> list[Record]:
    places = Places.of(settings)
    entries = Log(places).entries() if places.log.is_file() else ()
    return [*newest(places, (e.facts["record"] for e in entries if e.kind == RETRAIN), MOST)]


def _units(records: Sequence[Record]) -> float:
    """Units that a row is worth: those of a sequence or an item belong together, and the whole judges as one."""
    seen = next((r.validation for r in records if r.validation is not None and r.validation.rows), None)
    return 1.0 if seen is None else min(seen.units / seen.rows, 1.0)


def _measured(records: Sequence[Record], judges: int) -> float | None:
    for record in records:
        seen = record.validation
        if seen is not None and seen.gain_se and seen.compared:
            return seen.gain_se * math.sqrt(seen.compared / judges)
    return None


def _expected(settings: Settings, records: Sequence[Record], rows: int, columns: int) -> float:
    window = settings.data.window or WINDOW
    trained = (1 - settings.validate_.share) * rows * window
    for record in records:
        if record.fit is not None and record.batch is not None:
            of_fit = (1 - settings.validate_.share) * record.batch.rows
            parameters = (record.fit.bic + 2 * record.fit.loglik) / math.log(max(of_fit, 2))
            return Windows(trained, 1 - 1 / window, parameters).spread
    return Windows(trained, 1 - 1 / window, COMPONENTS * (PARAMETERS * columns + 1)).spread
