"""`MixedMixture` and `MixtureImputer`: what the command line does, in scikit-learn's clothes."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from click.testing import CliRunner
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from unseen import DataError
from unseen.cli.shell import cli
from unseen.errors import SchemaError
from unseen.sklearn import MixedMixture, MixtureImputer

ROWS = 200
MODELLED = ["amount", "visits", "plan"]


#: one model, whose fit is scikit-learn's question alone
GIVEN = MixedMixture(2, covariance="tied-diagonal", restarts=1)


@parametrize_with_checks([MixedMixture(restarts=1), MixedMixture(1), GIVEN, MixtureImputer(restarts=1)])
def test_check_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


def customers(seed: int = 0) -> pd.DataFrame:
    """Two groups of customers: an amount, a count and a plan with holes, a constant, and a name for each row."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, ROWS)
    table = pd.DataFrame(
        {
            "amount": rng.normal(8 * group, 1).round(2),
            "visits": rng.poisson(1 + 6 * group).astype(float),
            "plan": np.where(rng.random(ROWS) < 0.1 + 0.8 * group, "pro", "free").astype(object),
            "country": "NL",
            "name": [f"customer {i}" for i in range(ROWS)],
        },
        index=np.arange(ROWS) * 10,
    )
    for column in (*MODELLED, "name"):
        table.loc[rng.random(ROWS) < 0.1, column] = None
    return table


def structured(table: pd.DataFrame) -> np.ndarray:
    out = np.empty(len(table), [(n, float if table[n].dtype.kind == "f" else object) for n in table.columns])
    for n in table.columns:
        out[n] = table[n].to_numpy()
    return out


CONTAINERS = {
    "pandas": lambda t: t,
    "polars": pl.from_pandas,
    "arrow": lambda t: pa.Table.from_pandas(t, preserve_index=False),
    "objects": lambda t: t.to_numpy(object),
    "structured": structured,
    "mapping": lambda t: {n: t[n].to_numpy() for n in t.columns},
}


def back(X: Any, names: Any) -> pd.DataFrame:
    """Any of the containers as a pandas table of plain columns, None in the holes."""
    if isinstance(X, (pl.DataFrame, pa.Table)):
        X = X.to_pandas()
    elif isinstance(X, np.ndarray) and X.dtype.names:
        X = pd.DataFrame({n: X[n] for n in X.dtype.names})
    else:
        X = pd.DataFrame(X) if not isinstance(X, np.ndarray) else pd.DataFrame(X, columns=list(names))
    return X.reset_index(drop=True).astype(object).where(X.reset_index(drop=True).notna(), None)


@pytest.fixture(scope="module")
def fitted() -> MixedMixture:
    return MixedMixture(restarts=2).fit(customers())


@pytest.fixture(scope="module")
def imputer() -> MixtureImputer:
    return MixtureImputer(restarts=2).fit(customers())


def test_it_is_what_the_command_line_does(tmp_path: Path) -> None:
    table = customers()
    table.to_csv(tmp_path / "customers.csv", index=False)
    command = ["fit", str(tmp_path / "customers.csv"), "--out", str(tmp_path / "runs"), "--json"]
    told = json.loads(CliRunner().invoke(cli, command, catch_exceptions=False).stdout)
    mixture = MixedMixture().fit(table)
    assert mixture.n_components_ == len(told["components"]) == 2
    assert mixture.result_.bic == pytest.approx(told["bic"], abs=1e-6)


def test_it_says_what_it_decided(fitted: MixedMixture) -> None:
    assert {c["column"]: c["family"] for c in fitted.columns_ if c["family"]}.keys() == set(MODELLED)
    notes = {c["column"]: c["note"] for c in fitted.columns_}
    assert "constant" in notes["country"] and "different values" in notes["name"]
    assert fitted.weights_.sum() == pytest.approx(1) and fitted.converged_ and fitted.n_iter_ > 0
    assert list(fitted.feature_names_in_) == [*MODELLED, "country", "name"] and fitted.n_features_in_ == 5


@pytest.mark.parametrize("kind", CONTAINERS)
def test_every_container_is_read_the_same(kind: str, fitted: MixedMixture) -> None:
    table = customers()
    X = CONTAINERS[kind](table)
    mixture = MixedMixture(restarts=2).fit(X)
    np.testing.assert_allclose(mixture.predict_proba(X), fitted.predict_proba(table), atol=1e-9)
    rows, components = mixture.sample(7)
    assert type(rows) is type(X) and components.shape == (7,)
    assert np.isfinite(mixture.score_samples(rows)).all()


