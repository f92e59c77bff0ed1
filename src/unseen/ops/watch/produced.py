"""What the log says, as samples: outcomes, the champion, promotions, and security."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from statistics import median

from unseen.ops.config.settings import Settings
from unseen.ops.record import Outcome, Record
from unseen.ops.watch.known import Known, moment, outcome, since
from unseen.ops.watch.table import MODES, SECURITY, Sample, sample

#: the loop did not do its work; a batch that was rightly refused is the data's fault, not the loop's
FAILURES = (Outcome.ERROR, Outcome.LIMIT, Outcome.REGISTRY, Outcome.UNFIT)
#: the champion was trained on, or compared with, the newest data
FRESH = (Outcome.PROMOTED, Outcome.HELD)
FEWEST_TYPICAL = 3
_COUNTED = set(Outcome) - {Outcome.INTERRUPTED}


def samples(known: Known, settings: Settings, modes: Iterable[str] | None = None) -> Iterator[Sample]:
    """Counters are counted anew from the whole log each time: they never go back, and restarts do not reset them."""
    yield from _last(known)
    if "log" not in known.trouble:
        yield from _counted(known, settings)
    yield from _typical(known.earlier)
    yield sample("unseen_retrain_window_cost", sum(r.resources.cost for r in known.window if r.resources))
    yield from _security(known)
    if modes is not None:
        found = {mode.upper() for mode in modes}
        for mode, page in MODES.items():
            yield sample("unseen_failure_mode", mode in found, mode=page)


def _last(known: Known) -> Iterator[Sample]:
    """How and when the last retrain ended, whether or not the log can be read."""
    last = known.last
    for each in Outcome:
        yield sample("unseen_retrain_last_outcome", last is not None and each is last.outcome, outcome=each.value)
    ended = [known.happened(entry) for entry in known.of_kind("retrain")][-1:]
    if last is not None and last.finished:
        ended.append(min(moment(last.finished), datetime.now(UTC)).timestamp())
    if ended:
        yield sample("unseen_retrain_last_run_timestamp_seconds", max(ended))
    if known.unfinished is not None:
        yield sample("unseen_retrain_unfinished_timestamp_seconds", known.unfinished)


def _counted(known: Known, settings: Settings) -> Iterator[Sample]:
    """From the log alone: without it there is no count, rather than one that begins anew."""
    retrains = known.of_kind("retrain")
    counts = Counter(outcome(entry) for entry in retrains)
    for each in Outcome:
        yield sample("unseen_retrains_total", counts[each], outcome=each.value)
    recent = [o for entry in since(retrains, settings.slo.window_days) if (o := outcome(entry)) in _COUNTED]
    if recent:
        yield sample("unseen_retrain_success_ratio", 1 - sum(o in FAILURES for o in recent) / len(recent))
    # the newest by its line, not by its date
    well = [known.happened(entry) for entry in retrains if outcome(entry) in FRESH][-1:]
    if well:
        yield sample("unseen_retrain_last_success_timestamp_seconds", well[0])
    if known.entries:
        waiting = well[0] if well else known.happened(known.entries[0])
        yield sample("unseen_retrain_waiting_since_timestamp_seconds", waiting)
    for kind, name in (("promoted", "unseen_promotions_total"), ("rolled_back", "unseen_rollbacks_total")):
        yield sample(name, len(known.of_kind(kind)))
    if known.champion is not None:
        yield sample("unseen_champion_version", known.champion.number)
    moves = known.of_kind("promoted", "rolled_back")
    if moves:
        yield sample("unseen_champion_timestamp_seconds", known.happened(moves[-1]))


def _typical(earlier: tuple[Record, ...]) -> Iterator[Sample]:
    """Medians of retrains that were carried through; a refused batch costs nothing and is not typical."""
    spent = [r.resources for r in earlier if r.resources is not None and r.outcome in FRESH]
    if len(spent) >= FEWEST_TYPICAL:
        yield sample("unseen_retrain_typical_duration_seconds", median(s.seconds for s in spent))
        yield sample("unseen_retrain_typical_cpu_seconds", median(s.cpu_seconds for s in spent))


def _security(known: Known) -> Iterator[Sample]:
    findings = known.last.findings if known.last is not None else ()
    found = {
        "sensitive": sum(f.check in ("sensitive", "F9") for f in findings),
        "log": int("log" in known.trouble),
        "artefact": int("artefact" in known.trouble),
    }
    for kind in SECURITY:
        yield sample("unseen_security_findings", found[kind], kind=kind)
