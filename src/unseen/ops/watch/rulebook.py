"""Rules, unit tests of them and routes, as the files that Prometheus, promtool and Alertmanager read and check."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unseen.ops import files
from unseen.ops.config.settings import Settings
from unseen.ops.watch.conditions import PACE, Scene
from unseen.ops.watch.levels import levels
from unseen.ops.watch.modes import Alert, Mode, alerts, rule
from unseen.ops.watch.promql import run, select

SECONDS = 300
CALM_MINUTES = 240
#: where the loop of the unit tests runs
HOST, FOLDER = "host", "/loop"


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
    name, n = settings.name, CALM_MINUTES + PACE
    quiet: dict[str, str] = {}
    for alert, _ in alerts():
        for scene in alert.when.scenes(settings):
            quiet |= {metric: values for metric, values in scene.series.items() if "timestamp" not in metric}
    still = {metric: run((float(re.split(r"[+\-x]", values)[0] or 0), 0, n)) for metric, values in quiet.items()}
    well = re.compile(r'_total\{.*"(ok|promoted)"|latency_seconds_(count|bucket)\{(?!.*"slow")')
    still |= {metric: run((0, 60, n)) for metric in still if well.search(metric)}
    still |= {metric: run((1, 0, n)) for metric in still if metric.startswith("unseen_gate_passed")}
    still[select("unseen_data_learned_timestamp_seconds", name)] = run((0, 60, n))
    looks = [
        {"eval_time": f"{minutes}m", "alertname": alert, "exp_alerts": []}
        for alert in sorted({alert.name for alert, _ in alerts()})
        for minutes in (PACE, CALM_MINUTES)
    ]
    return {"interval": "1m", "input_series": _series(still), "alert_rule_test": looks}


def _test(scene: Scene, alert: Alert, mode: Mode | None, settings: Settings) -> dict[str, Any]:
    last = max(minutes for minutes, _ in scene.looks)
    info = {select("unseen_loop_info", settings.name, host=HOST, folder=FOLDER): run((1, 0, last // scene.step + 1))}
    expected = [_expected(scene, alert, mode, settings)]
    looks = [
        {"eval_time": f"{minutes}m", "alertname": alert.name, "exp_alerts": expected if fires else []}
        for minutes, fires in scene.looks
    ]
    return {
        "interval": f"{scene.step}m",
        "input_series": _series(scene.series | info),
        "alert_rule_test": looks,
    }


def _series(series: dict[str, str]) -> list[dict[str, str]]:
    return [{"series": name, "values": values} for name, values in series.items()]


def _expected(scene: Scene, alert: Alert, mode: Mode | None, settings: Settings) -> dict[str, Any]:
    """The alert as it is sent, its templates filled in."""
    made = rule(alert, mode, settings)
    labels = {**scene.labels, **made["labels"]}
    texts = {
        **{key: re.sub(r"\{\{ range .*\{\{ end \}\}", scene.found, text) for key, text in made["annotations"].items()},
        "next": f"Next, on {HOST}: cd {FOLDER} && unseen doctor {settings.name}",
    }
    filled = {
        k: re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda m: labels.get(m[1], ""), text) for k, text in texts.items()
    }
    return {"exp_labels": labels, "exp_annotations": filled}


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
    from unseen.ops.watch.routes import alertmanager

    name = f"unseen-{settings.name}"
    made = (
        (f"{name}.rules.yml", rules(settings), "Prometheus: list this file under rule_files"),
        (f"{name}.test.yml", unit_tests(settings, f"{name}.rules.yml"), f"promtool test rules {name}.test.yml"),
        ("alertmanager.yml", alertmanager(settings, folder.resolve()), "amtool check-config alertmanager.yml"),
    )
    paths = tuple(folder / file for file, _, _ in made)
    for path, (_, content, about) in zip(paths, made, strict=True):
        files.write(path, as_yaml(content, "Written by unseen alerts; change unseen.yaml, then write it anew.", about))
    return paths  # type: ignore[return-value]


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
        _run(rules, "promtool", "check", "rules", str(rules)),
        _run(tests, "promtool", "test", "rules", str(tests)),
        _run(routes, "amtool", "check-config", str(routes)),
    ]


def _run(file: Path, tool: str, *arguments: str) -> Checked:
    name = " ".join([tool, *arguments[:-1]])
    path = shutil.which(tool)
    if path is None:
        return Checked(name, file, None, f"{tool} is not installed")
    try:
        done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Checked(name, file, False, f"{tool} did not answer: {type(error).__name__}")
    lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    return Checked(name, file, done.returncode == 0, " | ".join(lines[-5:]))
