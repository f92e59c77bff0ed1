"""Weights & Biases as a second tracker: what its own files hold, and that it can hinder nothing."""

from __future__ import annotations

import importlib.util
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ops.registry_case import NAME, record, registered, saved, with_database
from unseen.errors import RegistryError
from unseen.ops.registry import Registry, publishing, weights_biases

SPEC = importlib.util.find_spec("wandb")
#: a folder that W&B left behind is no library
MISSING = SPEC is None or SPEC.origin is None
needs_wandb = pytest.mark.skipif(MISSING, reason="wandb is not installed: pip install 'unseen[wandb]'")

ALSO = {"registry": {"also": "wandb"}}


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody is signed in."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def loop(tmp_path: Path, alone: None) -> Registry:
    return with_database(tmp_path, **ALSO)


def records(file: Path) -> Iterator[Any]:
    """What a ``.wandb`` file holds, in W&B's own messages; the file is a LevelDB log with blocks of 32 KiB."""
    from wandb.proto import wandb_internal_pb2 as messages

    body, at, whole = file.read_bytes(), 7, b""
    assert body[:4] == b":W&B"
    while at + 7 <= len(body):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack("<IHB", body[at : at + 7])
        whole += body[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or its last part
            found = messages.Record()
            found.ParseFromString(whole)
            yield found
            whole = b""


def only(folder: Path) -> Path:
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    return file


def told(loop: Registry) -> dict[str, Any]:
    """One run as W&B will see it."""
    out: dict[str, Any] = {"history": [], "summary": {}, "files": []}
    for r in records(only(loop.places.home)):
        kind = r.WhichOneof("record_type")
        if kind == "run":
            out["run"] = r.run
            out["config"] = {u.key: json.loads(u.value_json) for u in r.run.config.update}
        elif kind == "history":
            out["history"].append(
                {i.nested_key[0] if i.nested_key else i.key: json.loads(i.value_json) for i in r.history.item}
            )
        elif kind == "summary":
            out["summary"] |= {
                (i.nested_key[0] if i.nested_key else i.key): json.loads(i.value_json) for i in r.summary.update
            }
        elif kind == "request" and r.request.WhichOneof("request_type") == "log_artifact":
            out["artefact"] = r.request.log_artifact.artifact
        elif kind == "artifact":
            out["artefact"] = r.artifact
    return out


@needs_wandb
def test_a_run_is_told_in_the_same_words_as_to_mlflow(loop: Registry) -> None:
    assert registered(loop, "a") == 1 and loop.untold is None
    found = told(loop)
    run, config = found["run"], found["config"]
    assert (run.project, run.display_name, run.job_type) == (NAME, "a", "retrain") and run.run_id.startswith("a-")
    client = loop.tracking.call("tell", lambda c: c.get_run(loop.versions()[0].run))
    assert {k: str(v) for k, v in config.items() if k in client.data.params} == client.data.params
    assert config["unseen.batch"] == "batch-a" and config["unseen.content"] == loop.versions()[0].content
    assert [(i["name"], i["digest"]) for i in config["inputs"]] == [("a", "a" * 64), ("b", "b" * 64)]
    trace = [(h["iteration"], h["loglik_per_row"]) for h in found["history"] if "iteration" in h]
    assert trace == [(0, -9.0), (1, -8.5), (2, -8.25)]
    for name, value in client.data.metrics.items():
        if name != "loglik_per_row":
            assert found["summary"][name] == pytest.approx(value), name
    assert (found["artefact"].name, found["artefact"].type) == (NAME, "model")
    files = {e.path for e in found["artefact"].manifest.contents}
    assert {"MLmodel", "SHA256SUMS", "data/fit/arrays.npz", "data/fit/run.json"} <= files


@needs_wandb
def test_nothing_of_the_data_or_the_machine_goes_along(loop: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    registered(loop, "a")
    body = only(loop.places.home).read_bytes()
    # a name of two letters stands in many an id that is drawn at random
    host = [name for name in (socket.gethostname().encode(),) if len(name) > 5]
    for word in (b"gold", b"blue", *host, str(Path.cwd()).encode()):
        assert word not in body
    names = {p.name for p in (loop.places.home / "wandb").rglob("*") if p.is_file()}
    assert not names & {"requirements.txt", "wandb-metadata.json", "output.log", "diff.patch"}


@needs_wandb
def test_no_process_is_left_behind(loop: Registry) -> None:
    """What W&B starts beside a run ends with it: a nightly job would collect them."""
    registered(loop, "a")
    mine = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and _parent(int(p.name)) == os.getpid()]
    assert not [pid for pid in mine if b"wandb" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return -1


@needs_wandb
def test_a_server_that_is_not_there_hinders_nothing(loop: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(weights_biases, "SEND_SECONDS", 5.0)
    assert registered(loop, "a") == 1
    folder = only(loop.places.home).parent
    assert loop.untold is not None and f"it is kept, `wandb sync {folder}` sends it" in loop.untold
    assert "0" * 40 not in loop.untold
    assert registered(loop, "a") == 1 and len(loop.versions()) == 1
    loop.promote(1, None, "first")


@needs_wandb
def test_who_says_offline_is_not_sent(loop: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: Any, **__: Any) -> Any:
        raise AssertionError("it was sent")

    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setattr(subprocess, "run", no)
    registered(loop, "a")
    assert loop.untold is None


@needs_wandb
def test_what_breaks_in_it_is_a_sentence_and_the_version_stands(
    loop: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    import wandb

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("4111-1111-1111-1111")

    monkeypatch.setattr(wandb, "init", broken)
    assert registered(loop, "a") == 1
    assert (
        loop.untold is not None
        and "did not keep the run: ZeroDivisionError" in loop.untold
        and "4111" not in loop.untold
    )
    assert len(loop.versions()) == 1


def test_without_the_package_nothing_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "find_spec", lambda name: None)
    loop = with_database(tmp_path, **ALSO)
    with pytest.raises(
        RegistryError, match=r"registry\.also is wandb, which is not installed: pip install 'unseen\[wandb\]'"
    ):
        loop.began(record("a"))
    assert not loop.log.path.exists()


def test_without_the_key_nobody_else_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)  # an import would fail
    loop = with_database(tmp_path)
    assert loop.register(record("a"), saved(loop, "a")) == 1 and loop.untold is None
    assert not (loop.places.home / "wandb").exists()
