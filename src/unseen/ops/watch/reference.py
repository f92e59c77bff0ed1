"""Tables of ``docs/monitoring.md`` and ``docs/runbooks/README.md``, made from the metrics and the failure modes.

``python -m unseen.ops.watch.reference docs`` writes them anew; a test compares.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from unseen.ops.watch.levels import duration
from unseen.ops.watch.metrics import METRICS
from unseen.ops.watch.modes import MODES, alerts


def metrics() -> str:
    """Every metric."""
    rows = [
        f"| {m.row.strip('-')} | `{m.name}` | {m.kind} | {', '.join(m.labels)} | {m.help} |" for m in METRICS.values()
    ]
    return "\n".join(["| | metric | type | labels | meaning |", "|---|---|---|---|---|", *rows])


def alerting() -> str:
    """Every alert, joined where several failure modes share one."""
    rows: dict[str, list[str]] = {}
    for alert, mode in alerts():
        row = rows.setdefault(alert.name, [alert.severity, duration(alert.hold), alert.summary, ""])
        row[3] = ", ".join(filter(None, [row[3], mode.id if mode else "its own"]))
        row[2] = row[2] if alert.summary in row[2] else f"{row[2]}; {alert.summary}"
    told = [f"| `{name}` | {' | '.join(_plain(cell) for cell in row)} |" for name, row in rows.items()]
    return "\n".join(["| alert | | for | tells | runbook |", "|---|---|---|---|---|", *told])


def runbooks() -> str:
    """Every failure mode with its page, and the alerts that lead there."""
    rows = []
    for mode in MODES.values():
        names = ", ".join(dict.fromkeys(f"`{alert.name}`" for alert in mode.alerts))
        rows.append(
            f"| [{mode.id} {mode.name.replace('-', ' ')}]({mode.page}.md) | {names or 'only `UnseenDiagnosis`'} |"
        )
    return "\n".join(["| page | alerts that lead here |", "|---|---|", *rows])


TABLES: dict[str, dict[str, Callable[[], str]]] = {
    "monitoring.md": {"metrics": metrics, "alerts": alerting},
    "runbooks/README.md": {"runbooks": runbooks},
}


def renewed(page: str, tables: dict[str, Callable[[], str]]) -> str:
    """A page with what stands between its marks made anew."""
    for name, table in tables.items():
        begin, end = f"<!-- {name}: made by python -m unseen.ops.watch.reference -->", f"<!-- end of {name} -->"
        before, mark, rest = page.partition(begin)
        assert mark and end in rest, f"no {begin}"
        page = f"{before}{begin}\n{table()}\n{end}{rest.partition(end)[2]}"
    return page


def _plain(text: str) -> str:
    return text.replace("{{ $labels.", "(").replace(" }}", ")").replace("((", "(").replace("))", ")")


if __name__ == "__main__":
    for name, tables in TABLES.items():
        file = Path(sys.argv[1]) / name
        file.write_text(renewed(file.read_text(encoding="utf-8"), tables), encoding="utf-8")
