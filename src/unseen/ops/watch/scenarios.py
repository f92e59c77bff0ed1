"""Situations in which each alert must fire, and near ones in which it must not, as series of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from unseen.ops.config.settings import Settings
from unseen.ops.record import Outcome
from unseen.ops.watch.alerting import CALIBRATION, FALL_NATS, LOST_AT_MOST, LOST_FACTOR, LOST_SECONDS, SLOW_SHARE
from unseen.ops.watch.levels import Level, bound, levels
from unseen.ops.watch.table import MODES, SECURITY

TYPICAL_SECONDS, TYPICAL_CPU, TRAFFIC = 60.0, 1000.0, 1000.0
#: minutes between evaluations: each costs every rule, and a day has to be gone through
PACE = 15
#: when something goes wrong, and when its alert must have fired
CHANGE, SHORT = 2 * PACE, 5 * PACE
TURN = ((CHANGE, False), (SHORT, True))
Series = dict[str, str]


@dataclass(frozen=True)
class Scenario:
    """These series; whether the alert fires when looked at after so many minutes."""

    alert: str
    looks: tuple[tuple[int, bool], ...]
    series: Series = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    step: int = 1

    @property
    def after(self) -> int:
        return max(minutes for minutes, _ in self.looks)

    def all(self, settings: Settings) -> Series:
        """The series to test with; hours of all of them would take promtool minutes."""
        base = healthy(settings, self.after, self.step) if self.after <= SHORT else {}
        return base | self.series


class Words:
    """Series of one model in promtool's notation, long enough for the latest look at them."""

    def __init__(self, settings: Settings, after: int, step: int = 1) -> None:
        self.name, self.steps, self.step = settings.name, after // step + 2, step

    def __call__(self, metric: str, **labels: str) -> str:
        said = ",".join(f'{key}="{value}"' for key, value in {"model": self.name, **labels}.items())
        return f"{metric}{{{said}}}"

    def still(self, value: float) -> str:
        return f"{value:.12g}+0x{self.steps}"

    def rising(self, per_minute: float) -> str:
        return f"0+{per_minute * self.step:.12g}x{self.steps}"

    def turning(self, before: float, after: float) -> str:
        """One value until the change, another from then on."""
        return f"{before:.12g}+0x{CHANGE} {after:.12g}+0x{self.steps}"

    def now(self) -> str:
        """The time itself, in seconds."""
        return self.rising(60)


def healthy(settings: Settings, after: int, step: int = 1) -> Series:
    """A loop that is well: trained just now, three times a day, with a service that answers."""
    w, limits = Words(settings, after, step), settings.limits
    series = {
        w("unseen_retrain_waiting_since_timestamp_seconds"): w.now(),
        w("unseen_retrain_typical_duration_seconds"): w.still(TYPICAL_SECONDS),
        w("unseen_retrain_typical_cpu_seconds"): w.still(TYPICAL_CPU),
        w("unseen_retrain_cpu_seconds"): w.still(TYPICAL_CPU),
        w("unseen_retrain_cost"): w.still(0.5 * (limits.cost or 2.0)),
        w("unseen_drift_detected"): w.still(0),
        w("unseen_fit_iterations"): w.still(0.1 * settings.fit.max_iterations),
        w("unseen_fit_largest_fall_nats"): w.still(0),
        w("unseen_fit_floors"): w.still(0),
        w("unseen_validation_calibration_error"): w.still(0),
        w("unseen_serving_requests_total", outcome="ok"): w.rising(TRAFFIC),
        w("unseen_serving_requests_total", outcome="error"): w.still(0),
        w("unseen_serving_latency_seconds_count"): w.rising(TRAFFIC),
        w("unseen_serving_latency_seconds_bucket", le=bound(settings.slo.serving_p99_seconds)): w.rising(TRAFFIC),
    }
    for outcome in Outcome:
        good = outcome is Outcome.PROMOTED
        series[w("unseen_retrains_total", outcome=outcome.value)] = w.rising(0.002) if good else w.still(0)
        series[w("unseen_retrain_last_outcome", outcome=outcome.value)] = w.still(good)
    series |= {w("unseen_failure_mode", mode=mode): w.still(0) for mode in MODES.values()}
    return series | {w("unseen_security_findings", kind=kind): w.still(0) for kind in SECURITY}


