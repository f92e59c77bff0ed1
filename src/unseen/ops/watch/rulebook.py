"""Rules, their unit tests and routes as the files that Prometheus, promtool and Alertmanager read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unseen.ops import files
from unseen.ops.config.settings import Settings
from unseen.ops.watch.alerting import alerts
from unseen.ops.watch.levels import levels


def rules(settings: Settings) -> dict[str, Any]:
    """Recording and alerting rules of one model, as a Prometheus rules file.

    Raises
    ------
    ConfigError
        A service level and a burn rate make an alert that could never fire.
    """
    recordings = [recording for level in levels(settings) for recording in level.recordings()]
    # Prometheus tells of each rule in turn: a cause must end after what it silences, or that is told at the very end
    alerting = [alert.rule(settings) for alert in reversed(alerts(settings))]
    return {
        "groups": [
            # one group is evaluated in order: alerts see the recordings of the same evaluation
            {"name": f"unseen-{settings.name}", "rules": [*recordings, *alerting]},
        ]
    }


def as_yaml(content: dict[str, Any], *about: str) -> str:
    """A mapping as YAML, each expression on its own line, below comments."""
    import yaml

    head = "".join(f"# {line}\n" for line in about)
    return head + str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=10_000))


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
    from unseen.ops.watch.unit_tests import unit_tests

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
