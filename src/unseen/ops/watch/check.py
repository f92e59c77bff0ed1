"""What promtool and amtool say of the files that were written, where they are installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS = 300


@dataclass(frozen=True)
class Checked:
    """One tool's word on one file; ``passed`` is None where the tool is not installed."""

    tool: str
    file: Path
    passed: bool | None
    said: str


def check(rules: Path, tests: Path, routes: Path) -> list[Checked]:
    """Syntax of the rules, their unit tests, and the Alertmanager configuration."""
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
    said = _last_words(f"{done.stdout}\n{done.stderr}".splitlines())
    return Checked(name, file, done.returncode == 0, said)


def _last_words(lines: Sequence[str], most: int = 5) -> str:
    return " | ".join([line.strip() for line in lines if line.strip()][-most:])
