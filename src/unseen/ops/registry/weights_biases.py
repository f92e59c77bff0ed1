"""Weights & Biases as a second tracker: its own client writes each run to disk, then sends it, if it can in time."""

from __future__ import annotations

import netrc
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from unseen.errors import RegistryError
from unseen.ops.config.settings import Settings
from unseen.ops.logs import reason
from unseen.ops.registry.opening import experiment
from unseen.ops.registry.report import Report

#: nothing of the machine, its code or its terminal goes along, and nothing is asked of a person
MANNERS: Mapping[str, Any] = {
    "mode": "offline",
    "console": "off",
    "silent": True,
    "host": "",
    "disable_git": True,
    "disable_code": True,
    "disable_job_creation": True,
    "x_disable_stats": True,
    "x_disable_meta": True,
    "x_save_requirements": False,
}
SEND_SECONDS = 120.0
HOST = "https://api.wandb.ai"


def keep(settings: Settings, report: Report) -> Path:
    """Keep a run under ``wandb/`` in the state folder, and send it; the folder that it is kept in.

    It is sent where ``WANDB_API_KEY`` (or netrc) signs in, unless ``WANDB_MODE=offline``; what could not be sent stays,
    and ``wandb sync`` sends it later.

    Raises
    ------
    RegistryError
        It could not be kept, or not be sent; a run that is kept is named.
    """
    import wandb

    config = {**report.params, **report.tags, "inputs": [asdict(rows) for rows in report.inputs]}
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        alone = wandb.run is None
        run = wandb.init(
            project=experiment(settings),
            name=report.name,
            id=f"{report.name}-{report.identity['unseen.parameters'][:8]}",
            config=config,
            job_type="retrain",
            reinit="create_new",
            settings=wandb.Settings(root_dir=str(settings.home), **MANNERS),
        )
        folder = Path(run.dir).parent
        try:
            _fill(run, settings.name, report)
        finally:
            run.finish()
            if alone:  # else the program beside it would stay for as long as this one
                wandb.teardown()
    except Exception as error:  # another's client: whatever it is, the version stands
        raise RegistryError(f"Weights & Biases did not keep the run: {reason(error)}") from error
    if os.environ.get("WANDB_MODE") != "offline" and _signed_in():
        _send(folder)
    return folder


def _fill(run: Any, name: str, report: Report) -> None:
    import wandb

    run.define_metric("iteration")
    for metric, values in report.history.items():
        run.define_metric(metric, step_metric="iteration")
        for iteration, value in enumerate(values):
            run.log({"iteration": iteration, metric: value})
    run.summary.update(dict(report.metrics))
    if report.artefact is not None:
        made = wandb.Artifact(name, type="model", metadata=dict(report.tags))
        for file in sorted(p for p in report.artefact.rglob("*") if p.is_file()):
            made.add_file(str(file), name=file.relative_to(report.artefact).as_posix())
        run.log_artifact(made)


def _send(folder: Path) -> None:
    command = [sys.executable, "-m", "wandb", "sync", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SEND_SECONDS, stdin=subprocess.DEVNULL)
        trouble = f"wandb sync ended with {done.returncode}" if done.returncode else None
    except (subprocess.TimeoutExpired, OSError) as error:
        trouble = type(error).__name__
    if trouble is not None:
        raise RegistryError(
            f"Weights & Biases was not told of the run ({trouble}): it is kept, `wandb sync {folder}` sends it"
        )


def _signed_in() -> bool:
    """Whether there is a key, without asking a person for one."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", HOST)).hostname or ""
    with suppress(OSError, netrc.NetrcParseError):
        return netrc.netrc().authenticators(host) is not None
    return False
