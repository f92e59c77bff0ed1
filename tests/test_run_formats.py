"""Runs as earlier code wrote them load, score as they did, and are saved anew to the same bits."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unseen
from tests.test_store import reforged, same
from unseen.core import kinds
from unseen.errors import ModelError, NotInstalledError, RunError
from unseen.result import Result
from unseen.store import format1, load, read_manifest, save
from unseen.store.kinds import ROOMS, own

RUNS = Path(__file__).parent / "data" / "runs"
WRITTEN = sorted(p.parent for p in RUNS.glob("*/*/MANIFEST.json"))
FIRST = [p for p in WRITTEN if json.loads((p / "MANIFEST.json").read_text())["format"] == 1]


def named(run: Path) -> str:
    return f"{run.parent.name}/{run.name}"


def told(run: Path) -> dict[str, Any]:
    return dict(json.loads(run.with_name(f"{run.name}.json").read_text()))


def rows(answers: dict[str, Any]) -> dict[str, Any]:
    """The rows that were scored, in the types they had."""
    out = {}
    for name, column in answers["rows"].items():
        kind = answers["dtypes"][name]
        number = kind.startswith("float")
        out[name] = np.array([np.nan if v is None and number else v for v in column], "O" if kind[0] in "<|" else kind)
    return out


@pytest.mark.parametrize("run", WRITTEN, ids=named)
def test_it_loads_scores_as_it_did_and_is_saved_anew(run: Path, tmp_path: Path) -> None:
    answers, result = told(run), load(run)
    assert (result.loglik, result.bic, result.outcome.name) == tuple(answers[n] for n in ("loglik", "bic", "outcome"))
    for name, value in answers["params"].items():
        assert np.array_equal(result.params[name], np.array(value, result.params[name].dtype))
    single = "float32" in answers["dtypes"].values()  # sums of single-precision rows were ordered otherwise
    data = rows(answers)
    assert result.log_prob(data) == pytest.approx(answers["log_prob"], rel=1e-6 if single else 1e-12, abs=1e-12)
    if "assign" in answers:
        assert result.assign(data).tolist() == answers["assign"]
    assert result.summary()

    again = save(result, tmp_path / "run")
    assert read_manifest(again).format == 2
    after = load(again)
    for f in fields(Result):
        same(getattr(result, f.name), getattr(after, f.name), f.name)
    assert after.log_prob(data).tobytes() == result.log_prob(data).tobytes()


def test_every_class_that_format_1_held_is_among_the_runs() -> None:
    found = {name for run in FIRST for name in re.findall(r'"\$type": "([^"]+)"', (run / "run.json").read_text())}
    assert found == set(format1.KINDS)


def test_fields_that_came_late_are_missing_in_some_runs_and_no_others() -> None:
    lacking: dict[str, set[str]] = {}

    def look(value: Any) -> None:
        if isinstance(value, dict) and "$type" in value:
            kind = own(format1.KINDS[value["$type"]])
            assert kind is not None
            if missing := set(kind.fields) - set(value):
                lacking.setdefault(kind.name, set()).update(missing)
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            look(part)

    for run in FIRST:
        look(json.loads((run / "run.json").read_text()))
    told_late = {name: set(late) for name, late in format1.LATER.items()}
    # a field that is younger than format 1 is the business of its kind's default or upgrade
    assert {name: late & told_late[name] for name, late in lacking.items() if name in told_late} == told_late


def test_where_a_class_stands_today_is_no_matter(tmp_path: Path) -> None:
    """The file of a family is renamed, and its class with it: runs of both formats stay readable."""
    source = Path(unseen.__file__).parent
    moved = tmp_path / "unseen"
    ignore = ["ops", "demo", "data", "cli", "__pycache__"]
    import shutil

    shutil.copytree(source, moved, ignore=shutil.ignore_patterns(*ignore))
    new = save(load(RUNS / "2ae3520" / "families.gamma"), tmp_path / "new")
    text = (moved / "families" / "gamma.py").read_text()
    (moved / "families" / "gamma.py").unlink()
    (moved / "families" / "waiting.py").write_text(re.sub(r"\bGamma\b", "Waiting", text))
    code = "import sys, unseen\nfor run in sys.argv[1:]: print(type(unseen.load(run).model.family))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(RUNS / "2ae3520" / "families.gamma"), str(new)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
    )
    assert done.stdout.splitlines() == ["<class 'unseen.families.waiting.Waiting'>"] * 2, done.stderr


@pytest.mark.parametrize("room", ROOMS)
def test_the_kind_of_a_family_or_model_has_the_name_of_its_file(room: str) -> None:
    for m in pkgutil.iter_modules(importlib.import_module(room).__path__):
        kind = own(m.name)
        assert kind is not None and kind.cls.__module__ == f"{room}.{m.name}"


def test_a_newer_kind_asks_for_an_upgrade(tmp_path: Path) -> None:
    run = save(load(RUNS / "2ae3520" / "families.gamma"), tmp_path / "run")
    reforged(run, lambda text: re.sub(r'("gamma",\s+"version": )1', r"\g<1>7", text))
    with pytest.raises(
        NotInstalledError, match=r"run\.json holds kind 'gamma' in version 7.*version 1: upgrade unseen"
    ):
        load(run)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"$kind": "gamma"', '"$kind": "gummi"', "names a kind 'gummi'.*upgrade unseen"),
        ('"$kind": "gamma"', '"$kind": {}', "not in a form"),
        ('"$kind": "gamma", "version": 1', '"$kind": "gamma", "version": "1"', "not in a form"),
        ('"$kind": "gamma", "version": 1', '"$kind": "gamma", "version": -1', "cannot bring up"),
        ('"$kind": "gamma", "version": 1', '"$kind": "gamma", "version": 1, "more": 2', "field 'more'.*upgrade unseen"),
        ('"$kind": "gamma", "version": 1', '"$kind": "outcome", "version": 1, "name": "", "message": ""', "field"),
        ('"outcome": {', '"result": {', "field 'result'"),
    ],
)
def test_what_another_version_or_a_forger_wrote_is_refused(tmp_path: Path, old: str, new: str, why: str) -> None:
    run = save(load(RUNS / "2ae3520" / "families.gamma"), tmp_path / "run")
    flat = json.dumps(json.loads((run / "run.json").read_text()))
    assert old in flat
    reforged(run, lambda _: flat.replace(old, new))
    with pytest.raises(RunError, match=why):
        load(run)


def test_a_class_that_format_1_never_held_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="names a class 'core.engine.ThreadPoolExecutor'"):
        format1.converted({"$type": "core.engine.ThreadPoolExecutor"})


def test_a_kind_is_registered_once_and_whole() -> None:
    from dataclasses import dataclass, make_dataclass

    frozen = make_dataclass("Line", ["slope"], frozen=True)
    with pytest.raises(ModelError, match="no frozen dataclass"):
        kinds.kind("line")(dataclass(type("Line", (), {})))
    with pytest.raises(ModelError, match="upgrade from each version"):
        kinds.kind("line", version=3, upgrade={2: dict})(frozen)
    with pytest.raises(ModelError, match="lower-case"):
        kinds.kind("A Line")(frozen)
    frozen.__module__ = "unseen.families.line"
    with pytest.raises(ModelError, match="are both of kind 'gaussian'"):
        kinds.kind("gaussian")(frozen)
