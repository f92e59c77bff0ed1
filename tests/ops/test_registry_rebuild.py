"""Log and registry that do not belong together: it is noticed, nothing is decided, and there is a way back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.calling import call
from tests.ops.registry_case import (
    NAME,
    aliases,
    ask,
    fitted,
    flip,
    pointing,
    python,
    record,
    registered,
    registry,
    saved,
    with_database,
)
from tests.ops.test_mlflow_serving import free_port, running
from tests.ops.test_registry_commands import YAML
from unseen.errors import RegistryError
from unseen.ops import files
from unseen.ops.config import settings_hash
from unseen.ops.registry import Registry, entry, rebuild
from unseen.ops.registry.tracking import Tracking


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "unseen.yaml").write_text(YAML)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNSEEN_ACTOR", "ann@laptop")
    return tmp_path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three versions with their records: 1 was champion, 2 is, 3 waits."""
    loop = with_database(tmp_path_factory.mktemp("made"))
    for number, id in ((1, "a"), (2, "b"), (3, "c")):
        version(loop, id, number - 1 or None)
        if number < 3:
            loop.promote(number, number - 1 or None, "why")
    return loop.places.home


@pytest.fixture
def loop(here: Path, made: Path) -> Registry:
    """A copy of it, whose paths have been made its own."""
    shutil.copytree(made, here / ".unseen")
    copy = registry(here)
    copy.repair()
    return copy


def version(loop: Registry, id: str, champion: int | None) -> int:
    """A version with the record of its retrain."""
    facts: dict[str, Any] = {"champion": champion, "settings": settings_hash(loop.settings)}
    files.write(loop.places.run(id) / "record.json", record(id, **facts).model_dump_json())
    return registered(loop, id, **facts)


def said(loop: Registry) -> list[dict[str, Any]]:
    """All that MLflow's own client says of the versions, but for ids and times."""
    found = sorted(ask(loop, lambda c: c.search_model_versions(f"name = '{NAME}'")), key=lambda v: int(v.version))
    out = []
    for v in found:
        run = ask(loop, lambda c, v=v: c.get_run(v.run_id))
        trace = ask(loop, lambda c, v=v: c.get_metric_history(v.run_id, "loglik_per_row"))
        out.append(
            {
                "number": int(v.version),
                "tags": v.tags,
                "source": v.source,
                "params": run.data.params,
                "metrics": run.data.metrics,
                "trace": sorted((t.step, t.value) for t in trace),
                "inputs": [(i.dataset.name, i.dataset.digest, i.dataset.schema) for i in run.inputs.dataset_inputs],
                "status": run.info.status,
            }
        )
    return out


DECIDING = [
    ("promote", NAME, "--to", "3", "--reason", "x"),
    ("rollback", NAME, "--reason", "x"),
    ("rollback", NAME, "--to", "1", "--reason", "x"),
]


def nothing_is_decided(match: str) -> None:
    """Every command says so, with the code of the registry."""
    before = Path(".unseen/log.jsonl").read_bytes() if Path(".unseen/log.jsonl").exists() else b""
    for command in DECIDING:
        done = call(*command)
        assert done.exit_code == 14 and match in done.stderr, (command, done.output)
    told = call("status")
    assert told.exit_code == 14 and match in told.stdout + told.stderr
    loop = registry(Path.cwd())
    with pytest.raises(RegistryError, match=match):
        loop.began(record("d"))
    with pytest.raises(RegistryError, match=match):
        loop.register(record("d"), saved(loop, "a"))
    after = Path(".unseen/log.jsonl").read_bytes() if Path(".unseen/log.jsonl").exists() else b""
    assert after == before


# ---- a database that is gone


def test_a_deleted_database_is_rebuilt_to_the_last_tag(loop: Registry) -> None:
    before, pointed = said(loop), aliases(loop)
    (loop.places.home / "mlflow.db").unlink()
    nothing_is_decided("does not have version 1, 2, 3 of 'people'")
    assert "`unseen rebuild people`" in call(*DECIDING[0]).stderr
    assert not (loop.places.home / "mlflow.db").exists()  # and nothing empty in its place
    done = call("rebuild", NAME)
    assert (done.exit_code, done.stdout) == (0, "people: version 1, 2, 3 made anew\n")
    assert said(loop) == before and aliases(loop) == pointed == {"champion": 2, "challenger": 3}
    assert call("status").exit_code == 0
    lines = loop.log.path.read_bytes()
    assert call("rebuild", NAME).stdout == "people: nothing to rebuild\n"
    assert said(loop) == before and loop.log.path.read_bytes() == lines
    assert call("history").stdout.splitlines()[-1].endswith("MLflow's database made anew, 3 versions; not restored: 0")
    assert call("rollback", NAME, "--reason", "x").exit_code == 0 and aliases(loop) == {"champion": 1, "challenger": 3}
    assert registered(loop, "d", champion=1) == 4