@pytest.mark.parametrize("sample", [False, True])
@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_completed_table_keeps_its_container_and_its_cells(kind: str, sample: bool) -> None:
    table = customers()
    X = CONTAINERS[kind](table)
    filled = MixtureImputer(2, restarts=1, sample=sample).fit(X).transform(X)
    assert type(filled) is type(X)
    before, after = back(X, table.columns), back(filled, table.columns)
    seen = before.notna()
    assert after[MODELLED].notna().all().all()
    assert (after.where(seen, 0) == before.where(seen, 0)).all().all()
    assert after["name"].isna().equals(before["name"].isna())  # left out of the fit: holes and all


def test_pandas_keeps_index_and_types(imputer: MixtureImputer) -> None:
    table = customers()
    filled = imputer.transform(table)
    assert filled.index.equals(table.index) and filled.dtypes.equals(table.dtypes)


def test_arrays_and_frames_may_be_mixed() -> None:
    table = customers()[["amount", "visits"]]
    by_frame, by_array = (MixtureImputer(2, restarts=1).fit(X) for X in (table, table.to_numpy()))
    with pytest.warns(UserWarning, match="feature names"):
        matrix = by_frame.transform(table.to_numpy())
    with pytest.warns(UserWarning, match="feature names"):
        frame = by_array.transform(table)
    assert isinstance(matrix, np.ndarray) and list(frame.columns) == list(table.columns)
    np.testing.assert_allclose(matrix, frame.to_numpy())
    masked = by_array.transform(np.ma.masked_invalid(table.to_numpy()))
    np.testing.assert_allclose(masked, matrix)


