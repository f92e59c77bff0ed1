"""A fit that is killed goes on to the same bits; a checkpoint of something else is refused with a sentence."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import unseen
from unseen import HMM, SQUAREM, Batch, Gaussian, Incremental, MaxIterations, Mixture, Stepwise
from unseen.checkpoint.folder import TASK, Checkpoint, opened
from unseen.checkpoint.pieces import read_piece, write_piece
from unseen.errors import ModelError, NotInstalledError, NumericalError, RunError

ROOT = Path(__file__).resolve().parents[1]


def rows(n=240, d=3):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d)) + rng.choice([0.0, 2.5, 5.0], n)[:, None]
    x[rng.random(x.shape) < 0.1] = np.nan
    return x


def mixture(algorithm, **options):
    how = {"seed": 3, "restarts": 5, "block_rows": 60, "engine": "memory", "max_iterations": 60, **options}
    return lambda **more: unseen.fit(Mixture(Gaussian("full"), 3), rows(), algorithm=algorithm, **{**how, **more})


def hidden_markov(**more):
    return unseen.fit(HMM(Gaussian("full"), 2), rows(200, 2), seed=1, restarts=3, max_iterations=90, **more)


def searched(**more):
    return unseen.select(Mixture(Gaussian("full"), 1), rows(), seed=0, workers=1, **more)


def heldout(**more):
    return unseen.select(Mixture(Gaussian("full"), 1), rows(), (1, 2, 3), "heldout", seed=0, restarts=2, **more)


CALLS = {
    "batch": mixture(Batch()),
    "squarem": mixture(SQUAREM()),
    "stepwise": mixture(Stepwise(), max_iterations=20),
    "incremental": mixture(Incremental(), max_iterations=20),
    "finish": mixture(Batch(), finish=2),
    "hmm": hidden_markov,
    "search": searched,
    "heldout": heldout,
}


class Dies:
    """An observer that kills its own process at an iteration, counted over all starts."""

    def __init__(self, at, number=signal.SIGKILL):
        self.left, self.number = at, number

    def __call__(self, event):
        if event.name == "iteration":
            self.left -= 1
            if not self.left:
                os.kill(os.getpid(), self.number)


def untimed(record):
    return replace(record, seconds_e=0.0, seconds_m=0.0)


def same(a, b):
    assert list(a.params) == list(b.params)
    for name in a.params:
        assert a.params[name].tobytes() == b.params[name].tobytes(), name
    assert repr([untimed(r) for r in a.trace]) == repr([untimed(r) for r in b.trace])
    assert a.restarts == b.restarts or repr(a.restarts) == repr(b.restarts)
    drop = [[{k: v for k, v in row.items() if k != "seconds"} for row in r.search] for r in (a, b)]
    assert repr(drop[0]) == repr(drop[1])
    assert (a.outcome, a.loglik, a.entropy, a.evaluations) == (b.outcome, b.loglik, b.entropy, b.evaluations)
    assert repr(a.options) == repr(b.options) and a.bic == b.bic


class Counts:
    iterations = 0

    def __call__(self, event):
        self.iterations += event.name == "iteration"


def killed(name, folder, at, number=signal.SIGKILL, every=1):
    """Run a call in a process that dies at an iteration; its exit code."""
    line = (
        f"from tests.test_checkpoint import *; CALLS[{name!r}](checkpoint={str(folder)!r}, every={every}, resume=True, "
    )
    line += f"observers=(Dies({at}, {int(number)}),))"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", line], cwd=ROOT, env=env, timeout=300, capture_output=True, check=False
    )
    return done.returncode


@pytest.mark.parametrize("name", CALLS)
def test_killed_and_gone_on_with_is_the_same_to_the_last_bit(name, tmp_path):
    counted = Counts()
    whole = CALLS[name](observers=(counted,))
    draw = np.random.default_rng(list(name.encode()))
    folder = tmp_path / "half-way"
    for at in draw.integers(2, counted.iterations // 3, size=2):  # killed, gone on with, and killed again
        assert killed(name, folder, at, every=int(draw.integers(1, 4))) == -signal.SIGKILL
    left = Counts()
    same(CALLS[name](checkpoint=folder, resume=True, observers=(left,)), whole)
    assert left.iterations < counted.iterations
    again = Counts()
    same(CALLS[name](checkpoint=folder, resume=True, observers=(again,)), whole)
    assert again.iterations == 0, "what is finished is not done again"
