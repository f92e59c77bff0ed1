"""MLflow, embedded: what it is told, what it is not told, and what happens when it does not answer."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.ops.registry_case import aliases, ask, fitted, holding, python, record, registered, table, with_database
from unseen.errors import RegistryError
from unseen.ops import files
from unseen.ops.record import Outcome
from unseen.ops.registry import Registry
from unseen.ops.registry.log import Log


@pytest.fixture
def loop(tmp_path: Path) -> Registry:
    return with_database(tmp_path)


def mlversions(loop: Registry) -> list[Any]:
    return sorted(ask(loop, lambda c: c.search_model_versions("name = 'people'")), key=lambda v: int(v.version))


# ---- what it is told


def test_a_version_says_where_it_came_from(loop: Registry) -> None:
    assert registered(loop, "a") == 1
    loop.promote(1, None, "first")
    assert registered(loop, "b", champion=1, passed=False) == 2
    first, second = mlversions(loop)
    known = loop.state().version(2)
    assert first.tags["unseen.outcome"] == "passed" and "unseen.parent" not in first.tags
    told = {k: v for k, v in second.tags.items() if k != "unseen.parameters"}
    assert told == {
        "unseen.record": "b",
        "unseen.batch": "batch-b",
        "unseen.git": "c0ffee",
        "unseen.parent": "1",
        "unseen.settings": "5e771495",
        "unseen.content": known.content,
        "unseen.outcome": "refused by heldout_drop",
    }
    assert (known.run, known.parent, known.batch) == (second.run_id, 1, "batch-b")
    assert aliases(loop) == {"champion": 1, "challenger": 2}


def test_a_run_holds_the_trace_and_the_facts(loop: Registry) -> None:
    registered(loop, "a")
    run = ask(loop, lambda c: c.get_run(loop.versions()[0].run))
    assert run.info.status == "FINISHED" and run.info.run_name == "a"
    assert run.data.params["components"] == "2" and run.data.params["batch"] == "batch-a"
    m = run.data.metrics
    assert (m["validation.heldout"], m["peak_memory"], m["gates_refused"]) == (-8.3, 1e8, 0)
    assert m["missing_share.age"] == pytest.approx(sum(x != x for x in table()["age"]) / 200)
    trace = ask(loop, lambda c: c.get_metric_history(run.info.run_id, "loglik_per_row"))
    assert [(t.step, t.value) for t in sorted(trace, key=lambda t: t.step)] == [(0, -9.0), (1, -8.5), (2, -8.25)]


def test_a_long_trace_and_odd_names_are_taken(loop: Registry) -> None:
    fit = record("a").fit
    assert fit is not None
    long = fit.model_copy(update={"trace": tuple(-1 / (i + 1) for i in range(2500)), "smallest_spread": float("nan")})
    registered(loop, "a", fit=long)
    run = ask(loop, lambda c: c.get_run(loop.versions()[0].run))
    assert len(ask(loop, lambda c: c.get_metric_history(run.info.run_id, "loglik_per_row"))) == 2500
    assert "smallest_spread" not in run.data.metrics


def test_sensitive_columns_are_in_no_metric(tmp_path: Path) -> None:
    loop = with_database(tmp_path, privacy={"sensitive": ["age", "plan"]})
    registered(loop, "a")
    data = ask(loop, lambda c: c.get_run(loop.versions()[0].run)).data
    shares = {name for name in data.metrics if name.startswith("missing_share.")}
    assert shares == {"missing_share.visits", "missing_share.retired"}


def test_no_value_of_the_data_is_anywhere_but_in_the_model(loop: Registry) -> None:
    """Categories are data: they are in the saved fit, which cannot score without them, and nowhere else."""
    registered(loop, "a")
    home = loop.places.home
    with sqlite3.connect(home / "mlflow.db") as database:
        text = "\n".join(database.iterdump())
    rest = [p for p in home.rglob("*") if p.is_file() and p.name not in ("run.json", "arrays.npz", "mlflow.db")]
    text += "".join(p.read_text(errors="replace") for p in rest)
    assert "unseen.batch" in text and not [value for value in ("gold", "blue") if value in text]
    assert list(home.rglob("input_example.json"))  # made up, and its categories are left empty


BEGIN = """
import os
os.chdir(sys.argv[2])
loop = registry(Path(sys.argv[1]))
loop.register(record("a"), saved(loop, "a"))
loop.promote(1, None, "first")
assert loop.behind is None, loop.behind
"""


def test_a_beginning_from_nothing_survives_a_kill_and_makes_no_noise(tmp_path: Path) -> None:
    """The first process is killed while MLflow makes its tables; half of them would be of no use to it."""
    home, cwd = tmp_path / ".unseen", tmp_path / "cwd"
    cwd.mkdir()
    plain = {"GIT_PYTHON_REFRESH": "", "MLFLOW_DISABLE_TELEMETRY": ""}
    first = python(BEGIN, tmp_path, cwd, **plain)
    draft = home / "mlflow.db.making" / "draft.db"
    while not (draft.exists() and draft.stat().st_size > 100_000):
        assert first.poll() is None, first.communicate()
    first.kill()
    first.communicate()
    assert not (home / "mlflow.db").exists()

    second = python(BEGIN, tmp_path, cwd, **plain)
    out, err = second.communicate(timeout=300)
    assert (out, err, second.returncode) == ("", "", 0)
    assert not list(cwd.iterdir())
    assert sorted(p.name for p in home.iterdir()) == [
        "aliases.json",
        "artifacts",
        "lock",
        "log.head",
        "log.jsonl",
        "mlflow.db",
        "mlflow.db.lock",
        "registry.lock",
        "runs",
    ]


def test_reading_imports_no_mlflow(loop: Registry) -> None:
    registered(loop, "a")
    loop.promote(1, None, "first")
    code = """