def test_one_normal_component_fills_by_regression() -> None:
    """With holes in the last column alone, maximum likelihood is least squares on the complete rows (Anderson 1957)."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3)) @ rng.normal(size=(3, 3))
    gone = rng.random(80) < 0.3
    design = np.column_stack([np.ones(80), X[:, :2]])
    beta = np.linalg.lstsq(design[~gone], X[~gone, 2], rcond=None)[0]
    X[gone, 2] = np.nan
    filled = MixtureImputer(1, covariance="full", families=dict.fromkeys(range(3), "gaussian"), tol=1e-12).fit(X)
    np.testing.assert_allclose(filled.transform(X)[gone, 2], design[gone] @ beta, atol=1e-5)


def test_a_category_is_the_most_probable_one(imputer: MixtureImputer) -> None:
    rows = pd.DataFrame({"amount": [0.0, 8.0], "visits": [1.0, 7.0], "plan": None, "country": "NL", "name": None})
    assert imputer.transform(rows)["plan"].tolist() == ["free", "pro"]


def test_draws_are_repeatable_and_keep_the_variance() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 1)) @ [[1.0, 1.0]] + rng.normal(size=(4000, 2))
    gone = rng.random(4000) < 0.5
    X[gone, 1] = np.nan
    drawing = MixtureImputer(1, sample=True).fit(X)
    drawn = drawing.transform(X)
    assert (drawn == drawing.transform(X)).all()
    assert (drawn != clone(drawing).set_params(random_state=1).fit(X).transform(X)).any()
    # the variance is 2; of expectations it is 1/2. 2,000 draws: standard error 2 sqrt(2 / 2000) = 0.06
    expectation = MixtureImputer(1).fit(X).transform(X)
    assert abs(drawn[gone, 1].var() - 2) < 0.3 and abs(expectation[gone, 1].var() - 0.5) < 0.1


def test_a_category_the_fit_has_not_seen(fitted: MixedMixture) -> None:
    rows = customers().iloc[:3].assign(plan=["other", "pro", None])
    with pytest.raises(SchemaError, match="unknown='missing'"):
        fitted.predict(rows)
    lenient = MixtureImputer(2, restarts=1, unknown="missing").fit(customers())
    assert lenient.transform(rows)["plan"].tolist()[0] == "other"
    unsaid = lenient.transform(rows.assign(plan=[None, "pro", None]))
    assert (lenient.transform(rows)[["amount", "visits"]] == unsaid[["amount", "visits"]]).all().all()


def test_what_cannot_be_used_is_said() -> None:
    table = customers()
    left = MixtureImputer(2).fit(table.assign(amount=np.nan)).columns_
    assert [c["note"] for c in left if c["column"] == "amount"] == ["left out: is empty: no cell has a value"]
    with pytest.raises(DataError, match="'plan' mixes numbers with text"):
        MixedMixture(2).fit(table.assign(plan=table["plan"].where(table.index > 50, 3)))
    with pytest.raises(DataError, match="no column is left to fit"):
        MixedMixture(2).fit(table[["country"]])
    with pytest.raises(DataError, match="minimum of 2"):
        MixedMixture(2).fit(table.iloc[:1])
    with pytest.raises(SchemaError, match="no column 'b'"):
        MixedMixture(1).fit({"a": np.arange(9.0), "b": np.arange(9.0) ** 2}).predict({"a": np.arange(3.0)})


def test_a_column_may_be_ignored_or_given_its_family() -> None:
    hollow = customers().assign(amount=np.nan)
    imputer = MixtureImputer(1, ignore=["amount"], families={"visits": "gaussian"}).fit(hollow)
    assert {c["column"]: c["family"] for c in imputer.columns_}["visits"] == "gaussian"
    assert imputer.transform(hollow)["amount"].isna().all()
    by_position = MixedMixture(1, ignore=[0], families={1: "gaussian"}).fit(hollow.to_numpy(object))
    assert [c["family"] for c in by_position.columns_[:2]] == [None, "gaussian"]


def test_indicators_stand_behind_the_columns() -> None:
    table = customers()
    names = [*table.columns, *(f"missingindicator_{n}" for n in (*MODELLED, "name"))]
    imputer = MixtureImputer(2, restarts=1, add_indicator=True)
    for kind in ("pandas", "polars", "arrow", "mapping", "structured"):
        out = back(imputer.fit(CONTAINERS[kind](table)).transform(CONTAINERS[kind](table)), ())
        assert list(out.columns) == names == list(imputer.get_feature_names_out())
        assert (out[names[5:]].astype(bool).to_numpy() == table[[*MODELLED, "name"]].isna().to_numpy()).all()
    matrix = imputer.fit(table.to_numpy(object)).transform(table.to_numpy(object))
    assert matrix.shape == (ROWS, 9) and imputer.get_feature_names_out()[5] == "missingindicator_x0"


def test_the_output_may_be_set() -> None:
    X = customers()[["amount", "visits"]].to_numpy()
    imputer = MixtureImputer(1).fit(X)
    assert isinstance(imputer.set_output(transform="pandas").transform(X), pd.DataFrame)
    assert isinstance(imputer.set_output(transform="polars").transform(X), pl.DataFrame)


def test_row_weights_are_copies() -> None:
    table = customers()[["amount", "visits", "plan"]]
    weights = np.random.default_rng(1).integers(1, 4, ROWS)
    copies = table.loc[table.index.repeat(weights)]
    weighted, copied = MixedMixture(1).fit(table, sample_weight=weights), MixedMixture(1).fit(copies)
    assert weighted.result_.loglik == pytest.approx(copied.result_.loglik, rel=1e-9)
    assert weighted.result_.bic == pytest.approx(copied.result_.bic, rel=1e-9)


def test_known_labels_name_the_components() -> None:
    table = customers()
    truth = np.where(table["amount"].fillna(4) > 4, 1, 0)
    some = np.where(np.arange(ROWS) % 5 == 0, truth, -1)
    mixture = MixedMixture(2, restarts=1).fit(table, labels=some)
    assert mixture.classes_.tolist() == ["0", "1"]
    known = table["amount"].notna().to_numpy()
    assert (mixture.predict(table) == truth)[known].mean() > 0.98
    with pytest.raises(DataError, match="labels for 200 rows"):
        mixture.fit(table, labels=some[:5])


def test_criteria_score_new_rows(fitted: MixedMixture) -> None:
    table = customers()
    density = fitted.score_samples(table)
    assert fitted.score(table) == pytest.approx(density.mean())
    assert density.sum() == pytest.approx(fitted.result_.loglik, rel=1e-9)
    assert fitted.bic(table) == pytest.approx(fitted.result_.bic) and fitted.aic(table) < fitted.bic(table)
    assert (fitted.predict(table) == fitted.predict_proba(table).argmax(axis=1)).all()


def test_a_cap_is_told() -> None:
    with pytest.warns(ConvergenceWarning, match="Increase max_iter"):
        MixedMixture(2, restarts=1, max_iter=1, tol=1e-12).fit(customers())


def test_copies_and_pickles_answer_the_same(imputer: MixtureImputer) -> None:
    table = customers()
    assert clone(imputer).get_params() == imputer.get_params()
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(imputer)).transform(table), imputer.transform(table))


def test_it_works_inside_of_other_estimators() -> None:
    table = customers().drop(columns="name")
    target = (table["amount"].fillna(4) > 4).astype(int)
    holes = MixtureImputer(2, restarts=1)
    columns = ColumnTransformer([("n", StandardScaler(), ["amount", "visits"]), ("t", OneHotEncoder(), ["plan"])])
    whole = make_pipeline(holes, columns, LogisticRegression())
    assert cross_val_score(whole, table, target, cv=3).min() > 0.8
    apart = ColumnTransformer([("filled", holes, ["amount", "visits"])], remainder="drop")
    assert not np.isnan(apart.fit_transform(table)).any()
    assert list(apart.get_feature_names_out()) == ["filled__amount", "filled__visits"]
    search = GridSearchCV(MixedMixture(restarts=1), {"n_components": [1, 2]}, cv=2).fit(table)
    assert search.best_params_ == {"n_components": 2}
