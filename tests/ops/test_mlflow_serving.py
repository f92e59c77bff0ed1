"""A version serves: in Python, behind `mlflow models serve`, and out of a real MLflow server."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import unseen
from tests.ops.registry_case import COLUMNS, fitted, record, registry, saved, table, with_database
from unseen.errors import RegistryError
from unseen.ops.registry import Registry

BIN = Path(sys.executable).parent
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    made = with_database(tmp_path_factory.mktemp("serving"))
    made.register(record("a"), saved(made, "a"))
    made.promote(1, None, "first")
    return made


@pytest.fixture(scope="module")
def model(loop: Registry) -> Any:
    import mlflow

    mlflow.set_tracking_uri(loop.tracking.uri)
    return mlflow.pyfunc.load_model("models:/people@champion")


def rows(n: int = 30) -> pd.DataFrame:
    return pd.DataFrame(table(n, seed=3))


def check(answer: pd.DataFrame, data: Any, n: int) -> None:
    """What the fit itself says of the same rows."""
    r = fitted().responsibilities(data)
    names = ["component", "log_density", "responsibility_0", "responsibility_1"]
    assert list(answer.columns) == names and len(answer) == n
    np.testing.assert_allclose(answer[names[2:]].to_numpy(), r, atol=1e-12)
    np.testing.assert_allclose(answer["log_density"], fitted().log_prob(data), rtol=1e-12)
    assert (answer["component"] == r.argmax(axis=1)).all()


def test_the_model_scores_as_the_fit_does(model: Any) -> None:
    data = rows()
    data.index = pd.Index(range(100, 130))
    answer = model.predict(data)
    check(answer, data, 30)
    assert answer.index.equals(data.index)


def test_cells_may_be_missing(model: Any) -> None:
    data = rows(4).astype({"retired": object, "plan": object})
    for i, name in ((0, "age"), (1, "plan"), (2, "retired")):
        data.loc[i, name] = None if name != "age" else np.nan
    check(model.predict(data), data, 4)
    nothing = pd.DataFrame({"age": [np.nan], "visits": [2], "plan": [None], "retired": [None]})
    check(model.predict(nothing), nothing, 1)


def test_a_column_may_not_be_missing_and_more_are_no_trouble(model: Any) -> None:
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException, match="visits"):
        model.predict(rows().rename(columns={"visits": "Visits"}))
    check(model.predict(rows().assign(more=1)), rows(), 30)


def test_a_new_category_is_refused_or_missing_and_never_named(model: Any) -> None:
    data = rows(5)
    data.loc[2, "plan"] = "platinum"
    with pytest.raises(Exception, match="column 'plan' has a category that was not there") as caught:
        model.predict(data)
    assert "platinum" not in str(caught.value)
    expected = data.astype({"plan": object})
    expected.loc[2, "plan"] = None
    check(model.predict(data, params={"unknown": "missing"}), expected, 5)


def test_no_rows_no_answers(model: Any) -> None:
    answer = model.predict(rows().iloc[:0])
    assert len(answer) == 0 and list(answer.columns)[:2] == ["component", "log_density"]


def test_the_signature_and_what_a_server_installs(model: Any, loop: Registry) -> None:
    signature = model.metadata.signature
    assert signature.inputs.input_names() == list(COLUMNS)
    told = [(c["name"], c["type"], c["required"]) for c in signature.inputs.to_dict()]
    assert told == [
        ("age", "double", True),
        ("visits", "long", True),
        ("plan", "string", True),
        ("retired", "boolean", True),
    ]
    folder = loop.places.home / loop.versions()[0].artifact
    needs = (folder / "requirements.txt").read_text()
    assert f"unseen[frames]=={unseen.__version__}\n" in needs and "mlflow-skinny==" in needs
    assert not [p for p in folder.rglob("*") if p.suffix in (".pkl", ".py")]


def test_a_server_imports_no_more_than_it_needs(loop: Registry) -> None:
    code = """
