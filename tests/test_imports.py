"""`import unseen` costs numpy and nothing heavier, and so does every room behind it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "unseen"
HEAVY = {"scipy", "pyarrow", "pandas", "polars", "plotly", "click", "numba", "sklearn", "torch", "tqdm", "llvmlite"}
# A command group, an estimator class and a kernel's instructions need their library when the module is read (and
# scikit-learn reads the data-frame libraries that it finds).
MAY_LOAD = {"kernels": {"llvmlite"}, "cli": {"click"}, "sklearn": {"sklearn", "scipy", "joblib", "pandas", "pyarrow"}}

PROBE = """
import importlib, json, sys
before = set(sys.modules)
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps(sorted({m.partition(".")[0] for m in set(sys.modules) - before})))
"""


def loaded_by(*modules: str) -> set[str]:
    """Top-level names that a fresh interpreter holds after importing the modules."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(modules)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def rooms() -> dict[str, list[str]]:
    """Every module of the package, grouped by the first name after `unseen`."""
    grouped: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[-1] == "__main__":
            continue
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts:
            grouped.setdefault(parts[0], []).append(".".join(("unseen", *parts)))
    return grouped


def third_party(names: set[str]) -> set[str]:
    return {n for n in names if n not in sys.stdlib_module_names and not n.startswith("_cython")}


def test_import_unseen_loads_numpy_only() -> None:
    assert third_party(loaded_by("unseen")) <= {"unseen", "numpy"}


def test_the_probe_sees_a_heavy_import() -> None:
    assert loaded_by("scipy.special") & HEAVY == {"scipy"}


@pytest.mark.parametrize("room", rooms())
def test_heavy_libraries_wait_until_they_are_used(room: str) -> None:
    assert loaded_by(*rooms()[room]) & HEAVY <= MAY_LOAD.get(room, set())
