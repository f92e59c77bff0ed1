"""Status and history as text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

HEAD = ("when (UTC)", "what", "version", "from", "who", "why")


def sentences(found: Mapping[str, Any]) -> list[str]:
    """What is in production, one line per question."""
    champion, challenger, back = found["champion"], found["challenger"], found["rollback"]
    rows = [("champion", f"version {champion['version']} of {found['name']}" if champion else "none yet")]
    if champion:
        rows += [
            ("since", f"{moment(champion['since'])} UTC, {champion['how'].replace('_', ' ')} by {champion['by']}"),
            ("why", plain(champion["reason"]) + _overridden(champion)),
            ("batch", f"{champion['batch']}, {champion['rows']:,} rows"),
            ("artefact", champion["artefact"]),
        ]
    if challenger:
        held = "passed the gates" if challenger["passed"] else f"refused by {_gates(challenger)}"
        rows.append(("challenger", f"version {challenger['version']}, {held}, {_whole(challenger)}"))
    if back:
        rows.append(("rollback", f"goes to version {back['version']}, {_whole(back)}"))
    pinned = found["pinned"]
    if pinned and pinned["intact"] is False:
        rows.append(("pinned", f"version {pinned['version']}, {_whole(pinned)}: unseen pin makes another the reference"))
    if found["retrain"]:
        last = found["retrain"]
        first, *more = [plain(text) for text in last.get("findings") or [last["reason"]]]
        rows.append(("retrain", f"{moment(last['time'])} UTC, {last['outcome']}: {first}"))
        rows += [("", text) for text in more]
    rows += [("left out", plain(f"{name}: {why}")) for name, why in found["excluded"].items()]
    rows += _aliases(found)
    if found["moved"] and not found["registry"]:
        said = f"MLflow's file names {found['moved']}; the next command that opens it, or `unseen rebuild`, renames it"
        rows.append(("moved", said))
    if found["registry"]:
        rows.append(("registry", found["registry"]))
    if found["log"]["clock"] == "behind":
        rows.append(("clock", "it went backwards: the log is ordered by its lines, not by its times"))
    if found["log"]["clock"] == "ahead":
        lines = found["log"]["ahead"]
        which = f"line {lines[0]} is" if len(lines) == 1 else f"{len(lines)} lines from line {lines[0]} on are"
        rows.append(
            ("clock", f"it ran ahead: {which} dated later than now; what is newest goes by lines, not by times")
        )
    return [f"{name:<11} {text}" for name, text in rows]


def _aliases(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    known = found["aliases"]
    if moved := known.get("moved"):
        where = [f"{alias} {'to nothing' if n is None else f'to version {n}'}" for alias, n in moved.items()]
        said = f"somebody moved {' and '.join(where)} in MLflow; the next promote, rollback or retrain moves it back"
        return [("aliases", said)]
    if known["in_step"] is False:
        return [("aliases", "MLflow's are behind; the next promote, rollback or retrain moves them")]
    return []


def findings(record: Any) -> list[str]:
    """Everything that refused a retrain, or held its candidate back; nothing where that is not how it ended."""
    if record is None or record.outcome not in ("refused", "held"):
        return []
    return [f.message for f in record.findings] + [f"{v.gate}: {v.reason}" for v in record.gates if not v.passed]


def retrained(record: Any) -> list[str]:
    """How a retrain ended, with all that was found and what every gate said."""
    ended = record.outcome.meaning if record.outcome else "it has not ended"
    lines = [f"{record.id}  {record.outcome or 'unfinished'}: {ended}"]
    if record.batch:
        lines.append(f"batch       {', '.join(record.batch.partitions)}, {record.batch.rows:,} rows")
    if not findings(record):
        lines.append(f"reason      {record.reason}")
    lines += [f"finding     {f.message}" for f in record.findings]
    lines += [f"{'passed' if v.passed else 'REFUSED':<11} {v.gate}: {v.reason}" for v in record.gates]
    lines += [f"{a.stage + ' ' + str(a.number):<11} {a.error}" for a in record.attempts]
    return [plain(line) for line in lines]


def table(decisions: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line per decision; of retrains that found nothing new one after the other only the last is told."""
    if not decisions:
        return []
    told = [d for d, after in zip(decisions, [*decisions[1:], {}], strict=True) if not (_idle(d) and _idle(after))]
    rows = [HEAD, *map(_row, told)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD) - 1)]
    return ["  ".join([*(f"{c:<{w}}" for c, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows]


def _idle(decision: Mapping[str, Any]) -> bool:
    return bool(decision.get("outcome") == "nothing new")


def _row(decision: Mapping[str, Any]) -> tuple[str, ...]:
    kind = decision["kind"]
    what = f"retrain {decision['outcome']}" if kind == "retrain" else kind.replace("_", " ")
    if kind in ("excluded", "included"):
        what = f"{kind} {decision['partition']}"
    why = plain(decision.get("reason") or _facts(decision)) + _overridden(decision)
    clock = f" (clock {decision['clock']})" if decision.get("clock") else ""
    number, before = (str(decision.get(k) or "-") for k in ("version", "from"))
    return f"{moment(decision['time'])}{clock}", what, number, before, plain(decision["actor"]), why


def _facts(decision: Mapping[str, Any]) -> str:
    if decision["kind"] == "judged":
        return "gates asked anew: " + ("passed" if decision["passed"] else f"refused by {_gates(decision)}")
    if decision["kind"] == "rebuilt":
        return (
            f"MLflow's database made anew, {len(decision['versions'])} versions; not restored: {len(decision['lost'])}"
        )
    if decision["kind"] == "pruned":
        gone = f"{len(decision['versions'])} artefacts, {len(decision['runs'])} runs, {decision['events']:,} events"
        return f"{gone} were cleared away"
    if decision["kind"] == "repaired":
        return f"a torn last line of {decision['torn_bytes']} bytes was moved to {decision['kept_as']}"
    return ""


def _overridden(decision: Mapping[str, Any]) -> str:
    return f" [override: {decision['override']}]" if decision.get("override") else ""


def _gates(version: Mapping[str, Any]) -> str:
    return ", ".join(version["refused_by"]) or "no gate being configured"


def _whole(version: Mapping[str, Any]) -> str:
    return "its artefact is intact" if version["intact"] else version["artefact"]


def moment(time: str) -> str:
    return time[:19].replace("T", " ")


def plain(text: str) -> str:
    """Text on one line, without what could steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)
