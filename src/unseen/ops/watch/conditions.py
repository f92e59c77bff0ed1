"""What alerts ask of the metrics, and for each the situations in which it must fire, end, and stay silent.

A condition writes its PromQL and its scenes from the same settings: whatever the settings, the rules' own unit tests
are about these rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from unseen.ops.config.settings import Settings
from unseen.ops.watch.levels import TRAFFIC, Level, bound, levels
from unseen.ops.watch.promql import HOUR, MINUTE, newest, number, run, select

#: minutes between evaluations in the unit tests: each costs every rule
PACE = 15
#: minutes at which something goes wrong, its alert must have fired, it is over, and the alert must have ended
WRONG, FIRES, OVER, ENDED = 30, 75, 90, 135
TURN = ((PACE, False), (FIRES, True), (ENDED, False))
#: times the usual spacing of partitions after which the next one is late
LATE = 1.5
RUNAWAY, RUNAWAY_SECONDS = 3.0, 600.0
LOST_FACTOR, LOST_SECONDS, LOST_AT_MOST = 5.0, 600.0, 6.0 * HOUR


@dataclass(frozen=True)
class Scene:
    """These series; whether the alert fires when looked at after so many minutes; a step of the series in minutes.

    ``labels`` are those that the alert then has of its own, ``found`` what its list holds.
    """

    looks: tuple[tuple[int, bool], ...]
    series: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    found: str = ""
    step: int = 1


@dataclass(frozen=True)
class Condition:
    """An expression, and scenes of it."""

    expr: Callable[[Settings], str]
    scenes: Callable[[Settings], Iterator[Scene]]


def turning(fine: float, bad: float) -> str:
    """One value, another while something is wrong, and the first again."""
    return run((fine, 0, WRONG), (bad, 0, OVER - WRONG), (fine, 0, ENDED - OVER + PACE))


def flag(metric: str, label: str, *values: str, also: str = "") -> Condition:
    """A gauge that is 1 at some value of its label; ``also`` is a value at which the alert has nothing to say."""

    def scenes(s: Settings) -> Iterator[Scene]:
        for value in values:
            yield Scene(TURN, {select(metric, s.name, **{label: value}): turning(0, 1)}, {label: value})
        if also:
            yield Scene(((FIRES, False),), {select(metric, s.name, **{label: also}): turning(0, 1)})

    return Condition(lambda s: f"{newest(metric, s.name, **{label: values})} > 0", scenes)


def listed(condition: Condition, metric: str, value: int, *labels: str) -> Condition:
    """A condition whose alert lists the values of labels where a metric has some value."""

    def scenes(s: Settings) -> Iterator[Scene]:
        for scene in condition.scenes(s):
            two = [dict.fromkeys(labels, name) for name in ("one", "two")]
            more = {select(metric, s.name, **said): run((value, 0, ENDED + PACE)) for said in two}
            said = "".join(f"{' '.join(one.values())}, " for one in two)
            yield Scene(scene.looks, scene.series | more, scene.labels, said, scene.step)

    return Condition(condition.expr, scenes)


def either(first: Condition, metric: str) -> Condition:
    """A condition, or a gauge above zero."""

    def expr(s: Settings) -> str:
        return f"max by (model) ({first.expr(s)} or {newest(metric, s.name)} > 0)"

    def scenes(s: Settings) -> Iterator[Scene]:
        yield from (Scene(scene.looks, scene.series) for scene in first.scenes(s))
        yield Scene(TURN, {select(metric, s.name): turning(0, 2)})

    return Condition(expr, scenes)


def _since(due: float) -> str:
    """A point in time that is ``due`` seconds ago as something goes wrong, and now as soon as it is over."""
    begun = (WRONG + PACE / 2) * MINUTE - due
    return run((begun, 0, OVER), (OVER * MINUTE, MINUTE, ENDED - OVER + PACE))


def stale() -> Condition:
    """The newest data that was learned from is too old, and the next partition is late."""
    learned, spacing = "unseen_data_learned_timestamp_seconds", "unseen_data_spacing_seconds"

    def expr(s: Settings) -> str:
        age = f"time() - {newest(learned, s.name)}"
        over = f"{age} > {number(s.slo.max_age_hours * HOUR)}"
        return f"{over} unless {age} <= {number(LATE)} * {newest(spacing, s.name)}"

    def scenes(s: Settings) -> Iterator[Scene]:
        due = s.slo.max_age_hours * HOUR
        age = {select(learned, s.name): _since(due)}
        yield Scene(TURN, age)
        yield Scene(TURN, {**age, select(spacing, s.name): run((due / 2, 0, ENDED + PACE))})
        yield Scene(((FIRES, False),), {**age, select(spacing, s.name): run((due + 3 * HOUR, 0, ENDED + PACE))})

    return Condition(expr, scenes)


def lost() -> Condition:
    """A retrain that began and ended neither well nor badly has not written for far too long."""
    wrote, typical = "unseen_retrain_unfinished_timestamp_seconds", "unseen_retrain_typical_duration_seconds"
    usual = 60.0

    def expr(s: Settings) -> str:
        quiet, limit = f"time() - {newest(wrote, s.name)}", s.limits.seconds
        if limit is not None:
            return f"{quiet} > {number(1.5 * limit + LOST_SECONDS)}"
        usually = f"{number(LOST_SECONDS)} + {number(LOST_FACTOR)} * {newest(typical, s.name)}"
        return f"{quiet} > {usually} or {quiet} > {number(LOST_AT_MOST)}"

    def scenes(s: Settings) -> Iterator[Scene]:
        limit = s.limits.seconds
        due = LOST_SECONDS + (LOST_FACTOR * usual if limit is None else 1.5 * limit)
        yield Scene(TURN, {select(wrote, s.name): _since(due), select(typical, s.name): run((usual, 0, ENDED + PACE))})
        if limit is None:
            yield Scene(TURN, {select(wrote, s.name): _since(LOST_AT_MOST)})

    return Condition(expr, scenes)


def silence(hold: float) -> Condition:
    """Nothing is scraped of the loop."""
    metric, after = "unseen_retrain_last_outcome", math.ceil(hold / MINUTE)

    def scenes(s: Settings) -> Iterator[Scene]:
        gone = f"{run((1, 0, WRONG))} _x{after + 3 * PACE} {run((1, 0, 3 * PACE))}"
        end = WRONG + after + 3 * PACE
        looks = ((PACE, False), (end - PACE, True), (end + PACE, False))
        yield Scene(looks, {select(metric, s.name, outcome="promoted"): gone})

    return Condition(lambda s: f"absent({select(metric, s.name)})", scenes)


def runaway() -> Condition:
    """Far more CPU time than usual, or more money than the limit."""
    cpu, typical, cost = "unseen_retrain_cpu_seconds", "unseen_retrain_typical_cpu_seconds", "unseen_retrain_cost"
    usual = 1000.0

    def expr(s: Settings) -> str:
        now = newest(cpu, s.name)
        much = f"({now} > {number(RUNAWAY)} * {newest(typical, s.name)} and {now} > {number(RUNAWAY_SECONDS)})"
        limit = s.limits.cost
        return much if limit is None else f"{much} or {newest(cost, s.name)} > {number(limit)}"

    def scenes(s: Settings) -> Iterator[Scene]:
        always = {select(typical, s.name): run((usual, 0, ENDED + PACE))}
        factor = RUNAWAY * usual
        yield Scene(TURN, {**always, select(cpu, s.name): turning(0.97 * factor, 1.03 * factor)})
        small = {select(typical, s.name): run((1, 0, ENDED + PACE))}
        yield Scene(((FIRES, False),), {**small, select(cpu, s.name): turning(1, 0.97 * RUNAWAY_SECONDS)})
        if s.limits.cost is not None:
            yield Scene(TURN, {select(cost, s.name): turning(0.9 * s.limits.cost, 1.1 * s.limits.cost)})

    return Condition(expr, scenes)


def burning(name: str, severity: str) -> Condition:
    """The error budget of a service level burns too fast."""

    def rate(s: Settings) -> float:
        return s.slo.page_burn_rate if severity == "page" else s.slo.ticket_burn_rate

    def scenes(s: Settings) -> Iterator[Scene]:
        level = levels(s)[name]
        threshold, step = level.most(rate(s)), 1 if severity == "page" else 5
        until, after = 180, 180 + max(short for _, short in level.pairs[severity]) // MINUTE + PACE
        # few bad events are no outage, however large their share: there must be some in the shortest window
        pace = max(TRAFFIC, 200 / min(1.0, 2 * threshold))

        def scene(share: float, begin: int, end: int, *looks: tuple[int, bool]) -> Scene:
            bad, last = min(1.0, share * threshold), max(minutes for minutes, _ in looks)
            return Scene(looks, _events(s, level, pace, bad, (begin, end, last), step), step=step)

        yield scene(2, 0, until, (until, True))
        yield scene(0.5, 0, until, (until, False))
        yield scene(20, 0, until, (until, True), (after, False))  # the long windows still hold the trouble
        if severity == "page" and 8 * threshold < 1:  # half an hour after six good ones: one hour tells it, six do not
            yield scene(8, 360, 390, (360, False), (390, True))
        n = until // step
        once = run((0, 0, n - 30 // step + 2), (1, 0, 60 // step))
        yield Scene(((until, False),), _counters(s, level, once, run((0, step / 60, n + 30 // step))), step=step)

    return Condition(lambda s: levels(s)[name].burning(severity, rate(s)), scenes)


def _events(
    s: Settings, level: Level, pace: float, share: float, times: tuple[int, int, int], step: int
) -> dict[str, str]:
    """So many events a minute, a share of them bad from one time to another."""
    begin, end, last = (minutes // step for minutes in times)
    bad, calm = pace * share * step, pace * step
    good = calm - bad
    failed = [(0.0, 0.0, begin)] if begin else []
    fine = [(0.0, calm, begin)] if begin else []
    n = end - begin + 1
    failed += [(0, bad, n), (bad * (n - 1), 0, last - end + 2)]
    fine += [(calm * begin, good, n), (calm * begin + good * (n - 1), calm, last - end + 2)]
    return _counters(s, level, run(*failed), run(*fine))


def _counters(s: Settings, level: Level, bad: str, good: str) -> dict[str, str]:
    if level.name == "serving_slow":
        # the count is what is bad and what is good; two instances say so here
        count, bucket = (f"unseen_serving_latency_seconds_{part}" for part in ("count", "bucket"))
        fast = select(bucket, s.name, le=bound(s.slo.serving_p99_seconds))
        return {select(count, s.name, instance="slow"): bad, select(count, s.name): good, fast: good}
    metric, failed, fine = {
        "retrain_failures": ("unseen_retrains_total", "error", "promoted"),
        "serving_errors": ("unseen_serving_requests_total", "error", "ok"),
    }[level.name]
    return {select(metric, s.name, outcome=failed): bad, select(metric, s.name, outcome=fine): good}
