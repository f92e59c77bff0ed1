"""Alertmanager: who is told, how alerts are grouped, and which alert silences which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unseen.ops.config.operate import Route
from unseen.ops.config.settings import Settings
from unseen.ops.watch.levels import DAY, HOUR, duration

#: either says why there is no fresh model; what follows from that is not told again
CAUSES = ("UnseenRetrainFailed", "UnseenRetrainLost")
SYMPTOMS = ("UnseenStale", "UnseenNoMetrics", "UnseenRunawayCost")
#: these say more than that the doctor found the mode
TOLD = ("UnseenBatchRefused", "UnseenCandidateHeld")

_LINES = (
    "{{ range .Alerts }}{{ .Annotations.description }}\n{{ .Annotations.next }}\n{{ .Annotations.runbook_url }}\n"
    "{{ end }}"
)
_TITLE = "[{{ .Status | toUpper }}] {{ with index .Alerts 0 }}{{ .Annotations.summary }}{{ end }}"


def alertmanager(settings: Settings, folder: str | Path = "/etc/alertmanager") -> dict[str, Any]:
    """An Alertmanager configuration: one group per model and severity, pages and tickets to their receivers.

    Secrets are never written here: Alertmanager reads each from the file of its ``*_file`` option. For a reference
    ``file:/path`` that is this path; for ``env:NAME`` it is ``secrets/NAME`` in ``folder``, see `secret_files`.
    """
    own = settings.alerts
    wait = own.group_wait_seconds  # Alertmanager takes whole milliseconds
    pages = {"receiver": "page", "matchers": ['severity="page"'], "repeat_interval": duration(own.repeat_hours * HOUR)}
    return {
        "route": {
            "receiver": "ticket",
            "group_by": ["model", "severity"],
            "group_wait": f"{round(wait * 1000)}ms" if wait % 1 else duration(wait),
            "group_interval": "5m",
            "repeat_interval": duration(1 * DAY),
            "routes": [pages],
        },
        "receivers": [_receiver(name, route, settings, Path(folder)) for name, route in _routes(settings).items()],
        "inhibit_rules": [
            _inhibit(_one_of(*CAUSES), _one_of(*SYMPTOMS)),
            _inhibit('alertname="UnseenRetrainLost"', 'alertname="UnseenRetrainFailed"'),
            _inhibit('alertname="UnseenServingErrors"', 'alertname="UnseenServingSlow"'),
            _inhibit('severity="page"', 'severity="ticket"'),
            _inhibit(_one_of(*TOLD), 'alertname="UnseenDiagnosis"', "mode"),
        ],
    }


def secret_files(settings: Settings, folder: str | Path) -> dict[str, Path]:
    """Where Alertmanager looks for each secret that the settings name: reference to file."""
    ways = [way for route in _routes(settings).values() for way in (route.webhook, route.slack, route.pagerduty)]
    return {way: _file(way, Path(folder)) for way in ways if way is not None and _is_reference(way)}


def silent(settings: Settings) -> list[str]:
    """Severities that nobody is told about."""
    routes = _routes(settings).items()
    return [name for name, route in routes if not (route.webhook or route.email or route.slack or route.pagerduty)]


def _routes(settings: Settings) -> dict[str, Route]:
    return {"page": settings.alerts.page, "ticket": settings.alerts.ticket}


def _inhibit(source: str, target: str, *also: str) -> dict[str, Any]:
    return {"source_matchers": [source], "target_matchers": [target], "equal": ["model", *also]}


def _one_of(*names: str) -> str:
    return f'alertname=~"{"|".join(names)}"'


def _receiver(name: str, route: Route, settings: Settings, folder: Path) -> dict[str, Any]:
    """One receiver with all its ways; each tells of the end, too."""
    own, ways = settings.alerts, dict[str, dict[str, Any]]()
    if route.webhook:
        secret = _is_reference(route.webhook)
        ways["webhook"] = {"url_file": str(_file(route.webhook, folder))} if secret else {"url": route.webhook}
    if route.email:
        mail = {"to": route.email, "from": own.sender, "smarthost": own.smarthost}
        ways["email"] = {**mail, "headers": {"Subject": _TITLE}}
    if route.slack:
        slack = {"api_url_file": str(_file(route.slack, folder)), "channel": route.channel}
        ways["slack"] = {**{k: v for k, v in slack.items() if v}, "title": _TITLE, "text": _LINES}
    if route.pagerduty:
        key = {"routing_key_file": str(_file(route.pagerduty, folder))}
        severity = "critical" if name == "page" else "warning"
        ways["pagerduty"] = {**key, "severity": severity, "description": _TITLE, "details": {"next": _LINES}}
    return {"name": name, **{f"{way}_configs": [{**how, "send_resolved": True}] for way, how in ways.items()}}


def _is_reference(value: str) -> bool:
    return value.startswith(("env:", "file:"))


def _file(ref: str, folder: Path) -> Path:
    kind, _, where = ref.partition(":")
    return Path(where).expanduser().absolute() if kind == "file" else folder / "secrets" / where