import sys
from unseen.ops.registry.pyfunc import _load_pyfunc
_load_pyfunc(sys.argv[1])
heavy = {"pydantic", "filelock", "mlflow", "structlog", "yaml"} & set(sys.modules)
assert not heavy, heavy
"""
    fit = loop.places.home / loop.versions()[0].artifact / "data" / "fit"
    subprocess.run([sys.executable, "-c", code, fit], check=True)


def test_an_altered_fit_is_not_served(loop: Registry, tmp_path: Path) -> None:
    from unseen.ops.registry.pyfunc import _load_pyfunc

    fit = tmp_path / "fit"
    shutil.copytree(loop.places.home / loop.versions()[0].artifact / "data" / "fit", fit)
    body = (fit / "run.json").read_bytes()
    (fit / "run.json").write_bytes(body.replace(b"converged", b"c0nverged"))
    with pytest.raises(unseen.RunError, match=r"run\.json was altered"):
        _load_pyfunc(str(fit))


# ---- real processes


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def running(*command: object, port: int, folder: Path, **environment: str) -> Iterator[str]:
    """A server of its own process group, once it is healthy; all of it is ended afterwards."""
    said = folder / f"said-{port}.txt"
    place = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **QUIET, **environment}
    with open(said, "w") as out:
        process = subprocess.Popen(
            [str(c) for c in command],
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **place},
            start_new_session=True,
        )
    try:
        for _ in range(1200):
            assert process.poll() is None, said.read_text()[-3000:]
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=30) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                time.sleep(0.1)
        else:
            pytest.fail(said.read_text()[-3000:])
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def post(address: str, body: Any) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"{address}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=200) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_mlflow_serves_the_champion_over_http(loop: Registry, tmp_path: Path) -> None:
    port = free_port()
    command = [BIN / "mlflow", "models", "serve", "-m", "models:/people@champion", "--env-manager", "local"]
    uri = {"MLFLOW_TRACKING_URI": loop.tracking.uri}
    with running(*command, "-p", port, "-h", "127.0.0.1", port=port, folder=tmp_path, **uri) as address:
        data = rows(6)
        plain = data.astype(object).where(data.notna(), None)
        plain.loc[3, "plan"] = None
        split = {"columns": list(COLUMNS), "data": plain.to_numpy().tolist()}
        status, answer = post(address, {"dataframe_split": split})
        assert status == 200, answer
        expected = pd.DataFrame({name: plain[name] for name in COLUMNS}).astype({"age": float, "visits": float})
        check(pd.DataFrame(answer["predictions"]), expected, 6)

        alone = {"age": None, "visits": 3, "plan": None, "retired": True}
        status, answer = post(address, {"dataframe_records": [alone]})
        assert status == 200
        known = fitted().log_prob({"age": [np.nan], "visits": [3], "plan": [None], "retired": [True]})[0]
        assert answer["predictions"][0]["log_density"] == pytest.approx(known, abs=1e-12)
        status, answer = post(address, {"dataframe_records": [{**alone, "visits": None}]})
        assert status == 400 and "visits" in json.dumps(answer)  # no hole was known, and MLflow has no word for one

        bad = {"dataframe_records": [{**alone, "plan": "platinum"}]}
        status, answer = post(address, bad)
        assert status == 400 and "column 'plan' has a category that was not there" in json.dumps(answer)
        assert "platinum" not in json.dumps(answer)
        status, answer = post(address, {**bad, "params": {"unknown": "missing"}})
        assert status == 200
        assert answer["predictions"][0]["log_density"] == pytest.approx(known, abs=1e-12)

        status, answer = post(address, {"dataframe_records": [{"age": 3.0}]})
        assert status == 400 and "visits" in json.dumps(answer)
    # what MLflow left beside the artefact is no tampering
    assert loop.status()["champion"]["artefact"] == "intact"
    assert "platinum" not in next(tmp_path.glob("said-*")).read_text()


NEEDED = [m for m in ("flask", "flask_cors", "graphene", "aiohttp") if importlib.util.find_spec(m) is None]


@pytest.mark.skipif(bool(NEEDED), reason=f"an MLflow server needs {', '.join(NEEDED)}: pip install them")
def test_a_real_mlflow_server_from_registration_to_its_death(tmp_path: Path) -> None:
    port = free_port()
    store = ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--artifacts-destination", tmp_path / "kept"]
    command = [BIN / "mlflow", "server", "--host", "127.0.0.1", "--port", port, *store, "--serve-artifacts"]
    loop = registry(tmp_path / "client", registry={"uri": f"http://127.0.0.1:{port}"})
    with running(*command, "--workers", "1", port=port, folder=tmp_path):
        for number, id in ((1, "a"), (2, "b"), (3, "c")):
            assert loop.register(record(id, champion=number - 1 or None), saved(loop, id)) == number
            if number < 3:
                loop.promote(number, number - 1 or None, "why")
        assert loop.behind is None
        assert loop.register(record("a"), saved(loop, "a")) == 1
        found = loop.tracking.call("tell", lambda c: c.get_registered_model("people").aliases)
        assert {k: int(v) for k, v in found.items()} == {"champion": 2, "challenger": 3}
        assert loop.load(2).loglik == fitted().loglik
        status = loop.status()
        assert status["champion"]["intact"] is None and "lies with the registry" in status["champion"]["artefact"]
        kept = next((tmp_path / "kept").rglob(f"{loop.versions()[2].run}/artifacts/model/data/fit/arrays.npz"))
        kept.write_bytes(kept.read_bytes()[:-1] + b"x")
        with pytest.raises(RegistryError, match=r"version 3 of 'people' is broken: .*arrays\.npz was altered"):
            loop.promote(3, 2, "why")
    # the server is gone, and production has to go back: the copy of the retrain is as good, byte for byte
    entry = loop.rollback(None, "the server is gone, and so are the good answers")
    assert entry.facts["version"] == 1 and "cannot be reached" in str(loop.behind)
    assert loop.status()["aliases"]["in_step"] is False
    shutil.rmtree(loop.places.run("b"))
    with pytest.raises(RegistryError, match="cannot be reached"):
        loop.load(2)
