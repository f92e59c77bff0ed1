"""What a metric is, and those of a service that answers with the champion: latency, outcomes, the version loaded."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

#: a value, values by the label (a tuple where there are several labels), or nothing to be exported
Value = float | int | bool | Mapping[Any, float | int | bool] | None


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table, with its unit in its name; ``row`` is its number there (M1 to M10), or a dash.

    ``read`` takes what is known of the loop; a service's metrics have none and count by themselves.
    """

    name: str
    help: str
    read: Callable[[Any], Value] | None = None
    labels: tuple[str, ...] = ()
    row: str = "-"
    kind: Literal["gauge", "counter", "histogram"] = "gauge"

    def samples(self, known: Any) -> Iterator[tuple[tuple[str, ...], float]]:
        """Values of the labels, and the value; what is not finite is left out."""
        value = None if self.read is None else self.read(known)
        for labels, number in (value if isinstance(value, Mapping) else {(): value}).items():
            if number is not None and math.isfinite(number):
                yield tuple(map(str, labels if isinstance(labels, tuple) else (labels,))), float(number)


SERVING = (
    Metric("unseen_serving_latency_seconds", "Time to answer a request", row="M9", kind="histogram"),
    Metric("unseen_serving_requests_total", "Requests by outcome: ok or error", None, ("outcome",), "M9", "counter"),
    Metric("unseen_serving_version", "Version that the service has loaded"),
)
#: seconds; the service level's own bound is added, so that "faster than that" can be counted exactly
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ServingMetrics:
    """Counts requests; any thread may call it.

    Parameters
    ----------
    model : the name of the production loop
    slowest : seconds, ``slo.serving_p99_seconds``: a bound of the histogram
    registry : a ``CollectorRegistry`` to be part of; one of its own if left out

    >>> metrics = ServingMetrics("flights", slowest=0.2)
    >>> metrics.observe(0.013)
    >>> metrics.observe(0.5, ok=False)
    >>> b'unseen_serving_requests_total{model="flights",outcome="error"} 1.0' in metrics.exposition()
    True
    """

    def __init__(self, model: str, slowest: float = 0.25, registry: Any = None) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry = CollectorRegistry() if registry is None else registry
        latency, requests, version = SERVING
        bounds = tuple(sorted({*BOUNDS, float(slowest)}))
        histogram = Histogram(latency.name, latency.help, ["model"], buckets=bounds, registry=self.registry)
        counter = Counter(requests.name, requests.help, ["model", "outcome"], registry=self.registry)
        self._latency = histogram.labels(model)
        # a counter that begins at zero shows its first step
        self._requests = {ok: counter.labels(model, "ok" if ok else "error") for ok in (True, False)}
        self._version = Gauge(version.name, version.help, ["model"], registry=self.registry)
        self.model = model

    def observe(self, seconds: float, ok: bool = True) -> None:
        """One request that took so long; the latency of a failed one is not counted as an answer."""
        self._requests[ok].inc()
        if ok:
            self._latency.observe(seconds)

    @contextmanager
    def request(self) -> Iterator[None]:
        """Time what is done inside; an exception counts as an error and goes on."""
        began, ok = time.perf_counter(), False
        try:
            yield
            ok = True
        finally:
            self.observe(time.perf_counter() - began, ok)

    def loaded(self, version: int) -> None:
        """The version that the service answers with from now on."""
        self._version.labels(self.model).set(version)

    def exposition(self) -> bytes:
        """What ``/metrics`` answers, in the text format of Prometheus."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)
