"""What the last look at new data found, as samples."""

from __future__ import annotations

from collections.abc import Iterator

from unseen.errors import UnseenError
from unseen.ops.config.settings import Settings
from unseen.ops.places import Places
from unseen.ops.watch.known import Known, moment
from unseen.ops.watch.table import Sample, sample

#: tests with the largest evidence; a wide table has more
MOST_TESTS = 50


def samples(known: Known, settings: Settings) -> Iterator[Sample]:
    """Nothing before the first look; what was found about an earlier champion is over."""
    from unseen.ops.drift import latest

    try:
        last = latest(Places.of(settings))
    except UnseenError:
        return
    if last is None:
        return
    report, current = last.report, _about_champion(known)
    yield sample("unseen_drift_looks_total", last.looks_total)
    yield sample("unseen_drift_alarms_total", last.alarms_total)
    yield sample("unseen_drift_detected", report.drifted and current)
    yield sample("unseen_drift_retrain_wanted", report.retrain and current)
    yield sample("unseen_drift_last_look_timestamp_seconds", moment(report.time).timestamp())
    if not current:
        return
    yield sample("unseen_drift_evidence", report.e_value)
    yield sample("unseen_drift_evidence_threshold", report.threshold)
    shown = [t for t in report.tests if t.column is None or t.column not in settings.privacy.sensitive]
    for test in sorted(shown, key=lambda t: -t.e_value)[:MOST_TESTS]:
        subject = test.column if test.column is not None else "" if test.component is None else str(test.component)
        labels = {"kind": test.kind, "subject": subject}
        yield sample("unseen_drift_evalue", test.e_value, **labels)
        yield sample("unseen_drift_effect", test.effect, **labels)
        yield sample("unseen_drift_alarm", test.verdict == "drift", **labels)


def _about_champion(known: Known) -> bool:
    """Whether the last look was at the version in production."""
    looks = known.of_kind("drift")
    moves = known.of_kind("promoted", "rolled_back")
    return not looks or not moves or looks[-1].seq > moves[-1].seq
