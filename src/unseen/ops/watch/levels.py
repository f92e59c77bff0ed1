"""Small words of PromQL, and service levels written in them: recording rules and burn-rate conditions.

A level allows a share of bad events, its budget; the burn rate is the share of bad events over some time, divided by
the budget: at 1 the budget lasts as long as the level's window. A condition asks for a high burn rate over a long
window (so that it matters) and over a short one (so that it ends soon after the trouble does), and for a few bad
events at least, because one of two requests at night is no outage.

Beyer, Murphy, Rensin, Kawahara & Thorne (2018), The Site Reliability Workbook, chapter 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from unseen.errors import ConfigError
from unseen.ops.config.settings import Settings
from unseen.ops.watch.known import FAILURES

MINUTE, HOUR, DAY = 60, 3600, 86400
P99 = 0.99
Pairs = tuple[tuple[int, int], ...]


def duration(seconds: float) -> str:
    """Seconds as Prometheus writes them, in the largest unit that divides them.

    >>> duration(300), duration(86400), duration(90)
    ('5m', '1d', '90s')
    """
    whole = max(0, round(seconds))
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if whole and whole % unit == 0:
            return f"{whole // unit}{name}"
    return f"{whole}s"


def select(metric: str, model: str, **labels: str | Iterable[str]) -> str:
    """A metric of one model; several values of a label are alternatives.

    >>> select("up", "m", outcome=["a", "b"])
    'up{model="m",outcome=~"a|b"}'
    """
    said = [f'model="{model}"']
    for label, value in labels.items():
        said.append(f'{label}="{value}"' if isinstance(value, str) else f'{label}=~"{"|".join(value)}"')
    return f"{metric}{{{','.join(said)}}}"


def newest(metric: str, model: str, **labels: str | Iterable[str]) -> str:
    """The metric without the labels of who scraped it, whether it came by text file, push or ``/metrics``."""
    return f"max by ({', '.join(['model', *labels])}) ({select(metric, model, **labels)})"


def number(value: float) -> str:
    """A threshold without the noise of binary fractions."""
    return f"{value:.12g}"


@dataclass(frozen=True)
class Level:
    """Bad events against all events; by severity pairs of a long and a short window in seconds, and fewest events."""

    name: str
    model: str
    key: str
    target: float
    pairs: Mapping[str, Pairs]
    fewest: int
    window: int
    bad: str
    all: str

    @property
    def budget(self) -> float:
        return 1 - self.target

    def series(self, what: str, window: int) -> str:
        return f"model:unseen_{self.name}:{what}{duration(window)}"

    def recorded(self, what: str, window: int) -> str:
        return select(self.series(what, window), self.model)

    def recordings(self) -> list[dict[str, Any]]:
        """Rules for counts and shares of bad events over each window, and for what is left of the budget."""
        rows: list[tuple[str, str]] = []
        for window in sorted({self.window, *(w for pairs in self.pairs.values() for pair in pairs for w in pair)}):
            bad, total = (text.replace("$window", duration(window)) for text in (self.bad, self.all))
            rows += [(self.series("increase", window), bad), (self.series("ratio", window), f"{bad} / {total}")]
        left = f"1 - {self.recorded('ratio', self.window)} / {number(self.budget)}"
        rows.append((f"model:unseen_{self.name}:budget_remaining_ratio", left))
        return [{"record": name, "expr": expr, "labels": {"model": self.model}} for name, expr in rows]

    def burning(self, severity: str, rate: float) -> str:
        """True while the budget burns faster than ``rate`` over both windows of a pair."""
        most = number(self.most(rate))
        return " or ".join(
            f"({self.recorded('ratio', long)} > {most} and {self.recorded('ratio', short)} > {most} "
            f"and {self.recorded('increase', long)} > {number(self.fewest - 0.5)})"
            for long, short in self.pairs[severity]
        )

    def most(self, rate: float) -> float:
        """The share of bad events at which the budget burns at a rate.

        Raises
        ------
        ConfigError
            It is more than all.
        """
        most = rate * self.budget
        if most >= 1:
            raise ConfigError(
                f"{self.key} allows {self.budget:.3g} of bad events, and {rate:g} times that is more than all: such an "
                "alert could never fire. Raise the service level, or lower slo.page_burn_rate or slo.ticket_burn_rate"
            )
        return most


def levels(settings: Settings) -> dict[str, Level]:
    """Retrains, errors of the service, slow answers of the service, by name."""
    slo, model, window = settings.slo, settings.name, settings.slo.window_days * DAY
    outcomes, requests = "unseen_retrains_total", "unseen_serving_requests_total"
    count, bucket = (f"unseen_serving_latency_seconds_{part}" for part in ("count", "bucket"))
    retrains: dict[str, Pairs] = {"ticket": ((window, min(1 * DAY, window)),)}
    serving: dict[str, Pairs] = {
        "page": ((1 * HOUR, 5 * MINUTE), (6 * HOUR, 30 * MINUTE)),
        # a window longer than the level's own says nothing about it
        "ticket": tuple(p for p in ((1 * DAY, 2 * HOUR), (3 * DAY, 6 * HOUR)) if p[0] <= window),
    }
    failed = _counted(select(outcomes, model, outcome=[o.value for o in FAILURES]))
    ended = _counted(select(outcomes, model, outcome=("interrupted", "nothing new")).replace("=~", "!~"))
    answers, fast = _added(select(count, model)), _added(select(bucket, model, le=bound(slo.serving_p99_seconds)))
    errors, asked = _added(select(requests, model, outcome="error")), _added(select(requests, model))
    rows = (
        ("retrain_failures", "slo.retrain_success", slo.retrain_success, retrains, 2, failed, ended),
        ("serving_errors", "slo.serving_success", slo.serving_success, serving, 5, errors, asked),
        ("serving_slow", "slo.serving_p99_seconds", P99, serving, 5, f"({answers} - {fast})", answers),
    )
    return {
        name: Level(name, model, key, target, pairs, fewest, window, bad, all)
        for name, key, target, pairs, fewest, bad, all in rows
    }


def bound(seconds: float) -> str:
    """The label ``le`` of a histogram bound, as prometheus_client writes it."""
    from prometheus_client.utils import floatToGoString

    return str(floatToGoString(seconds))


def _added(selected: str) -> str:
    """Over the instances of a service, each of which counts its own."""
    return f"sum by (model) (increase({selected}[$window]))"


def _counted(selected: str) -> str:
    """From the log, which every place of scraping tells in full: the largest, not the sum."""
    return f"sum by (model) (max by (model, outcome) (increase({selected}[$window])))"
