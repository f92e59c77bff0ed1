"""One file is one file: a kind of model that a package declares goes through every verb, and no other file knows it."""

from __future__ import annotations

import importlib
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner, Result

import unseen
from tests.packages import install, uninstall, write
from unseen.cli.shell import cli
from unseen.core.example import Example
from unseen.testing import check_model

QUEUES = Path(__file__).with_name("queues.py").read_text()


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in, where the package is installed."""
    kinds = {"acme.queues": "acme_queues.queues:Queues"}
    site = write(tmp_path / "site", "acme-queues", "2.0", kinds, {"queues": QUEUES})
    install(site, monkeypatch)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    uninstall(site)


def waits(path: Path, rows: int = 1200, seed: int = 0, slower: float = 1.0) -> dict[str, np.ndarray]:
    """Two columns of waits at two queues, a tenth of the cells missing, in a Parquet file."""
    rng = np.random.default_rng(seed)
    queue = rng.random(rows) < 0.4
    x = 1 + rng.exponential(slower * np.where(queue, [[20.0], [9.0]], [[2.0], [1.0]]))
    x[rng.random(x.shape) < 0.1] = np.nan
    data = {"desk": x[0], "phone": x[1]}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({n: pa.array(c, from_pandas=True) for n, c in data.items()}), path)
    return data


def call(*args: str | Path, code: int = 0) -> Result:
    done = CliRunner().invoke(cli, [str(a) for a in args])
    assert done.exit_code == code and "Traceback" not in done.output and "bug" not in done.output, done.output
    return done


def test_it_is_conformant(there: Path) -> None:
    """By the suite that is public, on data whose likelihood at the optimum is a sum of logarithms of means."""
    queues = importlib.import_module("acme_queues.queues").Queues
    x = np.array([1.0, 2.0, 4.0, 9.0])
    example = Example(
        model=queues(1),
        params=unseen.Params(weights=[1.0], rates=[[0.3]]),
        data={"wait": x},
        loglik=float(-4 * np.log(x.mean()) - 4),
        answer={"rates": [[1 / x.mean()]]},
        source="the exponential distribution: its rate is one over the mean",
    )
    check_model(example)


def test_every_verb_of_a_model(there: Path) -> None:
    data = waits(there / "waits.parquet")
    said = call("fit", "waits.parquet", "--model", "acme.queues", "--queues", "1:3", "--shortest", "1", "--name", "q")
    assert "Queues of 2" in said.stdout and "Number of queues, chosen by BIC" in said.stdout
    run = unseen.load(there / "runs" / "q")
    assert sorted((1 / run.params["rates"][:, 0]).round()) == pytest.approx([2, 20], abs=2)
    assert "--shortest" in call("fit", "--model", "acme.queues", "--help").stdout
    assert "Queues of 2" in call("show", "runs/q").stdout
    call("report", "runs/q", "waits.parquet", "-o", "q.html")
    assert "queue" in (there / "q.html").read_text()
    call("assign", "runs/q", "waits.parquet", "-o", "a.parquet")
    written = pq.read_table("a.parquet")
    assert written.column_names == [*data, "queue", "log_density", "responsibility_0", "responsibility_1"]
    assert (written["queue"].to_numpy() == run.assign(data)).all()
    told = json.loads(call("score", "runs/q", "waits.parquet", "--json").stdout)
    assert told["mean"] == pytest.approx(run.loglik / run.weight, rel=1e-3)
    call("impute", "runs/q", "waits.parquet", "-o", "i.parquet")
    assert all(pq.read_table("i.parquet")[n].null_count == 0 for n in data)
    call("impute", "runs/q", "waits.parquet", "-o", "d.parquet", "--draws", "2")
    call("sample", "runs/q", "-n", "50", "-o", "s.csv")
    assert len((there / "s.csv").read_text().splitlines()) == 51
    call("fit", "waits.parquet", "--start", "runs/q", "--name", "again")
    assert unseen.load(there / "runs" / "again").loglik == pytest.approx(run.loglik, rel=1e-6)
    call("doctor", "runs/q")


def test_every_verb_of_the_loop(there: Path) -> None:
    for number in (1, 2):
        waits(there / "months" / f"2024-0{number}.parquet", seed=number)
    body: dict[str, Any] = {
        "name": "waits",
        "data": {"path": "months/*.parquet", "window": 2},
        "model": {"kind": "acme.queues", "queues": "1:2", "shortest": 1.0},
        "fit": {"restarts": 2},
        "gates": {"first": "allow", "heldout_drop": 0.05},
    }
    (there / "unseen.yaml").write_text(yaml.safe_dump(body))
    call("check")
    call("retrain")
    assert "acme.queues" in json.dumps(yaml.safe_load((there / "unseen.yaml").read_text()))
    champion = json.loads(call("status", "--json").stdout)
    assert "1" in json.dumps(champion)
    waits(there / "months" / "2024-03.parquet", seed=3)
    call("drift", "months/2024-03.parquet")
    call("retrain")
    waits(there / "slow" / "2024-04.parquet", seed=4, slower=3.0)
    moved = CliRunner().invoke(cli, ["drift", "slow/2024-04.parquet"])
    assert moved.exit_code not in (0, 1), moved.output
    call("rollback", "waits", "--reason", "a test")
    call("promote", "waits", "--to", "2", "--reason", "a test", "--override")
    assert "acme.queues" in call("fit", "slow", "--model", "acme.queues").stdout
    assert "rolled back" in call("history").stdout


def test_it_is_an_estimator(there: Path) -> None:
    from sklearn.base import clone
    from sklearn.model_selection import cross_val_score

    from unseen.sklearn import estimator

    data = waits(there / "waits.parquet")
    x = np.column_stack(list(data.values()))
    queues = estimator("acme.queues")([1, 2, 3], shortest=1.0, restarts=2)
    assert repr(clone(queues)) == "Queues(queues=[1, 2, 3], restarts=2, shortest=1.0)"
    queues.fit(x)
    call(
        "fit",
        "waits.parquet",
        "--model",
        "acme.queues",
        "--queues",
        "1:3",
        "--shortest",
        "1",
        "--restarts",
        "2",
        "--name",
        "q",
    )
    run = unseen.load(there / "runs" / "q")
    assert queues.number_ == 2
    for name in ("rates", "weights"):
        np.testing.assert_allclose(queues.result_.params[name], run.params[name], rtol=1e-12)
    assert (queues.predict(x) == run.assign(data)).all()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(queues)).transform(x), run.responsibilities(data))
    assert queues.sample(5)[0].shape == (5, 2) and not np.isnan(queues.impute(x)).any()
    assert cross_val_score(queues.set_params(queues=2), x, cv=3).mean() == pytest.approx(queues.score(x), abs=0.1)


def test_its_options_are_held_against_what_it_declares(there: Path) -> None:
    waits(there / "waits.parquet", rows=60)
    assert (
        "nearest is --shortest"
        in call("fit", "waits.parquet", "--model", "acme.queues", "--shortes", "1", code=2).output
    )
    told = call("fit", "waits.parquet", "--model", "acme.queues", "--shortest", "-1", code=2).output
    assert "-1.0 is not in the range x>=0" in told
    body = {"name": "w", "data": {"path": "*.parquet"}, "model": {"kind": "acme.queues", "shortes": 1}}
    (there / "unseen.yaml").write_text(yaml.safe_dump(body))
    assert "model.shortes" in call("check", code=2).output


def test_known_classes_are_where_a_fit_begins_without_a_prior(there: Path) -> None:
    """A kind that takes labels needs no prior for it."""
    queues = importlib.import_module("acme_queues.queues").Queues
    data = waits(there / "waits.parquet", rows=200)
    kind = np.where(np.nan_to_num(data["desk"], nan=9.0) > 6, "slow", "fast")
    fit = unseen.fit(queues(2), {**data, "kind": kind}, labels="kind", start="labels")
    assert fit.converged and (fit.params["rates"][:, 0].argmax() == sorted({"slow", "fast"}).index("fast"))
