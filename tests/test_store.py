"""A run on disk: the same to the last bit, whole or not there, and nothing altered is ever used."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import importlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unseen
from unseen.errors import RunError
from unseen.store import Manifest, find, folder, load, run_name, save, whole
from unseen.store.manifest import content
from unseen.store.packing import Packing, readable
from unseen.store.unpacking import Unpacking

ROOMS = Path(unseen.__file__).parent


def examples() -> list[str]:
    """The modules of families and models that show an example."""
    found = [p for room in ("families", "models") for p in sorted((ROOMS / room).glob("[a-z]*.py"))]
    return [f"unseen.{p.parent.name}.{p.stem}" for p in found if "def example" in p.read_text()]


def small_fit(**more: Any) -> Any:
    x = np.random.default_rng(1).normal([[0.0], [6.0]], 1, (2, 40)).reshape(-1, 1)
    data = {"x": x[:, 0], "y": np.where(x[:, 0] > 3, np.nan, x[:, 0] ** 2), "c": np.where(x[:, 0] > 2, "hi", "lo")}
    model = unseen.Product({("x", "y"): unseen.Gaussian("diagonal"), "c": unseen.Categorical()})
    return unseen.select(unseen.Mixture(model, 1), data, (1, 2), restarts=2, max_iterations=400, tol=1e-4, **more)


@pytest.fixture(scope="module")
def result() -> Any:
    return small_fit()


@pytest.fixture
def run(result: Any, tmp_path: Path) -> Path:
    return save(result, tmp_path / "runs" / "a")


def same(a: Any, b: Any, where: str = "result") -> None:
    """Equal in every bit and type, all the way down."""
    assert type(a) is type(b), f"{where}: {type(a)} became {type(b)}"
    if isinstance(a, np.ndarray):
        assert (a.dtype, a.shape) == (b.dtype, b.shape), where
        assert a.tobytes() == b.tobytes(), where
    elif isinstance(a, unseen.Params):
        assert list(a) == list(b) and a.events == b.events, where
        for name in a:
            same(a[name], b[name], f"{where}.{name}")
    elif dataclasses.is_dataclass(a):
        for f in dataclasses.fields(a):
            if not f.name.startswith("_"):
                same(getattr(a, f.name), getattr(b, f.name), f"{where}.{f.name}")
    elif isinstance(a, dict):
        assert list(a) == list(b), where
        for key in a:
            same(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            same(x, y, f"{where}[{i}]")
    elif isinstance(a, float):
        assert np.float64(a).tobytes() == np.float64(b).tobytes(), where
    else:
        assert a == b, where


@pytest.mark.parametrize("module", examples())
def test_every_model_comes_back_to_the_bit(module: str, tmp_path: Path) -> None:
    example = importlib.import_module(module).example()
    options = {**example.options, "restarts": 1, "max_iterations": 3}
    options.pop("stop", None)
    before = unseen.fit(example.model, example.data, **options)
    after = load(save(before, tmp_path / "run"))
    for f in dataclasses.fields(before):
        if f.name not in ("profile", "statistics"):
            same(getattr(before, f.name), getattr(after, f.name), f.name)
    assert after.statistics is None, "a run of a fit holds more of its data than it says"
    for a, b in zip(before.profile.columns, after.profile.columns, strict=True):
        same(a.kept(), dataclasses.replace(b, values=a.values))
    for a, b in zip(before.model.slots, after.model.slots, strict=True):
        same(a, b)


def test_a_loaded_run_scores_and_tells_the_same(result: Any, run: Path) -> None:
    data = {"x": np.array([0.1, np.nan]), "y": np.array([np.nan, np.nan]), "c": np.array(["lo", "hi"])}
    again = unseen.load(run)
    assert again.responsibilities(data).tobytes() == result.responsibilities(data).tobytes()
    assert again.log_prob(data).tobytes() == result.log_prob(data).tobytes()
    assert again.summary() == result.summary()
    assert (again.bic, again.search, again.restarts) == (result.bic, result.search, result.restarts)


@pytest.mark.parametrize("name", ["arrays.npz", "run.json", "MANIFEST.json"])
def test_an_altered_byte_is_named(run: Path, name: str) -> None:
    body = bytearray((run / name).read_bytes())
    body[len(body) // 2] ^= 1
    (run / name).write_bytes(body)
    with pytest.raises(RunError, match=rf"{name} was altered"):
        load(run)


@pytest.mark.parametrize("name", ["arrays.npz", "run.json", "MANIFEST.json"])
def test_a_missing_file_is_named(run: Path, name: str) -> None:
    (run / name).unlink()
    with pytest.raises(RunError, match=name):
        load(run)


def test_a_consistent_forgery_of_one_hash_does_not_help(run: Path) -> None:
    body = (run / "run.json").read_bytes().replace(b"converged", b"c0nverged")
    (run / "run.json").write_bytes(body)
    manifest = json.loads((run / "MANIFEST.json").read_text())
    manifest["files"]["run.json"] = hashlib.sha256(body).hexdigest()
    (run / "MANIFEST.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match=r"MANIFEST\.json was altered"):
        load(run)


def reforged(run: Path, change: Any) -> None:
    """run.json changed by someone who knows how to hash."""
    text = change((run / "run.json").read_text())
    (run / "run.json").write_text(text)
    manifest = json.loads((run / "MANIFEST.json").read_text())
    manifest["files"]["run.json"] = hashlib.sha256(text.encode()).hexdigest()
    draft = Manifest(**manifest)
    manifest["content"] = content(draft)
    (run / "MANIFEST.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "name", ["os.System", "models.mixture.np", "core.engine.ThreadPoolExecutor", "subprocess.Popen"]
)
def test_a_run_can_name_no_class_but_ours(run: Path, name: str) -> None:
    reforged(run, lambda text: text.replace('"$kind": "product"', f'"$kind": "{name}"'))
    with pytest.raises(RunError, match="names a kind"):
        load(run)


def test_parameters_that_are_not_valid_are_refused(result: Any, tmp_path: Path) -> None:
    arrays = {**result.params, "weights": np.array([0.9, 0.9])}
    run = save(dataclasses.replace(result, params=unseen.Params(arrays)), tmp_path / "run")
    with pytest.raises(RunError, match="not valid"):
        load(run)


def test_pickles_are_never_read(run: Path) -> None:
    np.savez(run / "arrays.npz", **{"params.weights": np.array([{"a": 1}], object)}, allow_pickle=True)
    manifest = json.loads((run / "MANIFEST.json").read_text())
    manifest["files"]["arrays.npz"] = hashlib.sha256((run / "arrays.npz").read_bytes()).hexdigest()
    manifest["content"] = content(Manifest(**manifest))
    (run / "MANIFEST.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match="not in a form"):
        load(run)


def test_a_newer_format_asks_for_an_upgrade(result: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "FORMAT", 3)
    run = save(result, tmp_path / "run")
    monkeypatch.undo()
    with pytest.raises(RunError, match=r"newer unseen .*format 3.*upgrade"):
        load(run)


def test_no_run_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no run"):
        load(tmp_path / "nowhere")
    with pytest.raises(RunError, match="is not a run"):
        load(tmp_path)
    with pytest.raises(RunError, match="holds none"):
        find(tmp_path)


def test_an_existing_run_is_never_overwritten(result: Any, run: Path) -> None:
    before = (run / "MANIFEST.json").read_bytes()
    with pytest.raises(RunError, match="exists already"):
        save(result, run)
    assert (run / "MANIFEST.json").read_bytes() == before


@pytest.mark.parametrize("when", [1, 2, 3])
def test_a_full_disk_leaves_nothing_behind(
    result: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    calls: list[int] = []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == when:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left"):
        save(result, tmp_path / "new" / "runs" / "a")
    assert not list(tmp_path.iterdir())


def test_an_interrupt_while_saving_leaves_nothing_behind(
    result: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", stop)
    with pytest.raises(KeyboardInterrupt):
        save(result, tmp_path / "runs" / "a")
    assert not list(tmp_path.iterdir())


def test_a_really_full_disk(result: Any) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OSError, match="No space"):
        whole._write(Path("/dev/full"), b"x")


def test_a_run_holds_no_numbers_of_the_data(tmp_path: Path) -> None:
    secret = np.random.default_rng(0).integers(10**6, 9 * 10**6, 60)
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), {"income": secret}, restarts=2, max_iterations=5)
    text = (save(result, tmp_path / "run") / "run.json").read_text()
    inner = set(map(str, sorted(secret)[1:-1]))  # the lowest and the highest are the column's range
    assert not [value for value in inner if value in text]


def test_the_newest_run_is_found(result: Any, tmp_path: Path) -> None:
    save(result, tmp_path / "z-first")
    second = save(result, tmp_path / "a-second")
    assert find(tmp_path) == second
    assert find(second) == second


def test_files_beside_the_run_are_no_tampering(run: Path) -> None:
    (run / "report.html").write_text("<html>")
    assert load(run).converged


def test_a_copy_is_as_good(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "copy")
    assert load(tmp_path / "copy").bic == load(run).bic


def test_names_are_readable_and_modes_are_the_users(result: Any, run: Path) -> None:
    assert run_name(result)[:2] == "20" and len(run_name(result)) == 22
    assert run.stat().st_mode & 0o777 == 0o777 & ~whole.umask()


def test_our_own_error_for_what_no_file_can_hold() -> None:
    with pytest.raises(RunError, match="no data file can hold"):
        Packing().pack(lambda: 0)
    with pytest.raises(RunError, match="which no installed package declares"):
        Packing().pack(dataclasses.make_dataclass("Foreign", ["x"])(1))
    with pytest.raises(RunError, match="pickles"):
        Packing().pack(np.array([None]))


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, (2.5, float("-inf"))], "$odd": None, 3: "x"},
        (np.array([[1, 2]], np.int32), np.array([-0.0, np.nan]), "lone [ 1 ] \U0001f600 \n text", -0.0),
        {"long": tuple(range(100)), "nested": ({"x": list("abc")},) * 9},
    ],
)
def test_packing_gives_back_what_it_took(value: Any) -> None:
    side = Packing()
    text = readable(side.pack(value, "v"))
    same(value, Unpacking(side.arrays).unpack(json.loads(text)))
