"""Commands called inside this process, and the small table that they work on."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
from click.testing import CliRunner, Result

from unseen.cli.shell import cli

UNSEEN = [sys.executable, "-c", "from unseen.cli import main; main()"]
FAST = ["--restarts", "2", "--quiet"]


def people(rows: int = 120) -> pa.Table:
    """Two groups, four kinds of columns and a date; some cells missing."""
    rng = np.random.default_rng(0)
    old = np.arange(rows) % 2 == 0
    age = np.where(old, rng.normal(70, 5, rows), rng.normal(25, 4, rows)).round(1)
    visits = rng.poisson(np.where(old, 9, 2))
    plan = np.where(old, "gold", np.where(rng.random(rows) < 0.5, "blue", "red"))
    gap = rng.random(rows) < 0.1
    return pa.table(
        {
            "age": pa.array(age, mask=gap),
            "visits": visits,
            "plan": pa.array(plan, mask=rng.random(rows) < 0.1),
            "retired": old ^ (rng.random(rows) < 0.05),
            "since": pa.array(np.arange(rows).astype("datetime64[D]")),
        }
    )


def call(*args: object) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in args])


def ok(*args: object) -> Result:
    done = call(*args)
    assert done.exit_code == 0, done.output
    return done


def fails(code: int, message: str, *args: object) -> Result:
    """The command ends with this code and one sentence that has the message; nothing else is written."""
    before = sorted(p for p in Path().rglob("*"))
    done = call(*args)
    assert done.exit_code == code, done.output
    assert re.search(message, done.stderr), done.stderr
    assert "Traceback" not in done.output
    sentences = [s for s in done.stderr.splitlines() if not s.startswith("unseen: newest run")]
    assert len(sentences) == 1 or sentences[0].startswith("Usage:"), sentences
    assert sorted(p for p in Path().rglob("*")) == before
    return done
