"""Bad data gets one clear sentence that names the column and the knob, and never a cell of the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import unseen
from tests.badness import (
    FORMS,
    SECRET,
    SECRET_NUMBER,
    N,
    changed,
    fit,
    good,
    numbers,
    refused,
    to_csv,
    to_parquet,
)
from unseen.core.block import Column, Frame
from unseen.errors import ModelError


@pytest.fixture(params=list(FORMS))
def form(request, tmp_path: Path):
    return lambda data: FORMS[request.param](data, tmp_path)


def test_no_such_file(tmp_path: Path) -> None:
    for name in ("none.parquet", "none.csv", "none"):
        refused(f"there is no file '.*{name}'", fit, tmp_path / name)
        refused(f"there is no file '.*{name}'", fit, str(tmp_path / name))


def test_not_parquet(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text(f"x,y\n{SECRET},2\n")
    refused("'a.parquet' is not a Parquet file", fit, tmp_path / "a.parquet")


def test_a_binary_file_named_csv(tmp_path: Path) -> None:
    to_parquet(good(), tmp_path).rename(tmp_path / "a.csv")
    assert fit(tmp_path / "a.csv", ignore=["plan"]).weight == N  # what it is says the file, not its name
    (tmp_path / "b.csv").write_bytes(bytes(range(256)) * 8)
    refused("'b.csv' is no text", fit, tmp_path / "b.csv")


def test_data_of_an_unknown_type() -> None:
    refused("cannot read data of type int", fit, 3)
    refused("cannot read data of type Expr", fit, pl.col("x"))
    refused("3 dimensions", fit, np.zeros((2, 2, 2)))


# ---- columns


def test_an_empty_table(form) -> None:
    refused("no rows", fit, form({k: v[:0] for k, v in numbers().items()}))


def test_no_columns_at_all() -> None:
    refused("no column of the data can be used", fit, {})
    refused("no column of the data can be used", fit, pd.DataFrame())


@pytest.mark.parametrize("gap", [np.nan, None])
def test_a_column_that_is_all_missing(form, gap) -> None:
    hole = np.full(N, gap)
    refused("column 'z' has no observed value at all: .*--ignore", fit, form(numbers(z=hole)))
    assert fit(form(numbers(z=hole)), ignore=["z"]).weight == N


def test_a_row_that_is_all_missing_is_kept(form) -> None:
    data = numbers()
    data["x"][7] = data["y"][7] = np.nan
    result = fit(form(data))
    assert result.weight == N - 1
    assert result.profile.empty_rows == 1
    scored = form(data)
    assert result.log_prob(scored)[7] == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(result.responsibilities(scored)[7], result.params["weights"])


def test_a_constant_column(form) -> None:
    refused("column 'z' is constant.*ignore", fit, form(numbers(z=np.full(N, SECRET_NUMBER))))


def test_infinite_values(form) -> None:
    data = changed("x", np.inf)
    refused("column 'x' has 1 infinite values: mark them missing .*clip", fit, form(data))


def test_infinite_values_when_scoring(form) -> None:
    result = fit(numbers())
    refused("column 'x' has infinite values", result.log_prob, form(changed("x", -np.inf)))


def test_text_in_a_number_column(tmp_path: Path) -> None:
    data = changed("x", SECRET)
    refused("column 'x' mixes numbers with text.*--ignore", fit, data)
    refused("column 'x' mixes numbers with text.*--ignore", fit, pd.DataFrame(data))
    refused(
        "column 'x' looks numeric but has text in 1 of its cells .*data row 8.*--ignore x", fit, to_csv(data, tmp_path)
    )
    assert fit(to_csv({**data, "z": good()["x"]}, tmp_path), ignore=["x"]).weight == N
    assert fit(pd.DataFrame({**data, "z": good()["x"]}), ignore=["x"]).weight == N


def test_a_number_model_on_a_text_column(form) -> None:
    refused("column 'plan' holds text", fit, form(good()))


def test_a_column_that_cannot_be_modelled(tmp_path: Path) -> None:
    table = pa.table(numbers()).append_column("when", [pa.array([0] * N).cast(pa.timestamp("s"))])
    model = unseen.Mixture(unseen.Product(x=unseen.Gaussian(), when=unseen.Gaussian()), 2)
    refused("column 'when' cannot be modelled: dates and times", fit, table, model)
    assert [f for f in fit(table).options["ignored"]] == ["when"]
    refused("column 'o' has 2 dimensions", fit, {"x": good()["x"], "o": np.array([[]] * N + [()], object)[:N]},
            unseen.Mixture(unseen.Product(x=unseen.Gaussian(), o=unseen.Gaussian()), 2))  # fmt: skip


def test_a_column_that_is_not_there(form) -> None:
    model = unseen.Mixture(unseen.Product(x=unseen.Gaussian(), w=unseen.Gaussian()), 2)
    refused("the model names column 'w', which the data does not have", fit, form(numbers()), model)
    for role in ("weights", "labels"):
        refused("there is no column 'w'; the columns are 'x', 'y'", fit, form(numbers()), **{role: "w"})
    refused("there is no column 'w'", fit, form(numbers()), ignore=["w"])


def test_duplicated_names(tmp_path: Path) -> None:
    twice = pd.DataFrame(np.random.default_rng(0).normal(size=(N, 2)), columns=["x", "x"])
    refused("duplicated: 'x'; rename", fit, twice)
    twice.to_csv(tmp_path / "twice.csv", index=False)
    refused("duplicated in 'twice.csv': 'x'", fit, tmp_path / "twice.csv")
    arrow = pa.table([np.arange(9.0), np.arange(9.0)], names=["x", "x"])
    refused("duplicated: 'x'", fit, arrow)
    pq.write_table(arrow, tmp_path / "twice.parquet")
    refused("duplicated in 'twice.parquet': 'x'", fit, tmp_path / "twice.parquet")


def test_columns_of_different_length() -> None:
    refused("different lengths", fit, {"x": np.arange(3.0), "y": np.arange(4.0)})


# ---- how many


def test_fewer_rows_than_components(form) -> None:
    model = unseen.Mixture(unseen.Gaussian(), 5)
    few = {k: v[:3] for k, v in numbers().items()}
    refused("3 rows cannot tell 5 components apart: use fewer", fit, form(few), model)


@pytest.mark.parametrize("components", [0, -1, 1.5, "two"])
def test_fewer_than_one_component(components) -> None:
    refused("at least one component", unseen.Mixture, unseen.Gaussian(), components, kind=ModelError)


def test_more_than_a_thousand_categories(form) -> None:
    many = {"id": np.array([f"{SECRET}-{i}" for i in range(1001)], object)}
    refused("column 'id' .*1,000", fit, form(many), unseen.Mixture(unseen.Categorical(), 2))


# ---- weights and labels


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (-SECRET_NUMBER, "1 of 60 row weights are negative, missing or not finite"),
        (np.nan, "1 of 60 row weights are negative, missing or not finite"),
        (np.inf, "1 of 60 row weights are negative, missing or not finite"),
        (0.0, "all row weights are zero"),
    ],
)
def test_bad_weights(form, bad: float, message: str) -> None:
    w = np.zeros(N) if bad == 0 else np.ones(N)
    w[5] = bad
    refused(message, fit, form(numbers(w=w)), weights="w")
    refused(message, fit, numbers(), weights=w)


def test_text_as_weights(form) -> None:
    refused("weight column 'plan' holds text", fit, form(good()), weights="plan")


def test_weights_and_labels_of_another_length() -> None:
    for data in (numbers(), pd.DataFrame(numbers()), pa.table(numbers())):
        refused("different lengths|59 weights for 60 rows", fit, data, weights=np.ones(N - 1))
        refused("different lengths|59 labels for 60 rows", fit, data, labels=["a"] * (N - 1))


def test_arrays_beside_a_file(tmp_path: Path) -> None:
    path = to_parquet(numbers(), tmp_path)
    refused("name the weight and label columns of a file", fit, path, weights=np.ones(N), kind=ModelError)


def test_more_classes_than_components(form) -> None:
    labels = np.array([f"{SECRET}-{i % 3}" for i in range(N)], object)
    refused("label column 'c' has 3 classes but the model has 2 components", fit, form(numbers(c=labels)), labels="c")


def test_a_label_that_is_not_among_the_classes() -> None:
    labels = np.array(["a", "b", None] * (N // 3), object)
    result = fit(numbers(c=labels), labels="c")
    assert result.encoding.classes == ("a", "b")
    frame = Frame(0, 2, {n: Column(np.zeros(2)) for n in "xy"} | {"c": Column(np.array([0, 0]), None, (SECRET,))})
    refused("label column 'c' has a value that is not among the classes, in 2 rows", result.encoding.encode, frame)
