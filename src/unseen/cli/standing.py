"""Status and history as text for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from unseen.cli.spelling import in_settings

#: letters of a reason in the table of decisions
LONGEST = 90
HEAD = ("when (UTC)", "what", "version", "from", "who", "why")


def sentences(found: Mapping[str, Any]) -> list[str]:
    """What is in production, one line per question."""
    return [f"{name:<11} {text}" for name, text in _questions(found)]


def _questions(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    champion, challenger, back = found["champion"], found["challenger"], found["rollback"]
    yield "champion", f"version {champion['version']} of {found['name']}" if champion else "none yet"
    if champion:
        yield "since", f"{moment(champion['since'])} UTC, {champion['how'].replace('_', ' ')} by {champion['by']}"
        yield "why", plain(champion["reason"]) + _overridden(champion)
        yield "batch", f"{champion['batch']}, {champion['rows']:,} rows"
        yield "artefact", champion["artefact"]
    if challenger:
        held = "passed the gates" if challenger["passed"] else f"refused by {_gates(challenger)}"
        yield "challenger", f"version {challenger['version']}, {held}, {_whole(challenger)}"
    if back:
        yield "rollback", f"goes to version {back['version']}, {_whole(back)}"
    if (pinned := found["pinned"]) and pinned["intact"] is False:
        way = f'unseen pin {found["name"]} --reason "..." makes the champion the reference'
        yield "pinned", f"version {pinned['version']}, {_whole(pinned)}: {way}"
    if found.get("since_pinned"):
        yield "pinned", f"of the champion: {found['since_pinned']}"
    if last := found["retrain"]:
        first, *more = [plain(text) for text in last.get("findings") or [last["reason"]]]
        yield "retrain", f"{moment(last['time'])} UTC, {last['outcome']}: {first}"
        yield from (("", text) for text in more)
    yield from (
        ("left out", plain(f"{name}: {shortened(why, 2 * LONGEST)}")) for name, why in found["excluded"].items()
    )
    if found.get("learned"):
        yield "left out", plain(found["learned"])
    if found.get("reference"):
        yield "drift", plain(found["reference"])
    if moved := found["aliases"].get("moved"):
        where = " and ".join(
            f"{alias} {'to nothing' if n is None else f'to version {n}'}" for alias, n in moved.items()
        )
        yield "aliases", f"somebody moved {where} in MLflow; the next promote, rollback or retrain moves it back"
    elif found["aliases"]["in_step"] is False:
        yield "aliases", "MLflow's are behind; the next promote, rollback or retrain moves them"
    if found["registry"]:
        yield "registry", found["registry"]
    elif found["moved"]:
        said = f"the next command that opens it, or `unseen rebuild {found['name']}`, renames it"
        yield "moved", f"MLflow's file names {found['moved']}; {said}"
    clock, lines = found["log"]["clock"], found["log"]["ahead"]
    if clock == "behind":
        yield "clock", "it went backwards: the log is ordered by its lines, not by its times"
    if clock == "ahead":
        which = f"line {lines[0]} is" if len(lines) == 1 else f"{len(lines)} lines from line {lines[0]} on are"
        yield "clock", f"it ran ahead: {which} dated later than now; what is newest goes by lines, not by times"


def findings(record: Any) -> list[str]:
    """Everything that refused a retrain, or held its candidate back; nothing where that is not how it ended."""
    if record is None or record.outcome not in ("refused", "held"):
        return []
    gates: dict[str, list[str]] = {}
    for v in record.gates:
        if not v.passed:  # what two gates say alike is said once
            gates.setdefault(v.reason, []).append(v.gate)
    said = [f.message for f in record.findings] + [f"{', '.join(who)}: {why}" for why, who in gates.items()]
    return [in_settings(text) for text in dict.fromkeys(said)]


def following(record: Any) -> list[str]:
    """What can be done about how a retrain ended, as it is typed."""
    if record.outcome == "held" and record.version is not None:
        override = " --override" * any(not v.passed for v in record.gates)
        way = f'unseen promote {record.name} --to {record.version}{override} --reason "..."'
        return [f"if it is right all the same: {way}"]
    return [f"unseen doctor {record.name}"] if record.outcome in ("unfit", "error") else []


def largest(record: Any, settings: Any) -> str:
    """That the number that was found is the largest that was tried, where a search found it."""
    from unseen.ops.config.kind import named

    numbers, fit = settings.model.numbers or (), record.fit
    if fit is None or fit.went_on or len(numbers) < 2 or fit.components != max(numbers):
        return ""
    order = named(settings.model.kind).order
    return f"{fit.components} is the largest number of {order} that was tried, so more may be better: model.{order}"


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
    lines += [f"next        {way}" for way in following(record)]
    return [plain(in_settings(line)) for line in lines]


def table(decisions: Sequence[Mapping[str, Any]], told: Callable[[str], Sequence[str]] = lambda _: ()) -> list[str]:
    """One line per decision; of retrains that found nothing new one after the other only the last is told.

    ``told`` gives the reasons of a retrain one by one, by its id; what does not fit into its line stands below it.
    """
    if not decisions:
        return []
    idle = [d.get("outcome") == "nothing new" for d in decisions]
    repeated = [now and after for now, after in zip(idle, [*idle[1:], False], strict=True)]
    kept = [d for d, again in zip(decisions, repeated, strict=True) if not again]
    below = [_below(d, told) for d in kept]
    rows = [HEAD, *(_row(d, len(more)) for d, more in zip(kept, below, strict=True))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD) - 1)]
    lines = ["  ".join([*(f"{c:<{w}}" for c, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows]
    return [line for first, more in zip(lines, [[], *below], strict=True) for line in (first, *more)]


def _below(decision: Mapping[str, Any], told: Callable[[str], Sequence[str]]) -> list[str]:
    """The reasons of a retrain, where there are several or one that is long."""
    if decision["kind"] != "retrain":
        return []
    reasons = told(decision["record"]) or [decision["reason"]]
    return [] if len(reasons) == 1 and len(reasons[0]) <= LONGEST else [f"    {plain(reason)}" for reason in reasons]


def _row(decision: Mapping[str, Any], below: int) -> tuple[str, ...]:
    kind = decision["kind"]
    what = f"retrain {decision['outcome']}" if kind == "retrain" else kind.replace("_", " ")
    if kind in ("excluded", "included"):
        what = f"{kind} {decision['partition']}"
    why = "as said below" if below else plain(decision.get("reason") or _facts(decision))
    why += _overridden(decision)
    clock = f" (clock {decision['clock']})" if decision.get("clock") else ""
    number, before = (str(decision.get(k) or "-") for k in ("version", "from"))
    return f"{moment(decision['time'])}{clock}", what, number, before, plain(decision["actor"]), why


def shortened(text: str, most: int) -> str:
    """The beginning of a text, to a whole word, with dots for the rest."""
    return text if len(text) <= most else f"{text[:most].rpartition(' ')[0].rstrip(',;:')} ..."


def _facts(decision: Mapping[str, Any]) -> str:
    match decision["kind"]:
        case "judged":
            return "gates asked anew: " + ("passed" if decision["passed"] else f"refused by {_gates(decision)}")
        case "rebuilt":
            made, lost = len(decision["versions"]), len(decision["lost"])
            return f"MLflow's database made anew, {made} versions; not restored: {lost}"
        case "pruned":
            artefacts, runs = len(decision["versions"]), len(decision["runs"])
            return f"{artefacts} artefacts, {runs} runs, {decision['events']:,} events were cleared away"
        case "repaired":
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
