"""What people who know MLflow look for: types, an example, data sets, resources, and artefacts that nobody altered."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import unseen
from tests.ops.registry_case import NAME, ask, fitted, flip, record, registered, with_database
from tests.ops.test_mlflow_serving import BIN, free_port, post, running
from unseen.ops.config.settings import Settings
from unseen.ops.registry import Registry
from unseen.ops.registry.artefact import SUMS
from unseen.ops.registry.report import metric_key

#: of every kind one column that had holes in training and one that had none
TYPES = {
    "whole": "long",
    "whole_holes": "double",
    "truth": "boolean",
    "truth_holes": "double",
    "number": "double",
    "number_holes": "double",
    "word": "string",
    "word_holes": "string",
}


def columns(rows: int = 240) -> pa.Table:
    draw = np.random.default_rng(4)
    old, hole = draw.random(rows) < 0.5, draw.random((4, rows)) < 0.15
    whole, truth = draw.poisson(np.where(old, 9, 2), (2, rows)), old ^ (draw.random((2, rows)) < 0.1)
    number, word = draw.normal(np.where(old, 70.123, 25.456), 4, (2, rows)), np.where(old, "gold", "blue")
    return pa.table(
        {
            "whole": whole[0],
            "whole_holes": pa.array(whole[1], mask=hole[0]),
            "truth": truth[0],
            "truth_holes": pa.array(truth[1], mask=hole[1]),
            "number": number[0],
            "number_holes": pa.array(number[1], mask=hole[2]),
            "word": word,
            "word_holes": pa.array(word, mask=hole[3]),
        }
    )


@functools.cache
def mixed() -> Any:
    families = {"whole": unseen.Poisson(), "truth": unseen.Bernoulli(), "number": unseen.Gaussian()}
    terms = {(n,): families.get(n.partition("_")[0], unseen.Categorical()) for n in TYPES}
    return unseen.fit(unseen.Mixture(unseen.Product(terms), 2), columns(), restarts=1)


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    made = with_database(tmp_path_factory.mktemp("users"))
    mixed().save(made.places.run("a") / "model")
    made.register(record("a"), made.places.run("a"))
    made.promote(1, None, "first")
    return made


@pytest.fixture(scope="module")
def model(loop: Registry) -> Any:
    import mlflow

    mlflow.set_tracking_uri(loop.tracking.uri)
    return mlflow.pyfunc.load_model(f"models:/{NAME}@champion")


def folder(loop: Registry, number: int = 1) -> Path:
    return loop.places.home / loop.state().version(number).artifact


def expected(data: pd.DataFrame) -> Any:
    return mixed().log_prob(data)


# ---- signature


def test_the_signature_has_a_type_for_every_column(model: Any) -> None:
    inputs = model.metadata.signature.inputs.to_dict()
    assert {c["name"]: c["type"] for c in inputs} == TYPES and all(c["required"] for c in inputs)
    outputs = {c["name"]: c["type"] for c in model.metadata.signature.outputs.to_dict()}
    responsibilities = {f"responsibility_{k}": "double" for k in range(2)}
    assert outputs == {"component": "long", "log_density": "double", **responsibilities}


def test_data_with_its_own_holes_is_scored_as_the_fit_does(model: Any) -> None:
    """As pandas has it: whole numbers and truth values with holes are floats there, or objects."""
    data = columns().to_pandas()
    assert data["whole_holes"].dtype == float and data["truth_holes"].dtype == object
    answer = model.predict(data)
    np.testing.assert_allclose(answer["log_density"], expected(data), rtol=1e-12)


def test_what_mlflow_cannot_convert_is_refused_by_name_and_not_taken_for_something_else(model: Any) -> None:
    data = columns().to_pandas().astype({"whole_holes": "Int64"})
    with pytest.raises(Exception, match="whole_holes"):
        model.predict(data)
    np.testing.assert_allclose(model.predict(data.astype({"whole_holes": float}))["log_density"], expected(data))


def test_a_server_takes_holes_where_there_were_some(loop: Registry, tmp_path: Path) -> None:
    """The real server; mlflow issue 25593 is about the columns with holes."""
    port = free_port()
    command = [BIN / "mlflow", "models", "serve", "-m", f"models:/{NAME}@champion", "--env-manager", "local"]
    uri = {"MLFLOW_TRACKING_URI": loop.tracking.uri}
    data = columns().to_pandas().iloc[:40]
    assert data[["whole_holes", "truth_holes", "number_holes", "word_holes"]].isna().any().all()
    example = json.loads((folder(loop) / "serving_input_example.json").read_text())
    with running(*command, "-p", port, "-h", "127.0.0.1", port=port, folder=tmp_path, **uri) as address:
        split = {"columns": list(data), "data": data.astype(object).where(data.notna(), None).to_numpy().tolist()}
        status, answer = post(address, {"dataframe_split": split})
        assert status == 200, answer
        got = [row["log_density"] for row in answer["predictions"]]
        np.testing.assert_allclose(got, expected(data), rtol=1e-12)
        nothing = dict.fromkeys(TYPES) | {"whole": 3, "truth": False}
        status, answer = post(address, {"dataframe_records": [nothing]})
        assert status == 200
        wanted = mixed().log_prob(pd.DataFrame([nothing]).astype({"number": float, "word": object}))
        np.testing.assert_allclose(answer["predictions"][0]["log_density"], wanted, rtol=1e-12)
        status, answer = post(address, example)
        assert status == 200 and len(answer["predictions"]) == 2


# ---- example


def test_the_example_is_made_up_and_scores(loop: Registry, model: Any) -> None:
    from mlflow.models.utils import load_serving_example
    from mlflow.pyfunc import load_model

    again = load_model(str(folder(loop)))
    example = again.input_example
    assert list(example.columns) == list(TYPES) and len(example) == 2
    assert np.isfinite(model.predict(example)["log_density"]).all()
    assert json.loads(load_serving_example(str(folder(loop))))["dataframe_split"]["columns"] == list(TYPES)
    rows = {tuple(row) for row in columns().to_pandas()[["number", "number_holes"]].round(6).to_numpy()}
    assert not {tuple(row) for row in example[["number", "number_holes"]].to_numpy()} & rows
    assert example[["word", "word_holes"]].isna().all().all()  # categories are data


def test_the_example_leaves_sensitive_columns_empty(tmp_path: Path) -> None:
    loop = with_database(tmp_path, privacy={"sensitive": ["number", "whole", "truth"]})
    mixed().save(loop.places.run("a") / "model")
    loop.register(record("a"), loop.places.run("a"))
    said = json.loads((folder(loop) / "input_example.json").read_text())
    for row in said["data"]:
        cells = dict(zip(said["columns"], row, strict=True))
        assert (cells["number"], cells["whole"], cells["truth"]) == (None, 0, False) and cells["number_holes"]


# ---- inputs, resources, lineage


def test_a_run_says_which_data_it_was_made_of(loop: Registry) -> None:
    run = ask(loop, lambda c: c.get_run(loop.versions()[0].run))
    inputs = run.inputs.dataset_inputs
    assert [(i.dataset.name, i.dataset.digest) for i in inputs] == [("a", "a" * 36), ("b", "b" * 36)]
    for i, sha256 in zip(inputs, ("a" * 64, "b" * 64), strict=True):
        assert [(t.key, t.value) for t in i.tags] == [("mlflow.data.context", "training")]
        assert json.loads(i.dataset.source) == {"uri": "data"} and i.dataset.source_type == "local"
        told = {c["name"]: c["type"] for c in json.loads(i.dataset.schema)["mlflow_colspec"]}
        assert told == TYPES and json.loads(i.dataset.profile)["sha256"] == sha256
    found = ask(loop, lambda c: c.search_runs([run.info.experiment_id], f"dataset.digest = '{'b' * 36}'"))
    assert [r.info.run_id for r in found] == [run.info.run_id]  # which versions saw that file?


def test_a_sensitive_column_is_not_in_the_schema_of_the_data(tmp_path: Path) -> None:
    loop = with_database(tmp_path, privacy={"sensitive": ["age"]})
    registered(loop, "a")
    run = ask(loop, lambda c: c.get_run(loop.versions()[0].run))
    assert (
        "age" not in run.inputs.dataset_inputs[0].dataset.schema
        and "visits" in run.inputs.dataset_inputs[0].dataset.schema
    )


def test_a_run_says_what_it_took_and_what_it_replaced(tmp_path: Path) -> None:
    loop = with_database(tmp_path)
    registered(loop, "a")
    loop.promote(1, None, "first")
    registered(loop, "b", champion=1)
    run = ask(loop, lambda c: c.get_run(loop.versions()[1].run))
    m = run.data.metrics
    assert (m["cpu_seconds"], m["peak_memory"], m["cost"], m["retrain_seconds"]) == (1.5, 1e8, 0.01, 1.0)
    assert run.data.params["parent"] == "1" and run.data.tags["unseen.parent"] == "1"
    assert run.data.params["batch"] == run.data.tags["unseen.batch"] == "batch-b"


def test_a_normal_retrain_has_told_what_it_took(tmp_path: Path) -> None:
    """From the command to MLflow's client: nothing is left to a record that is closed later."""
    import pyarrow.parquet as pq

    from unseen.ops.retrain import retrain

    (tmp_path / "data").mkdir()
    for month in ("01", "02"):
        draw = np.random.default_rng(int(month))
        pq.write_table(
            pa.table({"x": draw.normal(size=300), "y": draw.normal(size=300)}), tmp_path / f"data/{month}.parquet"
        )
    known = {"name": NAME, "data": {"path": "data/*.parquet"}, "model": {"components": [1]}, "fit": {"restarts": 1}}
    settings = Settings.model_validate({**known, "limits": {"price_per_core_hour": 0.5}})
    settings._folder = tmp_path
    loop = with_database(tmp_path, **{k: v for k, v in known.items() if k != "name"})
    done = retrain(settings)
    assert done.version == 1, done.reason
    run = ask(loop, lambda c: c.get_run(loop.versions()[0].run))
    m = run.data.metrics
    assert m["cpu_seconds"] > 0 and 1e7 < m["peak_memory"] < 1e11 and m["retrain_seconds"] > 0
    assert m["cost"] == pytest.approx(m["cpu_seconds"] / 3600 * 0.5)
    trace = ask(loop, lambda c: c.get_metric_history(run.info.run_id, "loglik_per_row"))
    assert len(trace) == m["iterations"] >= 1 or len(trace) >= 1
    digests = {i.dataset.name: json.loads(i.dataset.profile) for i in run.inputs.dataset_inputs}
    from hashlib import sha256

    for month in ("01.parquet", "02.parquet"):
        assert digests[month] == {
            "num_rows": 300,
            "sha256": sha256((tmp_path / "data" / month).read_bytes()).hexdigest(),
        }