def scenarios(settings: Settings) -> Iterator[Scenario]:
    """Every alert at least once each way."""
    yield from _outcomes(settings)
    yield from _thresholds(settings)
    yield from _times(settings)
    retrains, errors, slow = levels(settings)
    yield from _retrains(settings, retrains)
    yield from _serving(settings, errors, "UnseenServingErrors")
    yield from _serving(settings, slow, "UnseenServingSlow")


def _outcomes(settings: Settings) -> Iterator[Scenario]:
    w = Words(settings, SHORT)
    good = w("unseen_retrain_last_outcome", outcome="promoted")
    for alert, outcome, other in (
        ("UnseenRetrainFailed", "error", "refused"),
        ("UnseenRetrainFailed", "registry", "interrupted"),
        ("UnseenRetrainUnfit", "unfit", "held"),
        ("UnseenLimitReached", "limit", "error"),
        ("UnseenBatchRefused", "refused", "held"),
        ("UnseenCandidateHeld", "held", "refused"),
    ):
        for last, looks in ((outcome, TURN), (other, ((SHORT, False),))):
            bad = w("unseen_retrain_last_outcome", outcome=last)
            yield Scenario(alert, looks, {good: w.turning(1, 0), bad: w.turning(0, 1)}, {"outcome": outcome})


def _thresholds(settings: Settings) -> Iterator[Scenario]:
    """Gauges that go over a threshold."""
    w, gates = Words(settings, SHORT), settings.gates
    most = CALIBRATION if gates.max_calibration is None else gates.max_calibration
    slow = SLOW_SHARE * settings.fit.max_iterations
    for alert, series, fine, bad in (
        ("UnseenRunawayCost", w("unseen_retrain_cpu_seconds"), 2.9 * TYPICAL_CPU, 3.1 * TYPICAL_CPU),
        ("UnseenSensitiveData", w("unseen_security_findings", kind="sensitive"), 0, 2),
        ("UnseenSensitiveData", w("unseen_failure_mode", mode=MODES["F9"]), 0, 1),
        ("UnseenDrift", w("unseen_drift_detected"), 0, 1),
        ("UnseenSlowConvergence", w("unseen_fit_iterations"), 0.99 * slow, 1.01 * slow),
        ("UnseenNumericalInstability", w("unseen_fit_largest_fall_nats"), FALL_NATS / 2, FALL_NATS * 2),
        ("UnseenSingularComponent", w("unseen_fit_floors"), gates.max_floors, gates.max_floors + 1),
        ("UnseenUnreliableResponsibilities", w("unseen_validation_calibration_error"), most, most + 0.01),
    ):
        yield Scenario(alert, TURN, {series: w.turning(fine, bad)})
    if settings.limits.cost is not None:
        cost = w.turning(0.9 * settings.limits.cost, 1.1 * settings.limits.cost)
        yield Scenario("UnseenRunawayCost", TURN, {w("unseen_retrain_cost"): cost})
    for kind in ("log", "artefact"):
        altered = {w("unseen_security_findings", kind=kind): w.turning(0, 1)}
        yield Scenario("UnseenTampered", TURN, altered, {"kind": kind})
    mode = MODES["F2"]
    yield Scenario("UnseenDiagnosis", TURN, {w("unseen_failure_mode", mode=mode): w.turning(0, 1)}, {"mode": mode})


