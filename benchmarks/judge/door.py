"""The product as a user has it: a folder with months, an unseen.yaml that `unseen init` wrote, and the commands.

Commands are called in this process and read by their JSON: what an outcome is made of is none of this benchmark's
business.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

Answer = dict[str, Any]


@dataclass(frozen=True)
class Loop:
    """One production loop; ``folder`` is where it lives, since a registry may not be moved."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "unseen.yaml"

    def path(self, month: int) -> Path:
        return self.folder / "months" / f"2024-{month:03d}.parquet"

    def deliver(self, month: int, frame: pd.DataFrame) -> Path:
        path = self.path(month)
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(path, index=False)
        return path

    def init(self) -> float:
        """What `unseen init` writes; the tolerance that it proposes."""
        months = str(self.path(1).with_name("*.parquet"))
        code, said, told = typed("init", months, "-c", str(self.config), "--name", "world")
        if code:
            raise RuntimeError(f"init ended with {code}: {said} {told}")
        return proposed_tolerance(self.config, len(pd.read_parquet(self.path(1))))

    def retrain(self, window: int | None = None) -> Answer:
        """The record of a retrain, or what it said where it ended without one."""
        env = {"UNSEEN__DATA__WINDOW": str(window)} if window else {}
        return self._answer("retrain", "--json", "-c", str(self.config), env=env)

    def drift(self, path: Path) -> Answer:
        return self._answer("drift", str(path), "--json", "-c", str(self.config))

    def champion(self) -> int | None:
        found = self._answer("status", "--json", "-c", str(self.config)).get("champion")
        return found and int(found["version"])

    def model(self, version: int) -> Any:
        from unseen.ops.registry import Registry

        return Registry(self.settings()).load(version)

    def settings(self) -> Any:
        from unseen.ops.config import load

        return load(self.config)

    def keep(self) -> None:
        """What there is now is what `restore` goes back to."""
        copy = self._kept.with_name(f"{self._kept.name}-half")
        for folder in (copy, self._kept):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, copy)
        copy.rename(self._kept)

    def restore(self) -> bool:
        """Go back to what was kept, in the same place; whether anything was."""
        if not self._kept.exists():
            return False
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self._kept, self.folder)
        return True

    def forget(self) -> None:
        for folder in (self.folder, self._kept):
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def _kept(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}-kept")

    def _answer(self, *words: str, env: dict[str, str] | None = None) -> Answer:
        code, said, told = typed(*words, env=env)
        try:
            return {"exit": code, **json.loads(said)}
        except ValueError:
            return {"exit": code, "error": {"message": (said + told).strip()[:300]}}


def typed(*words: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Exit code and what was printed by a command line."""
    from click.testing import CliRunner

    from unseen.cli.shell import cli

    done = CliRunner().invoke(cli, list(words), env=env, prog_name="unseen")
    return done.exit_code, done.stdout, done.stderr


def proposed_tolerance(config: Path, rows: int) -> float:
    """The loss per row that may be lost with what `init` wrote, for partitions of so many rows."""
    from unseen.ops.config import load
    from unseen.ops.config.tolerance import tolerance

    found = load(config).gates.heldout_drop
    return tolerance(rows) if found is None else float(found)
