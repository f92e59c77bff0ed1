"""A short soak: months in a row, most of them hit by a fault, and everything that must hold looked at after each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(1000)
def test_faults_promote_no_bad_model_and_lose_no_good_one() -> None:
    words = [sys.executable, "benchmarks/soak.py", "--retrains", "16", "--share", "0.7", "--seed", "3"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "16 months, " in done.stdout and "\n0 violations" in done.stdout
