"""`unseen promote`, `rollback`, `status` and `history`, as they are typed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.cli.calling import UNSEEN, call
from tests.ops.registry_case import flip, planted, pointing, record, registry, saved, with_database
from unseen.ops.registry import Registry, opening
from unseen.ops.registry.entry import PROMOTED

YAML = "name: people\ndata:\n  path: data\nretries: {attempts: 2, first_seconds: 0.01, most_seconds: 0.02}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "unseen.yaml").write_text(YAML)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNSEEN_ACTOR", "ann@laptop")
    return tmp_path


@pytest.fixture
def quiet_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The aliases are another test's matter."""
    monkeypatch.setattr(Registry, "align", lambda self: None)


def done(*args: object) -> Result:
    result = call(*args)
    assert result.exit_code == 0, result.output
    return result


def refused(code: int, said: str, *args: object) -> Result:
    """One sentence, a code, and nothing changed."""
    before = log()
    result = call(*args)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert re.search(said, result.stderr), result.stderr
    assert len(result.stderr.splitlines()) == 1 or result.stderr.startswith("Usage:")
    told = call(*args, "--json")
    error = json.loads(told.stdout)["error"]
    assert error["exit"] == code == told.exit_code and re.search(said, error["message"])
    assert log() == before
    return result


def log() -> bytes:
    path = Path(".unseen/log.jsonl")
    return path.read_bytes() if path.exists() else b""


def test_a_day_at_the_registry(here: Path) -> None:
    """With MLflow and all: the challenger is promoted, turns out bad, and is left again."""
    loop = with_database(here)
    loop.register(record("a"), saved(loop, "a"))
    assert done("promote", "people", "--reason", "first").stdout == ("people: version 1 is the champion, promoted\n")
    loop.register(record("b", champion=1), saved(loop, "b"))
    told = json.loads(done("promote", "people", "--reason", "better", "--json").stdout)
    assert (told["version"], told["from"], told["aliases"], told["actor"]) == (2, 1, "in step", "ann@laptop")
    assert done("rollback", "people", "--reason", "complaints since noon").stdout == (
        "people: version 1 is the champion (before: version 2), rolled back\n"
    )
    lines = done("history").stdout.splitlines()
    assert len(lines) == 4 and re.match(r"when \(UTC\) +what +version +from +who +why", lines[0])
    assert re.search(r"^20\S+ \S+ +rolled back +1 +2 +ann@laptop +complaints since noon$", lines[3])
    assert done("history", "--last", 1).stdout.splitlines()[1] == lines[3]
    found = json.loads(done("history", "--json").stdout)["history"]
    assert [(d["kind"], d["version"], d["from"]) for d in found] == [
        ("promoted", 1, None), ("promoted", 2, 1), ("rolled_back", 1, 2),
    ]  # fmt: skip
    status = done("status").stdout
    for said in (
        r"^champion +version 1 of people$",
        r"^since +20\S+ \S+ UTC, rolled back by ann@laptop$",
        r"^why +complaints since noon$",
        r"^batch +batch-a, 200 rows$",
        r"^artefact +intact$",
    ):
        assert re.search(said, status, re.M), status
    assert "aliases" not in status


def test_before_anything_was_decided(here: Path) -> None:
    assert done("status").stdout == "champion    none yet\n"
    assert json.loads(done("status", "--json").stdout)["champion"] is None
    assert done("history").stdout == "people: nothing was decided yet\n"
    assert json.loads(done("history", "--json").stdout) == {"name": "people", "history": []}
    refused(14, "there is no challenger: name a version with --to", "promote", "people", "--reason", "why")
    refused(14, "no champion yet: nothing to roll back", "rollback", "people", "--reason", "why")
    assert not Path(".unseen/mlflow.db").exists()


def test_a_promotion_by_hand_has_its_rules(here: Path, quiet_mlflow: None) -> None:
    loop = registry(here)
    planted(loop, "a")
    planted(loop, "b", passed=False)
    done("promote", "people", "--to", 1, "--reason", "first")
    refused(16, r"version 2 is not promoted: the gates refused it.*--override", "promote", "people", "--reason", "x")
    refused(14, "the log knows no version 9", "promote", "people", "--to", 9, "--reason", "x", "--override")
    refused(2, "Missing option '--reason'", "promote", "people", "--override")
    refused(2, "say why", "promote", "people", "--override", "--reason", " ")
    refused(2, "unseen.yaml is about 'people', not 'flights'", "promote", "flights", "--reason", "x")
    refused(2, "unseen.yaml is about 'people', not 'flights'", "rollback", "flights", "--reason", "x")
    done("promote", "people", "--override", "--reason", "the gate is\nwrong \x1b[31mhere")
    assert "[override: the gates refused it (heldout_drop)]" in done("status").stdout
    last = done("history").stdout.splitlines()[-1]
    assert "the gate is wrong  [31mhere [override: the gates refused it" in last  # one line, nothing steers a terminal
    assert done("promote", "people", "--to", 2, "--reason", "again").stdout == (
        "people: version 2 is the champion, champion already\n"
    )
    refused(14, "version 3", "rollback", "people", "--to", 3, "--reason", "x")


