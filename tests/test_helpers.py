"""Starts in processes beside this one: the same bits, and nobody is left behind, whatever ends the search."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import unseen
from unseen import Gaussian, Mixture
from unseen.search import helpers

#: a script as its user writes it: without a guard, so that importing it again would begin the fit once more
SCRIPT = """
import numpy as np, unseen
from unseen.search import helpers

class Waiting(helpers.Helper):
    def __init__(self):
        super().__init__()
        self.ready.wait(60)

    def ask(self, *job):
        print(self.process.pid, flush=True)
        return super().ask(*job)

helpers.WORTH_HELP, helpers.Helper = -1.0, Waiting
x = np.random.default_rng(0).normal(size=(4000, 5))
converged = True
while converged:
    model = unseen.Mixture(unseen.Gaussian(), 1)
    converged = unseen.select(model, x, range(2, 9), seed=0, workers=2, max_iterations=50).outcome.name != "interrupted"
"""


def table():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3)) + rng.choice([0.0, 4.0], 300)[:, None]
    x[rng.random(x.shape) < 0.1] = np.nan
    return x


class Waited(helpers.Helper):
    """A helper that is there at once, and says how often it was asked."""

    asked = 0

    def __init__(self):
        super().__init__()
        self.ready.wait(60)

    def ask(self, *job):
        type(self).asked += 1
        return super().ask(*job)


@pytest.fixture
def called(monkeypatch):
    """Helpers that take part from the first race on."""
    Waited.asked = 0
    monkeypatch.setattr(helpers, "WORTH_HELP", -1.0)
    monkeypatch.setattr(helpers, "Helper", Waited)
    return Waited


def fitted(workers, model=None, **options):
    return unseen.select(model or Mixture(Gaussian("full"), 1), table(), seed=0, workers=workers, **options)


def same(a, b):
    assert a.loglik == b.loglik and a.model.components == b.model.components
    assert all(np.array_equal(a.params[name], b.params[name]) for name in a.params)
    timeless = [[{k: v for k, v in r.items() if k != "seconds"} for r in f.search] for f in (a, b)]
    assert timeless[0] == timeless[1]
    assert [t.objective for t in a.trace] == [t.objective for t in b.trace]


def test_with_a_helper_the_answer_has_the_same_bits(called):
    alone = fitted(1)
    assert not called.asked
    same(alone, fitted(2))
    assert called.asked


def test_observers_hear_of_as_many_iterations(called):
    heard = {}
    for workers in (1, 2):
        kinds = heard.setdefault(workers, [])
        fitted(workers, observers=[lambda event, kinds=kinds: kinds.append(event.name)])
    assert heard[1].count("iteration") == heard[2].count("iteration") > 0


def test_what_a_helper_leaves_undone_is_done_here(called, monkeypatch):
    def dies(self, *job):
        self.process.kill()
        return super(Waited, self).ask(*job)

    monkeypatch.setattr(called, "ask", dies)
    same(fitted(1), fitted(2))


def test_a_model_that_cannot_be_sent_is_run_here(called):
    class Own(Gaussian):
        """A class that another process cannot find."""

    same(fitted(1, Mixture(Own(), 1)), fitted(2, Mixture(Own(), 1)))
    assert called.asked


def test_a_program_that_only_holds_python_is_not_started_again(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/usr/bin/editor")
    assert helpers.Team().refused


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_helper_outlives_its_search(tmp_path, number):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    env = {**os.environ, "PYTHONPATH": str(Path(unseen.__file__).parents[1])}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as one:
        helper = int(one.stdout.readline())
        one.send_signal(number)
        one.communicate()
    until = time.monotonic() + 60
    while running(helper) and time.monotonic() < until:
        time.sleep(0.01)
    assert not running(helper)


def running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
