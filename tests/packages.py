"""Packages of other people: written to a folder as an installer leaves them, and found there by this process."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

#: a family and a model that somebody else made
MODULES = {
    "calls": """
from dataclasses import dataclass
from unseen.families.poisson import Poisson

@dataclass(frozen=True)
class Calls(Poisson):
    night: bool = False
""",
    "linkage": """
from dataclasses import dataclass, replace
import numpy as np
from unseen import Params
from unseen.core.block import Slot
from unseen.core.stats import Kind, Stats, Validity
from unseen.core.unit import Unit
from typing import ClassVar

@dataclass(frozen=True)
class Linkage:
    cells: tuple = ()
    kind: ClassVar = Kind.FREE
    unit: ClassVar = Unit.ROW

    def bind(self, profile):
        return replace(self, cells=profile.names)

    @property
    def slots(self):
        return (Slot(self.cells),)

    def expect(self, params, block):
        a, b, c, d = block.cells[0].values
        t = params["t"]
        hidden = a * t / (2 + t)
        loglik = self.log_density(params, block).sum()
        return Stats({"yes": (hidden + d).sum()[None], "no": (b + c).sum()[None]}, block.rows, block.weight, loglik)

    def log_density(self, params, block):
        a, b, c, d = block.cells[0].values
        t = params["t"]
        return a * np.log(2 + t) + (b + c) * np.log(1 - t) + d * np.log(t)

    def maximize(self, stats, params):
        return Params(t=stats.sums["yes"] / (stats.sums["yes"] + stats.sums["no"]))

    def valid(self, params):
        return Validity("" if 0 < params["t"] < 1 else "t is outside (0, 1)")

    def size(self, params):
        return 1
""",
}
KINDS = {"acme.calls": "acme_kinds.calls:Calls", "acme.linkage": "acme_kinds.linkage:Linkage"}


def write(
    site: Path,
    distribution: str = "acme-kinds",
    version: str = "1.2",
    kinds: Mapping[str, str] = KINDS,
    modules: Mapping[str, str] = MODULES,
) -> Path:
    """A folder with one installed package in it."""
    plain = distribution.replace("-", "_")
    (site / plain).mkdir(parents=True)
    (site / plain / "__init__.py").touch()
    for name, text in modules.items():
        (site / plain / f"{name}.py").write_text(text)
    about = site / f"{plain}-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    points = "".join(f"{name} = {value}\n" for name, value in kinds.items())
    (about / "entry_points.txt").write_text(f"[unseen.kinds]\n{points}")
    return site


def install(site: Path, patch: pytest.MonkeyPatch) -> None:
    """Let this process find what lies in a folder, as if it were installed."""
    forget(site)
    patch.syspath_prepend(str(site))
    importlib.invalidate_caches()


def uninstall(site: Path) -> None:
    """Let this process find it no more, nor remember what it imported from there."""
    while str(site) in sys.path:
        sys.path.remove(str(site))
    forget(site)


def forget(site: Path) -> None:
    importlib.invalidate_caches()
    for package in [p.name for p in site.iterdir() if (p / "__init__.py").exists()]:
        for name in [m for m in sys.modules if m == package or m.startswith(package + ".")]:
            del sys.modules[name]
