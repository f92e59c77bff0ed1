"""Metrics of a service that answers with the champion: latency, successes, errors, and the version it has loaded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from unseen.ops.watch.metric import Metric

SERVING = (
    Metric("unseen_serving_latency_seconds", "Time to answer a request", row="M9", kind="histogram"),
    Metric(
        "unseen_serving_requests_total",
        "Requests by outcome: ok or error",
        None,
        ("outcome",),
        row="M9",
        kind="counter",
    ),
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

        self.model = model
        self.registry = CollectorRegistry() if registry is None else registry
        latency, requests, version = SERVING
        bounds = tuple(sorted({*BOUNDS, float(slowest)}))
        self._latency = Histogram(latency.name, latency.help, ["model"], buckets=bounds, registry=self.registry)
        self._requests = Counter(requests.name, requests.help, ["model", "outcome"], registry=self.registry)
        self._version = Gauge(version.name, version.help, ["model"], registry=self.registry)
        self._latency.labels(model)
        for outcome in ("ok", "error"):  # a counter that begins at zero shows its first step
            self._requests.labels(model, outcome)

    def observe(self, seconds: float, ok: bool = True) -> None:
        """One request that took so long; the latency of a failed one is not counted as an answer."""
        self._requests.labels(self.model, "ok" if ok else "error").inc()
        if ok:
            self._latency.labels(self.model).observe(seconds)

    @contextmanager
    def request(self) -> Iterator[None]:
        """Time what is done inside; an exception counts as an error and goes on."""
        began = time.perf_counter()
        try:
            yield
        except BaseException:
            self.observe(time.perf_counter() - began, ok=False)
            raise
        self.observe(time.perf_counter() - began)

    def loaded(self, version: int) -> None:
        """The version that the service answers with from now on."""
        self._version.labels(self.model).set(version)

    def exposition(self) -> bytes:
        """What ``/metrics`` answers, in the text format of Prometheus."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)
