"""Files in an object store, a local server that speaks S3, and behind addresses that fsspec knows."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from pyarrow.fs import FileSystem

import unseen
from tests.tabular import cells, kinds, table_of
from unseen.errors import DataError
from unseen.sources.files import listed, open_files

needs_moto = pytest.mark.skipif(importlib.util.find_spec("moto") is None, reason="moto[server] is not installed")
HUSH = "hush-hush"
MODEL = unseen.Mixture(unseen.Gaussian(), 2)


def server(**settings: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env={**os.environ, **settings})
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert process.poll() is None, "the server did not start"
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    yield from server()


@pytest.fixture(scope="module")
def strict() -> Iterator[str]:
    yield from server(INITIAL_NO_AUTH_ACTION_COUNT="0")


@pytest.fixture
def s3(address: str, monkeypatch: pytest.MonkeyPatch) -> FileSystem:
    at_store(address, monkeypatch)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", HUSH)
    store, _ = FileSystem.from_uri("s3://bucket?allow_bucket_creation=true")
    store.create_dir("bucket")
    store.delete_dir_contents("bucket")
    return store


def at_store(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("HOME", "/nowhere")


def refusal(data: object, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        open_files(data, **options)
    message = str(caught.value)
    assert HUSH not in message and "\n" not in message
    return message


def told(data: object) -> list[str]:
    return [p.shown for p in listed(data)]


@needs_moto
def test_a_fit_from_a_store_is_that_from_the_disk(s3: FileSystem, tmp_path: Path) -> None:
    for i in range(3):
        for path, store in ((tmp_path / f"part-{i}.parquet", None), (f"bucket/data/part-{i}.parquet", s3)):
            pq.write_table(table_of(300, i).select(["x", "y"]), path, filesystem=store)
    here, there = unseen.fit(MODEL, tmp_path, seed=0), unseen.fit(MODEL, "s3://bucket/data", seed=0)
    assert there.log_prob("s3://bucket/data").tolist() == here.log_prob(tmp_path).tolist()
    assert open_files("s3://bucket/data").fingerprint() == open_files(tmp_path).fingerprint()
    assert HUSH not in str(open_files(f"s3://key:{HUSH}@bucket/data").fingerprint())


@needs_moto
def test_prefixes_patterns_keys_and_single_files(s3: FileSystem) -> None:
    for year in (2023, 2024):
        for name in ("a.parquet", "b.PARQUET", "_SUCCESS", ".hidden.parquet", "notes.md"):
            pq.write_table(table_of(20), f"bucket/data/year={year}/{name}", filesystem=s3)
    assert told("s3://bucket/data/") == [
        f"s3://bucket/data/year={y}/{n}" for y in (2023, 2024) for n in ("a.parquet", "b.PARQUET")
    ]
    assert told(Path("s3://bucket/data")) == told("s3://bucket/data")
    assert told("s3://bucket") == told("s3://bucket/data") == told("s3://bucket/data/year=*") == told("s3://bucket/**")
    assert told("s3://bucket/data/*/a.parquet") == [f"s3://bucket/data/year={y}/a.parquet" for y in (2023, 2024)]
    assert told("s3://bucket/data/year=202?/b*") == [f"s3://bucket/data/year={y}/b.PARQUET" for y in (2023, 2024)]
    assert told(f"s3://key:{HUSH}@bucket/data/year=2023/a.parquet?region=us-east-1") == [
        "s3://bucket/data/year=2023/a.parquet"
    ]
    source = open_files("s3://bucket/data")
    assert kinds(source)["year"] == "integer" and cells(source, "year") == [2023] * 40 + [2024] * 40
    assert cells(open_files("s3://bucket/data/year=2024/a.parquet"), "year") == [2024] * 20
    assert "is given twice" in refusal(["s3://bucket/data", "s3://bucket/data/year=2023/a.parquet"])


@needs_moto
def test_feather_and_damage_in_a_store(s3: FileSystem) -> None:
    with s3.open_output_stream("bucket/f/t.feather") as sink:
        feather.write_feather(table_of(50), sink)
    assert cells(open_files("s3://bucket/f"), "c") == table_of(50).column("c").to_pylist()
    pq.write_table(table_of(50), "bucket/p/a.parquet", filesystem=s3)
    with s3.open_output_stream("bucket/p/b.parquet") as sink:
        sink.write(b"PAR1" + bytes(500))
    assert "'b.parquet' starts as a Parquet file but its footer is missing" in refusal("s3://bucket/p")
    source = open_files("s3://bucket/p", read={"skip_bad": True})
    assert cells(source, "x") == table_of(50).column("x").to_pylist()
    assert len(source.skipped) == 1 and "'b.parquet' is left out" in source.skipped[0]


@needs_moto
def test_a_file_of_a_store_that_changes_is_refused(s3: FileSystem) -> None:
    pq.write_table(table_of(50), "bucket/a.parquet", filesystem=s3)
    source = open_files("s3://bucket/a.parquet")
    pq.write_table(table_of(70), "bucket/a.parquet", filesystem=s3)
    with pytest.raises(DataError, match=r"'a.parquet' was changed while it was being read"):
        cells(source, "x")


@needs_moto
def test_what_is_not_in_a_store(s3: FileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal("s3://wrong/x.parquet") == "there is no bucket 'wrong': its name is what follows s3://"
    assert "no bucket" in refusal("s3://wrong") and "no bucket" in refusal("s3://wrong/*.parquet")
    pq.write_table(table_of(5), "bucket/a/x.parquet", filesystem=s3)
    assert "'s3://' is no address of a store" in refusal("s3://")
    assert "'s3://bucket' is no address of a store" in refusal(f"s3://key:{HUSH}@bucket?nonsense=1")
    assert told("s3a://bucket/a") == ["s3a://bucket/a/x.parquet"]
    assert "there is no file 's3://bucket/b'" in refusal("s3://bucket/b")
    assert "there is no file 's3://bucket/*.csv'" in refusal("s3://bucket/*.csv")
    with s3.open_output_stream("bucket/n/x.md") as sink:
        sink.write(b"hello")
    assert "folder 's3://bucket/n' holds no file that ends in .parquet" in refusal("s3://bucket/n")


@needs_moto
@pytest.mark.timeout(120)
def test_a_store_that_refuses_or_does_not_answer(strict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    at_store(strict, monkeypatch)
    assert "no credentials were found (set AWS_ACCESS_KEY_ID and" in refusal("s3://bucket/x.parquet")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", HUSH)
    message = refusal("s3://bucket/x.parquet")
    assert "'s3://bucket/x.parquet' cannot be opened: the store" in message and "AWS_ACCESS_KEY_ID" in message
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert "the store does not answer (AWS_ENDPOINT_URL" in refusal("s3://bucket/x.parquet")


def test_other_addresses_go_through_fsspec() -> None:
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    for year in (1, 2):
        with store.open(f"/data/year={year}/a.parquet", "wb") as sink:
            pq.write_table(pa.table({"x": np.arange(3.0)}), sink)
    source = open_files("memory://data")
    assert cells(source, "x") == [0, 1, 2] * 2 and cells(source, "year") == [1, 1, 1, 2, 2, 2]
    assert len(listed("memory://data/*/a.parquet")) == 2
    assert "there is no file 'memory://nothing'" in refusal("memory://nothing")
    assert "is no address that fsspec knows" in refusal(f"nonsense://ann:{HUSH}@x/y")


@needs_moto
def test_text_in_a_store_is_read_like_any(s3: FileSystem) -> None:
    rows = "".join(f"{i / 8:.3f};{'ab'[i % 2]}\n" for i in range(60))
    for year in (2023, 2024):
        with s3.open_output_stream(f"bucket/text/year={year}/rows.CSV") as out:
            out.write(f"x;c\n{rows}".encode())
    source = open_files("s3://bucket/text")
    assert kinds(source) == {"x": "number", "c": "category", "year": "integer"}
    assert cells(source, "year") == [2023] * 60 + [2024] * 60
