"""From samples to a Prometheus registry."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from unseen.ops.config.settings import Settings
from unseen.ops.record import Record
from unseen.ops.watch import drifted, produced, retrained
from unseen.ops.watch.known import known
from unseen.ops.watch.table import METRICS, Sample


def samples(settings: Settings, record: Record | None = None, modes: Iterable[str] | None = None) -> list[Sample]:
    """All that the state folder tells, recomputed; ``record`` is taken for the last retrain if given."""
    facts = known(settings, record)
    found = list(produced.samples(facts, settings, modes))
    if facts.last is not None:
        found.extend(retrained.samples(facts.last, settings))
    found.extend(drifted.samples(facts, settings))
    return [s for s in found if math.isfinite(s.value)]


def collect(settings: Settings, record: Record | None = None, modes: Iterable[str] | None = None) -> Any:
    """A ``CollectorRegistry`` of everything known about one model.

    Parameters
    ----------
    record : the retrain that has just ended; the last one of the log if left out
    modes : failure modes that the doctor found in it, such as ``["F5"]``; None if nobody looked
    """
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    registry.register(Fixed(settings.name, samples(settings, record, modes)))
    return registry


class Fixed:
    """Samples as a collector of prometheus_client."""

    def __init__(self, model: str, samples: Iterable[Sample]) -> None:
        self.model, self.samples = model, tuple(samples)

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        families: dict[str, Any] = {}
        for sample in self.samples:
            metric = METRICS[sample.name]
            if metric.name not in families:
                family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
                families[metric.name] = family(metric.name, metric.help, labels=("model", *metric.labels))
            labels = [self.model, *(sample.labels[label] for label in metric.labels)]
            families[metric.name].add_metric(labels, sample.value)
        yield from families.values()


class Live:
    """Recomputes everything whenever it is asked, for ``unseen monitor --serve``; ``examine`` asks the doctor."""

    def __init__(self, settings: Settings, examine: Callable[[], Iterable[str] | None] = lambda: None) -> None:
        self.settings, self.examine = settings, examine

    def describe(self) -> list[Any]:
        """Nothing is computed before the first scrape."""
        return []

    def collect(self) -> Iterator[Any]:
        return Fixed(self.settings.name, samples(self.settings, modes=self.examine())).collect()