def _times(settings: Settings) -> Iterator[Scenario]:
    """Just before and just after something is overdue."""
    hours, limit = settings.slo.max_age_hours * 60, settings.limits.seconds
    lost = min(LOST_SECONDS + LOST_FACTOR * TYPICAL_SECONDS, LOST_AT_MOST)
    if limit is not None:
        lost = 1.5 * limit + LOST_SECONDS
    for alert, metric, begun, due, hold in (
        ("UnseenStale", "unseen_retrain_waiting_since_timestamp_seconds", True, hours, 5),
        ("UnseenNoMetrics", "unseen_retrain_waiting_since_timestamp_seconds", False, 0, hours),
        ("UnseenRetrainLost", "unseen_retrain_unfinished_timestamp_seconds", True, lost / 60, 1),
    ):
        early, late = max(0, int(due + hold) - PACE), int(due + hold) + 3 * PACE
        step = 1 if late < 600 else 5
        w = Words(settings, late, step)
        series = {w("unseen_retrain_typical_duration_seconds"): w.still(TYPICAL_SECONDS)}
        if begun:
            series[w(metric)] = w.still(0)
        yield Scenario(alert, ((early, False), (late, True)), series, step=step)


def _retrains(settings: Settings, level: Level) -> Iterator[Scenario]:
    """A loop that retrains all the time, and one in which a single retrain failed."""
    w = Words(settings, 240)
    failed, good = (w("unseen_retrains_total", outcome=outcome) for outcome in ("error", "promoted"))
    for alert, rate in (
        ("UnseenRetrainBudget", settings.slo.page_burn_rate),
        ("UnseenRetrainBudgetTicket", settings.slo.ticket_burn_rate),
    ):
        enough, little = _shares(level, rate)
        for share, fires in ((enough, True), (little, False)):
            series: Series = {failed: w.rising(TRAFFIC * share), good: w.rising(TRAFFIC * (1 - share))}
            yield Scenario(alert, ((240, fires),), series)
        once = f"0+0x120 1+0x{w.steps}"
        yield Scenario(alert, ((240, False),), {failed: once, good: w.still(0)})


def _serving(settings: Settings, level: Level, alert: str) -> Iterator[Scenario]:
    """Steady trouble over and under the threshold, trouble that is over, and a single bad request."""
    w = Words(settings, 180)
    for name, rate in ((alert, settings.slo.page_burn_rate), (f"{alert}Ticket", settings.slo.ticket_burn_rate)):
        enough, little = _shares(level, rate)
        yield Scenario(
            name, ((180, True),), _requests(w, settings, alert, w.rising(TRAFFIC * enough), TRAFFIC * (1 - enough))
        )
        yield Scenario(name, ((180, False),), _requests(w, settings, alert, w.rising(TRAFFIC * little), TRAFFIC))
        single = _requests(w, settings, alert, f"0+0x150 1+0x{w.steps}", 1 / 60)
        yield Scenario(name, ((180, False),), single)
    over = f"0+{TRAFFIC:g}x110 {110 * TRAFFIC:g}+0x{w.steps}"
    # until it is out of the longer of the short windows
    looks = ((90, True), (135, True), (150, False))
    yield Scenario(alert, looks, _requests(w, settings, alert, over, TRAFFIC))
    threshold = settings.slo.page_burn_rate * level.budget
    if threshold < 0.4:
        # half an hour after six good ones: the hour tells it, the six hours do not yet
        w = Words(settings, 390)
        bad = TRAFFIC * min(1.0, 8 * threshold)
        begun = f"0+0x360 0+{bad:.12g}x{w.steps}"
        yield Scenario(alert, ((360, False), (390, True)), _requests(w, settings, alert, begun, TRAFFIC - bad))


def _requests(w: Words, settings: Settings, alert: str, bad: str, good: float) -> Series:
    if alert == "UnseenServingErrors":
        kinds = {outcome: w("unseen_serving_requests_total", outcome=outcome) for outcome in ("ok", "error")}
        return {kinds["error"]: bad, kinds["ok"]: w.rising(good)}
    fast = w("unseen_serving_latency_seconds_bucket", le=bound(settings.slo.serving_p99_seconds))
    # the count is what is bad and what is good; two instances say so here
    slow = w("unseen_serving_latency_seconds_count", instance="slow")
    return {slow: bad, w("unseen_serving_latency_seconds_count"): w.rising(good), fast: w.rising(good)}


def _shares(level: Level, rate: float) -> tuple[float, float]:
    """A share of bad events that burns faster than ``rate``, and one that does not."""
    threshold = rate * level.budget
    return min(1.0, 2 * threshold), threshold / 2
