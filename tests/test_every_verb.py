"""Every verb for every kind of model: an answer, or one sentence that says why not."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import unseen
from unseen import (
    HMM,
    DawidSkene,
    FactorAnalysis,
    Gaussian,
    LogisticExperts,
    MatrixFactorization,
    Mixture,
    ModelError,
    Poisson,
)
from unseen.cli.shell import cli

RNG = np.random.default_rng(0)
ABILITY = unseen.models.factor_analysis.example().data
X = RNG.normal(size=200)
TWO = {"x": X, "y": np.where(RNG.random(200) < 1 / (1 + np.exp(-1 - 2 * X)), "yes", "no").astype(object)}
YEARS = np.array(unseen.models.hmm.EARTHQUAKES.split(), float)
SEQUENCES = {"who": np.repeat(["a", "b"], [60, 47]).astype(object), "quakes": YEARS}
HOLES = {n: np.where(np.arange(112) % 7 == 0, np.nan, c) if n == "maze" else c for n, c in ABILITY.items()}
VOTES = unseen.models.dawid_skene.example().data
MARKS = unseen.models.matrix_factorization.example().data
GAPS = {n: np.where(np.arange(440) % 9 == 0, np.nan, c) if n == "mark" else c for n, c in MARKS.items()}
KINDS = {
    "mixture": (Mixture(Gaussian("full"), 2), HOLES, {}),
    "factors": (FactorAnalysis(2), HOLES, {}),
    "experts": (LogisticExperts(1, target="y"), TWO, {}),
    "sequences": (HMM(Poisson(), 2), SEQUENCES, {"unit": "who"}),
    "sequence": (HMM(Poisson(), 2), {"quakes": YEARS}, {}),
    "votes": (DawidSkene("observer", "rating"), VOTES, {"unit": "patient"}),
    "ratings": (MatrixFactorization(1, "examination", "mark"), GAPS, {"unit": "student"}),
}
VERBS = {
    "show": ["show", "{run}"],
    "report": ["report", "{run}", "{data}", "-o", "{out}/r.html"],
    "bare report": ["report", "{run}", "-o", "{out}/r.html", "--shareable"],
    "assign": ["assign", "{run}", "{data}", "-o", "{out}/a.csv"],
    "impute": ["impute", "{run}", "{data}", "-o", "{out}/i.csv"],
    "draws": ["impute", "{run}", "{data}", "-o", "{out}/d.csv", "--draws", "2"],
    "score": ["score", "{run}", "{data}"],
    "sample": ["sample", "{run}", "-n", "20", "-o", "{out}/s.csv"],
    "fit": ["fit", "{data}", "--start", "{run}", "--out", "{out}/runs", "--quiet"],
    "fit heldout": ["fit", "{data}", "--start", "{run}", "--out", "{out}/runs", "--criterion", "heldout", "--quiet"],
}
REFUSED = {("experts", "sample")}
REFUSED |= {(kind, "fit heldout") for kind in ("sequences", "sequence", "votes", "ratings")}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    out = {}
    for kind, (model, data, options) in KINDS.items():
        folder = tmp_path_factory.mktemp(kind)
        pq.write_table(pa.table({n: pa.array(c, from_pandas=True) for n, c in data.items()}), folder / "data.parquet")
        fit = unseen.fit(model, data, seed=0, restarts=2, **options)
        out[kind] = {"run": str(fit.save(folder / "run")), "data": str(folder / "data.parquet"), "out": str(folder)}
    return out


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_verb(kind, verb, places):
    done = CliRunner().invoke(cli, [a.format(**places[kind]) for a in VERBS[verb]])
    assert "bug" not in done.output and "Traceback" not in done.output, done.output
    if (kind, verb) in REFUSED:
        assert done.exit_code == 2 and done.output.startswith("unseen: ") and done.output.count("\n") <= 2, done.output
    else:
        assert done.exit_code == 0, done.output


def test_what_a_kind_says_of_rows_is_written(places):
    """Each kind's own outputs, in the file as from Python."""
    own = {
        "mixture": ["component", "log_density", "responsibility_0", "responsibility_1"],
        "factors": ["log_density", "score_0", "score_1"],
        "experts": ["expert", "log_density", "responsibility_0", "prediction", "probability_yes"],
        "sequences": ["state", "log_density", "responsibility_0", "responsibility_1", "path"],
    }
    for kind, names in own.items():
        at, data = places[kind], KINDS[kind][1]
        done = CliRunner().invoke(cli, ["assign", at["run"], at["data"], "-o", f"{at['out']}/said.parquet"])
        assert done.exit_code == 0, done.output
        table = pq.read_table(f"{at['out']}/said.parquet")
        assert table.column_names == [*data, *names]
        fit = unseen.load(at["run"])
        said = fit.outputs(at["data"])
        for name in names:
            if name == "prediction":
                assert table[name].to_pylist() == said[name].tolist()
                assert said[name].tolist() == np.where(fit.predict(at["data"]) > 0.5, "yes", "no").tolist()
                continue
            assert table[name].to_numpy() == pytest.approx(said[name])
            assert (table.schema.field(name).type == pa.int32()) == (name in ("component", "expert", "state", "path"))
    fit = unseen.load(places["factors"]["run"])
    assert np.stack([fit.outputs(HOLES)["score_0"], fit.outputs(HOLES)["score_1"]], 1) == pytest.approx(
        fit.scores(HOLES)
    )
    chain = unseen.load(places["sequences"]["run"])
    assert (chain.outputs(SEQUENCES)["path"] == chain.viterbi(SEQUENCES)).all()