loop = registry(Path(sys.argv[1]))
loop.status(), loop.history(), loop.champion(), loop.load(1)
heavy = {"mlflow", "pandas", "scipy", "sqlalchemy", "tenacity"} & set(sys.modules)
assert not heavy, heavy
"""
    process = python(code, loop.settings.folder)
    assert process.communicate(timeout=200)[1] == "" and process.returncode == 0


# ---- once, whatever happens in between


def test_the_same_fit_of_the_same_retrain_is_registered_once(loop: Registry) -> None:
    assert [registered(loop, "a") for _ in range(3)] == [1, 1, 1]
    assert len(mlversions(loop)) == 1 and len(loop.versions()) == 1


def test_a_crash_between_mlflow_and_the_log_leaves_no_second_version(
    loop: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(Log, "append", crash)
        with pytest.raises(KeyboardInterrupt):
            registered(loop, "a")
    assert len(mlversions(loop)) == 1 and loop.versions() == ()
    assert registered(loop, "a") == 1
    assert len(mlversions(loop)) == 1
    loop.promote(1, None, "first")  # what was found again is whole


@pytest.mark.parametrize("call", ["log_batch", "log_artifacts", "set_terminated", "create_model_version"])
def test_a_crash_inside_mlflow_leaves_one_run_and_one_version(
    loop: Registry, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    from mlflow import MlflowClient

    def crash(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(MlflowClient, call, crash)
        with pytest.raises(KeyboardInterrupt):
            registered(loop, "a")
    assert loop.versions() == ()
    assert registered(loop, "a") == 1 and len(mlversions(loop)) == 1
    run = loop.versions()[0].run
    assert len(ask(loop, lambda c: c.get_metric_history(run, "loglik_per_row"))) == 3
    experiment = ask(loop, lambda c: c.get_experiment_by_name("people"))
    assert len(ask(loop, lambda c: c.search_runs([experiment.experiment_id]))) == 1
    loop.promote(1, None, "first")


def test_gates_asked_anew_change_what_may_be_promoted(loop: Registry) -> None:
    registered(loop, "a", passed=False)
    assert not loop.versions()[0].passed
    assert registered(loop, "a") == 1  # unseen retrain --again, with other thresholds
    assert loop.versions()[0].passed and loop.promote(1, None, "passes now").facts["version"] == 1
    assert [d["kind"] for d in loop.history()] == ["judged", "promoted"]


def test_another_fit_of_the_same_retrain_is_another_version(loop: Registry) -> None:
    registered(loop, "a")
    shutil.rmtree(loop.places.run("a") / "model")
    fitted(3).save(loop.places.run("a") / "model")
    assert registered(loop, "a") == 2
    assert loop.load(2).model.components == 3 and loop.load(1).model.components == 2


def test_without_a_single_gate_nothing_may_be_promoted(loop: Registry) -> None:
    registered(loop, "a", gates=())
    with pytest.raises(Exception, match="none was configured"):
        loop.promote(1, None, "why")


def test_a_retrain_that_could_not_reach_the_registry_comes_back(loop: Registry) -> None:
    assert registered(loop, "a", outcome=Outcome.REGISTRY) == 1


def test_a_version_that_only_mlflow_knows_is_never_promoted(loop: Registry) -> None:
    """The post-mortem, through MLflow: a script made a version and called it champion."""
    registered(loop, "a")
    loop.promote(1, None, "first")
    source = mlversions(loop)[0].source
    made = ask(loop, lambda c: c.create_model_version("people", source))
    ask(loop, lambda c: c.set_registered_model_alias("people", "champion", made.version))
    assert aliases(loop)["champion"] == 2
    with pytest.raises(RegistryError, match="the log knows no version 2"):
        loop.promote(2, 1, "why", override=True)
    loop.repair()
    assert aliases(loop) == {"champion": 1}


def test_a_database_that_counts_anew_is_refused(loop: Registry) -> None:
    registered(loop, "a")
    old = loop.log.path.read_bytes()
    other = with_database(loop.settings.folder / "other")
    other.log.path.write_bytes(old)
    with pytest.raises(RegistryError, match="does not have version 1 of 'people', which the log knows.*unseen rebuild"):
        registered(other, "b")
    assert mlversions(other) == [] and other.log.path.read_bytes() == old


def test_a_database_that_counts_anew_unseen_is_refused_all_the_same(
    loop: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could not be looked at, and then it could be written to."""
    registered(loop, "a")
    other = with_database(loop.settings.folder / "other")
    other.log.path.write_bytes(loop.log.path.read_bytes())
    monkeypatch.setattr(type(other.tracking), "seen", lambda self: None)
    with pytest.raises(RegistryError, match="counts anew: it gave number 1, which the log knows as another version"):
        registered(other, "b")
    assert mlversions(other) == []


