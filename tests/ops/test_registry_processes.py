"""Two at once, and killed in the middle: there is one champion, and everyone knows which."""

from __future__ import annotations

import json
import os
import signal
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.ops.registry_case import aliases, flip, planted, python, registry
from unseen.errors import RegistryError
from unseen.ops import files
from unseen.ops.registry import Registry
from unseen.ops.registry import log as log_module
from unseen.ops.registry.tracking import Tracking

RIVAL = """
import time
from unseen.errors import ConflictError
loop = registry(Path(sys.argv[1]))
print("ready", flush=True)
while not Path(sys.argv[1], "go").exists():
    time.sleep(0.001)
try:
    loop.promote(int(sys.argv[2]), 1, "mine", actor=f"rival-{sys.argv[2]}", align=False)
except ConflictError as error:
    sys.exit(f"told: {error}")
"""


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told_who(tmp_path: Path) -> None:
    loop = registry(tmp_path)
    for id in "abc":
        planted(loop, id)
    loop.promote(1, None, "first", align=False)
    rivals = {number: python(RIVAL, tmp_path, number) for number in (2, 3)}
    for rival in rivals.values():
        assert rival.stdout is not None and rival.stdout.readline() == "ready\n"
    (tmp_path / "go").touch()
    ends = {number: (*rival.communicate(timeout=200), rival.returncode) for number, rival in rivals.items()}
    codes = sorted(end[2] for end in ends.values())
    assert codes == [0, 1], ends
    winner, loser = sorted(ends, key=lambda number: ends[number][2])
    now = Registry(loop.settings).champion()
    assert now is not None and now.number == winner
    assert (
        f"told: the champion is no longer version 1: version {winner} was promoted by rival-{winner}" in ends[loser][1]
    )
    assert [d["version"] for d in loop.history()] == [1, winner]


def killed(action: Callable[[], Any], prepare: Callable[[], Any]) -> None:
    """Do something in a copy of this process that is killed on its way."""
    child = os.fork()
    if child == 0:
        try:
            prepare()
            action()
        except BaseException:
            traceback.print_exc()
        os._exit(77)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, f"it ended by itself: {status}"


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before_the_line() -> None:
    log_module._append = die


def in_mid_line() -> None:
    write = os.write
    os.write = lambda handle, line: (write(handle, line[: len(line) // 2]), die())[0]  # type: ignore[assignment]


def after_the_line() -> None:
    os.fsync = die


def before_the_aliases() -> None:
    Tracking.align = die  # type: ignore[method-assign, assignment]


def between_the_aliases() -> None:
    from mlflow import MlflowClient

    MlflowClient.delete_registered_model_alias = die


def before_the_note() -> None:
    files.write = die


MAKER = """
loop = with_database(Path(sys.argv[1]))
loop.register(record("a"), saved(loop, "a"))
loop.promote(1, None, "first")
loop.register(record("b", champion=1), saved(loop, "b"))
"""

#: where it is killed, and the champion that there is afterwards
POINTS: dict[Callable[[], None], int] = {
    before_the_line: 1,
    in_mid_line: 1,
    after_the_line: 2,
    before_the_aliases: 2,
    between_the_aliases: 2,
    before_the_note: 2,
}


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.__name__)
def test_killed_while_promoting_there_is_one_champion_and_repair_works(
    tmp_path: Path, point: Callable[[], None]
) -> None:
    import mlflow  # noqa: F401  (the child need not import it again)

    one, two = 1, 2
    maker = python(MAKER, tmp_path / "state")  # this process must not have opened what its child will
    assert maker.communicate(timeout=200) and maker.returncode == 0
    loop = registry(tmp_path / "state")
    assert loop.mirror.told()["challenger"] == two
    killed(lambda: loop.promote(two, one, "second"), point)

    after = registry(tmp_path / "state")
    now = after.champion()
    assert now is not None and now.number == POINTS[point]
    assert after.load(now.number).converged
    status = after.status()
    assert status["champion"]["intact"] and status["aliases"]["in_step"] is (now.number == 1)
    after.repair()
    assert after.status()["aliases"]["in_step"] is True
    assert aliases(after) == ({"champion": 1, "challenger": 2} if now.number == 1 else {"champion": 2})
    if now.number == 1:
        after.promote(two, one, "second try")
    assert aliases(after) == {"champion": 2} and after.log.verify() is None
    kinds = [e.kind for e in after.log.entries()]
    assert ("repaired" in kinds) is (point is in_mid_line)


@pytest.mark.parametrize("point", [before_the_line, in_mid_line, after_the_line], ids=lambda point: point.__name__)
def test_killed_while_rolling_back_there_is_one_champion(tmp_path: Path, point: Callable[[], None]) -> None:
    loop = registry(tmp_path)
    for id, number in (("a", 1), ("b", 2)):
        planted(loop, id)
        loop.promote(number, number - 1 or None, "why", align=False)
    killed(lambda: loop.rollback(None, "bad", align=False), point)
    after = registry(tmp_path)
    now = after.champion()
    assert now is not None and now.number == (1 if point is after_the_line else 2)
    after.rollback(1, "once more", align=False)
    assert after.status()["champion"]["version"] == 1 and after.log.verify() is None


def test_a_torn_note_is_no_trouble(tmp_path: Path) -> None:
    loop = registry(tmp_path)
    planted(loop, "a")
    loop.promote(1, None, "first", align=False)
    loop.mirror.note.write_text(json.dumps({"champion": 1, "seq": 2})[:-4])
    assert loop.champion() is not None
    flip(loop.log.path)
    with pytest.raises(RegistryError):
        Registry(loop.settings).champion()
