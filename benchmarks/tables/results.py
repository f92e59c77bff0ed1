"""Results on disk, one file for each contestant, table, seed and measure; those of peers are not measured again."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from places import CACHE

Row = dict[str, Any]


@dataclass
class Results:
    """What is known so far: ``rows[table][contestant, measure][seed]``."""

    folder: Path = CACHE / "results"
    rows: dict[str, dict[tuple[str, str], dict[int, Row]]] = field(default_factory=dict)

    def path(self, who: str, table: str, seed: int, what: str) -> Path:
        return self.folder / who / f"{table}-{what}-{seed}.json"

    def recall(self, who: str, table: str, seed: int, what: str, key: str | None = None,
               limit: int = 0) -> Row | None:  # fmt: skip
        """What was measured before, with the same key if one is given, and no earlier end under a lower limit."""
        path = self.path(who, table, seed, what)
        if not path.exists():
            return None
        row: Row = json.loads(path.read_text())
        if key is not None and (row.get("key") != key or row.get("limit", limit) < limit):
            return None
        self._put(who, table, seed, what, row)
        return row

    def keep(self, who: str, table: str, seed: int, what: str, key: str, row: Row) -> None:
        path = self.path(who, table, seed, what)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(row | {"key": key}, indent=1, default=str))
        self._put(who, table, seed, what, row)

    def _put(self, who: str, table: str, seed: int, what: str, row: Row) -> None:
        self.rows.setdefault(table, {}).setdefault((who, what), {})[seed] = row

    def of(self, table: str, who: str, what: str) -> dict[int, Row]:
        return self.rows.get(table, {}).get((who, what), {})

    def values(self, table: str, who: str, what: str, name: str = "value") -> dict[int, float]:
        return {s: float(r[name]) for s, r in self.of(table, who, what).items() if r.get(name) is not None}

    def middle(self, table: str, who: str, what: str, name: str = "value") -> float:
        """The median over seeds; NaN where no seed has a value."""
        found = list(self.values(table, who, what, name).values())
        return statistics.median(found) if found else float("nan")

    def gain(self, table: str, what: str, who: str, other: str, ratio: bool = False) -> float:
        """The median over the seeds that both have of the difference, or of the ratio, who to other."""
        a, b = self.values(table, who, what), self.values(table, other, what)
        both = [a[s] / b[s] if ratio else a[s] - b[s] for s in a.keys() & b.keys() if not ratio or b[s]]
        return statistics.median(both) if both else float("nan")

    def failed(self, table: str, who: str, what: str) -> str:
        """Why a seed failed, if one did."""
        said = [r["failed"] for r in self.of(table, who, what).values() if "failed" in r]
        return f"{said[0]} ({len(said)} of {len(self.of(table, who, what))} seeds)" if said else ""