def test_the_score_of_factors_is_their_mean_log_density(places):
    told = CliRunner().invoke(cli, ["score", places["factors"]["run"], places["factors"]["data"], "--json"])
    fit = unseen.load(places["factors"]["run"])
    assert json.loads(told.stdout)["mean"] == pytest.approx(fit.loglik / 112)


# ---- regression


def test_predictions_for_rows_without_the_target():
    rings = unseen.models.logistic_experts.example().data
    fit = unseen.fit(LogisticExperts(1, target="distress"), rings, tol=1e-12)
    # Dalal, Fowlkes & Hoadley (1989): at 31 degrees nearly certain
    new = {"temperature": np.array([31.0, 66.0, 81.0])}
    b = fit.params["experts"][0]
    expected = 1 / (1 + np.exp(-(b[0] + b[1] * new["temperature"])))
    assert fit.predict(new) == pytest.approx(expected, abs=1e-12) and fit.predict(new)[0] > 0.99
    assert fit.predict({**new, "distress": np.array([0, 0, 1])}) == pytest.approx(expected, abs=1e-12)
    assert fit.predict({**new, "distress": np.array([np.nan, np.nan, 1])}) == pytest.approx(expected, abs=1e-12)
    assert fit.responsibilities(new) == pytest.approx(np.ones((3, 1)))
    with pytest.raises(unseen.DataError, match="nothing to score"):
        fit.score(new)
    with pytest.raises(unseen.SchemaError, match="no column 'temperature'"):
        fit.predict({"distress": np.array([0, 1])})


def test_predictions_weigh_experts_by_the_gate():
    fit = unseen.fit(LogisticExperts(2, target="y"), TWO, seed=0, restarts=2, max_iterations=30)
    new = {"x": np.array([-1.0, 0.5])}
    gate = fit.responsibilities(new)  # nothing is known of the target: what the gate says
    z = np.stack([np.ones(2), new["x"]])
    each = 1 / (1 + np.exp(-(fit.params["experts"] @ z)))
    assert fit.predict(new) == pytest.approx((gate.T * each).sum(axis=0))


def test_a_missing_target_is_imputed():
    fit = unseen.fit(LogisticExperts(1, target="y"), TWO)
    holes = {"x": np.array([-3.0, 3.0, 3.0]), "y": np.array([None, None, "no"], object)}
    assert list(fit.impute(holes)["y"]) == ["no", "yes", "no"]
    many = {"x": np.zeros(4000), "y": np.array([None] * 4000, object)}
    share = np.mean([v == "yes" for v in fit.impute(many, draws=1, seed=1)[0]["y"]])
    assert share == pytest.approx(fit.predict(many)[0], abs=0.03)


def test_what_a_kind_cannot_do_is_said():
    with pytest.raises(ModelError, match="Mixture has no target to predict"):
        unseen.fit(Mixture(Gaussian(), 1), X).predict(X)
    with pytest.raises(ModelError, match="LogisticExperts has no way to make new rows"):
        unseen.fit(LogisticExperts(1, target="y"), TWO).sample(3)
