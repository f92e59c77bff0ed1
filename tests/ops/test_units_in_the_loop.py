"""Where rows belong together, `init` and `check` count what judges: sequences, items or users, and not rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.calling import call, fails, ok
from tests.ops.every_kind_case import ratings, votes, write
from unseen.ops.config import load


def stays(seed: int, patients: int = 32) -> dict[str, object]:
    """So many patients a month, each of twenty rows of two sticky states."""
    rng = np.random.default_rng(seed)
    state = np.cumsum(rng.random((patients, 20)) < 0.2, axis=1) % 2
    x = rng.normal(size=(2, *state.shape)) + 4 * state
    patient = np.repeat([f"p{seed}-{i}" for i in range(patients)], 20)
    return {"patient": patient, "pulse": x[0].ravel(), "fever": x[1].ravel()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for number in (1, 2, 3):
        write(tmp_path / "stays" / f"2024-{number:02}.parquet", stays(number))
    return tmp_path


def test_init_counts_units_and_the_first_model_is_not_held_for_them(here: Path) -> None:
    ok("init", "stays", "--model", "hmm", "--unit", "patient", "--states", "2")
    settings = load("unseen.yaml", {})
    assert settings.model.kind == "hmm" and settings.model.unit == "patient" and settings.model.numbers == (2,)
    assert settings.model.columns == ("pulse", "fever") and "patient" not in settings.schema_.columns
    assert settings.validate_.share == 0.4 and settings.gates.min_heldout_rows == 6  # half of 12 of 32
    said = ok("check").stdout
    assert "held-out units (patient) judge" in said and "min_heldout_rows (" not in said
    done = call("retrain")
    assert done.exit_code == 0, done.output


def test_check_tells_before_training_that_too_few_units_judge(here: Path) -> None:
    """With values for rows: 640 of them are 32 sequences, of which a fifth never reaches a hundred."""
    ok("init", "stays", "--model", "hmm", "--unit", "patient")
    text = Path("unseen.yaml").read_text().replace("min_heldout_rows: 6", "min_heldout_rows: 100")
    Path("unseen.yaml").write_text(text)
    said = ok("check").stdout
    assert "fewer than gates.min_heldout_rows (100), which counts units: the newest partition has 32" in said


@pytest.mark.parametrize(
    ("columns", "options", "named"),
    [(votes, ["dawid_skene", "--item", "item"], "item"), (ratings, ["matrix_factorization", "--user", "user"], "user")],
)
def test_init_names_the_columns_of_other_kinds(tmp_path, monkeypatch, columns, options, named) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "data" / "2024-01.parquet", columns(np.random.default_rng(1), False))
    ok("init", "data", "--model", *options)
    settings = load("unseen.yaml", {})
    assert settings.model.unit == named and named not in settings.model.columns
    assert set(settings.model.named_columns.values()) - {named} <= set(settings.model.columns)
    ok("check")


def test_a_unit_that_is_no_column_is_told(here: Path) -> None:
    fails(
        3,
        "there is no column 'ward'; the columns are 'patient', 'pulse', 'fever'",
        *["init", "stays", "--model", "hmm", "--unit", "ward"],
    )
