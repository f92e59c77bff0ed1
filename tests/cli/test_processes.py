"""Real processes: signals, pipes, terminals, and what nobody expects."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import unseen
from tests.cli.calling import UNSEEN, call, fails

# ---- what nobody expects


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ZeroDivisionError("secret"), 1, r"bug in unseen \(ZeroDivisionError\).*UNSEEN_TRACEBACK=1"),
        (MemoryError(), 1, "out of memory"),
        (OSError(28, "No space left on device"), 5, "no space is left"),
        (PermissionError(13, "Permission denied", "there"), 5, r"Permission denied \(there\)"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_unexpected_exceptions_are_a_sentence(
    here: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("unseen.cli.fitting.prepare", broken)
    monkeypatch.delenv("UNSEEN_TRACEBACK", raising=False)
    done = fails(code, message, "fit", "people.parquet")
    assert "secret" not in done.output
    assert json.loads(call("fit", "people.parquet", "--json").stdout)["error"]["exit"] == code


def test_a_traceback_on_request(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unseen.cli.fitting.prepare", lambda *_: 1 / 0)
    monkeypatch.setenv("UNSEEN_TRACEBACK", "1")
    assert isinstance(call("fit", "people.parquet").exception, ZeroDivisionError)


# ---- the demo


def test_the_demo_tells_its_story_on_a_few_flights(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from unseen.demo import flights as demo

    flights = pq.read_table(Path(unseen.__file__).parent / "data" / "flights.parquet")
    pq.write_table(flights.take(list(range(0, flights.num_rows, 100))), "few.parquet")
    monkeypatch.setattr(demo, "OPTIONS", {**demo.OPTIONS, "components": (2, 3), "restarts": 2, "tol": 1e-3})
    monkeypatch.setattr(demo, "EVERY", 2)
    result = demo.fit_all(Path("few.parquet"), demo.choose(Path("few.parquet")))
    text = demo.story(result, Path("few.parquet"))
    gone = flights.take(list(range(0, flights.num_rows, 100)))["dep_delay"].null_count
    assert f"{gone} flights never left" in text
    assert len(re.findall(r"^  \d\. \d+ % of flights: .* miles\).*, leaving ", text, re.M)) == result.model.components
    assert "on a sample of 1,684 rows" in result.summary()
    assert unseen.load(demo.keep(result)).loglik == result.loglik


# ---- real processes


def started(*args: object) -> subprocess.Popen[str]:
    return subprocess.Popen([*UNSEEN, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Terminal:
    """A process whose stderr is a terminal of 100 columns, and what it has shown there."""

    def __init__(self, *args: object) -> None:
        self.outer, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        command = [*UNSEEN, *map(str, args)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=inner, text=True)
        os.close(inner)
        self.shown = b""

    def read(self, until: bytes | None = None) -> None:
        """Take what it shows until a word is there, or to its end."""
        while until is None or until not in self.shown:
            try:
                piece = os.read(self.outer, 4096)
            except OSError:  # how Linux says that the other side is closed
                piece = b""
            if not piece:
                assert until is None, self.shown
                return
            self.shown += piece

    def end(self) -> str:
        """Wait for the end; what came on stdout."""
        self.read()
        out, _ = self.process.communicate(timeout=120)
        os.close(self.outer)
        return out


def test_no_bar_without_a_terminal_and_a_bar_with_one(here: Path) -> None:
    args = ["fit", "people.parquet", "-k", "2", "--restarts", "2"]
    out, err = started(*args).communicate(timeout=120)
    assert err == "" and "\r" not in out
    seen = Terminal(*args)
    assert "\r" not in seen.end() and seen.process.returncode == 0
    assert b"2 components" in seen.shown and b"\r" in seen.shown
    silent = Terminal(*args, "--quiet")
    silent.end()
    assert silent.shown == b""


def test_a_closed_pipe_is_quiet(here: Path, fitted: Path) -> None:
    process = started("sample", fitted, "-n", "200000")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(120) == 0


def slow_fit(folder: Path, restarts: int = 1) -> list[object]:
    """A fit that takes minutes if nobody stops it."""
    rng = np.random.default_rng(0)
    pq.write_table(pa.table({f"x{j}": rng.normal(size=40_000) for j in range(6)}), folder / "noise.parquet")
    return [
        "fit",
        folder / "noise.parquet",
        "-k",
        "8",
        "--covariance",
        "full",
        "--restarts",
        restarts,
        "--tol",
        "1e-15",
        "--max-iterations",
        "100000",
    ]


def test_ctrl_c_saves_what_there_is_and_the_fit_can_go_on(here: Path) -> None:
    fit = Terminal(*slow_fit(here))
    fit.read(until=b"iteration")
    time.sleep(0.5)  # some iterations into the run; an interrupt at any moment is the next test's matter
    fit.process.send_signal(signal.SIGINT)
    out = fit.end()
    assert fit.process.returncode == 130
    assert b"Traceback" not in fit.shown and "\ninterrupted: " in out
    (run,) = (here / "runs").iterdir()
    stopped = unseen.load(run)
    assert stopped.outcome.name == "interrupted" and stopped.iterations > 0
    assert f"--start runs/{run.name}" in out
    done = call("fit", "noise.parquet", "--start", run, "--max-iterations", "3", "--name", "more", "--quiet")
    assert done.exit_code == 4
    more = unseen.load("runs/more")
    assert more.trace[0].objective * 40_000 == pytest.approx(stopped.loglik, rel=1e-9)


@pytest.mark.parametrize("pause", [0.0, 0.02, 0.3])
def test_ctrl_c_again_and_again_ends_cleanly(here: Path, pause: float) -> None:
    fit = Terminal(*slow_fit(here))
    fit.read(until=b"iteration")
    for _ in range(3):
        fit.process.send_signal(signal.SIGINT)
        time.sleep(pause)
    fit.end()
    assert fit.process.returncode == 130, fit.shown
    assert b"Traceback" not in fit.shown, fit.shown
    assert not [p for p in here.rglob("*") if p.name.startswith(".")]
    for run in here.glob("runs/*"):
        unseen.load(run)  # whole, if it is there at all


def test_interrupts_at_any_moment_never_hang(here: Path) -> None:
    """Twenty fits, five at once on however few cores, each interrupted once to three times, by Ctrl-C or SIGTERM."""
    rng = np.random.default_rng(0)
    for turn in range(4):
        fits = [
            started(*slow_fit(here, restarts=1 + 3 * (i % 2)), "--engine", ("threads", "outofcore")[turn % 2])
            for i in range(5)
        ]
        for fit in fits:
            assert fit.stdout is not None and "rows" in fit.stdout.readline()  # the columns are told: the fit begins
        for fit in fits:
            time.sleep(rng.random() / 2)
            for _ in range(rng.integers(1, 4)):
                fit.send_signal(signal.SIGINT if rng.random() < 0.7 else signal.SIGTERM)
                time.sleep(rng.choice([0.0, 0.001, 0.02, 0.2]))
        for fit in fits:
            _, said = fit.communicate()
            assert fit.returncode == 130 and "Traceback" not in said, said
    for run in here.glob("runs/*"):
        unseen.load(run)


def test_sigterm_saves_what_there_is(here: Path) -> None:
    fit = Terminal(*slow_fit(here))
    fit.read(until=b"iteration")
    fit.process.terminate()
    out = fit.end()
    assert fit.process.returncode == 130 and "\ninterrupted: " in out
    (run,) = (here / "runs").iterdir()
    assert unseen.load(run).outcome.name == "interrupted"