def test_what_was_rebuilt_is_served(loop: Registry) -> None:
    import mlflow

    from tests.ops.registry_case import table

    (loop.places.home / "mlflow.db").unlink()
    rebuild(loop.settings)
    mlflow.set_tracking_uri(loop.tracking.uri)
    import pandas as pd

    served = mlflow.pyfunc.load_model(f"models:/{NAME}@champion").predict(pd.DataFrame(table(9)))
    assert served["log_density"].to_numpy() == pytest.approx(fitted().log_prob(table(9)), abs=1e-12)


def test_an_older_copy_of_the_database_gets_what_it_lacks(loop: Registry) -> None:
    path = loop.places.home / "mlflow.db"
    older = path.with_name("older")
    shutil.copyfile(path, older)
    version(loop, "d", 2)
    before = said(loop)
    os.replace(older, path)
    nothing_is_decided("does not have version 4 of 'people'")
    assert rebuild(loop.settings).versions == (4,)
    assert said(loop) == before


def test_what_cannot_be_restored_is_said(loop: Registry) -> None:
    (loop.places.home / "mlflow.db").unlink()
    (loop.places.run("a") / "record.json").unlink()
    shutil.rmtree(loop.places.home / loop.versions()[2].artifact)
    done = call("rebuild", NAME)
    assert done.exit_code == 0 and done.stdout.splitlines()[0] == "people: version 1, 2, 3 made anew"
    assert "not restored: version 1 has a run without metrics: the record of a is gone" in done.stdout
    assert "not restored: version 3 has no whole artefact: " in done.stdout
    found = said(loop)
    assert [v["number"] for v in found] == [1, 2, 3] and found[0]["tags"]["unseen.batch"] == "batch-a"
    assert found[0]["metrics"] == {} and found[1]["metrics"]
    assert aliases(loop) == {"champion": 2, "challenger": 3}


def test_settings_that_changed_since_are_not_told_as_those_of_then(here: Path, loop: Registry) -> None:
    files.write(loop.places.run("b") / "record.json", record("b", settings="0" * 16).model_dump_json())
    (loop.places.home / "mlflow.db").unlink()
    rebuild(loop.settings)
    first, second = said(loop)[:2]
    assert first["params"]["criterion"] == "bic" and "criterion" not in second["params"]
    assert second["params"]["components"] == "2"


def test_numbers_that_never_became_versions_stay_unused(here: Path) -> None:
    """Somebody else's version had number 2: after a rebuild the log's third is the third again."""
    loop = with_database(here)
    registered(loop, "a")
    source = ask(loop, lambda c: c.get_model_version(NAME, "1").source)
    ask(loop, lambda c: c.create_model_version(NAME, source))
    assert registered(loop, "b") == 3
    (loop.places.home / "mlflow.db").unlink()
    assert rebuild(loop.settings).versions == (1, 3)
    assert [v["number"] for v in said(loop)] == [1, 3] and registered(loop, "c") == 4


def test_a_version_that_somebody_deleted_comes_back(loop: Registry) -> None:
    """MLflow gives no number twice: the file is put aside, and made anew."""
    before = said(loop)
    ask(loop, lambda c: c.delete_model_version(NAME, "1"))
    assert call("status").exit_code == 0  # an old version that is gone hinders nothing
    done = rebuild(loop.settings)
    assert done.versions == (1, 2, 3) and done.aside is not None and done.aside.exists()
    assert said(loop) == before


def test_a_database_with_other_versions_under_these_numbers(loop: Registry, tmp_path: Path) -> None:
    other = with_database(tmp_path / "other")
    for id in "xyz":
        registered(other, id)
    shutil.copyfile(other.places.home / "mlflow.db", loop.places.home / "mlflow.db")
    nothing_is_decided("does not have version 1, 2, 3 of 'people'")
    before = [v["tags"]["unseen.record"] for v in said(other)]
    done = rebuild(loop.settings)
    assert done.aside is not None and [v["tags"]["unseen.record"] for v in said(loop)] == ["a", "b", "c"]
    assert before == ["x", "y", "z"]


