"""Metrics of a service: the latency histogram has the service level's bound, and the import is light."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from tests.ops.watch_case import Measured
from unseen.ops.watch import ServingMetrics


def test_requests_and_latency() -> None:
    m = ServingMetrics("flights", slowest=0.3)
    fresh = Measured(m.exposition().decode())
    assert fresh["unseen_serving_requests_total", "outcome=error"] == 0  # its first step must show
    for seconds in (0.01, 0.29, 0.31, 20.0):
        m.observe(seconds)
    m.observe(0.001, ok=False)
    m.loaded(4)
    found = Measured(m.exposition().decode())
    assert found["unseen_serving_requests_total", "outcome=ok"] == 4
    assert found["unseen_serving_requests_total", "outcome=error"] == 1
    assert found["unseen_serving_latency_seconds_bucket", "le=0.3"] == 2
    assert found["unseen_serving_latency_seconds_bucket", "le=+Inf"] == 4
    assert found["unseen_serving_latency_seconds_count"] == 4  # a failed request is no answer, fast as it was
    assert found["unseen_serving_version"] == 4


def test_an_exception_counts_as_an_error_and_goes_on() -> None:
    m = ServingMetrics("flights")
    with m.request():
        pass
    with pytest.raises(KeyError), m.request():
        raise KeyError
    found = Measured(m.exposition().decode())
    assert found["unseen_serving_requests_total", "outcome=ok"] == 1
    assert found["unseen_serving_requests_total", "outcome=error"] == 1


def test_threads_lose_no_request() -> None:
    m = ServingMetrics("flights")
    threads = [threading.Thread(target=lambda: [m.observe(0.01) for _ in range(500)]) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert Measured(m.exposition().decode())["unseen_serving_requests_total", "outcome=ok"] == 4000


def test_two_services_in_one_process_keep_apart() -> None:
    first, second = ServingMetrics("a"), ServingMetrics("b")
    first.observe(0.1)
    assert b'model="a"' in first.exposition() and b'model="a"' not in second.exposition()


def test_a_service_imports_no_more_than_it_needs() -> None:
    code = (
        "import sys; from unseen.ops.watch import ServingMetrics; ServingMetrics('m').observe(0.1);"
        "print([m for m in ('pydantic', 'mlflow', 'pandas', 'scipy', 'yaml', 'grafana_foundation_sdk')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
