"""Partitions that retrains took in before, whatever the window: their names, and which are not known to be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from unseen.ops.config import Settings
from unseen.ops.places import Places
from unseen.ops.record import Outcome
from unseen.ops.registry import Log
from unseen.ops.registry.entry import REMEMBERED, RETRAIN
from unseen.ops.registry.excluding import left_out, set_aside
from unseen.ops.runs import newest

#: partitions before the window whose rows are looked for in a new one: eight bytes are kept of each row
KEPT = 24
#: newest retrains whose records are read: the log has only the newest partition of each
RECORDS = 50
#: how a retrain ended that learned from its rows
LEARNED = (Outcome.PROMOTED, Outcome.HELD)


@dataclass(frozen=True)
class Earlier:
    """``names`` are what partitions were called, by their ids; ``learned`` are those not known to be wrong.

    Both are in the order of the log. ``last`` is the newest partition of the last retrain.
    """

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    learned: tuple[str, ...] = ()
    last: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What log and records say.

        Raises
        ------
        RegistryError
            The log was altered.
        """
        places = Places.of(settings)
        entries = Log(places).entries() if places.log.is_file() else ()
        runs = [e.facts["record"] for e in entries if e.kind == RETRAIN]
        records = {record.id: record for record in newest(places, runs, RECORDS)}
        names: dict[str, dict[str, None]] = {}
        learned: dict[str, None] = {}
        last = None
        for entry in entries:
            facts = entry.facts
            if entry.kind == REMEMBERED:
                found = [(facts["id"], facts["partition"])]
            elif entry.kind == RETRAIN and facts.get("partition"):
                last = facts["partition"]
                batch = record.batch if (record := records.get(facts["record"])) else None
                found = [*zip(batch.fingerprints, batch.partitions, strict=False)] if batch else []
                found = [*found, (last, facts["newest"])] if facts.get("newest") else found
            else:
                continue
            for id, name in found:
                names.setdefault(id, {})[name] = None
                if entry.kind == REMEMBERED or facts.get("outcome") in LEARNED:
                    learned[id] = None
        out, wrong = left_out(entries), set_aside(entries)
        right = tuple(id for id in learned if id not in wrong and not out.keys() & names[id].keys())
        return cls({id: tuple(called) for id, called in names.items()}, right, last)

    def other_names(self, id: str, name: str) -> tuple[str, ...]:
        """What a partition was called before, where that never was its name."""
        known = self.names.get(id, ())
        return () if name in known else known