def test_without_a_log_there_is_nothing_to_rebuild_from(here: Path) -> None:
    assert call("rebuild", NAME).stdout == "people: nothing to rebuild\n"
    assert call("rebuild", "others").exit_code == 2
    loop = with_database(here)
    registered(loop, "a")
    flip(loop.log.path)
    told = call("rebuild", NAME)
    assert told.exit_code == 14 and "was altered" in told.stderr


# ---- killed, and two at once

KILLED = """
import os, signal
from unseen.ops.registry import rebuild
from unseen.ops.registry.tracking import Tracking
from unseen.ops.registry.mirror import Mirror

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def after(count, act):
    def once(*args, **more):
        global left
        left -= 1
        return die() if left < 0 else act(*args, **more)
    global left
    left = count
    return once

where, count = sys.argv[2], int(sys.argv[3])
home = {"Tracking": Tracking, "Mirror": Mirror}[where.partition(".")[0]]
name = where.partition(".")[2]
setattr(home, name, after(count, getattr(home, name)))
rebuild(settings(Path(sys.argv[1])))
"""


@pytest.mark.parametrize(("where", "count"), [
    ("Tracking.report", 0), ("Tracking.version", 0), ("Tracking.version", 1), ("Mirror.write", 0),
])  # fmt: skip
def test_a_rebuild_that_was_killed_goes_on(loop: Registry, where: str, count: int) -> None:
    before = said(loop)
    (loop.places.home / "mlflow.db").unlink()
    child = python(KILLED, loop.settings.folder, where, count)
    child.communicate(timeout=200)
    assert child.returncode == -signal.SIGKILL
    if where != "Mirror.write":
        assert call(*DECIDING[0]).exit_code == 14
    rebuild(loop.settings)
    assert said(loop) == before and aliases(loop) == {"champion": 2, "challenger": 3}
    experiment = ask(loop, lambda c: c.get_experiment_by_name(NAME))
    assert len(ask(loop, lambda c: c.search_runs([experiment.experiment_id]))) == 3
    assert rebuild(loop.settings).versions == ()


def test_two_rebuilds_at_once_make_each_version_once(loop: Registry) -> None:
    before = said(loop)
    (loop.places.home / "mlflow.db").unlink()
    code = "from unseen.ops.registry import rebuild\nprint(len(rebuild(settings(Path(sys.argv[1]))).versions))"
    pair = [python(code, loop.settings.folder) for _ in range(2)]
    ends = [(*p.communicate(timeout=200), p.returncode) for p in pair]
    assert sorted(end[0] for end in ends) == ["0\n", "3\n"], ends
    assert said(loop) == before


# ---- a log that is gone


def test_a_log_that_is_gone_with_all_its_notes_is_missed_by_what_mlflow_says(loop: Registry) -> None:
    for name in ("log.jsonl", "log.head", "aliases.json"):
        (loop.places.home / name).unlink()
    nothing_is_decided("has no champion, but the registry at")
    told = call("rebuild", NAME)
    assert told.exit_code == 14 and "calls version 2 so: the log was removed" in told.stderr
    assert said(loop) and aliases(loop)["champion"] == 2


def test_a_log_whose_end_was_cut_is_missed_by_every_command(loop: Registry) -> None:
    loop.log.append("retrain", record="c", outcome="held", reason="no", version=3, champion=2)
    loop.log.append("began", record="d")
    whole = loop.log.path.read_bytes().splitlines(keepends=True)
    for missing in (1, 2, 4):
        loop.log.path.write_bytes(b"".join(whole[:-missing]))
        for command in (*DECIDING, ("status",), ("history",), ("rebuild", NAME), ("show", NAME)):
            done = call(*command)
            assert done.exit_code == 14 and "lines were cut off" in done.stderr, (command, done.output)


