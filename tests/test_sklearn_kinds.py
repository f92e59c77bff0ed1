"""`unseen.sklearn.estimator`: every kind of model in scikit-learn's clothes, made from what the kind declares."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from click.testing import CliRunner
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted

import unseen
from tests.packages import install, uninstall, write
from unseen.cli.shell import cli
from unseen.errors import DataError, ModelError
from unseen.sklearn import HMM, DawidSkene, FactorAnalysis, LogisticExperts, MatrixFactorization, Mixture, estimator
from unseen.store.kinds import model, models

#: checks that contradict a kind of model, each with the reason
UNFIT = {
    "FactorAnalysis": {"check_fit2d_1feature": "one column cannot determine a factor, and the error speaks of columns"},
    "LogisticExperts": {
        "check_estimators_nan_inf": "the error names the column and its missing cells in words of its own",
        "check_classifiers_one_label_sample_weights": "five rows are refused first: BIC takes such weights for shares",
    },
    "HMM": {
        "check_sample_weights_not_overwritten": "rows of one sequence have one weight",
        "check_sample_weight_equivalence_on_dense_data": "rows of one sequence have one weight",
        "check_methods_sample_order_invariance": "rows are a sequence: their order says something",
        "check_methods_subset_invariance": "rows are a sequence: neighbours say something",
    },
}


@parametrize_with_checks(
    [
        FactorAnalysis(1, noise="isotropic"),
        FactorAnalysis(noise="isotropic"),
        LogisticExperts(1, prior=1.0, tol=1e-12),
        LogisticExperts(restarts=1),
        Mixture(2, restarts=1),
        HMM(2, covariance="diagonal", restarts=1),
    ],
    expected_failed_checks=lambda estimator: UNFIT.get(type(estimator).__name__, {}),
)
def test_check_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


def worked(kind: str) -> tuple[Any, pd.DataFrame, Any]:
    """The estimator that a kind's worked example asks for, its data, and the target if it has one."""
    example = importlib.import_module(model(kind).__module__).example()
    data = pd.DataFrame(dict(example.data)) if isinstance(example.data, dict) else pd.DataFrame(example.data)
    data = data.set_axis([str(name) for name in data.columns], axis=1)
    given = {o.name: getattr(example.model, o.name) for o in model(kind).options if not o.unit}
    given |= {o.name: example.options.get("unit") for o in model(kind).options if o.unit}
    y = next((data.pop(given.pop(o.name)) for o in model(kind).options if o.target), None)
    return estimator(kind)(**given, restarts=2), data, y


def by_command_line(there: Path, kind: str, table: pd.DataFrame, asked: dict[str, Any]) -> Any:
    table.to_parquet(there / "data.parquet")
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in asked.items() if not isinstance(value, bool)]
    flags += [f"--{name}" for name, value in asked.items() if value is True]
    command = ["fit", str(there / "data.parquet"), "--model", kind, *flags, "--out", str(there), "--name", "run"]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    return unseen.load(there / "run")


@pytest.mark.parametrize("kind", models())
def test_it_is_what_the_command_line_does(kind: str, tmp_path: Path) -> None:
    fit, X, y = worked(kind)
    fit.fit(X, y)
    asked = {o.name: getattr(fit, o.name, None) for o in model(kind).options} | {"restarts": 2}
    asked |= {o.name: y.name for o in model(kind).options if o.target}
    table = X if y is None else X.assign(**{y.name: y})
    run = by_command_line(tmp_path, kind, table, {n: v for n, v in asked.items() if v is not None})
    assert fit.result_.params.keys() == run.params.keys() and fit.number_ == run.model.number
    for name in run.params:
        np.testing.assert_allclose(fit.result_.params[name], run.params[name], rtol=1e-12, atol=1e-12)
    assert fit.result_.loglik == pytest.approx(run.loglik, rel=1e-12)
    told = run.outputs(table)
    for way, name in (("predict", run.model.outputs()[0].columns[0][0]), ("score_samples", "log_density")):
        if hasattr(fit, way) and y is None and kind != "matrix_factorization":
            np.testing.assert_array_equal(np.asarray(getattr(fit, way)(X)).astype(str), told[name].astype(str))
    # one call of `fit` takes other steps to the same optimum
    direct = unseen.fit(run.model, table, unit=run.encoding.unit, restarts=2)
    assert direct.loglik == pytest.approx(run.loglik, abs=1e-4)


