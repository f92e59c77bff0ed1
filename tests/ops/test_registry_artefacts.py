"""What a version is made of, and what the log says of it: every byte counts."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.ops.registry_case import champion, fitted, flip, planted, pointing, promote, record, registry, table
from unseen.errors import RegistryError
from unseen.ops.registry import Registry, artefact
from unseen.ops.registry.state import State


@pytest.fixture
def loop(tmp_path: Path) -> Registry:
    return registry(tmp_path)


# ---- artefacts

FILES = ["MLmodel", "data/fit/MANIFEST.json", "data/fit/arrays.npz", "data/fit/run.json"]


def place(loop: Registry, id: str) -> Path:
    return loop.places.home / "artifacts" / id / "artifacts" / "model"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ["altered", "missing"])
def test_an_altered_or_missing_file_is_named_by_everything(loop: Registry, name: str, how: str) -> None:
    for id in "abc":
        planted(loop, id)
    promote(loop, 1)
    promote(loop, 2)
    for id in "ac":  # what a rollback and what a promotion would take
        file = place(loop, id) / name
        flip(file) if how == "altered" else file.unlink()
    before = loop.log.path.read_bytes()
    said = rf"{name}.* {'was altered' if how == 'altered' else 'is missing'}"
    with pytest.raises(RegistryError, match=rf"version 1 of 'people' is broken: .*/a/.*{said}"):
        loop.load(1)
    with pytest.raises(RegistryError, match=rf"version 3 of 'people' is broken: .*/c/.*{said}"):
        promote(loop, 3)
    with pytest.raises(RegistryError, match=rf"version 1 of 'people' is broken: .*/a/.*{said}"):
        loop.rollback(None, "why", align=False)
    status = loop.status()
    assert status["champion"]["intact"] and status["champion"]["artefact"] == "intact"
    assert not status["rollback"]["intact"] and name in status["rollback"]["artefact"]
    assert not status["challenger"]["intact"] and name in status["challenger"]["artefact"]
    assert loop.log.path.read_bytes() == before and champion(loop) == 2


def test_a_deleted_champion_is_said_and_can_be_left(loop: Registry) -> None:
    planted(loop, "a")
    planted(loop, "b")
    promote(loop, 1)
    promote(loop, 2)
    shutil.rmtree(place(loop, "b"))
    assert loop.status()["champion"]["artefact"] == f"{place(loop, 'b')} is missing"
    with pytest.raises(RegistryError, match=r"version 2 .* is broken: .* is missing.*unseen rollback people"):
        loop.load(2)
    loop.rollback(None, "its artefact is gone", align=False)
    assert champion(loop) == 1 and loop.load(1).loglik == fitted().loglik


def test_a_consistent_exchange_of_one_fit_for_another_is_seen(loop: Registry) -> None:
    planted(loop, "a")
    shutil.rmtree(place(loop, "a") / "data" / "fit")
    fitted(3).save(place(loop, "a") / "data" / "fit")
    with pytest.raises(RegistryError, match="version 1 .* is broken"):
        promote(loop, 1)


def test_notes_beside_the_files_are_no_tampering(loop: Registry) -> None:
    planted(loop, "a")
    (place(loop, "a") / "registered_model_meta").write_text("MLflow leaves this when it serves a version")
    assert promote(loop, 1).facts["version"] == 1


def test_a_state_folder_may_be_moved(loop: Registry, tmp_path: Path) -> None:
    planted(loop, "a")
    promote(loop, 1)
    shutil.move(loop.places.home, tmp_path / "elsewhere")
    moved = registry(tmp_path, state="elsewhere")
    assert moved.status()["champion"]["artefact"] == "intact"
    assert moved.load(1).loglik == fitted().loglik


class Crooked:
    """A fit whose answers are what it is told."""

    def __init__(self, density: Any, responsibilities: Any, rows: int = 16) -> None:
        self.density, self.r, self.rows = density, responsibilities, rows
        self.model, self.encoding = fitted().model, fitted().encoding

    def outputs(self, _: Any) -> dict[str, Any]:
        return {"log_density": np.zeros(self.rows)}

    def sample(self, n: int, seed: int) -> dict[str, Any]:
        return {}

    def log_prob(self, _: Any) -> Any:
        return self.density

    def responsibilities(self, _: Any) -> Any:
        return self.r


@pytest.mark.parametrize(
    ("density", "r", "said"),
    [
        (np.full(16, np.nan), np.full((16, 2), 0.5), "not finite"),
        (np.append(np.zeros(15), -np.inf), np.full((16, 2), 0.5), "not finite"),
        (np.zeros(3), np.full((16, 2), 0.5), "not finite"),
        (np.zeros(16), np.full((16, 2), 0.6), "do not sum to one"),
        (np.zeros(16), np.full((16, 2), np.nan), "do not sum to one"),
        (np.zeros(16), np.tile([1.5, -0.5], (16, 1)), "do not sum to one"),
    ],
)
def test_what_loads_but_does_not_score_is_not_promoted(
    loop: Registry, monkeypatch: pytest.MonkeyPatch, density: Any, r: Any, said: str
) -> None:
    planted(loop, "a")
    monkeypatch.setattr(artefact, "load", lambda *_: Crooked(density, r))
    with pytest.raises(RegistryError, match=f"version 1 loads, but .*{said}.*: the champion stays"):
        promote(loop, 1)
    assert champion(loop) is None


def test_what_says_something_of_other_rows_is_not_promoted(loop: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(loop, "a")
    monkeypatch.setattr(artefact, "load", lambda *_: Crooked(np.zeros(16), np.full((16, 2), 0.5), rows=15))
    with pytest.raises(RegistryError, match="what it says of rows is not one value for each"):
        promote(loop, 1)


def test_a_scoring_error_of_any_kind_is_a_refusal_without_its_text(
    loop: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("4111-1111-1111-1111")

    planted(loop, "a")
    broken = SimpleNamespace(sample=fails, model=fitted().model, encoding=fitted().encoding)
    monkeypatch.setattr(artefact, "load", lambda *_: broken)
    with pytest.raises(RegistryError, match="does not score its own rows: ZeroDivisionError") as caught:
        promote(loop, 1)
    assert "4111" not in str(caught.value)


def test_the_loaded_fit_is_the_registered_one(loop: Registry) -> None:
    planted(loop, "a")
    rows = table(20, seed=5)
    assert loop.load(1).log_prob(rows).tobytes() == fitted().log_prob(rows).tobytes()


# ---- the log as the only truth


def test_the_log_of_another_model_is_refused(loop: Registry) -> None:
    planted(loop, "a")
    with pytest.raises(RegistryError, match=r"holds the log of 'people', not of 'cars'.*state: in unseen\.yaml"):
        Registry(loop.settings.model_copy(update={"name": "cars"})).state()


def test_lines_that_were_cut_off_are_missed(loop: Registry) -> None:
    planted(loop, "a")
    promote(loop, 1)
    assert champion(loop) == 1
    lines = loop.log.path.read_bytes().splitlines(keepends=True)
    loop.log.path.write_bytes(lines[0])
    with pytest.raises(RegistryError, match="ends at line 1, but line 2 had been written: lines were cut off"):
        loop.champion()
    loop.log.path.unlink()
    with pytest.raises(RegistryError, match="ends at line 0"):
        loop.champion()


def test_nothing_is_decided_on_an_altered_log(loop: Registry) -> None:
    planted(loop, "a")
    planted(loop, "b")
    promote(loop, 1)
    altered = loop.log.path.read_text().replace("batch-a", "batch-x")
    loop.log.path.write_text(altered)
    fresh = Registry(loop.settings)
    for act in (
        lambda: fresh.promote(2, 1, "why", align=False),
        lambda: fresh.rollback(None, "why", align=False),
        fresh.champion,
        fresh.status,
        fresh.history,
    ):
        with pytest.raises(RegistryError, match="line 1 of .* was altered"):
            act()
    assert loop.log.path.read_text() == altered


def test_status_tells_the_whole_standing(loop: Registry) -> None:
    assert loop.status()["champion"] is None and loop.status()["aliases"]["in_step"] is True
    planted(loop, "a")
    planted(loop, "b", champion=1)
    loop.promote(1, None, "first", actor="ann@laptop", align=False)
    loop.promote(2, 1, "second", actor="ann@laptop", align=False)
    planted(loop, "c", passed=False, champion=2)
    loop.log.append("retrain", record="c", outcome="held", reason="heldout_drop", version=3, champion=2)
    status = loop.status()
    now = status["champion"]
    assert (now["version"], now["from"], now["by"], now["reason"]) == (2, 1, "ann@laptop", "second")
    assert status["challenger"]["refused_by"] == ["heldout_drop"] and status["rollback"]["version"] == 1
    assert status["retrain"]["outcome"] == "held" and status["aliases"]["in_step"] is None
    loop.mirror.note.write_text(json.dumps({"champion": 1, "challenger": 3}))
    pointing(loop, champion=1, challenger=3)
    assert loop.status()["aliases"] == {"champion": 1, "challenger": 3, "in_step": False}
    loop.mirror.note.write_text("[not json")
    assert loop.status()["aliases"]["in_step"] is None


def test_history_has_one_line_per_decision(loop: Registry) -> None:
    loop.began(record("a"))
    planted(loop, "a")
    promote(loop, 1)
    loop.log.append("retrain", record="a", outcome="promoted", reason="version 1", version=1)
    loop.began(record("b", champion=1))
    loop.log.append("retrain", record="b", outcome="refused", reason="column 'age' is missing", version=None)
    told = loop.history()
    assert [(t["kind"], t.get("outcome")) for t in told] == [("promoted", None), ("retrain", "refused")]


def test_versions_are_values() -> None:
    assert dataclasses.is_dataclass(State()) and State().champion is None and State().fallback is None
