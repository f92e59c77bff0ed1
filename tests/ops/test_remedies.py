"""What a refusal says is to be typed can be typed, and does what it says; reasons stand where they can be read."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.calling import call
from tests.ops.registry_case import flip, planted, record, registry
from unseen.cli.standing import LONGEST, findings, following, shortened
from unseen.ops import files
from unseen.ops.record import Outcome, Verdict
from unseen.ops.registry import Registry
from unseen.ops.registry.entry import RETRAIN

YAML = "name: people\ndata:\n  path: data\nretries: {attempts: 2, first_seconds: 0.01, most_seconds: 0.02}\n"


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Three versions that were champion; the aliases are another test's matter."""
    (tmp_path / "unseen.yaml").write_text(YAML)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Registry, "align", lambda self: None)
    made = registry(tmp_path)
    for number, id in enumerate("abc", 1):
        planted(made, id)
        assert call("promote", "people", "--to", number, "--reason", "why").exit_code == 0
    return made


def damage(id: str) -> None:
    flip(Path(f".unseen/artifacts/{id}/artifacts/model/data/fit/arrays.npz"))


def typed(said: str) -> list[str]:
    """The commands in a message, as a shell would have them."""
    found = re.findall(r"`unseen ([^`]*)`", said)
    assert found, said
    return found


def test_a_rollback_to_what_is_broken_names_what_is_whole(loop: Registry) -> None:
    damage("b")
    refused = call("rollback", "people", "--reason", "complaints")
    assert refused.exit_code == 14 and "version 2 of 'people' is broken" in refused.stderr
    (way,) = typed(refused.stderr)
    done = call(*shlex.split(way))
    assert done.exit_code == 0, done.output
    assert loop.state().champion.number == 1


def test_a_broken_champion_names_what_is_whole(loop: Registry) -> None:
    damage("c")
    with pytest.raises(Exception, match="Without a champion that loads every candidate is held") as error:
        loop.load(3)
    assert "version" in str(error.value) and "s 1, 2 are whole" in str(error.value)
    assert call(*shlex.split(typed(str(error.value))[0])).exit_code == 0
    assert loop.state().champion.number == 2


def test_where_nothing_else_is_whole_no_command_is_offered(loop: Registry) -> None:
    for id in "ab":
        damage(id)
    refused = call("rollback", "people", "--reason", "complaints")
    assert refused.exit_code == 14 and "no other version is whole" in refused.stderr and "`" not in refused.stderr


def test_what_the_gates_refused_is_promoted_as_the_message_says(loop: Registry) -> None:
    planted(loop, "d", passed=False)
    for refused in (
        call("promote", "people", "--reason", "I know better"),
        call("rollback", "people", "--to", 4, "--reason", "x"),
    ):
        assert refused.exit_code in (14, 16)
        assert "--override" in typed(refused.stderr)[0]
    done = call(*shlex.split(typed(call("promote", "people", "--reason", "x").stderr)[0]))
    assert done.exit_code == 0 and loop.state().champion.number == 4, done.output
    held = record("d", passed=False, outcome=Outcome.HELD, version=4)
    (way,) = following(held)
    assert call(*shlex.split(way.partition("unseen ")[2])).exit_code == 0


def test_rebuild_says_which_artefacts_are_broken(loop: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    from unseen.ops.registry import rebuilding

    damage("b")
    monkeypatch.setattr(rebuilding, "rebuild", lambda settings: rebuilding.Rebuilt())
    monkeypatch.setattr("unseen.ops.registry.rebuild", lambda settings: rebuilding.Rebuilt())
    said = call("rebuild", "people")
    assert said.exit_code == 0 and "MLflow's database is as the log says" in said.stdout
    assert re.search(
        r"^broken: version 2, .*arrays\.npz .*: put a whole copy back \(its fit is whole in ", said.stdout, re.M
    )


# ---- long reasons

LONG = "the candidate lost more than it may against the champion on rows of earlier batches, " * 5


def test_history_stays_a_table_whatever_a_verdict_says(loop: Registry) -> None:
    gates = (
        Verdict(gate="heldout_drop", passed=False, reason=LONG),
        Verdict(gate="memory_drop", passed=False, reason=LONG),
        Verdict(gate="drift", passed=False, reason="a column moved"),
    )
    held = record("e", outcome=Outcome.HELD, gates=gates, version=3, reason=f"{LONG}; a column moved")
    files.write(loop.places.run("e") / "record.json", held.model_dump_json())
    loop.log.append(
        RETRAIN, record="e", outcome="held", reason=held.reason, batch="x", version=3, champion=3, attempts=0
    )
    row, *below = call("history").stdout.splitlines()[-3:]
    assert row.endswith("as said below") and len(row) < 2 * LONGEST
    assert LONG.strip() in below[0] and below[1].split() == ["drift:", "a", "column", "moved"]
    assert LONG.strip() in call("history", "--json").stdout and LONG.strip() in call("show", "e").stdout
    lines = call("status").stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("retrain"))
    assert "heldout_drop, memory_drop: " in lines[at] and lines[at + 1].split() == ["drift:", "a", "column", "moved"]
    assert len(findings(held)) == 2, "what two gates say alike is said once"


def test_a_text_is_cut_between_words() -> None:
    assert shortened("one, two three", 9) == "one, two ..."
    assert shortened("one, two three", 8) == "one ..."
    assert shortened("one two", 9) == "one two"


def test_what_ended_badly_names_the_doctor() -> None:
    for outcome in (Outcome.UNFIT, Outcome.ERROR):
        assert following(record("a", outcome=outcome)) == ["unseen doctor people"]
    assert following(record("a", outcome=Outcome.REFUSED)) == []
