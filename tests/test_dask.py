"""Dask: workers as processes of their own come to the bits of one process, also when one of them is killed."""

from __future__ import annotations

import importlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import unseen
from tests.test_conformance import EXAMPLES
from unseen import DataError, EngineError, Gaussian, Mixture
from unseen.core.adding import add_in_tree
from unseen.engines.dask import ADDRESS, Dask, current_client
from unseen.testing.engines import check_engine

pytestmark = [
    pytest.mark.skipif(not find_spec("distributed"), reason="Dask is not installed (pip install 'unseen[dask]')"),
    pytest.mark.timeout(600),
]
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    from distributed import Client, LocalCluster

    os.environ["PYTHONPATH"] = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as found:
        yield found


@dataclass(frozen=True)
class Tenth:
    def __call__(self, block: int) -> float:
        return 0.1 * block


@dataclass(frozen=True)
class Slow:
    def __call__(self, block: int) -> int:
        time.sleep(20)
        return 1


def test_conformance(client: Any) -> None:
    check_engine(Dask)
    for workers in (1, 7, 100):
        assert Dask(range(333), workers).total(Tenth()) == add_in_tree(0.1 * i for i in range(333))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_kind_of_model(client: Any, name: str) -> None:
    example = importlib.import_module(name).example()
    options = {**example.options, "start": example.params, "max_iterations": 3, "block_rows": 60}
    here, there = (unseen.fit(example.model, example.data, engine=kind, **options) for kind in ("memory", "dask"))
    assert here.loglik == there.loglik
    for key in here.params:
        assert np.array_equal(here.params[key], there.params[key], equal_nan=True), key


def test_a_worker_that_is_killed_changes_no_bit(client: Any, tmp_path: Path) -> None:
    x = (
        np.random.default_rng(0).normal(size=(40_000, 3))
        + 3.0 * np.random.default_rng(1).integers(0, 3, 40_000)[:, None]
    )
    pq.write_table(pa.table({f"x{j}": x[:, j] for j in range(3)}), tmp_path / "x.parquet", row_group_size=4000)
    options: dict[str, Any] = {"restarts": 1, "seed": 2, "max_iterations": 8, "tol": 0.0, "block_rows": 1000}
    here = unseen.fit(Mixture(Gaussian("full"), 3), tmp_path / "x.parquet", engine="memory", **options)
    pids = client.run(os.getpid)
    seen: list[Any] = []

    def kill(event: Any) -> None:
        seen.append(event)
        if len(seen) == 3:
            os.kill(next(iter(pids.values())), signal.SIGKILL)

    there = unseen.fit(Mixture(Gaussian("full"), 3), tmp_path / "x.parquet", engine="dask", observers=[kill], **options)
    assert len(seen) >= 3 and client.run(os.getpid) != pids
    assert here.loglik == there.loglik and np.array_equal(here.params["means"], there.params["means"])


def test_what_goes_wrong_is_one_sentence(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="'x0' has 1 infinite values"):
        unseen.fit(Mixture(Gaussian("full"), 2), np.array([[1.0, 2], [np.inf, 3], [1, 1], [2, 4]]), engine="dask")
    threading.Timer(2.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        Dask([1, 2, 3, 4]).sum(Slow())


def test_without_a_cluster_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    import distributed

    def none() -> Any:
        raise ValueError

    monkeypatch.setattr(distributed, "get_client", none)
    monkeypatch.delenv(ADDRESS, raising=False)
    with pytest.raises(EngineError, match=f"there is no Dask cluster: .* {ADDRESS}"):
        current_client()
    monkeypatch.setenv(ADDRESS, "tcp://127.0.0.1:9")
    with pytest.raises(EngineError, match="no Dask scheduler answers"):
        current_client()