# ---- aliases


def test_aliases_follow_every_decision(loop: Registry) -> None:
    registered(loop, "a")
    assert aliases(loop) == {"challenger": 1}
    loop.promote(1, None, "first")
    assert aliases(loop) == {"champion": 1}
    registered(loop, "b", champion=1)
    assert aliases(loop) == {"champion": 1, "challenger": 2}
    loop.promote(2, 1, "second")
    assert aliases(loop) == {"champion": 2} and loop.behind is None
    loop.rollback(None, "bad")
    assert aliases(loop) == {"champion": 1} and loop.status()["aliases"]["in_step"] is True


def test_a_promotion_stands_when_its_alias_cannot_be_moved(loop: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(loop, "a")
    with holding(loop.places.home / "mlflow.db"):
        loop.promote(1, None, "first")
    assert loop.behind is not None
    assert "the decision stands, but the aliases in MLflow are behind: the registry at sqlite:////" in loop.behind
    assert loop.champion() is not None and loop.status()["aliases"]["in_step"] is False
    registered(loop, "b", champion=1)  # the next command that opens MLflow
    assert aliases(loop) == {"champion": 1, "challenger": 2} and loop.status()["aliases"]["in_step"] is True
    assert loop.behind is None


def test_a_note_that_cannot_be_written_leaves_the_promotion(loop: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise RegistryError("cannot write aliases.json: No space left on device")

    registered(loop, "a")
    with monkeypatch.context() as broken:
        broken.setattr(files, "write", full)
        loop.promote(1, None, "first")
    assert "No space left" in str(loop.behind) and loop.champion() is not None
