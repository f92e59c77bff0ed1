"""The append-only log: in order, whole or not at all, and never changed without it showing."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.ops.registry_case import python, settings
from unseen.errors import RegistryError
from unseen.ops.places import Places
from unseen.ops.registry import Log, entry


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(Places.of(settings(tmp_path)))


def filled(log: Log, lines: int = 5) -> list[bytes]:
    for i in range(lines):
        log.append("noted", number=i)
    return log.path.read_bytes().splitlines(keepends=True)


def head_of(line: bytes) -> str:
    """What stands beside a log that ends with this line."""
    said = json.loads(line)
    return json.dumps({"seq": said["seq"], "hash": said["hash"]})


def test_entries_come_back_as_they_were_appended(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    assert log.entries() == ()
    monkeypatch.delenv("UNSEEN_ACTOR", raising=False)
    reason = 'line\nbreak, "quotes", \x1b[31m, ünï, \udcff and \u2028'
    first = log.append("promoted", actor="ann@laptop", version=3, reason=reason, share=0.25, nothing=None)
    second = log.append("noted")
    assert log.entries() == (first, second) == Log(Places.of(settings(log.path.parents[1]))).entries()
    assert (first.seq, second.seq, first.actor, second.previous) == (1, 2, "ann@laptop", first.hash)
    assert first.facts["reason"] == reason.replace("\udcff", "?") and first.facts["nothing"] is None
    assert second.actor == entry.whoever() and "@" in second.actor
    assert first.time.endswith("+00:00") and log.verify() is None
    monkeypatch.setenv("UNSEEN_ACTOR", "nightly-job")
    assert log.append("noted").actor == "nightly-job"


def test_an_actor_without_a_name_still_acts(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("uid")

    monkeypatch.delenv("UNSEEN_ACTOR", raising=False)
    monkeypatch.setattr("getpass.getuser", nameless)
    assert log.append("noted").actor.startswith(f"uid{os.getuid()}@")


TAMPERING: dict[str, Any] = {
    "a byte of the middle": (3, lambda x: [*x[:2], x[2].replace(b'"number":2', b'"number":7'), *x[3:]]),
    "a byte of the last": (5, lambda x: [*x[:4], x[4].replace(b'"number":4', b'"number":7')]),
    "a hash": (2, lambda x: [x[0], x[1][:-10] + b"0" * 7 + x[1][-3:], *x[2:]]),
    "one taken out": (3, lambda x: [*x[:2], *x[3:]]),
    "the first taken out": (1, lambda x: x[1:]),
    "two swapped": (2, lambda x: [x[0], x[2], x[1], *x[3:]]),
    "one put in twice": (4, lambda x: [*x[:3], x[2], *x[3:]]),
    "a foreign line": (2, lambda x: [x[0], b'{"seq":2,"kind":"promoted"}\n', *x[1:]]),
    "an empty line": (6, lambda x: [*x, b"\n"]),
    "no text": (4, lambda x: [*x[:3], b"\xff\x00\n", *x[3:]]),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_what_was_altered_is_named_by_its_line(log: Log, how: str) -> None:
    number, change = TAMPERING[how]
    before = filled(log)
    log.path.write_bytes(b"".join(change(before)))
    again = Log(Places.of(settings(log.path.parents[1])))
    said = again.verify()
    assert said is not None and f"line {number} of {log.path} was altered" in said
    with pytest.raises(RegistryError, match=f"line {number} of"):
        again.entries()
    altered = log.path.read_bytes()
    with pytest.raises(RegistryError, match="altered"):
        again.append("promoted", version=1)
    assert log.path.read_bytes() == altered
    assert log.verify() == said  # also the log that had read it before


def test_a_line_forged_with_its_own_hash_does_not_follow(log: Log) -> None:
    filled(log)
    _, forged = entry.draft(3, "promoted", {"version": 9}, "mallory", "", entry.NOTHING)
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join([*lines[:2], forged, *lines[3:]]))
    assert "line 3" in str(log.verify())


@pytest.mark.parametrize("kept", [1, 20, 0.5, -70, -2, -1])
def test_a_torn_last_line_was_never_decided(log: Log, kept: float) -> None:
    lines = filled(log, 3)
    cut = int(kept * len(lines[2])) if isinstance(kept, float) else kept
    torn = lines[2][:cut]
    log.path.write_bytes(b"".join(lines[:2]) + torn)
    log.head.write_text(head_of(lines[1]))  # which a crash in mid-write leaves behind
    again = Log(Places.of(settings(log.path.parents[1])))
    assert [e.seq for e in again.entries()] == [1, 2]  # reading passes over it and leaves it
    assert log.path.read_bytes().endswith(torn)
    again.append("noted", after="the crash")
    kinds = [(e.seq, e.kind) for e in again.entries()]
    assert kinds == [(1, "noted"), (2, "noted"), (3, "repaired"), (4, "noted")] and again.verify() is None
    said = again.entries()[2].facts
    assert said["torn_bytes"] == len(torn)
    assert (log.path.parent / said["kept_as"]).read_bytes() == torn


def test_a_line_that_lost_only_its_newline_is_whole(log: Log) -> None:
    lines = filled(log, 3)
    log.path.write_bytes(b"".join(lines)[:-1])
    again = Log(Places.of(settings(log.path.parents[1])))
    assert [e.seq for e in again.entries()] == [1, 2, 3] and again.verify() is None
    assert log.path.read_bytes() == b"".join(lines)[:-1], "reading changes nothing"
    again.append("noted", after="an editor was here")
    assert [(e.seq, e.kind) for e in again.entries()] == [(n, "noted") for n in (1, 2, 3, 4)]
    assert log.path.read_bytes().startswith(b"".join(lines)) and again.verify() is None
    assert [e.seq for e in Log(Places.of(settings(log.path.parents[1]))).entries()] == [1, 2, 3, 4]


def test_a_full_disk_leaves_the_log_as_it_was(log: Log) -> None:
    """A real short write: the file may not grow by more than ten bytes."""
    before = b"".join(filled(log, 2))
    code = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = Log(Places.of(settings(Path(sys.argv[1]))))
size = log.path.stat().st_size + 10
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
try:
    log.append("promoted", version=4)
except RegistryError as error:
    print(error)
"""
    more = "from unseen.ops.registry import Log\nfrom unseen.ops.places import Places\n"
    out, err = python(f"{more}from unseen.errors import RegistryError\n{code}", log.path.parents[1]).communicate()
    assert "No space left on device" in out and "The log is as it was, nothing was decided" in out, err
    assert log.path.read_bytes() == before and log.verify() is None
    assert log.append("promoted", version=4).seq == 3