@pytest.mark.parametrize("kind", models())
def test_it_lives_in_scikit_learn(kind: str) -> None:
    fit, X, y = worked(kind)
    assert clone(fit).get_params() == fit.get_params() and type(clone(fit)) is estimator(kind)
    assert repr(fit).startswith(type(fit).__name__ + "(") and type(fit).__name__ in fit._repr_html_()
    assert "Parameters" in (type(fit).__doc__ or "")
    fit.fit(X, y)
    again = pickle.loads(pickle.dumps(fit))
    check_is_fitted(again)
    ways = [way for way in ("predict", "predict_proba", "transform", "score_samples") if hasattr(fit, way)]
    assert ways
    for way in ways:
        assert len(getattr(fit, way)(X)) == len(X)
        np.testing.assert_array_equal(getattr(fit, way)(X), getattr(again, way)(X))
    np.testing.assert_allclose(fit.score(X, y), again.score(X, y))


@pytest.mark.parametrize("kind", models())
def test_transformed_rows_have_names(kind: str) -> None:
    fit, X, y = worked(kind)
    plain = np.asarray(fit.fit(X, y).transform(X))
    X.index = np.arange(len(X)) * 10
    named = fit.set_output(transform="pandas").fit(X, y).transform(X)
    assert named.index.equals(X.index) and list(named.columns) == list(fit.get_feature_names_out())
    np.testing.assert_array_equal(named.to_numpy(), plain)


@pytest.mark.parametrize("kind", models())
def test_new_rows_and_completed_ones_are_in_the_container_of_the_fit(kind: str) -> None:
    fit, X, y = worked(kind)
    if y is not None:
        assert not hasattr(fit, "sample") and not hasattr(fit, "score_samples")
        return
    fit.fit(pl.from_pandas(X))
    rows, latent = fit.sample(21)
    assert isinstance(rows, pl.DataFrame) and rows.columns == list(X.columns) and len(latent) == 21
    assert np.isfinite(fit.score_samples(rows)).all()
    told = [name for slot in fit.result_.model.slots if not slot.given for name in slot.columns]
    holes = X.astype({told[0]: object})
    holes.loc[3, told[0]] = None
    filled = fit.impute(pl.from_pandas(holes.infer_objects().astype({told[0]: float})))
    assert isinstance(filled, pl.DataFrame) and filled[told[0]].null_count() == 0


def test_an_estimator_can_do_what_its_kind_can() -> None:
    can = {
        kind: {w for w in ("predict", "predict_proba", "transform", "sample", "impute") if hasattr(estimator(kind), w)}
        for kind in models()
    }
    everything = {"predict", "predict_proba", "transform", "sample", "impute"}
    assert can["mixture"] == can["hmm"] == can["dawid_skene"] == everything
    assert can["factor_analysis"] == {"transform", "sample", "impute"}
    assert can["matrix_factorization"] == everything - {"predict_proba"}
    assert can["logistic_experts"] == {"predict", "predict_proba", "transform"}
    assert is_classifier(LogisticExperts()) and not is_classifier(Mixture())
    with pytest.raises(ModelError, match="nearest is 'factor_analysis'"):
        estimator("factor_analysi")
    with pytest.raises(TypeError, match="noize"):
        FactorAnalysis(1, noize="isotropic")
    with pytest.raises(ValueError, match="noise"):
        FactorAnalysis(1, noise="none").fit(np.eye(4))


