"""Every kind of model goes through every verb of the loop, from its first champion to a rollback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

import unseen
from tests.ops.every_kind_case import KINDS, Kind, settings_of, write
from tests.ops.registry_case import empty_database
from unseen.cli.shell import cli
from unseen.core.source import input_places
from unseen.ops.config import load
from unseen.ops.judge import HoldOut
from unseen.ops.places import Places
from unseen.ops.registry import Log
from unseen.ops.registry.entry import REGISTERED
from unseen.sources import open_source
from unseen.store.kinds import models


@dataclass
class Life:
    """A loop that has lived through some months, and what was said."""

    kind: Kind
    folder: Path
    records: list[dict[str, Any]] = field(default_factory=list)
    looks: list[dict[str, Any]] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)

    def call(self, *args: str | Path, code: int = 0) -> str:
        done = CliRunner().invoke(cli, [str(a) for a in (*args, "-c", self.folder / "unseen.yaml")])
        assert done.exit_code == code, done.output
        assert "Traceback" not in done.output and "bug" not in done.output, done.output
        return done.stdout

    def month(self, number: int, moved: bool = False) -> Path:
        rng = np.random.default_rng(number)
        return write(self.folder / "months" / f"2024-0{number}.parquet", self.kind.month(rng, moved))

    def result(self, version: int) -> unseen.Result:
        """The fit of a version, as its retrain kept it."""
        return unseen.load(self.folder / ".unseen" / "runs" / self.records[version - 1]["id"] / "model")


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """A first champion, a good month, and one in which a column moved: a look and a retrain at each."""
    here = Life(request.param, tmp_path_factory.mktemp(request.param.name))
    (here.folder / ".unseen").mkdir()
    shutil.copyfile(empty_database(), here.folder / ".unseen" / "mlflow.db")
    (here.folder / "unseen.yaml").write_text(yaml.safe_dump(settings_of(here.kind)))
    here.month(1)
    here.month(2)
    here.said["check"] = here.call("check")
    here.records.append(json.loads(here.call("retrain", "--json")))
    for number, moved in ((3, False), (4, True)):
        path = here.month(number, moved)
        here.looks.append(json.loads(here.call("drift", path, "--json", code=20 if moved else 0)))
        if moved:
            here.said["doctor"] = here.call("doctor", "loop", code=30)
            here.call("monitor")
            here.said["metrics"] = (here.folder / ".unseen" / "metrics" / "loop.prom").read_text()
        here.records.append(json.loads(here.call("retrain", "--json", code=10 if moved else 0)))
    here.call("promote", "loop", "--override", "--reason", "the column is right as it is now")
    yield here


def test_no_kind_is_left_out() -> None:
    assert sorted(kind.name for kind in KINDS) == list(models())


def test_a_good_month_is_promoted_and_one_in_which_a_column_moved_is_held(life: Life) -> None:
    assert [r["outcome"] for r in life.records] == ["promoted", "promoted", "held"]
    assert [r["version"] for r in life.records] == [1, 2, 3]
    assert life.kind.name in life.said["check"] or life.kind.name == "mixture"
    assert all(v["passed"] for r in life.records[:2] for v in r["gates"])
    held = life.records[2]
    refused = {v["gate"] for v in held["gates"] if not v["passed"]}
    if life.kind.name == "dawid_skene":  # hardly any spam: the shares of the classes moved, and explain the labels
        assert {m["kind"] for m in held["moved"]} == {"shares"} and refused >= {"memory_drop"}
    else:
        assert life.kind.moves in {m["column"] for m in held["moved"] if m["holds"]} and "drift" in refused
    assert held["past"]["trouble"] is None and held["past"]["pinned"]["units"] > 50


def held_out(life: Life, version: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """All rows that a version was made from in the order of the files, and which of them judged, (n,)."""
    paths = [life.folder / "months" / f"2024-0{n}.parquet" for n in (version, version + 1)]
    source, _, _ = open_source(paths, unit=life.kind.unit)
    rules = load(life.folder / "unseen.yaml").validate_
    holdout = HoldOut(source, [pq.read_metadata(path).num_rows for path in paths], rules.share, rules.seed)
    parts = source.manifest()
    mask = np.concatenate([holdout.newest.mask(part) for part in parts])
    places = [input_places(source, part) for part in parts]
    if places[0] is not None:
        mask[np.concatenate(places)] = mask.copy()
    tables = [pq.read_table(path) for path in paths]
    return {n: np.concatenate([t[n].to_numpy() for t in tables]) for n in tables[0].column_names}, mask


def test_held_out_are_whole_units_of_the_newest_month(life: Life) -> None:
    data, mask = held_out(life, 2)
    newest = np.arange(len(mask)) >= len(mask) - pq.read_metadata(life.folder / "months" / "2024-03.parquet").num_rows
    unit = np.arange(len(mask)) if life.kind.unit is None else data[life.kind.unit]
    held = set(unit[mask].tolist())
    assert not held & set(unit[~mask].tolist())
    assert held <= set(unit[newest].tolist())
    units = len(set(unit[newest].tolist()))
    # rows are counted out; units are drawn by their names, a binomial number of them
    assert abs(len(held) - 0.2 * units) <= (0.5 if life.kind.unit is None else 5 * np.sqrt(units * 0.2 * 0.8))
    assert life.records[1]["validation"]["units"] <= len(held)  # rows without an observed cell say nothing


def test_what_the_gates_compare_is_the_log_density_of_those_rows(life: Life) -> None:
    for version in (1, 2, 3):
        data, mask = held_out(life, version)
        rows = {name: column[mask] for name, column in data.items()}
        result, found = life.result(version), life.records[version - 1]["validation"]
        density = result.log_prob(rows)
        described = [n for slot in result.model.slots if not slot.given for n in slot.columns]
        seen = np.any([[v == v and v is not None for v in rows[n]] for n in described], axis=0)
        assert found["rows"] == seen.sum()
        assert found["heldout"] == pytest.approx(density[seen].mean(), rel=1e-9)
        if version > 1:
            gain = density - life.result(version - 1).log_prob(rows)
            unit = np.arange(mask.sum()) if life.kind.unit is None else rows[life.kind.unit]
            totals = np.array([gain[unit == u].sum() for u in dict.fromkeys(unit[seen].tolist())])
            assert found["gain"] == pytest.approx(gain[seen].mean(), rel=1e-6, abs=1e-9)
            error = totals.std(ddof=1) * np.sqrt(len(totals)) / seen.sum()
            assert found["gain_se"] == pytest.approx(error, rel=1e-6)


def test_drift_finds_the_column_that_moved(life: Life) -> None:
    quiet, loud = life.looks
    assert not quiet["drifted"] and quiet["e_value"] < quiet["threshold"]
    moved = {t["column"] for t in loud["tests"] if t["kind"] == "column" and t["verdict"] == "drift"}
    assert life.kind.moves in moved and any(life.kind.moves in cause for cause in loud["causes"])
    kinds = {t["kind"] for t in loud["tests"]}
    assert {"column", "missing", "density"} <= kinds
    assert ({"shares", "position"} & kinds != set()) == life.kind.discrete
    assert life.kind.moves in life.said["doctor"]


def test_a_gate_about_components_applies_where_there_are_some(life: Life) -> None:
    (verdict,) = [v for v in life.records[1]["gates"] if v["gate"] == "max_moved"]
    assert (verdict["measured"] is not None) == life.kind.discrete
    assert ("this model has none: it does not apply" in verdict["reason"]) != life.kind.discrete
    assert ("it will not apply" in life.said["check"]) != life.kind.discrete


def test_the_gates_say_the_same_again(life: Life) -> None:
    again = json.loads(life.call("gate", life.records[1]["id"], "--against", "1", "--json"))
    assert again["allowed"] and again["validation"] == life.records[1]["validation"]


def test_it_is_told_and_measured(life: Life) -> None:
    lines = life.said["metrics"].splitlines()
    heldout = next(n for n in lines if "loglik_nats{" in n and 'which="candidate"' in n)
    assert float(heldout.rpartition(" ")[2]) == pytest.approx(life.records[1]["validation"]["heldout"])
    alarms = [n for n in lines if n.startswith("unseen_drift_alarm{") and n.endswith(" 1.0")]
    assert any('kind="column"' in n and f'subject="{life.kind.moves}"' in n for n in alarms)
    assert life.call("history").count("promoted") >= 3


def test_rows_are_scored_in_the_order_they_come(life: Life) -> None:
    data, _ = held_out(life, 3)
    n = len(next(iter(data.values())))
    # a permutation that keeps the order inside of units
    order = np.argsort(np.random.default_rng(0).random(n).round(1), kind="stable")
    if life.kind.name == "hmm":
        first = np.array([dict(zip(data["patient"][::-1], range(n)[::-1], strict=True))[u] for u in data["patient"]])
        order = np.argsort(-first, kind="stable")
    straight = life.result(3).outputs(data)
    served = served_by(life.folder / ".unseen", 3).predict(pandas.DataFrame(data).iloc[order])
    assert list(served.index) == order.tolist()
    for name, values in straight.items():
        if values.dtype.kind == "f":
            assert np.allclose(served[name], values[order], rtol=1e-6, atol=1e-9), name
        else:
            assert (served[name].to_numpy() == values[order]).all(), name


def served_by(home: Path, version: int) -> Any:
    """A version as MLflow serves it, signature and all."""
    from mlflow.pyfunc import load_model

    entries = Log(Places(home, "loop")).entries()
    made = next(e.facts for e in entries if e.kind == REGISTERED and e.facts["version"] == version)
    return load_model(str(home / str(made["artifact"])))


@pytest.mark.parametrize("kind", [k for k in KINDS if k.unit], ids=lambda kind: kind.name)
def test_every_row_has_to_name_its_unit(tmp_path: Path, kind: Kind) -> None:
    here = Life(kind, tmp_path)
    (tmp_path / "unseen.yaml").write_text(yaml.safe_dump(settings_of(kind)))
    unit = kind.unit or ""
    month = kind.month(np.random.default_rng(0), False)
    some = [None if i % 100 == 0 else str(u) for i, u in enumerate(month[unit])]
    write(tmp_path / "months" / "2024-01.parquet", {**month, unit: some})
    refused = json.loads(here.call("retrain", "--json", code=11))
    assert [f["column"] for f in refused["findings"]] == [unit]
    renamed = {f"{unit}_": month[unit], **{n: c for n, c in month.items() if n != unit}}
    here.month(1)
    write(tmp_path / "months" / "2024-02.parquet", renamed)
    refused = json.loads(here.call("retrain", "--json", code=11))
    said = " ".join(f["message"] for f in refused["findings"])
    assert f"column {unit!r} is missing in '2024-02.parquet'; '{unit}_' is there instead" in said


def test_rollback_and_promotion_by_hand(life: Life) -> None:
    """The last test of a life: it changes who is champion."""
    assert "version 3" in life.call("status")
    life.call("rollback", "loop", "--reason", "a test")
    assert "version 2" in life.call("status").splitlines()[0]
    # what was seen of version 2 before it went still counts
    again = json.loads(life.call("drift", life.folder / "months" / "2024-04.parquet", "--json", code=20))
    assert (again["version"], again["look"], again["repeated"]) == (2, 1, True)
    life.call("promote", "loop", "--to", "3", "--reason", "a test", "--override")
    assert "version 3" in life.call("status").splitlines()[0]
    assert "rolled back" in life.call("history")
