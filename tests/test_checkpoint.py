"""A fit that is killed goes on to the same bits; a checkpoint of something else is refused with a sentence."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import unseen
from unseen import HMM, SQUAREM, Batch, Gaussian, Incremental, MaxIterations, Mixture, Params, Reduced, Stepwise
from unseen.checkpoint.folder import Checkpoint
from unseen.checkpoint.opening import TASK
from unseen.checkpoint.pieces import read_piece, write_piece
from unseen.checkpoint.task import digest
from unseen.core.disk import locked
from unseen.core.stop import TIME, Outcome, Rule
from unseen.engines.local import Memory
from unseen.errors import ModelError, NotInstalledError, NumericalError, RunError
from unseen.problem import pose
from unseen.sources.arrays import Arrays

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
    "reduced": mixture(Reduced(), max_iterations=8),
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


# ---- what is on the disk


def small(**more):
    how = {"seed": 0, "restarts": 3, "max_iterations": 30, "engine": "memory", **more}
    return unseen.fit(Mixture(Gaussian("full"), 3), how.pop("data", rows()), **how)


def stopped(folder, at=20, **more):
    """A fit that was interrupted, with a state for each iteration."""
    result = small(checkpoint=folder, every=1, observers=(Interrupts(at),), **more)
    assert result.outcome.name == "interrupted"
    return result


class Interrupts(Dies):
    def __call__(self, event):
        if event.name == "iteration":
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt


def spoil(path):
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


@pytest.mark.parametrize("file", ["arrays.npz", "piece.json", "MANIFEST.json"])
def test_a_damaged_state_gives_way_to_the_one_before(file, tmp_path):
    stopped(tmp_path)
    older, newer = sorted(tmp_path.glob("state-*"))
    spoil(newer / file)
    left = Counts()
    same(small(checkpoint=tmp_path, resume=True, observers=(left,)), small())
    after_one, counted = left.iterations, Counts()
    assert after_one > 0
    stopped(again := tmp_path / "again")
    for state in again.glob("state-*"):
        spoil(state / file)
    same(small(checkpoint=again, resume=True, observers=(counted,)), small())
    assert counted.iterations > after_one, "with both damaged it begins anew"


def test_a_damaged_fit_is_made_again(tmp_path):
    whole = heldout(checkpoint=tmp_path)
    spoil(tmp_path / "fit-0002" / "arrays.npz")
    counted = Counts()
    same(heldout(checkpoint=tmp_path, resume=True, observers=(counted,)), whole)
    assert counted.iterations > 0
    assert read_piece(tmp_path / "fit-0002", digest(json.loads((tmp_path / TASK).read_text())["task"])) is not None


def test_what_a_killed_process_left_half_written_goes(tmp_path):
    stopped(tmp_path)
    (tmp_path / ".state-00000099-abc").mkdir()
    (tmp_path / ".state-00000099-abc" / "arrays.npz").write_bytes(b"")
    same(small(checkpoint=tmp_path, resume=True), small())
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]
    assert len(list(tmp_path.glob("state-*"))) == 2


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"seed": 1}, "begun with seed=0, and this fit has seed=1"),
        ({"restarts": 4}, "restarts=3.*restarts=4"),
        ({"tol": 1e-3}, "tol=1e-07.*tol=0.001"),
        ({"algorithm": SQUAREM()}, "algorithm=None.*SQUAREM"),
        ({"block_rows": 60}, "block_rows=1 blocks.*4 blocks"),
        ({"data": rows() + 1}, "of other data: .*begin anew"),
        ({"weights": np.ones(240)}, "of other data"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_another_call_is_refused_with_what_differs(other, told, tmp_path):
    stopped(tmp_path)
    with pytest.raises(RunError, match=told) as refused:
        small(checkpoint=tmp_path, resume=True, **other)
    assert str(tmp_path) in str(refused.value) and "\n" not in str(refused.value)
    same(small(checkpoint=tmp_path, resume=True, engine="threads", workers=2), small())


def test_another_model_and_another_kind_of_fit_are_refused(tmp_path):
    stopped(tmp_path)
    with pytest.raises(RunError, match="of another model"):
        unseen.fit(Mixture(Gaussian("diagonal"), 3), rows(), seed=0, checkpoint=tmp_path, resume=True)
    with pytest.raises(RunError, match="of another kind of fit"):
        searched(checkpoint=tmp_path, resume=True)


def test_newer_versions_and_altered_words_are_refused(tmp_path):
    stopped(tmp_path)
    path = tmp_path / TASK
    body = json.loads(path.read_text())
    for change in ({"format": 2}, {"unseen": "99.0"}):
        new = {**{k: v for k, v in body.items() if k != "content"}, **change}
        path.write_text(json.dumps({**new, "content": digest(new)}))
        with pytest.raises(NotInstalledError, match="go on with that version, or choose another folder"):
            small(checkpoint=tmp_path, resume=True)
    for text in ("", "[]", json.dumps({**body, "task": {}})):
        path.write_text(text)
        with pytest.raises(RunError, match="was altered"):
            small(checkpoint=tmp_path, resume=True)


def test_a_folder_is_not_taken_by_accident(tmp_path):
    stopped(tmp_path / "taken")
    with pytest.raises(RunError, match="holds a checkpoint: go on from it"):
        small(checkpoint=tmp_path / "taken")
    with pytest.raises(RunError, match="holds no checkpoint"):
        small(checkpoint=tmp_path)
    (tmp_path / "project" / ".git").mkdir(parents=True)
    with pytest.raises(RunError, match="holds no checkpoint"):
        small(checkpoint=tmp_path / "project", resume=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="is a file"):
        small(checkpoint=tmp_path / "file", resume=True)
    for wrong in ({"resume": True}, {"every": 3}):
        with pytest.raises(ModelError, match="needs the folder of a checkpoint"):
            small(**wrong)
    with pytest.raises(ModelError, match="every=0 cannot be"):
        small(checkpoint=tmp_path / "new", every=0)
    assert not (tmp_path / "new").exists()
    same(small(checkpoint=tmp_path / "new", resume=True), small())  # the same command, again and again


def test_a_second_process_is_refused(tmp_path):
    stopped(tmp_path)
    handle = locked(tmp_path / "LOCK")
    with pytest.raises(RunError, match="another process is at the checkpoint"):
        small(checkpoint=tmp_path, resume=True)
    os.close(handle)
    same(small(checkpoint=tmp_path, resume=True), small())


def test_by_default_a_state_is_written_once_in_ten_seconds(tmp_path):
    seconds = [0.0]
    kept = Checkpoint(tmp_path, "task", clock=lambda: seconds[0])
    problem = pose(Mixture(Gaussian("full"), 2), Arrays(rows()), engine="memory")
    assert kept.next(problem) is None
    written = []
    for second in range(25):
        seconds[0] = second
        kept.journal.changed()
        written.append(kept.written)
    assert written == [1] * 10 + [2] * 10 + [3] * 5


def test_a_disk_that_takes_nothing_is_told_at_once_and_later_with_a_warning(tmp_path, monkeypatch):
    def full(*_):
        raise RunError("no space left on the disk")

    monkeypatch.setattr("unseen.checkpoint.folder.write_piece", full)
    with pytest.raises(RunError, match="no space"):
        small(checkpoint=tmp_path / "first")
    calls = []

    def fills(*how):
        calls.append(how)
        return write_piece(*how) if len(calls) < 3 else full()

    monkeypatch.setattr("unseen.checkpoint.folder.write_piece", fills)
    with pytest.warns(UserWarning, match="goes on without a checkpoint of it"):
        same(small(checkpoint=tmp_path / "later", every=5), small())
    monkeypatch.undo()
    same(small(checkpoint=tmp_path / "later", resume=True), small())


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))), ids=str)
def test_arrays_come_back_in_the_layout_they_had(axes, tmp_path):
    array = np.arange(24.0).reshape(2, 3, 4).transpose(axes)
    write_piece(tmp_path / "piece", {"a": array, "b": Params(m=array)}, "task")
    found = read_piece(tmp_path / "piece", "task")
    for back in (found["a"], found["b"]["m"]):
        assert np.array_equal(back, array) and back.strides == array.strides
    assert read_piece(tmp_path / "piece", "another task") is None


def test_a_fit_that_failed_is_not_tried_again(tmp_path):
    counted = Counts()
    x = np.repeat([[0.0, 0], [1, 2]], 10, axis=0)
    for observers in ((), (counted,)):
        with pytest.raises(NumericalError, match="weight|matrix|component"):
            unseen.fit(
                Mixture(Gaussian("full", floor=0), 2), x, restarts=2, checkpoint=tmp_path, resume=True,
                observers=observers,
            )  # fmt: skip
    assert counted.iterations == 0


@pytest.mark.parametrize("limit", [1e-6, 0.01, 0.05])
def test_what_time_cut_short_goes_on_with_more_of_it(limit, tmp_path):
    for _ in range(3):
        small(checkpoint=tmp_path, resume=True, max_seconds=limit)
    again, whole = small(checkpoint=tmp_path, resume=True), small()
    same(replace(again, options=whole.options), whole)


@pytest.mark.parametrize("how", [{"workers": 2}, {"engine": "outofcore", "workers": 2}], ids=str)
def test_engines_and_helpers_change_nothing(how, tmp_path, monkeypatch):
    monkeypatch.setattr("unseen.search.helpers.WORTH_HELP", -1.0)
    whole = searched()
    call = lambda **more: unseen.select(Mixture(Gaussian("full"), 1), rows(), seed=0, **how, **more)  # noqa: E731
    at = call(checkpoint=tmp_path, every=3, observers=(Interrupts(150),))
    assert at.outcome.name == "interrupted" and "resume=True" in at.outcome.message
    same(call(checkpoint=tmp_path, resume=True), whole)


@pytest.mark.parametrize("limit", [1e-6, 0.1, 0.2])
def test_a_search_that_time_cut_short_goes_on_with_more_of_it(limit, tmp_path):
    for _ in range(3):
        searched(checkpoint=tmp_path, resume=True, max_seconds=limit)
    again, whole = searched(checkpoint=tmp_path, resume=True), searched()
    same(replace(again, options=whole.options), whole)


def test_what_time_cut_short_in_a_search_is_kept_as_it_last_stood(tmp_path):
    """The fits after it are of no use to another run, and do not take its place."""
    counted, left = Counts(), Counts()

    def rule(trace, seconds):
        return Outcome(TIME, "") if counted.iterations == 100 else None

    class Asked(Rule):
        def __call__(self, trace, seconds):
            return rule(trace, seconds)

    unfinished = searched(checkpoint=tmp_path, every=1000, observers=(counted,), stop=Asked() | MaxIterations(40))
    assert counted.iterations > 100 and unfinished.search
    whole = Counts()
    asked = Asked() | MaxIterations(40)
    end = searched(checkpoint=tmp_path, resume=True, observers=(left,), stop=asked)
    counted.iterations = -(10**9)
    same(replace(end, options={}), replace(searched(observers=(whole,), stop=asked), options={}))
    assert left.iterations == whole.iterations - 100


# ---- signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_checkpoint_and_no_traceback(number, tmp_path):
    line = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from tests.test_checkpoint import small, Dies; "
        f"r = small(checkpoint={str(tmp_path)!r}, observers=(Dies(25, {int(number)}),)); print(r.outcome.message)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    done = subprocess.run([sys.executable, "-c", line], cwd=ROOT, env=env, timeout=300, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    if number == signal.SIGINT:
        assert done.returncode == 0 and "the same call goes on from the checkpoint" in done.stdout
    else:
        assert done.returncode == -signal.SIGTERM and done.stdout == ""
    left, whole = Counts(), Counts()
    same(small(checkpoint=tmp_path, resume=True, observers=(left,)), small(observers=(whole,)))
    assert left.iterations == whole.iterations - 25, "nothing of what was done is done again"


# ---- at every moment


class Pressed(Memory):
    """An engine in which Ctrl-C is pressed in the midst of a pass, counted over all passes."""

    left = 0

    def sum(self, f, which=None):
        type(self).left -= 1
        if not type(self).left:
            f(self.blocks[0])
            raise KeyboardInterrupt
        return super().sum(f, which)


def single(n=200):
    x = np.concatenate([np.random.default_rng(0).normal(m, 1, (n // 2, 2)) for m in (0, 2.5)])
    return x.astype(np.float32)


@pytest.mark.parametrize(
    ("data", "how"),
    [
        (rows(120), {"restarts": 4, "short": 4, "max_iterations": 14}),
        (rows(120), {"restarts": 3, "short": 4, "max_iterations": 8, "algorithm": SQUAREM(), "block_rows": 30}),
        (rows(120), {"restarts": 3, "short": 4, "max_iterations": 20, "finish": 2}),
        (single(), {"restarts": 2, "short": 20, "tol": 1e-9, "max_iterations": 400}),
    ],
    ids=["batch", "squarem", "finish", "single"],
)
def test_interrupted_in_any_pass_is_the_same_to_the_last_bit(data, how, tmp_path):
    def call(**more):
        return unseen.fit(Mixture(Gaussian("full"), 2), data, seed=1, **{"engine": "memory", **how, **more})

    Pressed.left = 0
    whole = call(engine=Pressed)
    passes, came = -Pressed.left, 0
    assert passes > 30
    assert data.dtype == float or whole.model.in_double() is whole.model, "precision never changed"
    for at in range(1, passes + 1, 1 + passes // 25):
        Pressed.left, place = at, tmp_path / str(at)
        try:
            came += call(engine=Pressed, checkpoint=place, every=1000).outcome.name == "interrupted"
        except KeyboardInterrupt as error:
            assert "goes on from the checkpoint" in str(error)
        for _ in range(2):  # gone on with, and found finished
            end = call(checkpoint=place, resume=True)
            same(end, whole)
            assert (end.model.in_double() is end.model) == (whole.model.in_double() is whole.model)
    assert came > 10


@pytest.mark.parametrize("how", [{}, {"algorithm": SQUAREM()}, {"finish": 1}], ids=["batch", "squarem", "finish"])
def test_interrupted_before_a_rule_was_asked_it_is_asked_first(how, tmp_path):
    """Where an iteration was the last of its leg, the leg ends there when the fit goes on."""
    how = {"restarts": 3, "short": 4, "max_iterations": 8, **how}
    counted = Counts()
    whole = small(data=rows(120), observers=(counted,), **how)
    for at in range(1, counted.iterations + 1):
        stopped_at = small(data=rows(120), checkpoint=tmp_path / str(at), observers=(Interrupts(at),), **how)
        assert stopped_at.outcome.name == "interrupted"
        same(small(data=rows(120), checkpoint=tmp_path / str(at), resume=True, **how), whole)
