"""The wheel holds everything an installed copy needs: code, types marker, flights, licence."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def build(folder: Path) -> Path:
    """A wheel made from a copy of the tree, so that no build folder is left in the checkout."""
    for module in ("pip", "setuptools"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed, so no wheel can be built here")
    tree = folder / "tree"
    skip = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", tree / "src", ignore=skip)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, str(tree)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("unseen-*.whl")
    return wheel


def test_the_wheel_is_complete_and_imports_from_where_it_lies(tmp_path: Path) -> None:
    wheel = build(tmp_path)
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(site)
    source = tmp_path / "tree" / "src"
    sources = {p.relative_to(source).as_posix() for p in source.rglob("*.py")}
    assert sources <= names
    assert {"unseen/py.typed", "unseen/data/flights.parquet", "unseen/data/credit.csv"} <= names
    assert any(name.endswith("/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "benchmarks/", "scripts/")) for name in names)

    flights = site / "unseen" / "data" / "flights.parquet"
    assert flights.read_bytes() == (source / "unseen" / "data" / "flights.parquet").read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", "import unseen; print(unseen.__file__)"],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(site)
