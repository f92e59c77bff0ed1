"""Every metric of a loop, declared once: name, meaning, labels, and the function that reads it from what is known.

Names follow Prometheus: prefix ``unseen_``, base units, ``_total`` for counters. A label has few values that are
known beforehand: an outcome, a stage, a gate, the index of a component, the name of a column of the schema. Counters
are counted anew from the whole log each time: they never go back, and restarts do not reset them.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from statistics import median
from typing import Any

from unseen.ops.record import FitFacts, Match, Outcome, Record, Validation
from unseen.ops.watch.known import FAILURES, MOST, Known, arrived, outcome, past, seconds
from unseen.ops.watch.modes import MODES, TROUBLES
from unseen.ops.watch.serving import SERVING, Metric, Value

#: iterations whose log-likelihood is exported: always the same few, so that retrains do not make new series
ITERATIONS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
MATCHES = ("kept", "moved", "split", "merged", "born", "died")
#: fewest retrains that are typical
FEWEST_TYPICAL = 3


def _of(part: Callable[[Known], Any], prefix: str, *rows: tuple[Any, ...]) -> Iterator[Metric]:
    """Metrics of one part of what is known: (M-row, name, help, reader of the part, labels); none where it is not."""
    for number, name, help, read, *labels in rows:

        def value(known: Known, read: Callable[[Any], Value] = read) -> Value:
            found = part(known)
            return None if found is None else read(found)

        kind = "counter" if name.endswith("_total") else "gauge"
        yield Metric(f"unseen_{prefix}{name}", help, value, tuple(labels), number, kind)  # type: ignore[arg-type]


def _gains(fit: FitFacts) -> list[float]:
    return [after - before for before, after in pairwise(fit.trace)] or [0.0]


def _final(record: Record) -> float | None:
    fit, rows = record.fit, record.batch.rows if record.batch else 0
    assert fit is not None
    return fit.trace[-1] if fit.trace else fit.loglik / rows if rows else None


def _refusals(known: Known) -> Value:
    """Findings by check and column, for columns that the settings name: the header of a broken file may be data."""
    own = known.settings
    named = {*own.schema_.columns, *own.model.columns, *own.model.family} - set(own.privacy.sensitive)
    found = known.last.findings if known.last else ()
    counts = Counter((f.check, f.column if f.column in named else "other" if f.column else "") for f in found)
    return dict(counts.most_common(MOST))


def _limits(known: Known) -> Value:
    spent, limits = known.last.resources if known.last else None, known.settings.limits
    most = {"seconds": limits.seconds, "memory": limits.memory_gb, "cost": limits.cost}
    if spent is None:
        return None
    used = {"seconds": spent.seconds, "memory": spent.peak_memory / 1e9, "cost": spent.cost}
    return {limit: used[limit] / value for limit, value in most.items() if value is not None}


def _typical(what: str) -> Callable[[Known], Value]:
    return lambda known: median(getattr(s, what) for s in known.spent) if len(known.spent) >= FEWEST_TYPICAL else None


def _ended(known: Known) -> float | None:
    """When a retrain ended last, one that found nothing new among them."""
    times = [known.happened(e) for e in known.of_kind("retrain")[-1:]]
    if known.last is not None and known.last.finished:
        times.append(seconds(known.last.finished))
    return past(max(times)) if times else None


def _ratio(known: Known) -> float | None:
    counted = set(Outcome) - {Outcome.INTERRUPTED, Outcome.NOTHING_NEW}
    ended = [o for e in known.recent if (o := outcome(e)) in counted]
    return 1 - sum(o in FAILURES for o in ended) / len(ended) if ended else None


def _by_component(share: Callable[[Match], float]) -> Callable[[tuple[Match, ...]], Value]:
    """A split component's parts share one series."""
    return lambda matches: {"+".join(map(str, m.candidate)): share(m) for m in matches[:MOST] if m.candidate}


def _pair(candidate: str, champion: str) -> Callable[[Validation], Value]:
    return lambda v: {"candidate": getattr(v, candidate), "champion": getattr(v, champion)}


def _gates(what: str) -> Callable[[Record], Value]:
    return lambda r: {v.gate: getattr(v, what) for v in r.gates[:MOST]}


def _tests(read: Callable[[Any], float]) -> Callable[[dict[Any, Any]], Value]:
    return lambda tests: {subject: read(test) for subject, test in tests.items()}