def scores(rows: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Six columns that two factors move, and a class that the first of them makes likely."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(rows, 2))
    x = z @ rng.normal(size=(2, 6)) + 0.5 * rng.normal(size=(rows, 6))
    return x, (z[:, 0] + 0.3 * rng.normal(size=rows) > 0).astype(int)


def test_searches_and_pipelines() -> None:
    x, y = scores()
    search = GridSearchCV(FactorAnalysis(2), {"noise": ["diagonal", "isotropic"], "factors": [1, 2]}, cv=3).fit(x)
    assert search.best_params_["factors"] == 2
    chain = make_pipeline(StandardScaler(), FactorAnalysis(2), LogisticRegression())
    assert cross_val_score(chain, x, y, cv=3).mean() > 0.85
    assert chain.set_params(factoranalysis__noise="isotropic").fit(x, y)[1].result_.model.noise == "isotropic"
    assert FactorAnalysis().fit(x).number_ == 2


def test_a_target_of_two_classes() -> None:
    x, y = scores()
    names = np.array(["no", "yes"], object)[y]
    experts = LogisticExperts(1, prior=0.1)
    fit = clone(experts).fit(x, names)
    assert fit.classes_.tolist() == ["no", "yes"] and fit.score(x, names) > 0.85
    flat = LogisticRegression(C=1e6, max_iter=1000).fit(x, names)
    np.testing.assert_allclose(fit.predict_proba(x), flat.predict_proba(x), atol=0.05)
    for form in (y, y.astype(bool), y.astype(float), 2 * y - 1, pd.Series(y, name="x0")):
        again = clone(experts).fit(x, form)
        assert again.classes_.dtype == np.asarray(form).dtype and (again.classes_ == np.unique(form)).all()
        assert ((again.predict(x) == again.classes_[1]) == (fit.predict(x) == "yes")).all()
    assert cross_val_score(experts, x, names, cv=3, scoring="roc_auc").mean() > 0.9
    with pytest.raises(ValueError, match="requires y to be passed"):
        clone(experts).fit(x)
    with pytest.raises(DataError, match="one class only"):
        clone(experts).fit(x, np.zeros(len(x), int))


@pytest.mark.parametrize("container", [pd.DataFrame, pl.DataFrame, pa.table, dict])
def test_a_target_beside_every_container(container: Any) -> None:
    x, y = scores()
    X, names = container({f"x{j}": column for j, column in enumerate(x.T)}), np.array(["no", "yes"])[y]
    plain = LogisticExperts(1, prior=0.1).fit(x, names)
    for form in (names, names.astype(object), pd.Series(names, dtype="category"), pl.Series("t", names), list(names)):
        np.testing.assert_array_equal(clone(plain).fit(X, form).predict(X), plain.predict(x))


def test_a_sequence_is_named_by_its_column() -> None:
    counts = np.random.default_rng(0).poisson(np.repeat([3, 12, 3, 12], 25))
    table = pd.DataFrame({"series": np.repeat(["a", "b"], 50), "count": counts})
    fit = HMM(2, unit="series", restarts=2).fit(table)
    assert fit.result_.profile.units == 2
    rows, states = fit.sample(6)
    assert rows.columns.tolist() == ["series", "count"] and rows["series"].nunique() == 1 and len(states) == 6
    halves = [fit.score_samples(half) for half in (table[:50], table[50:])]
    np.testing.assert_allclose(fit.score_samples(table), np.concatenate(halves))


def test_y_names_components_only_where_it_is_asked_to() -> None:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, 200)
    x = rng.normal(6 * group[:, None], 1, (200, 2))
    known = np.where(rng.random(200) < 0.2, 1 - group, -1)
    plain, told = Mixture(2, restarts=2).fit(x, known), Mixture(2, restarts=2, semi_supervised=True).fit(x, known)
    assert not hasattr(plain, "classes_") and told.classes_.tolist() == ["0", "1"]
    np.testing.assert_array_equal(told.predict(x), 1 - group)
    direct = unseen.fit(
        told.result_.model, dict(zip(("x0", "x1"), x.T, strict=True)), labels=np.where(known < 0, np.nan, known)
    )
    np.testing.assert_allclose(direct.params["means"], told.result_.params["means"], rtol=1e-4)


def test_units_by_the_name_of_a_column() -> None:
    fit, votes, _ = worked("dawid_skene")
    fit.fit(votes)
    truth = dict(zip(fit.result_.units(votes), fit.result_.truth(votes), strict=True))
    assert fit.classes_.tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(fit.predict(votes), votes["patient"].map(truth))
    shuffled = votes.sample(frac=1, random_state=0)
    np.testing.assert_array_equal(fit.predict(shuffled), shuffled["patient"].map(truth))
    by_position = DawidSkene(item=0, worker=1, label=2, restarts=2).fit(votes.to_numpy())
    np.testing.assert_allclose(by_position.predict_proba(votes.to_numpy()), fit.predict_proba(votes), atol=1e-9)
    assert np.isfinite(
        cross_val_score(clone(fit).set_params(prior=1.0), votes, cv=GroupKFold(3), groups=votes["patient"])
    ).all()
    with pytest.raises(ModelError, match="needs item"):
        DawidSkene().fit(votes)


def test_factors_of_a_unit_are_those_of_its_rows() -> None:
    fit, marks, _ = worked("matrix_factorization")
    fit.fit(marks)
    of_units = fit.result_.scores(marks)
    np.testing.assert_allclose(fit.transform(marks)[::5], of_units)
    np.testing.assert_allclose(fit.predict(marks), fit.result_.predict(marks))
    assert isinstance(fit, MatrixFactorization) and not is_regressor(fit)


def test_a_target_that_is_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Path(__file__).with_name("lines.py").read_text()
    site = write(tmp_path / "site", "acme-line", "1.0", {"acme.line": "acme_line.lines:Line"}, {"lines": text})
    install(site, monkeypatch)
    x, _ = scores()
    y = pd.Series(x @ np.arange(6.0) + np.random.default_rng(1).normal(size=len(x)), name="load")
    line = estimator("acme.line")()
    assert is_regressor(line) and type(line).__name__ == "Line"
    np.testing.assert_allclose(line.fit(x, y).predict(x), LinearRegression().fit(x, y).predict(x), atol=1e-8)
    assert line.score(x, y) > 0.9 and line.result_.model.target == "load"
    assert not hasattr(line, "transform") and pickle.loads(pickle.dumps(line)).score(x, y) == line.score(x, y)
    uninstall(site)
