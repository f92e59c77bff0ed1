"""A folder with data, and a fitted run."""

from __future__ import annotations

from pathlib import Path

import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from tests.cli.calling import FAST, ok, people


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with people.parquet and people.csv in it."""
    pq.write_table(people(), tmp_path / "people.parquet")
    pacsv.write_csv(people(), tmp_path / "people.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two components on the people."""
    folder = tmp_path_factory.mktemp("fitted")
    pq.write_table(people(), folder / "people.parquet")
    ok(
        "fit",
        folder / "people.parquet",
        "-k",
        "2",
        "--family",
        "visits=poisson",
        "--out",
        folder / "runs",
        "--name",
        "a",
        *FAST,
    )
    return folder / "runs" / "a"
