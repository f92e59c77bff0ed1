"""What is in production: only what was registered, judged, loaded and scored, and always something."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ops.registry_case import NAME, champion, flip, planted, promote, record, registry, saved
from unseen.errors import ConflictError, RegistryError
from unseen.ops.record import Outcome
from unseen.ops.registry import Registry
from unseen.ops.registry.entry import PROMOTED, ROLLED_BACK


@pytest.fixture
def loop(tmp_path: Path) -> Registry:
    return registry(tmp_path)


# ---- promotion


def test_nothing_is_in_production_before_anything_was_promoted(loop: Registry) -> None:
    assert (loop.champion(), loop.challenger(), loop.versions()) == (None, None, ())
    planted(loop, "a")
    assert champion(loop) is None and loop.challenger() == loop.versions()[0]
    with pytest.raises(RegistryError, match="has no champion yet: nothing to roll back"):
        loop.rollback(None, "why")


def test_a_promotion_is_one_line_that_says_who_when_from_to_and_why(loop: Registry) -> None:
    planted(loop, "a")
    planted(loop, "b", champion=1)
    first = loop.promote(1, None, "the first", actor="ann@laptop", align=False)
    before = loop.log.path.read_bytes()
    second = loop.promote(2, 1, "better on held-out rows", actor="bob@laptop", align=False)
    assert loop.log.path.read_bytes().startswith(before)
    assert loop.log.path.read_bytes().count(b"\n") == before.count(b"\n") + 1
    assert (first.kind, first.facts["from"], first.actor) == (PROMOTED, None, "ann@laptop")
    assert second.facts == {"name": NAME, "version": 2, "from": 1, "reason": "better on held-out rows"}
    known = loop.champion()
    assert known is not None and (known.number, known.record, known.parent, known.batch) == (2, "b", 1, "batch-b")
    assert loop.challenger() is None
    assert Registry(loop.settings).champion() == known  # another process sees the same


def test_who_comes_second_is_told_who_was_first(loop: Registry) -> None:
    for id in "abc":
        planted(loop, id)
    loop.promote(1, None, "first", align=False)
    loop.promote(3, 1, "mine", actor="ann@laptop", align=False)
    before = loop.log.path.read_bytes()
    with pytest.raises(ConflictError, match="no longer version 1: version 3 was promoted by ann@laptop at 20"):
        loop.promote(2, 1, "mine too", align=False)
    with pytest.raises(ConflictError, match="no longer none"):
        loop.promote(2, None, "first?", align=False)
    assert loop.log.path.read_bytes() == before


def test_promoting_the_champion_changes_nothing(loop: Registry) -> None:
    planted(loop, "a")
    first = promote(loop, 1)
    assert loop.promote(1, None, "again, after a crash", align=False) == first
    assert len(loop.history()) == 1


def test_a_champion_that_never_was_is_no_expectation(loop: Registry) -> None:
    planted(loop, "a")
    with pytest.raises(ConflictError, match="version 7 is no champion: there is none yet"):
        loop.promote(1, 7, "why", align=False)


def test_what_the_gates_refused_needs_a_word_of_its_own(loop: Registry) -> None:
    planted(loop, "a", passed=False)
    with pytest.raises(
        ConflictError, match=r"the gates refused it \(heldout_drop\); `unseen promote people --to 1 --override"
    ):
        promote(loop, 1)
    assert champion(loop) is None
    entry = promote(loop, 1, override=True)
    assert "gates refused it (heldout_drop)" in entry.facts["override"]
    assert "override" in loop.history()[-1] and champion(loop) == 1


def test_an_override_where_none_was_needed_is_not_logged_as_one(loop: Registry) -> None:
    planted(loop, "a")
    assert "override" not in promote(loop, 1, override=True).facts


# ---- the post-mortem: a failed retrain was promoted


@pytest.mark.parametrize("outcome", [o for o in Outcome if o not in ("promoted", "held", "registry")])
def test_a_failed_retrain_is_never_registered(loop: Registry, outcome: Outcome) -> None:
    failed = record("a", outcome=outcome)
    with pytest.raises(RegistryError, match=f"ended as {outcome} without a usable fit: it is no version"):
        loop.register(failed, saved(loop, "a"))
    assert not loop.log.path.exists()


@pytest.mark.parametrize("lacking", ["fit", "batch"])
def test_a_retrain_that_has_nothing_to_show_is_never_registered(loop: Registry, lacking: str) -> None:
    with pytest.raises(RegistryError, match="without a usable fit"):
        loop.register(record("a", **{lacking: None}), saved(loop, "a"))


def test_a_failed_retrain_can_not_be_promoted_by_any_number(loop: Registry) -> None:
    """The job died after the fit, and the next step took whatever lay there as the newest version."""
    planted(loop, "good")
    promote(loop, 1)
    dead = saved(loop, "dead")  # a fit on disk that no gate has seen
    with pytest.raises(RegistryError, match="ended as error"):
        loop.register(record("dead", outcome=Outcome.ERROR), dead)
    for override in (False, True):
        with pytest.raises(RegistryError, match=r"the log knows no version 2.*the nearest are: 1"):
            promote(loop, 2, override=override)
    with pytest.raises(RegistryError, match="knows no version 2"):
        loop.rollback(2, "to the newest")
    assert champion(loop) == 1


def test_a_log_that_promotes_what_was_never_registered_is_not_believed(loop: Registry) -> None:
    planted(loop, "a")
    loop.log.append(PROMOTED, name=NAME, version=9, reason="a script of ours", **{"from": None})
    with pytest.raises(RegistryError, match="line 2 of the log decides about version 9, which was never registered"):
        loop.champion()


def test_no_fit_no_version(loop: Registry) -> None:
    run = saved(loop, "a")
    flip(run / "model" / "arrays.npz")
    with pytest.raises(RegistryError, match=r"retrain a cannot be registered: .*arrays\.npz was altered"):
        loop.register(record("a"), run)
    with pytest.raises(RegistryError, match="cannot be registered: there is no run"):
        loop.register(record("b"), loop.places.run("b"))


# ---- rollback

STORIES: dict[str, tuple[str, int | None]] = {
    "1": ("p1", None),
    "one back": ("p1 p2", 1),
    "not where it came back from": ("p1 p2 p3 r2", 1),
    "all the way": ("p1 p2 p3 r2 r1", None),
    "past what was bad": ("p1 p2 r1 p3", 1),
    "there and back": ("p1 p2 p1", 2),
    "bad, then good again": ("p1 p2 r1 p2", 1),
    "bad, good again, then another": ("p1 p2 r1 p2 p3", 2),
}


@pytest.mark.parametrize("story", STORIES)
def test_where_a_rollback_goes(loop: Registry, story: str) -> None:
    steps, target = STORIES[story]
    for id in "abc":
        planted(loop, id)
    last = ""
    for step in steps.split():
        number = int(step[1:])
        if step[0] == "p":
            promote(loop, number, override=True)
        else:  # a second step back has to be named
            to = number if last == "r" else None
            assert loop.rollback(to, "bad", align=False).facts["version"] == number
        last = step[0]
    fallback = loop.state().fallback
    assert (fallback.number if fallback else None) == target
    before = champion(loop)
    if last == "r":
        again = loop.rollback(None, "typed again", align=False)
        assert again == loop.log.entries()[-1] and champion(loop) == before
        assert target is None or loop.rollback(target, "further", align=False).facts["from"] == before
    elif target is None:
        with pytest.raises(RegistryError, match="there is no earlier champion than version"):
            loop.rollback(None, "bad", align=False)
        assert champion(loop) == before
    else:
        entry = loop.rollback(None, "bad", actor="ann@laptop", align=False)
        assert (entry.kind, entry.facts["from"], entry.facts["version"]) == (ROLLED_BACK, before, target)
        assert champion(loop) == target


def test_a_rollback_to_a_named_version_goes_to_former_champions_only(loop: Registry) -> None:
    for id in "abcd":
        planted(loop, id)
    for number in (1, 2, 3):
        promote(loop, number)
    with pytest.raises(RegistryError, match=r"version 4 was never champion.*unseen promote people --to 4"):
        loop.rollback(4, "why", align=False)
    assert loop.rollback(1, "why", align=False).facts["from"] == 3
    again = loop.rollback(1, "pressed twice", align=False)
    assert again == loop.log.entries()[-1] and champion(loop) == 1 and again.facts["reason"] == "why"


def test_a_rollback_that_is_typed_again_takes_no_second_step(loop: Registry) -> None:
    """It was killed before it could say that it was done; a promotion in between makes it a rollback of that."""
    for id in "abcd":
        planted(loop, id)
    for number in (1, 2, 3):
        promote(loop, number)
    first = loop.rollback(None, "bad", align=False)
    assert first.facts["version"] == 2
    assert [loop.rollback(None, "bad", align=False) for _ in range(3)] == [first] * 3
    assert loop.rollback(2, "bad", align=False) == first
    assert loop.rollback(1, "worse", align=False).facts["from"] == 2
    promote(loop, 4)
    assert loop.rollback(None, "bad", align=False).facts["version"] == 1


def test_two_people_who_roll_back_go_back_once(loop: Registry) -> None:
    for id in "abc":
        planted(loop, id)
    for number in (1, 2, 3):
        promote(loop, number)
    loop.rollback(None, "first", expected=3, actor="ann@laptop", align=False)
    with pytest.raises(ConflictError, match="no longer version 3: version 2 was rolled back by ann@laptop"):
        loop.rollback(None, "second", expected=3, align=False)
    assert champion(loop) == 2


def test_what_production_went_back_from_does_not_come_back_by_itself(loop: Registry) -> None:
    planted(loop, "a")
    planted(loop, "b")
    promote(loop, 1)
    promote(loop, 2)
    loop.rollback(None, "complaints", align=False)
    with pytest.raises(
        ConflictError,
        match="version 2 is not promoted: production went back from it; `unseen promote people --to 2 --override",
    ):
        promote(loop, 2)
    assert loop.challenger() is None  # and it is not offered either
    assert "went back" in promote(loop, 2, override=True).facts["override"]