def test_a_broken_champion_is_said_by_name_and_code(here: Path, quiet_mlflow: None) -> None:
    loop = registry(here)
    for id, number in (("a", 1), ("b", 2)):
        planted(loop, id)
        done("promote", "people", "--to", number, "--reason", "why")
    flip(here / ".unseen/artifacts/b/artifacts/model/data/fit/arrays.npz")
    told = call("status")
    assert told.exit_code == 14 and re.search(r"^artefact +/.*arrays\.npz was altered", told.stdout, re.M)
    assert call("status", "--json").exit_code == 14
    done("rollback", "people", "--reason", "its artefact is broken")
    refused(
        14,
        r"version 2 of 'people' is broken: .*arrays\.npz was altered",
        "rollback",
        "people",
        "--to",
        2,
        "--reason",
        "x",
    )  # noqa: E501
    flip(here / ".unseen/log.jsonl")
    for command in (["status"], ["history"], ["rollback", "people", "--reason", "x"]):
        refused(14, r"line \d of .*log\.jsonl was altered", *command)


@pytest.mark.parametrize("command", ["promote", "rollback"])
def test_who_comes_second_gets_a_code_of_its_own(
    here: Path, quiet_mlflow: None, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Between the look at the champion and the lock, someone else was there."""
    loop = registry(here)
    for id in "abcd":
        planted(loop, id)
    done("promote", "people", "--to", 1, "--reason", "first")
    done("promote", "people", "--to", 2, "--reason", "second")
    act = getattr(Registry, command)

    def after_bob(self: Registry, *args: Any, **more: Any) -> Any:
        bobs = {"name": "people", "version": 3, "from": 2, "reason": "mine"}
        self.log.append(PROMOTED, actor="bob@laptop", **bobs)
        return act(self, *args, **more)

    monkeypatch.setattr(Registry, command, after_bob)
    told = call(command, "people", "--reason", "x")
    assert (told.exit_code, told.stdout) == (16, "")
    assert "no longer version 2: version 3 was promoted by bob@laptop" in told.stderr
    now = loop.champion()
    assert now is not None and now.number == 3


def test_aliases_that_cannot_be_moved_are_said_with_the_decision(here: Path) -> None:
    """The database is a text file by now: the decision stands, and the code says that something is left to do."""
    loop = registry(here)
    planted(loop, "a")
    (here / ".unseen/mlflow.db").write_text("no database " * 1000)
    told = call("promote", "people", "--reason", "first")
    assert told.exit_code == 14 and told.stdout == "people: version 1 is the champion, promoted\n"
    assert "the decision stands, but the aliases in MLflow are behind" in told.stderr
    assert loop.champion() is not None
    told = call("rollback", "people", "--to", 1, "--reason", "again", "--json")
    assert told.exit_code == 14 and "are behind" in json.loads(told.stdout)["aliases"]


def test_status_says_when_the_aliases_are_behind(here: Path, quiet_mlflow: None) -> None:
    loop = registry(here)
    planted(loop, "a")
    pointing(loop, challenger=1)
    loop.mirror.note.write_text(json.dumps({"champion": None, "challenger": 1}))
    assert "aliases" not in done("status").stdout
    done("promote", "people", "--reason", "first")
    assert re.search("^aliases +MLflow's are behind", done("status").stdout, re.M)


def test_what_a_retrain_did_is_told(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unseen.ops.registry import entry

    loop = registry(here)
    loop.log.append("retrain", record="a", outcome="refused", reason="column 'age' is missing", version=None)
    monkeypatch.setattr(entry, "now", lambda: "2001-01-01T00:00:00.000+00:00")
    loop.log.append("retrain", record="b", outcome="held", reason="heldout_drop", version=1)
    with open(loop.log.path, "ab") as out:
        out.write(b'{"seq":3')
    loop.log.append("noted")
    lines = done("history").stdout.splitlines()
    assert re.search(r"retrain refused +- +- +ann@laptop +column 'age' is missing$", lines[1])
    assert re.search(r"^2001-01-01 00:00:00 \(clock behind\) +retrain held +1 ", lines[2])
    assert lines[3].endswith("a torn last line of 8 bytes was moved to log.jsonl.torn-3") and len(lines) == 4
    status = done("status").stdout
    assert re.search(r"^retrain +2001-01-01 00:00:00 UTC, held: heldout_drop$", status, re.M)
    assert re.search(r"^clock +it went backwards", status, re.M)


def test_as_real_processes(here: Path) -> None:
    """What a person types, in a process of its own; reading it back needs no MLflow."""
    loop = with_database(here)
    for id in "ab":
        loop.register(record(id), saved(loop, id))
    loop.promote(1, None, "first")
    opening._clients.clear()
    for command, said in (
        (["promote", "people", "--reason", "second"], "version 2 is the champion (before: version 1), promoted"),
        (["rollback", "people", "--reason", "bad"], "version 1 is the champion (before: version 2), rolled back"),
    ):
        ended = subprocess.run([*UNSEEN, *command], capture_output=True, text=True, timeout=200)
        assert (ended.returncode, ended.stderr) == (0, "") and said in ended.stdout
    code = "import sys; from unseen.cli import main\ntry: main()\nfinally: assert 'mlflow' not in sys.modules"
    for name in ("status", "history"):
        ended = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, timeout=200)
        assert (ended.returncode, ended.stderr) == (0, "") and "bad" in ended.stdout


def test_a_log_that_cannot_be_read(here: Path) -> None:
    Path(".unseen/log.jsonl").mkdir(parents=True)
    told = call("status")
    assert told.exit_code == 14 and "log.jsonl cannot be read: Is a directory" in told.stderr
