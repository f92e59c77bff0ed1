"""What the record of one retrain says, as samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from unseen.ops.config.settings import Settings
from unseen.ops.record import FitFacts, Match, Record, Validation, Verdict
from unseen.ops.watch.table import Sample, sample

#: iterations whose log-likelihood is exported: always the same few, so that retrains do not make new series
ITERATIONS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
MATCHES = ("kept", "moved", "split", "merged", "born", "died")
MOST_LABELS = 50


def samples(record: Record, settings: Settings) -> Iterator[Sample]:
    """Everything about a retrain that has ended, whatever stage it came to."""
    if record.batch is not None:
        yield sample("unseen_retrain_rows", record.batch.rows)
    for stage, seconds in list(record.stages.items())[:MOST_LABELS]:
        yield sample("unseen_retrain_stage_duration_seconds", seconds, stage=stage)
    for stage, failed in Counter(a.stage for a in record.attempts).items():
        yield sample("unseen_retrain_failed_attempts", failed, stage=stage)
    yield from _refusals(record, settings)
    yield from _resources(record, settings)
    if record.fit is not None:
        rows = None if record.batch is None else record.batch.rows
        yield from _fit(record.fit, rows)
    if record.validation is not None:
        yield from _validation(record.validation)
        yield from _components(record.validation.matches)
    yield from _gates(record.gates)


def _refusals(record: Record, settings: Settings) -> Iterator[Sample]:
    """Findings by column, for columns that the settings name: the header of a broken file may be data."""
    known = {*settings.schema_.columns, *settings.model.columns, *settings.model.family}
    named = known - set(settings.privacy.sensitive)
    found = Counter(f.column if f.column in named else "other" for f in record.findings)
    for column, count in found.most_common(MOST_LABELS):
        yield sample("unseen_schema_refusals", count, column=str(column))


def _resources(record: Record, settings: Settings) -> Iterator[Sample]:
    spent, limits = record.resources, settings.limits
    if spent is None:
        return
    yield sample("unseen_retrain_duration_seconds", spent.seconds)
    yield sample("unseen_retrain_cpu_seconds", spent.cpu_seconds)
    yield sample("unseen_retrain_peak_memory_bytes", spent.peak_memory)
    yield sample("unseen_retrain_cost", spent.cost)
    used = {"seconds": spent.seconds, "memory": spent.peak_memory / 1e9, "cost": spent.cost}
    most = {"seconds": limits.seconds, "memory": limits.memory_gb, "cost": limits.cost}
    for limit, value in most.items():
        if value is not None:
            yield sample("unseen_limit_used_ratio", used[limit] / value, limit=limit)


def _fit(fit: FitFacts, rows: int | None) -> Iterator[Sample]:
    for iteration in ITERATIONS:
        if iteration <= len(fit.trace):
            yield sample("unseen_fit_loglik_nats", fit.trace[iteration - 1], iteration=str(iteration))
    if fit.trace:
        gains = [after - before for before, after in pairwise(fit.trace)]
        yield sample("unseen_fit_final_loglik_nats", fit.trace[-1])
        yield sample("unseen_fit_last_gain_nats", gains[-1] if gains else 0.0)
        yield sample("unseen_fit_largest_fall_nats", max(0.0, -min(gains, default=0.0)))
    elif rows:
        yield sample("unseen_fit_final_loglik_nats", fit.loglik / rows)
    yield sample("unseen_fit_iterations", fit.iterations)
    yield sample("unseen_fit_converged", fit.outcome == "converged")
    yield sample("unseen_fit_components", fit.components)
    yield sample("unseen_fit_floors", fit.floors)
    yield sample("unseen_fit_smallest_share", fit.smallest_share)
    yield sample("unseen_fit_warnings", len(fit.warnings))


def _validation(seen: Validation) -> Iterator[Sample]:
    yield sample("unseen_validation_rows", seen.rows)
    yield sample("unseen_validation_loglik_nats", seen.heldout, which="candidate")
    yield sample("unseen_validation_loglik_stderr_nats", seen.heldout_se)
    yield sample("unseen_validation_gap_nats", seen.training - seen.heldout)
    if seen.champion is not None:
        yield sample("unseen_validation_loglik_nats", seen.champion, which="champion")
    for name, value in (("candidate", seen.metric), ("champion", seen.champion_metric)):
        if value is not None:
            yield sample("unseen_validation_metric", value, which=name)
    for metric, measured in (
        ("unseen_validation_gain_nats", seen.gain),
        ("unseen_validation_gain_stderr_nats", seen.gain_se),
        ("unseen_validation_calibration_error", seen.calibration),
        ("unseen_components_moved_share", seen.moved_share),
    ):
        if measured is not None:
            yield sample(metric, measured)


def _components(matches: tuple[Match, ...]) -> Iterator[Sample]:
    """Kinds of matches are counted, also those that did not occur; a split component's parts share one series."""
    if not matches:
        return
    kinds = Counter(m.kind for m in matches)
    for kind in MATCHES:
        yield sample("unseen_component_matches", kinds[kind], kind=kind)
    for match in matches[:MOST_LABELS]:
        if match.candidate:
            component = "+".join(map(str, match.candidate))
            yield sample("unseen_component_share", match.share_after, component=component)
            change = match.share_after - match.share_before
            yield sample("unseen_component_share_change", change, component=component)


def _gates(verdicts: tuple[Verdict, ...]) -> Iterator[Sample]:
    for verdict in verdicts[:MOST_LABELS]:
        yield sample("unseen_gate_passed", verdict.passed, gate=verdict.gate)
        if verdict.measured is not None:
            yield sample("unseen_gate_measured", verdict.measured, gate=verdict.gate)
        if verdict.threshold is not None:
            yield sample("unseen_gate_threshold", verdict.threshold, gate=verdict.gate)
