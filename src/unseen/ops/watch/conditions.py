"""What alerts ask of the metrics, and for each the situations in which it must fire, end, and stay silent.

Both are made of the same settings: whatever those say, the rules' own unit tests are about these rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from unseen.ops.config.settings import Settings
from unseen.ops.watch.levels import HOUR, MINUTE, Level, bound, levels, newest, number, select

#: minutes between evaluations in the unit tests: each costs every rule
PACE = 15
#: minutes at which something goes wrong, its alert must have fired, it is over, and the alert must have ended
WRONG, FIRES, OVER, ENDED = 30, 75, 90, 135
TURN, SILENT = ((PACE, False), (FIRES, True), (ENDED, False)), ((FIRES, False),)
#: events a minute in the unit tests
TRAFFIC = 1000.0
#: times the usual spacing of partitions after which the next one is late
LATE = 1.5
RUNAWAY, RUNAWAY_SECONDS = 3.0, 600.0
LOST_FACTOR, LOST_SECONDS, LOST_AT_MOST = 5.0, 600.0, 6.0 * HOUR

Looks = tuple[tuple[int, bool], ...]
Lists = tuple[str, int, *tuple[str, ...]]


@dataclass(frozen=True)
class Scene:
    """These series; whether the alert fires when looked at after so many minutes; a step of the series in minutes.

    ``labels`` are those that the alert then has of its own, ``found`` what its list holds.
    """

    looks: Looks
    series: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    found: str = ""
    step: int = 1


@dataclass(frozen=True)
class Condition:
    """An expression and scenes of it; ``lists`` is a metric, a value and labels: those that have it are told."""

    made: Callable[[Settings], tuple[str, Iterable[Scene]]]
    lists: Lists | None = None

    def expr(self, settings: Settings) -> str:
        return self.made(settings)[0]

    def scenes(self, settings: Settings) -> Iterable[Scene]:
        return self.made(settings)[1]


def run(*pieces: tuple[float, float, int]) -> str:
    """A series in promtool's notation, of pieces (first value, what each step adds, steps); none of no steps.

    >>> run((1, 0, 3), (0, 60, 10))
    '1+0x2 0+60x9'
    """
    return " ".join(
        f"{number(first)}{number(add) if add < 0 else '+' + number(add)}x{n - 1}" for first, add, n in pieces if n
    )


def turning(fine: float, bad: float) -> str:
    """One value, another while something is wrong, and the first again."""
    return run((fine, 0, WRONG), (bad, 0, OVER - WRONG), (fine, 0, ENDED - OVER + PACE))


def steady(value: float) -> str:
    return run((value, 0, ENDED + PACE))


def flag(metric: str, label: str, *values: str, also: str = "", lists: Lists | None = None) -> Condition:
    """A gauge that is 1 at some value of its label; ``also`` is a value at which the alert has nothing to say."""

    def made(s: Settings) -> tuple[str, list[Scene]]:
        more, found = {}, ""
        if lists is not None:
            listed, at, *labels = lists
            two = [dict.fromkeys(labels, name) for name in ("one", "two")]
            more = {select(listed, s.name, **each): steady(at) for each in two}
            found = "".join(f"{' '.join(each.values())}, " for each in two)

        def scene(looks: Looks, value: str, own: dict[str, str]) -> Scene:
            return Scene(looks, {select(metric, s.name, **{label: value}): turning(0, 1), **more}, own, found)

        scenes = [scene(TURN, value, {label: value}) for value in values]
        return f"{newest(metric, s.name, **{label: values})} > 0", scenes + ([scene(SILENT, also, {})] if also else [])

    return Condition(made, lists)


def either(first: Condition, metric: str) -> Condition:
    """A condition, or a gauge above zero."""

    def made(s: Settings) -> tuple[str, list[Scene]]:
        expr, scenes = first.made(s)
        expr = f"max by (model) ({expr} or {newest(metric, s.name)} > 0)"
        without = [Scene(scene.looks, scene.series) for scene in scenes]
        return expr, [*without, Scene(TURN, {select(metric, s.name): turning(0, 2)})]

    return Condition(made)


def _since(due: float) -> str:
    """A point in time that is ``due`` seconds ago as something goes wrong, and now as soon as it is over."""
    begun = (WRONG + PACE / 2) * MINUTE - due
    return run((begun, 0, OVER), (OVER * MINUTE, MINUTE, ENDED - OVER + PACE))


@Condition
def stale(s: Settings) -> tuple[str, list[Scene]]:
    """The newest data that was learned from is too old, and the next partition is late."""
    learned, spacing = "unseen_data_learned_timestamp_seconds", "unseen_data_spacing_seconds"
    due, age = s.slo.max_age_hours * HOUR, f"time() - {newest(learned, s.name)}"
    expr = f"{age} > {number(due)} unless {age} <= {number(LATE)} * {newest(spacing, s.name)}"
    old, every = {select(learned, s.name): _since(due)}, select(spacing, s.name)
    return expr, [
        Scene(TURN, old),
        Scene(TURN, {**old, every: steady(due / 2)}),
        Scene(SILENT, {**old, every: steady(due + 3 * HOUR)}),
    ]


@Condition
def lost(s: Settings) -> tuple[str, list[Scene]]:
    """A retrain that began and ended neither well nor badly has not written for far too long."""
    wrote, typical = "unseen_retrain_unfinished_timestamp_seconds", "unseen_retrain_typical_duration_seconds"
    quiet, limit, usual = f"time() - {newest(wrote, s.name)}", s.limits.seconds, {select(typical, s.name): steady(60)}
    if limit is not None:
        due = LOST_SECONDS + 1.5 * limit
        return f"{quiet} > {number(due)}", [Scene(TURN, {select(wrote, s.name): _since(due), **usual})]
    usually = f"{number(LOST_SECONDS)} + {number(LOST_FACTOR)} * {newest(typical, s.name)}"
    return f"{quiet} > {usually} or {quiet} > {number(LOST_AT_MOST)}", [
        Scene(TURN, {select(wrote, s.name): _since(LOST_SECONDS + LOST_FACTOR * 60), **usual}),
        Scene(TURN, {select(wrote, s.name): _since(LOST_AT_MOST)}),
    ]


def silence(hold: int) -> Condition:
    """Nothing is scraped of the loop for so many seconds."""
    metric, after = "unseen_retrain_last_outcome", hold // MINUTE + 3 * PACE
    gone, end = f"{run((1, 0, WRONG))} _x{after} {run((1, 0, 3 * PACE))}", WRONG + after
    looks = ((PACE, False), (end - PACE, True), (end + PACE, False))

    def made(s: Settings) -> tuple[str, list[Scene]]:
        return f"absent({select(metric, s.name)})", [Scene(looks, {select(metric, s.name, outcome="promoted"): gone})]

    return Condition(made)


@Condition
def runaway(s: Settings) -> tuple[str, list[Scene]]:
    """Far more CPU time than usual, or more money than the limit."""
    cpu, typical, cost = "unseen_retrain_cpu_seconds", "unseen_retrain_typical_cpu_seconds", "unseen_retrain_cost"
    now, usual, limit = newest(cpu, s.name), 1000.0, s.limits.cost
    expr = f"({now} > {number(RUNAWAY)} * {newest(typical, s.name)} and {now} > {number(RUNAWAY_SECONDS)})"
    took, usually = select(cpu, s.name), select(typical, s.name)
    much, few = turning(0.97 * RUNAWAY * usual, 1.03 * RUNAWAY * usual), turning(1, 0.97 * RUNAWAY_SECONDS)
    scenes = [Scene(TURN, {usually: steady(usual), took: much}), Scene(SILENT, {usually: steady(1), took: few})]
    if limit is not None:
        expr += f" or {newest(cost, s.name)} > {number(limit)}"
        scenes.append(Scene(TURN, {select(cost, s.name): turning(0.9 * limit, 1.1 * limit)}))
    return expr, scenes


def burning(name: str, severity: str) -> Condition:
    """The error budget of a service level burns too fast."""

    def made(s: Settings) -> tuple[str, Iterator[Scene]]:
        level, rate = levels(s)[name], s.slo.page_burn_rate if severity == "page" else s.slo.ticket_burn_rate
        return level.burning(severity, rate), _outages(s, level, severity, level.most(rate))

    return Condition(made)


def _outages(s: Settings, level: Level, severity: str, threshold: float) -> Iterator[Scene]:
    """Shares of bad events around the threshold, over some time."""
    step = 1 if severity == "page" else 5
    until, after = 180, 180 + max(short for _, short in level.pairs[severity]) // MINUTE + PACE
    # few bad events are no outage, however large their share: there must be some in the shortest window
    pace = max(TRAFFIC, 200 / min(1.0, 2 * threshold))

    def scene(share: float, begin: int, end: int, *looks: tuple[int, bool]) -> Scene:
        bad, last = min(1.0, share * threshold), max(minutes for minutes, _ in looks)
        return Scene(looks, _events(s, level, pace * step, bad, begin // step, end // step, last // step), step=step)

    yield scene(2, 0, until, (until, True))
    yield scene(0.5, 0, until, (until, False))
    yield scene(20, 0, until, (until, True), (after, False))  # the long windows still hold the trouble
    if severity == "page" and 8 * threshold < 1:  # half an hour after six good ones: one hour tells it, six do not
        yield scene(8, 360, 390, (360, False), (390, True))
    n = until // step
    once = run((0, 0, n - 30 // step + 2), (1, 0, 60 // step))
    yield Scene(((until, False),), _counters(s, level, once, run((0, step / 60, n + 30 // step))), step=step)


def _events(s: Settings, level: Level, all: float, share: float, begin: int, end: int, last: int) -> dict[str, str]:
    """So many events a step, a share of them bad from one step to another."""
    bad, n, rest = all * share, end - begin + 1, last - end + 2
    good = all - bad
    failed = run((0, 0, begin), (0, bad, n), (bad * (n - 1), 0, rest))
    fine = run((0, all, begin), (all * begin, good, n), (all * begin + good * (n - 1), all, rest))
    return _counters(s, level, failed, fine)


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