@pytest.mark.parametrize("trouble", [errno.ENOSPC, errno.EIO])
def test_a_line_that_does_not_reach_the_disk_is_taken_back(
    log: Log, monkeypatch: pytest.MonkeyPatch, trouble: int
) -> None:
    before = b"".join(filled(log, 2))

    def full(_: int) -> None:
        raise OSError(trouble, os.strerror(trouble))

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(RegistryError, match=os.strerror(trouble)):
            log.append("promoted", version=4)
    assert log.path.read_bytes() == before and len(log.entries()) == 2


def test_a_clock_that_goes_backwards_is_marked_and_changes_no_order(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    for time in ("2026-03-01T10", "2026-03-01T09", "2026-03-01T09", "2026-03-01T10", "2026-03-01T11"):
        monkeypatch.setattr(entry, "now", lambda time=time: f"{time}:00:00.000+00:00")
        log.append("noted")
    assert [e.clock for e in log.entries()] == [None, "behind", "behind", None, None]
    assert [e.seq for e in log.entries()] == [1, 2, 3, 4, 5] and log.verify() is None


def test_many_processes_append_and_no_line_is_lost(log: Log) -> None:
    code = """
from unseen.ops.registry import Log
from unseen.ops.places import Places
log = Log(Places.of(settings(Path(sys.argv[1]))))
for i in range(25):
    log.append("noted", who=sys.argv[2], number=i)
"""
    running = [python(code, log.path.parents[1], who) for who in "abc"]
    assert [p.wait(120) for p in running] == [0, 0, 0], [p.stderr.read() for p in running if p.stderr]
    found = [(e.facts["who"], e.facts["number"]) for e in log.entries()]
    assert sorted(found) == [(who, i) for who in "abc" for i in range(25)]
    assert log.verify() is None and [e.seq for e in log.entries()] == list(range(1, 76))


def test_a_lock_that_is_not_let_go_is_said(log: Log) -> None:
    code = """
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""
    log.append("noted")
    holder = python(code.replace("sys.stdin.read()", "__import__('time').sleep(60)"), log.path.with_name("lock"))
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    log.patience = 0.1
    with pytest.raises(RegistryError, match=r"another command has held .*lock for 0.1 s.*goes with its process"):
        log.append("noted")
    holder.kill()
    holder.communicate()
    assert log.append("noted").seq == 2


def test_a_place_where_no_log_can_be(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(RegistryError, match="cannot be locked"):
        Log(Places.of(settings(tmp_path, state="state"))).append("noted")


def test_another_file_in_the_same_place_is_read_anew(log: Log) -> None:
    lines = filled(log, 4)
    assert len(log.entries()) == 4
    log.head.write_text(head_of(lines[1]))
    log.path.write_bytes(b"".join(lines[:2]))
    assert len(log.entries()) == 2
    log.head.unlink()
    log.path.unlink()
    assert log.entries() == () and log.append("noted").seq == 1


@pytest.mark.parametrize("left", [0, 1, 3, 4])
def test_lines_that_were_cut_off_the_end_are_missed_by_everyone(log: Log, left: int) -> None:
    lines = filled(log)
    log.path.write_bytes(b"".join(lines[:left])) if left else log.path.unlink()
    for reader in (log, Log(Places.of(settings(log.path.parents[1])))):
        with pytest.raises(
            RegistryError, match=f"ends at line {left}, but line 5 had been written: lines were cut off"
        ):
            reader.entries()
        with pytest.raises(RegistryError, match="lines were cut off"):
            reader.append("noted")
    log.head.unlink()  # as the message says, for who wants to go on from here
    assert log.append("noted").seq == left + 1 and log.head.exists()


def test_an_end_that_was_written_anew_is_no_continuation(log: Log) -> None:
    """Whoever can hash can write lines that follow from each other; the head remembers another."""
    lines = filled(log)
    kept = entry.parsed(lines[3])
    _, forged = entry.draft(5, "promoted", {"version": 9}, "mallory", "", kept.hash)
    log.path.write_bytes(b"".join([*lines[:4], forged]))
    assert "line 5" in str(log.verify()) and "log.head remembers" in str(log.verify())


def test_a_log_from_before_heads_is_read_and_gets_one(log: Log) -> None:
    filled(log)
    for damage in (log.head.unlink, lambda: log.head.write_text('{"seq": "x"')):
        damage()
        assert len(log.entries()) >= 5 and log.verify() is None
        log.append("noted")
        assert json.loads(log.head.read_text())["seq"] == len(log.entries())


def test_a_head_that_cannot_be_written_leaves_the_line(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise RegistryError("cannot write log.head: No space left on device")

    filled(log, 2)
    with monkeypatch.context() as broken:
        broken.setattr("unseen.ops.files.write", full)
        assert log.append("noted").seq == 3
    assert len(log.entries()) == 3 and log.append("noted").seq == 4


def test_lines_are_json_for_any_other_tool(log: Log) -> None:
    line = json.loads(filled(log, 1)[0])
    assert {"seq", "time", "actor", "kind", "facts", "previous", "hash"} == set(line)
    assert line["previous"] == "0" * 64 and line["facts"] == {"number": 0}