_ALL: tuple[Metric, ...] = (
    *_of(
        lambda k: k.fitted and k.fitted.fit, "fit_",
        ("M1", "loglik_nats", "Log-likelihood per row after an iteration of the last fit",
         lambda f: {i: f.trace[i - 1] for i in ITERATIONS if i <= len(f.trace)}, "iteration"),
        ("M1", "last_gain_nats", "What the last iteration of the last fit added, per row",
         lambda f: _gains(f)[-1] if f.trace else None),
        ("M1", "largest_fall_nats", "Largest fall of the log-likelihood per row in one iteration",
         lambda f: max(0.0, -min(_gains(f))) if f.trace else None),
        ("M2", "iterations", "Iterations of the last fit", lambda f: f.iterations),
        ("M2", "converged", "1 if the last fit converged", lambda f: f.outcome == "converged"),
        ("-", "components", "Components of the last fit", lambda f: f.components),
        ("-", "floors", "Variance floors that bound in the last iteration of the last fit", lambda f: f.floors),
        ("-", "smallest_share", "Share of the rows in the smallest component of the last fit",
         lambda f: f.smallest_share),
        ("-", "warnings", "Warnings of the last fit", lambda f: len(f.warnings)),
    ),
    *_of(
        lambda k: k.fitted, "",
        ("M1", "fit_final_loglik_nats", "Log-likelihood per row of the last fit", _final),
        ("-", "fit_timestamp_seconds", "When the last retrain with a fit began; fit, validation, gates are of then",
         lambda r: past(seconds(r.started))),
        ("-", "gate_passed", "1 if a gate let the last candidate pass", _gates("passed"), "gate"),
        ("-", "gate_measured", "What a gate measured", _gates("measured"), "gate"),
        ("-", "gate_threshold", "What a gate held it against", _gates("threshold"), "gate"),
    ),
    *_of(
        lambda k: k.fitted and k.fitted.validation, "validation_",
        ("M5", "loglik_nats", "Held-out log-likelihood per row", _pair("heldout", "champion"), "which"),
        ("M5", "loglik_stderr_nats", "Standard error of the candidate's held-out log-likelihood",
         lambda v: v.heldout_se),
        ("M5", "gain_nats", "Candidate minus champion on the same held-out rows, per row", lambda v: v.gain),
        ("M5", "gain_stderr_nats", "Standard error of the paired gain", lambda v: v.gain_se),
        ("M5", "gap_nats", "Training minus held-out log-likelihood per row of the candidate",
         lambda v: v.training - v.heldout),
        ("-", "rows", "Held-out rows of the last fit", lambda v: v.rows),
        ("-", "calibration_error", "Calibration error of the candidate's responsibilities", lambda v: v.calibration),
        ("-", "metric", "The team's own metric", _pair("metric", "champion_metric"), "which"),
        ("M6", "moved_share", "Share of held-out rows whose component changed", lambda v: v.moved_share),
    ),
    *_of(
        lambda k: (k.fitted and k.fitted.validation and k.fitted.validation.matches) or None, "component_",
        ("M6", "matches", "Components by what became of them against the champion",
         lambda ms: {kind: sum(m.kind == kind for m in ms) for kind in MATCHES}, "kind"),
        ("M6", "share", "Share of the rows in a component of the candidate",
         _by_component(lambda m: m.share_after), "component"),
        ("M6", "share_change", "That share minus its share in the champion",
         _by_component(lambda m: m.share_after - m.share_before), "component"),
    ),
    *_of(
        lambda k: k.last and k.last.resources, "retrain_",
        ("M3", "duration_seconds", "Duration of the last retrain", lambda s: s.seconds),
        ("M7", "peak_memory_bytes", "Largest resident memory of the last retrain", lambda s: s.peak_memory),
        ("M8", "cpu_seconds", "CPU time of the last retrain", lambda s: s.cpu_seconds),
        ("M10", "cost", "Cost of the last retrain, in the currency of limits.price_per_core_hour", lambda s: s.cost),
    ),
    *_of(
        lambda k: k.last, "retrain_",
        ("M3", "stage_duration_seconds", "Duration of a stage of the last retrain",
         lambda r: dict(list(r.stages.items())[:MOST]), "stage"),
        ("-", "rows", "Rows of the last retrain", lambda r: r.batch and r.batch.rows),
        ("-", "failed_attempts", "Tries that did not work in the last retrain, by stage",
         lambda r: Counter(a.stage for a in r.attempts), "stage"),
    ),
    *_of(
        lambda k: k, "",
        ("M3", "retrain_typical_duration_seconds", "Median duration of the retrains before the last one",
         _typical("seconds")),
        ("M8", "retrain_typical_cpu_seconds", "Median CPU time of the retrains before the last one",
         _typical("cpu_seconds")),
        ("M4", "retrain_last_outcome", "1 at the outcome of the last retrain that did something, 0 at the others",
         lambda k: {o.value: k.last is not None and o is k.last.outcome for o in Outcome}, "outcome"),
        ("M4", "retrain_last_run_timestamp_seconds", "When a retrain ended last, or found nothing new", _ended),
        ("M4", "retrain_unfinished_timestamp_seconds", "When a retrain without an outcome last wrote",
         lambda k: k.unfinished),
        ("M10", "retrain_window_cost", "Cost of all retrains in the service level's window",
         lambda k: sum(r.resources.cost for r in k.window if r.resources)),
        ("-", "limit_used_ratio", "What the last retrain took of a configured limit", _limits, "limit"),
        ("-", "schema_refusals", "Schema findings of the last retrain, by check and known column", _refusals,
         "check", "column"),
        ("-", "data_newest_timestamp_seconds", "When the newest partition came",
         lambda k: past(arrived(k.files[-1])) if k.files else None),
        ("-", "data_spacing_seconds", "Usual time from one partition to the next", lambda k: k.spacing),
        ("-", "sensitive_findings", "Columns of the last batch that hold what looks like personal data",
         lambda k: sum(f.check in ("sensitive", "F9") for f in k.last.findings) if k.last else 0),
        ("-", "registry_trouble", "1 if something is wrong with what the log, MLflow or the clock say",
         lambda k: {kind: kind in k.trouble for kind in TROUBLES}, "kind"),
        ("-", "failure_mode", "1 if the doctor found this failure mode in the last retrain",
         lambda k: None if k.modes is None else {m.page: m.id in k.modes for m in MODES.values()}, "mode"),
        ("-", "loop_info", "Where the loop runs", lambda k: {(socket.gethostname(), str(k.settings.folder)): 1},
         "host", "folder"),
    ),
    # without the log there is no count, rather than one that begins anew
    *_of(
        lambda k: None if "log" in k.trouble else k, "",
        ("M4", "retrains_total", "Retrains that ended, by outcome, counted from the log",
         lambda k: {o.value: sum(outcome(e) is o for e in k.of_kind("retrain")) for o in Outcome}, "outcome"),
        ("M4", "retrains_begun_total", "Retrains that began, those that were killed too",
         lambda k: len(k.of_kind("began"))),
        ("M4", "failed_attempts_total", "Tries inside retrains that did not work",
         lambda k: sum(int(e.facts.get("attempts", 0)) for e in k.of_kind("retrain"))),
        ("M4", "retrain_success_ratio", "Share of retrains without a failure, over the service level's window", _ratio),
        ("M4", "retrain_last_success_timestamp_seconds", "When the last promoted or held retrain ended",
         lambda k: k.well and k.happened(k.well)),
        ("M4", "data_learned_timestamp_seconds",
         "When the newest partition came that a retrain ended well on, or the log's beginning",
         lambda k: None if k.learned is None else past(k.learned)),
        ("-", "promotions_total", "Promotions, counted from the log", lambda k: len(k.of_kind("promoted"))),
        ("-", "rollbacks_total", "Rollbacks, counted from the log", lambda k: len(k.of_kind("rolled_back"))),
        ("-", "champion_timestamp_seconds", "When the version in production was put there",
         lambda k: k.happened(k.moves[-1]) if k.moves else None),
        ("-", "champion_version", "Version in production",
         lambda k: k.state.champion and k.state.champion.number),
    ),
    *_of(
        lambda k: k.drift and k, "drift_",
        ("-", "detected", "1 if the last look at new data said that it drifted",
         lambda k: k.drifting is not None and k.drifting.drifted),
        ("-", "retrain_wanted", "1 if the drift calls for a retrain",
         lambda k: k.drifting is not None and k.drifting.retrain),
        ("-", "last_look_timestamp_seconds", "When new data was last looked at",
         lambda k: past(seconds(k.drift.report.time))),
    ),
    *_of(
        lambda k: k.drifting, "drift_",
        ("-", "evidence", "Evidence of all tests against no drift since training (an e-value)", lambda d: d.e_value),
        ("-", "evidence_threshold", "Evidence at which drift is reported", lambda d: d.threshold),
    ),
    *_of(
        lambda k: k.strongest, "drift_",
        ("-", "evalue", "Evidence of one test, by kind and column or component", _tests(lambda t: t.e_value),
         "kind", "subject"),
        ("-", "effect", "Size of a shift (total variation, 0 to 1)", _tests(lambda t: t.effect), "kind", "subject"),
        ("-", "alarm", "1 if this test says drift", _tests(lambda t: t.verdict == "drift"), "kind", "subject"),
    ),
    *_of(
        lambda k: k.drift, "drift_",
        ("-", "looks_total", "Looks at new data", lambda d: d.looks_total),
        ("-", "alarms_total", "Looks that said drift", lambda d: d.alarms_total),
    ),
    *SERVING,
)  # fmt: skip

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
