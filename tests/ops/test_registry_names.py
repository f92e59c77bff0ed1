"""One way to name a model: NAME, NAME@VERSION, NAME@champion, NAME@challenger, wherever a run is asked for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.calling import call
from tests.ops.registry_case import fitted, flip, planted, promote, registry, saved, table
from tests.ops.test_registry_commands import YAML
from unseen.errors import ConfigError, RegistryError
from unseen.ops.registry import Registry, resolve


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "unseen.yaml").write_text(YAML)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def loop(here: Path) -> Registry:
    """Version 1 has two components and is champion; version 2 has three and waits."""
    made = registry(here)
    planted(made, "a")
    promote(made, 1)
    run = made.places.run("b")
    fitted(3).save(run / "model")
    planted(made, "b")
    pq.write_table(pa.table(table(40, seed=2)), here / "rows.parquet")
    return made


NAMES = {"people": 2, "people@champion": 2, "people@1": 2, "people@challenger": 3, "people@2": 3}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_means_a_run(loop: Registry, name: str) -> None:
    import unseen

    assert unseen.load(resolve(name)).model.components == NAMES[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_about_a_run_takes_a_name(loop: Registry, here: Path, name: str) -> None:
    commands: list[tuple[Any, ...]] = [
        ("show", name, "--json"),
        ("score", name, "rows.parquet", "--json"),
        ("assign", name, "rows.parquet", "-o", "assigned.parquet", "--json"),
        ("impute", name, "rows.parquet", "-o", "full.parquet", "--json"),
        ("sample", name, "-n", "5", "--json"),
        ("report", name, "-o", "page.html", "--json"),
    ]
    for command in commands:
        done = call(*command)
        assert done.exit_code == 0, (command, done.output)
        json.loads(done.stdout)
    r = [c for c in pq.read_table(here / "assigned.parquet").column_names if c.startswith("responsibility")]
    assert len(r) == NAMES[name]
    number = 1 if NAMES[name] == 2 else 2
    assert call("show", name).stderr == f"unseen: {name} is version {number} of people\n"


def test_the_same_numbers_as_of_the_folder(loop: Registry, here: Path) -> None:
    shutil.copytree(loop.places.run("a") / "model", here / "plain")
    answers = [json.loads(call("score", run, "rows.parquet", "--json").stdout) for run in ("people@1", "plain")]
    for answer in answers:
        answer.pop("run", None)
    assert answers[0] == answers[1]


def test_the_doctor_takes_the_version_of_a_name(loop: Registry) -> None:
    from tests.ops.registry_case import pointing, record
    from unseen.ops import files

    pointing(loop, champion=1, challenger=2)
    for id in "ab":
        files.write(loop.places.run(id) / "record.json", record(id).model_dump_json())
    for name, id in (("people@2", "b"), ("people@champion", "a")):
        found = json.loads(call("doctor", name, "--json").stdout)
        assert found["subject"] == name and any(f"unseen doctor {id}" in d["command"] for d in found["found"])
    assert call("doctor", "people@9").exit_code == 14


# ---- which of two that could be meant


def test_a_folder_that_is_a_run_wins_and_it_is_told(loop: Registry, here: Path) -> None:
    fitted(3).save(here / "people")
    done = call("show", "people")
    assert done.exit_code == 0 and "people is a folder of runs here, and it is taken; people@champion" in done.stderr
    assert json.loads(call("show", "people", "--json").stdout)["run"] == "people"
    assert call("show", "people@champion").stderr == "unseen: people@champion is version 1 of people\n"
    shutil.move(here / "people", here / "inside")
    (here / "people").mkdir()
    shutil.move(here / "inside", here / "people/one")
    done = call("show", "people")
    assert "it is taken" in done.stderr and "newest run in people: one" in done.stderr


def test_a_folder_that_holds_no_run_does_not_stand_in_the_way(loop: Registry, here: Path) -> None:
    (here / "people").mkdir()
    (here / "people/notes.txt").write_text("about people")
    done = call("show", "people")
    assert done.exit_code == 0
    assert done.stderr == "unseen: people is version 1 of people (the folder people here holds no run)\n"


@pytest.mark.parametrize("written", ["name: people # ours", "name: 'people'", 'name: "people"'])
def test_however_the_name_is_written(loop: Registry, here: Path, written: str) -> None:
    (here / "unseen.yaml").write_text(YAML.replace("name: people", written))
    assert call("show", "people").exit_code == 0


def test_a_path_stays_a_path(loop: Registry, here: Path) -> None:
    """Folders are not looked up as names, whatever state the project is in."""
    fitted().save(here / "runs" / "one")
    (here / "unseen.yaml").write_text("name: [broken")
    for run in ("runs", "runs/one", "./runs"):
        assert call("show", run).exit_code == 0
    told = call("show", "nothing")
    assert (
        told.exit_code == 5
        and told.stderr == "unseen: there is no run at nothing: give the folder that unseen fit printed\n"
    )


# ---- what cannot be meant

REFUSALS = [
    ("people@9", 14, "the log knows no version 9"),
    ("people@best", 14, "people@best names no version: write people@3, people@champion or people@challenger"),
    ("people@", 14, "people@ names no version"),
    ("others@1", 14, "the model here is 'people', not 'others'"),
    ("others", 5, "there is no run at others"),
]


@pytest.mark.parametrize(("name", "code", "said"), REFUSALS)
def test_what_is_no_model_is_said(loop: Registry, name: str, code: int, said: str) -> None:
    done = call("show", name)
    assert done.exit_code == code and said in done.stderr and len(done.stderr.splitlines()) == 1


def test_nothing_is_champion_yet(here: Path) -> None:
    for name in ("people", "people@champion", "people@challenger"):
        done = call("show", name)
        assert done.exit_code == 14 and "yet: `unseen status` shows what there is" in done.stderr


def test_outside_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = call("show", "people@1")
    assert done.exit_code == 5 and "no unseen.yaml here that could have a model of that name" in done.stderr
    with pytest.raises(ConfigError, match=r"there is no unseen\.yaml"):
        resolve("people")


def test_an_altered_run_is_not_taken(loop: Registry) -> None:
    """The artefact is whole where the copy is not; when neither is, it is said."""
    kept, placed = loop.places.run("a") / "model", loop.places.home / loop.versions()[0].artifact / "data/fit"
    assert resolve("people") == kept
    flip(kept / "arrays.npz")
    assert resolve("people") == placed
    flip(placed / "arrays.npz")
    with pytest.raises(RegistryError, match=r"version 1 of 'people' is broken: .*arrays\.npz was altered"):
        resolve("people")
    shutil.rmtree(kept)
    assert call("score", "people", "rows.parquet").exit_code == 14


def test_a_log_that_cannot_be_trusted_names_nothing(loop: Registry) -> None:
    flip(loop.log.path)
    done = call("show", "people")
    assert done.exit_code == 14 and "was altered" in done.stderr


def test_a_run_is_kept_in_the_state_folder(loop: Registry) -> None:
    assert saved(loop, "a") / "model" == resolve("people@1")