def test_a_retrain_without_new_data_sees_what_is_wrong_too(here: Path) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    (here / "data").mkdir()
    pq.write_table(pa.table({"x": np.random.default_rng(0).normal(size=400)}), here / "data/1.parquet")
    more = (
        "model: {components: 1}\nfit: {restarts: 1}\ngates: {heldout_drop: 0.1, first: allow, min_heldout_rows: 10}\n"
    )
    (here / "unseen.yaml").write_text(YAML + more)
    with_database(here)
    assert call("retrain", "-q").exit_code == 0
    assert call("retrain", "-q").exit_code == 0  # nothing new
    log, database = here / ".unseen/log.jsonl", here / ".unseen/mlflow.db"
    kept = {path: path.read_bytes() for path in (log, database)}

    flip(log)
    assert (call("retrain", "-q").exit_code, call("retrain", "-q", "--json").exit_code) == (14, 14)
    log.write_bytes(b"".join(kept[log].splitlines(keepends=True)[:-1]))
    done = call("retrain", "-q")
    assert done.exit_code == 14 and "lines were cut off" in done.stdout
    log.write_bytes(kept[log])
    database.unlink()
    done = call("retrain", "-q")
    assert done.exit_code == 14 and "unseen rebuild people" in done.stdout
    assert call("rebuild", NAME).exit_code == 0
    assert call("retrain", "-q").exit_code == 0


# ---- a folder that was moved or copied


def uris(home: Path) -> Iterator[str]:
    with closing(sqlite3.connect(home / "mlflow.db")) as tables:
        yield from (u for (u,) in tables.execute("SELECT artifact_location FROM experiments WHERE name = ?", [NAME]))
        yield from (u for (u,) in tables.execute("SELECT artifact_uri FROM runs"))
        yield from (u for (u,) in tables.execute("SELECT source FROM model_versions"))


