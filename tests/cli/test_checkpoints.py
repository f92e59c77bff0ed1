"""`unseen fit --checkpoint`: a command that is stopped in any way goes on where it was."""

from __future__ import annotations

import json
import re
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

import unseen
from tests.cli.calling import call, fails, ok
from tests.cli.test_processes import started
from unseen.testing.checkpoints import same_bits

SEARCH = ["fit", "people.parquet", "-k", "1:3", "--prior", "1", "--seed", "3"]


def stopped_at(states: int, number: int, *args: object) -> tuple[int, str, str]:
    """A process that gets a signal once so many states were written; its exit code and what it said."""
    fit = started(*args, "--checkpoint", "half", "--every", "1", "--resume")
    while fit.poll() is None and max([0, *(int(p.name[6:]) for p in Path("half").glob("state-*"))]) < states:
        time.sleep(0.005)
    fit.send_signal(number)
    out, err = fit.communicate(timeout=120)
    return fit.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_search_that_is_stopped_goes_on_to_the_same_run(here: Path, number: int) -> None:
    for states in (20, 50):
        code, out, err = stopped_at(states, number, *SEARCH)
        assert code == (-number if number == signal.SIGKILL else 130) and "Traceback" not in err
        if number != signal.SIGKILL:
            assert "goes on from the checkpoint in half (--resume)" in re.sub(r"\s+", " ", out + err)
    ok(*SEARCH, "--checkpoint", "half", "--resume", "--name", "gone-on")
    ok(*SEARCH, "--name", "whole")
    a, b = unseen.load("runs/gone-on"), unseen.load("runs/whole")
    same_bits(a, b)
    drop = [[{k: v for k, v in row.items() if k != "seconds"} for row in r.search] for r in (a, b)]
    assert repr(drop[0]) == repr(drop[1]) and replace(a, search=()).columns == b.columns


def test_what_cannot_be_gone_on_with_is_one_sentence(here: Path) -> None:
    fails(2, r"resume \(--resume\) needs the folder of a checkpoint \(--checkpoint FOLDER\)", *SEARCH, "--resume")
    fails(2, r"every \(--every 5\) needs the folder", *SEARCH, "--every", "5")
    ok(*SEARCH, "-k", "2", "--checkpoint", "half", "--quiet")
    fails(5, r"half holds a checkpoint: go on from it \(--resume\)", *SEARCH, "-k", "2", "--checkpoint", "half")
    fails(
        5, "begun with seed=3, and this fit has seed=4", *SEARCH[:-1], 4, "-k", "2", "--checkpoint", "half", "--resume"
    )
    fails(5, "of other data", "fit", "people.csv", *SEARCH[4:], "-k", "2", "--checkpoint", "half", "--resume")
    again = json.loads(call(*SEARCH, "-k", "2", "--checkpoint", "half", "--resume", "--json").stdout)
    assert again["outcome"]["name"] == "converged"