# ---- names of columns

ODD = ["a//b", "/a", "a/../b", "a" * 240, "ä", "a b", " ", "..", "a\nb", "a:b", "é" * 200, "a" * 239 + "b"]


def test_any_column_may_be_told_of(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    data = {name: np.where(draw.random(60) < 0.2, np.nan, draw.normal(size=60)) for name in ODD}
    terms = {(name,): unseen.Gaussian() for name in ODD}
    fit = unseen.fit(unseen.Mixture(unseen.Product(terms), 1), data)
    loop = with_database(tmp_path)
    fit.save(loop.places.run("a") / "model")
    assert loop.register(record("a"), loop.places.run("a")) == 1
    loop.promote(1, None, "first")
    metrics = ask(loop, lambda c: c.get_run(loop.versions()[0].run)).data.metrics
    for name in ODD:
        assert metrics[f"missing_share.{metric_key(name)}"] == pytest.approx(np.isnan(data[name]).mean())
    assert len({metric_key(name) for name in ODD}) == len(ODD)


# ---- altered artefacts

ALTERED = ["MLmodel", "requirements.txt", "input_example.json", "data/fit/run.json", "data/fit/arrays.npz", SUMS]


@pytest.mark.parametrize("name", ALTERED)
@pytest.mark.parametrize("how", ["altered", "missing"])
def test_an_altered_artefact_is_not_loaded_by_mlflow(loop: Registry, tmp_path: Path, name: str, how: str) -> None:
    import mlflow

    copy = tmp_path / "model"
    shutil.copytree(folder(loop), copy)
    file = copy / name
    if how == "missing":
        file.unlink()
    elif name == "MLmodel":  # still what MLflow can read
        file.write_text(file.read_text().replace("loader_module", "loader_module", 1) + "model_size_bytes: 7\n")
    else:
        flip(file)
    if (name, how) == ("MLmodel", "missing"):
        with pytest.raises(Exception, match="MLmodel"):
            mlflow.pyfunc.load_model(str(copy))
        return
    with pytest.raises(
        unseen.UnseenError, match=rf"is not loaded: .*{re.escape(name)} (was altered|is missing|cannot be read)"
    ):
        mlflow.pyfunc.load_model(str(copy))


def test_another_fit_in_a_version_is_not_loaded(loop: Registry, tmp_path: Path) -> None:
    """Whole by its own hashes, and not what was registered."""
    import mlflow

    copy = tmp_path / "model"
    shutil.copytree(folder(loop), copy)
    shutil.rmtree(copy / "data/fit")
    fitted().save(copy / "data/fit")
    with pytest.raises(unseen.UnseenError, match="is not loaded"):
        mlflow.pyfunc.load_model(str(copy))


def test_the_hashes_are_those_that_sha256sum_reads(loop: Registry) -> None:
    done = subprocess.run(["sha256sum", "-c", SUMS], cwd=folder(loop), capture_output=True, text=True)
    assert done.returncode == 0 and "data/fit/arrays.npz: OK" in done.stdout


def test_a_version_from_before_there_were_hashes_is_loaded(loop: Registry, tmp_path: Path) -> None:
    import mlflow

    copy = tmp_path / "model"
    shutil.copytree(folder(loop), copy)
    (copy / SUMS).unlink()
    text = (copy / "MLmodel").read_text()
    (copy / "MLmodel").write_text(text.replace(f"hashes: {SUMS}", "hashes: none"))
    assert len(mlflow.pyfunc.load_model(str(copy)).predict(columns().to_pandas())) == 240