def test_a_copy_writes_into_itself(loop: Registry, here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("the größere copy") / "people"
    shutil.copytree(here, copy)
    before = {p: p.read_bytes() for p in loop.places.home.rglob("*") if p.is_file()}
    other = registry(copy)
    assert registered(other, "d", champion=2) == 4
    assert other.promote(4, 2, "in the copy").facts["version"] == 4
    assert all(u.startswith(other.places.home.as_uri()) for u in uris(other.places.home))
    assert other.versions()[3].artifact.startswith("artifacts/") and other.status()["champion"]["intact"]
    assert {p: p.read_bytes() for p in loop.places.home.rglob("*") if p.is_file()} == before
    assert aliases(loop) == {"champion": 2, "challenger": 3} and aliases(other) == {"champion": 4}


def test_a_folder_that_was_moved_goes_on_where_it_is(
    loop: Registry, here: Path, tmp_path_factory: Any, monkeypatch: Any
) -> None:
    new = tmp_path_factory.mktemp("elsewhere") / "people"
    os.rename(here, new)
    monkeypatch.chdir(new)
    told = call("status")
    assert told.exit_code == 0 and f"MLflow's file names {here}/.unseen/artifacts" in told.stdout
    assert f"or `unseen rebuild {NAME}`, renames it" in told.stdout
    assert call("rollback", NAME, "--reason", "moved").exit_code == 0
    assert "moved" not in call("status").stdout.replace("why", "") or "MLflow's file" not in call("status").stdout
    moved = registry(new)
    assert registered(moved, "d", champion=1) == 4 and not here.exists()
    import mlflow

    mlflow.set_tracking_uri(moved.tracking.uri)
    assert mlflow.pyfunc.load_model(f"models:/{NAME}@champion") is not None


def test_a_moved_folder_whose_registry_is_not_in_it_is_refused(
    here: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Renaming paths in a file that others use would take their runs along."""
    shared = tmp_path_factory.mktemp("shared")
    more: dict[str, Any] = {"registry": {"uri": f"sqlite:///{shared}/mlflow.db"}}
    shutil.copyfile(with_database(shared / "made").places.home / "mlflow.db", shared / "mlflow.db")
    loop = registry(here, **more)
    registered(loop, "a")
    copy = tmp_path_factory.mktemp("copy") / "people"
    shutil.copytree(here, copy)
    other = registry(copy, **more)
    with pytest.raises(
        RegistryError, match=r"was moved or copied: it is .*/people/\.unseen now.*Set registry\.experiment"
    ):
        other.register(record("b"), saved(other, "b"))
    assert registered(loop, "c") == 2
    other = registry(copy, registry={**more["registry"], "experiment": "the-copy"})
    assert other.register(record("b"), saved(other, "b")) == 3
    assert (
        other.versions()[-1].artifact.startswith("artifacts/")
        and (copy / ".unseen" / other.versions()[-1].artifact).exists()
    )


# ---- aliases that somebody moved, clocks


def test_an_alias_that_somebody_moved_is_noticed_and_moved_back(loop: Registry) -> None:
    assert loop.aliases().moved == {} and not loop.aliases().behind
    ask(loop, lambda c: c.set_registered_model_alias(NAME, "champion", "1"))
    found = registry(loop.settings.folder).aliases()
    assert (found.log["champion"], found.found and found.found["champion"]) == (2, 1)
    assert found.moved == {"champion": 1} and not found.behind
    told = call("status")
    assert told.exit_code == 0 and "somebody moved champion to version 1 in MLflow" in told.stdout
    known = json.loads(call("status", "--json").stdout)["aliases"]
    assert known["in_step"] is False and known["moved"] == {"champion": 1}
    ask(loop, lambda c: c.delete_registered_model_alias(NAME, "challenger"))
    assert "moved champion to version 1 and challenger to nothing" in call("status").stdout
    assert call("rollback", NAME, "--to", 2, "--reason", "nothing to do").exit_code == 0
    assert aliases(loop) == {"champion": 2, "challenger": 3} and loop.aliases().moved == {}


def test_what_we_did_not_yet_tell_is_no_moved_alias(loop: Registry) -> None:
    loop.promote(3, 2, "why", align=False)
    found = loop.aliases()
    assert found.behind and found.moved == {} and "MLflow's are behind" in call("status").stdout


def test_aliases_that_cannot_be_asked_are_not_guessed(loop: Registry) -> None:
    (loop.places.home / "mlflow.db").write_text("no database " * 1000)
    found = loop.aliases()
    assert found.found is None and found.moved == {} and found.log["champion"] == 2


def test_aliases_at_a_real_server(tmp_path: Path) -> None:
    """The same through MLflow's server, which can lose its database as well."""
    port = free_port()
    store = ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--artifacts-destination", tmp_path / "kept"]
    from tests.ops.test_mlflow_serving import BIN

    command = [BIN / "mlflow", "server", "--host", "127.0.0.1", "--port", port, *store, "--serve-artifacts"]
    loop = registry(tmp_path / "client", registry={"uri": f"http://127.0.0.1:{port}"})
    with running(*command, "--workers", "1", port=port, folder=tmp_path):
        for number, id in ((1, "a"), (2, "b")):
            version(loop, id, number - 1 or None)
        loop.promote(1, None, "why")
        pointing_at = ask(loop, lambda c: c.set_registered_model_alias(NAME, "champion", "2"))
        assert pointing_at is None and loop.aliases().moved == {"champion": 2}
        loop.repair()
        before = said(loop)
    os.rename(tmp_path / "server.db", tmp_path / "lost.db")
    with running(*command, "--workers", "1", port=port, folder=tmp_path):
        with pytest.raises(RegistryError, match=r"does not have version 1, 2 of 'people'.*unseen rebuild people"):
            loop.promote(2, 1, "why")
        done = rebuild(loop.settings)
        assert done.versions == (1, 2) and done.lost == ()
        after = said(loop)
        assert [v.pop("source") for v in before] != [v.pop("source") for v in after]
        assert after == before and aliases(loop) == {"champion": 1, "challenger": 2}
        assert loop.load(1).loglik == fitted().loglik
        loop.promote(2, 1, "why")


def test_a_clock_that_ran_ahead_is_said_and_nothing_is_dated_later_than_now(
    loop: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as wrong:
        wrong.setattr(entry, "now", lambda: "2929-01-01T00:00:00.000+00:00")
        loop.promote(3, 2, "by a clock of another age")
        loop.log.append("retrain", record="c", outcome="promoted", reason="fine", version=3, champion=2)
    loop.log.append("retrain", record="d", outcome="held", reason="no", version=None, champion=3)
    found = loop.status()
    assert found["log"]["clock"] == "ahead" and found["log"]["ahead"] == [6, 7]
    assert found["champion"]["since"] < "2900" and found["retrain"]["record"] == "d"
    assert "it ran ahead: 2 lines from line 6 on are dated later than now" in call("status").stdout
    lines = call("history").stdout.splitlines()
    assert "(clock ahead)" in lines[-2] and "(clock ahead)" not in lines[-1]


def test_pointing_is_what_mlflow_does(loop: Registry) -> None:
    pointing(loop, champion=3, challenger=None)
    assert aliases(loop) == {"champion": 3} and loop.aliases().moved == {"champion": 3, "challenger": None}
    assert isinstance(loop.tracking, Tracking)
