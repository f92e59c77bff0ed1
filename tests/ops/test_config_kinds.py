"""What a kind of model needs of unseen.yaml: said with the nearest key or column before anything is read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from tests.ops.config_case import refused, settings
from tests.ops.every_kind_case import KINDS, Kind, settings_of, write
from unseen.cli.shell import cli


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model: {kind: hmm}", "line 3, model.unit: is required by kind hmm: the column that tells sequences apart"),
        ("model: {kind: hmm, unti: a}", "line 3, model.unti: unknown key; did you mean model.unit?"),
        (
            "model:\n kind: logistic_experts",
            "line 3, model.target: is required by kind logistic_experts: the column of",
        ),
        ("model: {kind: logistic_experts, targt: a}", "line 3, model.targt: unknown key; did you mean model.target?"),
        ("model: {kind: logistic_experts, options: {tgt: a}}", "line 3, model.options: .*no option 'tgt'"),
        (
            "model: {kind: dawid_skene}",
            "line 3, model.item: is required by kind dawid_skene: the column that says what",
        ),
        ("model: {kind: matrix_factorization}", "line 3, model.user: is required by kind matrix_factorization"),
        ("model: {kind: factor_analysis, unit: a}", "line 3, model.unit: unknown key"),
        ("model: {kind: hmm, unit: a, criterion: heldout}", "line 3, model.criterion: cannot hold out rows of a seq"),
        (
            "model:\n kind: hmm\n unit: a\n columns: [a, b]",
            "line 5, model.unit: names a column that is among model.col",
        ),
        ("model: {kind: dawid_skene, item: a, family: {b: gaussian}}", "line 3, model.family: is for models over fam"),
    ],
)
def test_what_is_missing_or_misspelt_is_named(tmp_path: Path, text: str, said: str) -> None:
    message = refused(tmp_path, text)
    assert re.match(f"unseen.yaml, {said}", message), message


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ({"data": {"path": "x", "ignore": ["a"]}}, "model.item: names a column that is in data.ignore too"),
        ({"data": {"path": "x", "labels": "b"}}, "data.labels: is for models with classes to name, which dawid_skene"),
    ],
)
def test_what_does_not_go_together_is_named(tmp_path: Path, beside: dict[str, Any], said: str) -> None:
    file = tmp_path / "unseen.yaml"
    body = {"name": "x", "data": {"path": "x"}, "model": {"kind": "dawid_skene", "item": "a"}, **beside}
    file.write_text(yaml.safe_dump(body))
    done = CliRunner().invoke(cli, ["check", "-c", str(file)])
    assert done.exit_code == 2 and said in done.output, done.output


def test_a_prior_is_for_models_with_one(tmp_path: Path) -> None:
    assert settings(tmp_path, "model: {kind: factor_analysis}\nfit: {prior: 1}").fit.prior == 1


@pytest.mark.parametrize(
    ("name", "column", "meant"),
    [
        (
            "hmm",
            {"unit": "patiant"},
            "model.unit names 'patiant', which the newest partition does not have; .*'patient'",
        ),
        ("logistic_experts", {"target": "faild"}, "model.target names 'faild', .*; did you mean 'failed'"),
        ("dawid_skene", {"worker": "wrker"}, "model.worker names 'wrker', .*; did you mean 'worker'"),
        ("logistic_experts", {"columns": ["heat"]}, "model.target names 'failed', which model.columns leaves out"),
    ],
)
def test_check_names_the_nearest_column(tmp_path: Path, name: str, column: dict[str, Any], meant: str) -> None:
    kind = next(k for k in KINDS if k.name == name)
    assert re.search(meant, " ".join(checked(tmp_path, kind, column, 3)["problems"]))
    assert checked(tmp_path, kind, {}, 0)["problems"] == []


def checked(folder: Path, kind: Kind, changes: dict[str, Any], code: int) -> dict[str, Any]:
    """What `unseen check` finds in a loop whose model is changed."""
    write(folder / "months" / "2024-01.parquet", kind.month(np.random.default_rng(0), False))
    body = settings_of(kind)
    body["model"] = {k: v for k, v in {**body["model"], **changes}.items() if k != "family"}
    (folder / "unseen.yaml").write_text(yaml.safe_dump(body))
    done = CliRunner().invoke(cli, ["check", "--json", "-c", str(folder / "unseen.yaml")])
    assert done.exit_code == code, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found
