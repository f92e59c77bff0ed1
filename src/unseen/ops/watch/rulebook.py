"""Rules, unit tests of them, and who is told: files that Prometheus, promtool and Alertmanager read and check."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unseen.ops import files
from unseen.ops.config.operate import Route
from unseen.ops.config.settings import Settings
from unseen.ops.watch.conditions import PACE, Scene, run
from unseen.ops.watch.levels import DAY, HOUR, duration, levels, select
from unseen.ops.watch.modes import Alert, Mode, alerts, rule

SECONDS = 300
CALM_MINUTES = 240
#: where the loop of the unit tests runs
HOST, FOLDER = "host", "/loop"
#: series that go on counting while all is well
GOOD = re.compile(r'_total\{.*"(ok|promoted)"|latency_seconds_(count|bucket)\{(?!.*"slow")|data_learned_timestamp')

#: either says why there is no fresh model; what follows from that is not told again
CAUSES = ("UnseenRetrainFailed", "UnseenRetrainLost")
SYMPTOMS = ("UnseenStale", "UnseenNoMetrics", "UnseenRunawayCost")
SEVERITIES = ("page", "ticket")
#: these say more than that the doctor found the mode
TOLD = ("UnseenBatchRefused", "UnseenCandidateHeld")

_LINES = (
    "{{ range .Alerts }}{{ .Annotations.description }}\n{{ .Annotations.next }}\n{{ .Annotations.runbook_url }}\n"
    "{{ end }}"
)
_TITLE = "[{{ .Status | toUpper }}] {{ with index .Alerts 0 }}{{ .Annotations.summary }}{{ end }}"


def rules(settings: Settings) -> dict[str, Any]:
    """Recording and alerting rules of one model, as a Prometheus rules file.

    Raises
    ------
    ConfigError
        A service level and a burn rate make an alert that could never fire.
    """
    recordings = [recording for level in levels(settings).values() for recording in level.recordings()]
    # Prometheus tells of each rule in turn: a cause must end after what it silences, or that is told at the very end
    alerting = [rule(alert, mode, settings) for alert, mode in reversed(alerts())]
    # one group is evaluated in order: alerts see the recordings of the same evaluation
    return {"groups": [{"name": f"unseen-{settings.name}", "rules": [*recordings, *alerting]}]}


def unit_tests(settings: Settings, rules_file: str) -> dict[str, Any]:
    """What ``promtool test rules`` needs: each alert of these settings fires, ends, and is silent in a near scene.

    ``rules_file`` is relative to the file this is written to.
    """
    tests = [_test(scene, alert, mode, settings) for alert, mode in alerts() for scene in alert.when.scenes(settings)]
    return {"rule_files": [rules_file], "evaluation_interval": f"{PACE}m", "tests": [_calm(settings), *tests]}


def _calm(settings: Settings) -> dict[str, Any]:
    """Nothing fires while all is well: every scene as it was before something went wrong."""
    n, series = CALM_MINUTES + PACE, dict[str, str]()
    for alert, _ in alerts():
        for scene in alert.when.scenes(settings):
            series |= {metric: values for metric, values in scene.series.items() if "timestamp" not in metric}
    series[select("unseen_data_learned_timestamp_seconds", settings.name)] = "0"
    for metric, values in series.items():
        first = 1 if metric.startswith("unseen_gate_passed") else float(re.split(r"[+\-x]", values)[0] or 0)
        series[metric] = run((0, 60, n) if GOOD.search(metric) else (first, 0, n))
    names = sorted({alert.name for alert, _ in alerts()})
    return _told(1, series, [(minutes, name, []) for name in names for minutes in (PACE, CALM_MINUTES)])


def _test(scene: Scene, alert: Alert, mode: Mode | None, settings: Settings) -> dict[str, Any]:
    steps = max(minutes for minutes, _ in scene.looks) // scene.step + 1
    info = {select("unseen_loop_info", settings.name, host=HOST, folder=FOLDER): run((1, 0, steps))}
    expected = _expected(scene, alert, mode, settings)
    looks = [(minutes, alert.name, [expected] if fires else []) for minutes, fires in scene.looks]
    return _told(scene.step, scene.series | info, looks)


def _told(step: int, series: dict[str, str], looks: list[tuple[int, str, list[Any]]]) -> dict[str, Any]:
    """One test as promtool reads it; ``looks`` are minutes, the name of an alert, and how it is sent then."""
    return {
        "interval": f"{step}m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": f"{m}m", "alertname": name, "exp_alerts": sent} for m, name, sent in looks],
    }


def _expected(scene: Scene, alert: Alert, mode: Mode | None, settings: Settings) -> dict[str, Any]:
    """The alert as it is sent, its templates filled in."""
    made = rule(alert, mode, settings)
    labels = {**scene.labels, **made["labels"]}
    texts = {**made["annotations"], "next": f"Next, on {HOST}: cd {FOLDER} && unseen doctor {settings.name}"}
    for key, text in texts.items():
        text = re.sub(r"\{\{ range .*\{\{ end \}\}", scene.found, text)
        texts[key] = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda m: labels.get(m[1], ""), text)
    return {"exp_labels": labels, "exp_annotations": texts}


def alertmanager(settings: Settings, folder: str | Path = "/etc/alertmanager") -> dict[str, Any]:
    """An Alertmanager configuration: one group per model and severity, pages and tickets to their receivers.

    Secrets are never written here: Alertmanager reads each from the file of its ``*_file`` option. For a reference
    ``file:/path`` that is this path; for ``env:NAME`` it is ``secrets/NAME`` in ``folder``, see `secret_files`.
    """
    wait, again = settings.alerts.group_wait_seconds, duration(settings.alerts.repeat_hours * HOUR)
    return {
        "route": {
            "receiver": "ticket",
            "group_by": ["model", "severity"],
            "group_wait": f"{round(wait * 1000)}ms" if wait % 1 else duration(wait),  # it takes whole milliseconds
            "group_interval": "5m",
            "repeat_interval": duration(1 * DAY),
            "routes": [{"receiver": "page", "matchers": ['severity="page"'], "repeat_interval": again}],
        },
        "receivers": [_receiver(name, settings, Path(folder)) for name in SEVERITIES],
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
    routes = (settings.alerts.page, settings.alerts.ticket)
    ways = [way for route in routes for way in (route.webhook, route.slack, route.pagerduty)]
    return {way: _file(way, Path(folder)) for way in ways if way is not None and _is_reference(way)}


def silent(settings: Settings) -> list[str]:
    """Severities that nobody is told about."""
    return [name for name in SEVERITIES if len(_receiver(name, settings, Path())) == 1]


def _inhibit(source: str, target: str, *also: str) -> dict[str, Any]:
    return {"source_matchers": [source], "target_matchers": [target], "equal": ["model", *also]}


def _one_of(*names: str) -> str:
    return f'alertname=~"{"|".join(names)}"'


def _receiver(name: str, settings: Settings, folder: Path) -> dict[str, Any]:
    """One receiver with all its ways; each tells of the end, too."""
    own, ways = settings.alerts, dict[str, dict[str, Any]]()
    route: Route = getattr(own, name)
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


def as_yaml(content: dict[str, Any], *about: str) -> str:
    """A mapping as YAML, each expression on its own line, below comments."""
    import yaml

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    head = "".join(f"# {line}\n" for line in about)
    return head + str(yaml.dump(content, Dumper=Plain, sort_keys=False, allow_unicode=True, width=10_000))


def write(settings: Settings, folder: Path) -> tuple[Path, Path, Path]:
    """Three files in a folder: rules, unit tests of the rules, and the Alertmanager configuration.

    Raises
    ------
    ConfigError
        The settings make no sensible alert or route.
    RegistryError
        The folder cannot be written.
    """
    rule_file, test_file = f"unseen-{settings.name}.rules.yml", f"unseen-{settings.name}.test.yml"
    paths = folder / rule_file, folder / test_file, folder / "alertmanager.yml"
    contents = rules(settings), unit_tests(settings, rule_file), alertmanager(settings, folder.resolve())
    uses = (
        "Prometheus: list this file under rule_files",
        f"promtool test rules {test_file}",
        "amtool check-config alertmanager.yml",
    )
    for path, content, use in zip(paths, contents, uses, strict=True):
        files.write(path, as_yaml(content, "Written by unseen alerts; change unseen.yaml, then write it anew.", use))
    return paths


@dataclass(frozen=True)
class Checked:
    """One tool's word on one file; ``passed`` is None where the tool is not installed."""

    tool: str
    file: Path
    passed: bool | None
    said: str


def check(rules: Path, tests: Path, routes: Path) -> list[Checked]:
    """Syntax of the rules, their unit tests, and the Alertmanager configuration, by the tools that are installed."""
    return [
        _run(rules, "promtool", "check", "rules"),
        _run(tests, "promtool", "test", "rules"),
        _run(routes, "amtool", "check-config"),
    ]


def _run(file: Path, tool: str, *words: str) -> Checked:
    name, path = " ".join([tool, *words]), shutil.which(tool)
    if path is None:
        return Checked(name, file, None, f"{tool} is not installed")
    try:
        done = subprocess.run([path, *words, str(file)], capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Checked(name, file, False, f"{tool} did not answer: {type(error).__name__}")
    lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    return Checked(name, file, done.returncode == 0, " | ".join(lines[-5:]))
