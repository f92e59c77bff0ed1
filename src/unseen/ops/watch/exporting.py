"""Where metrics go: a registry of prometheus_client, a text file that node_exporter reads, and a Pushgateway."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from unseen.ops import files
from unseen.ops.config import secret
from unseen.ops.config.settings import Settings
from unseen.ops.logs import logger, reason
from unseen.ops.places import Places
from unseen.ops.record import Record
from unseen.ops.watch.known import known
from unseen.ops.watch.metrics import METRICS

PUSH_SECONDS = 5.0
JOB = "unseen"


def families(settings: Settings, record: Record | None = None, modes: Iterable[str] | None = None) -> list[Any]:
    """All that the state folder tells, recomputed, as prometheus_client has it; arguments as of `collect`."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    facts, found = known(settings, record, modes), []
    for metric in METRICS.values():
        family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        made = family(metric.name, metric.help, labels=("model", *metric.labels))
        for labels, value in metric.samples(facts):
            made.add_metric([settings.name, *labels], value)
        found += [made] if made.samples else []
    return found


class Live:
    """A collector that asks whenever it is asked."""

    def __init__(self, ask: Callable[[], Iterable[Any]]) -> None:
        self.collect = ask

    def describe(self) -> list[Any]:
        """Nothing is computed before the first scrape."""
        return []


def serving(settings: Settings, examine: Callable[[], Iterable[str] | None] = lambda: None) -> Any:
    """A ``CollectorRegistry`` that recomputes everything with each scrape; ``examine`` asks the doctor."""
    return _registry(lambda: families(settings, None, examine()))


def collect(settings: Settings, record: Record | None = None, modes: Iterable[str] | None = None) -> Any:
    """A ``CollectorRegistry`` of everything known about one model now.

    Parameters
    ----------
    record : the retrain that has just ended; the last one of the log if left out
    modes : failure modes that the doctor found in it, such as ``["F5"]``; None if nobody looked
    """
    found = families(settings, record, modes)
    return _registry(lambda: found)


def _registry(ask: Callable[[], Iterable[Any]]) -> Any:
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    registry.register(Live(ask))
    return registry


def export(record: Record | None, settings: Settings, modes: Iterable[str] | None = None) -> tuple[str, ...]:
    """Write the text file and push, as the settings say; what went wrong is logged and returned, never raised.

    A retrain is not worth less because its metrics could not be left somewhere: the alert on missing metrics, or on
    the age of the last success, tells of it. ``record`` and ``modes`` are those of `collect`.
    """
    said: list[str] = []
    try:
        registry = collect(settings, record, modes)
    except Exception as error:
        said, steps = [f"the metrics could not be computed: {reason(error)}"], {}
    else:
        steps = {
            "the metrics file could not be written (metrics.textfile)": _textfile,
            "the Pushgateway did not take the metrics (metrics.pushgateway)": _push,
        }
    for what, step in steps.items():
        try:
            step(registry, settings)
        except Exception as error:
            said.append(f"{what}: {reason(error)}")
    if said:
        log = logger(Places.of(settings).events, model=settings.name, run=record.id if record else None)
        for sentence in said:
            log.warning("metrics not exported", reason=sentence)
    return tuple(said)


def destinations(settings: Settings) -> list[str]:
    """Where the metrics go."""
    return [str(textfile(settings)), *filter(None, [settings.metrics.pushgateway])]


def textfile(settings: Settings) -> Path:
    """The file that node_exporter reads."""
    configured = settings.metrics.textfile
    return Places.of(settings).metrics(settings.within(configured) if configured else None)


def text(registry: Any) -> str:
    """A registry in the text format of Prometheus."""
    from prometheus_client import generate_latest

    return generate_latest(registry).decode()


def _textfile(registry: Any, settings: Settings) -> None:
    files.write(textfile(settings), text(registry))


def _push(registry: Any, settings: Settings) -> None:
    """Replace this model's group; its grouping key is the model, so that models do not overwrite each other."""
    from prometheus_client import push_to_gateway
    from prometheus_client.exposition import basic_auth_handler, default_handler

    metrics, key, handler = settings.metrics, {"model": settings.name}, default_handler
    if metrics.pushgateway is None:
        return
    if metrics.username is not None and metrics.password is not None:
        handler = partial(basic_auth_handler, username=metrics.username, password=secret(metrics.password))
    push_to_gateway(metrics.pushgateway, JOB, registry, grouping_key=key, timeout=PUSH_SECONDS, handler=handler)
