"""Votes of workers who err: the published case, sums by hand, and what is said of bad input."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import unseen
from unseen import DataError, DawidSkene, Incremental, ModelError, Params, SchemaError
from unseen.core.block import Cells
from unseen.kernels import SWITCH
from unseen.models.dawid_skene import example
from unseen.numerics.votes import Votes, table

CASE = example()
LABELS = "142222132243121111222222112111131224233111212"


def crowd(items=300, workers=30, classes=3, votes=4, seed=0):
    """Votes with the truth behind them; how good a worker is differs."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, items)
    skill = rng.uniform(0.3, 0.95, workers)
    who = np.concatenate([rng.choice(workers, votes, replace=False) for _ in range(items)])
    true = np.repeat(truth, votes)
    wrong = (true + rng.integers(1, classes, len(true))) % classes
    label = np.where(rng.random(len(true)) < skill[who], true, wrong)
    data = {
        "item": np.repeat(np.arange(items), votes),
        "worker": np.array([f"w{w:03d}" for w in who], object),
        "label": np.array(["no", "maybe", "yes"], object)[label],
    }
    return data, np.array(["no", "maybe", "yes"])[truth]


@pytest.fixture(scope="module")
def published():
    return unseen.fit(CASE.model, CASE.data, unit="patient", tol=1e-13)


def test_the_published_case(published):
    assert published.converged and published.loglik == pytest.approx(-192.890881, abs=5e-7)
    assert published.params["weights"].round(4).tolist() == [0.3996, 0.4220, 0.1118, 0.0667]
    assert "".join(map(str, published.truth(CASE.data))) == LABELS
    assert published.units(CASE.data).tolist() == list(range(1, 46))
    assert published.profile.units == 45 and published.weight == 315 and published.size == 63


def test_random_starts_reach_a_higher_maximum():
    rng, best = np.random.default_rng(0), -np.inf
    for _ in range(40):
        start = Params(weights=rng.dirichlet(np.ones(4)), confusion=rng.dirichlet(np.ones(4), (5, 4)))
        best = max(best, unseen.fit(CASE.model, CASE.data, unit="patient", start=start, tol=1e-9).loglik)
    assert best == pytest.approx(-191.569, abs=1e-3)


def test_sums_by_hand():
    data, _ = crowd(items=25, workers=6, votes=3)
    data["label"][[4, 30]] = None
    fit = unseen.fit(DawidSkene(), data, unit="item", max_iterations=2, prior=0.5)
    p, theta = fit.params["weights"], fit.params["confusion"]
    workers, classes = fit.model.workers, fit.model.classes
    total, posteriors = 0.0, []
    for item in range(25):
        joint = p.copy()
        for row in np.flatnonzero(data["item"] == item):
            if data["label"][row] is not None:
                joint = joint * theta[workers.index(data["worker"][row]), :, classes.index(data["label"][row])]
        total += np.log(joint.sum())
        posteriors.append(joint / joint.sum())
    assert fit.loglik == pytest.approx(total, rel=1e-12)
    assert fit.responsibilities(data)[::3] == pytest.approx(np.array(posteriors), rel=1e-9)
    assert fit.log_prob(data).sum() == pytest.approx(total, rel=1e-12)
    assert fit.log_prob(data)[[4, 30]].tolist() == [0, 0]
    assert np.ptp(fit.log_prob(data)[6:9]) == 0  # votes share the density of their item
    assert fit.entropy == pytest.approx(-sum((r * np.log(r)).sum() for r in posteriors), rel=1e-9)


def test_it_beats_the_majority():
    data, truth = crowd(items=2000, workers=60, votes=5)
    fit = unseen.fit(DawidSkene(), data, unit="item")
    votes = [data["label"][5 * i : 5 * i + 5] for i in range(2000)]
    majority = np.array([max(set(v), key=list(v).count) for v in votes])
    assert (fit.truth(data) == truth).mean() > (majority == truth).mean() + 0.02
    assert fit.params["confusion"].shape == (60, 3, 3) and len(fit.model.workers) == 60


@pytest.mark.parametrize("labels", [[0, 1, 2], [0.5, 1.0, 2.5], ["a", "b", "c"], [True, False]])
def test_the_truth_is_written_as_labels_are(labels):
    data, truth = crowd(items=200, classes=len(labels), votes=9)
    names = {"no": 0, "maybe": 1, "yes": 2}
    label = np.array(labels)[[names[v] for v in data["label"]]]
    found = unseen.fit(DawidSkene(), {**data, "label": label}, unit="item").truth({**data, "label": label})
    assert found.dtype.kind == label.dtype.kind
    assert (found == np.array(labels)[[names[t] for t in truth]]).mean() > 0.9


def test_a_vocabulary_has_no_cap():
    rng = np.random.default_rng(0)
    n, workers = 9000, 4000
    data = {
        "item": np.repeat(np.arange(n // 3), 3),
        "worker": np.append(np.arange(workers), rng.integers(0, workers, n - workers)),
        "label": rng.integers(0, 2, n),
    }
    fit = unseen.fit(DawidSkene(), data, unit="item", max_iterations=2, prior=1, block_rows=700)
    assert fit.params["confusion"].shape == (4000, 2, 2)
    text = {**data, "worker": data["worker"].astype(str).astype(object)}
    assert fit.log_prob(text) == pytest.approx(fit.log_prob(data))  # 7 and "7" are one worker


@pytest.mark.parametrize("algorithm", [None, Incremental()])
def test_an_item_of_weight_w_is_w_copies(algorithm):
    data, _ = crowd(items=60)
    times = np.arange(60) % 3
    rows = np.concatenate([np.flatnonzero(data["item"] == i) for i in range(60) for _ in range(times[i])])
    copies = {k: v[rows] for k, v in data.items()} | {"item": np.repeat(np.arange(times.sum()), 4)}
    how = {"unit": "item", "prior": 0.1, "tol": 1e-11, "algorithm": algorithm, "max_iterations": 3000}
    weighted = unseen.fit(DawidSkene(), data, weights=times[data["item"]].astype(float), **how)
    copied = unseen.fit(DawidSkene(), copies, **how)
    assert weighted.loglik == pytest.approx(copied.loglik, rel=1e-7) and weighted.weight == copied.weight
    some = [weighted.model.workers.index(w) for w in copied.model.workers]
    assert weighted.params["confusion"][some] == pytest.approx(copied.params["confusion"], abs=1e-3)


def test_scattered_votes_files_and_runs(published, tmp_path):
    order = np.random.default_rng(0).permutation(315)
    mixed = {k: v[order] for k, v in CASE.data.items()}
    again = unseen.fit(CASE.model, mixed, unit="patient", tol=1e-13)
    assert again.loglik == pytest.approx(published.loglik, abs=1e-9)
    assert again.responsibilities(mixed) == pytest.approx(published.responsibilities(CASE.data)[order], abs=1e-7)
    first = list(dict.fromkeys(mixed["patient"].tolist()))
    assert again.units(mixed).tolist() == first
    assert "".join(map(str, again.truth(mixed))) == "".join(LABELS[p - 1] for p in first)
    back = unseen.load(published.save(tmp_path / "run"))
    assert back.model == published.model and back.log_prob(CASE.data) == pytest.approx(published.log_prob(CASE.data))
    stored = json.dumps([json.loads(f.read_text()) for f in sorted((tmp_path / "run").glob("*.json"))])
    assert '"dawid_skene"' in stored and "DawidSkene" not in stored


def test_new_votes_and_labels_that_are_missing(published):
    drawn = published.sample(700, seed=1)
    assert list(drawn) == ["patient", "observer", "rating"] and np.bincount(drawn["patient"]).tolist() == [7] * 100
    many = published.sample(70_000, seed=2)
    usual = np.tensordot(np.array([3, 1, 1, 1, 1]) / 7, published.params["confusion"], 1)
    assert np.bincount(many["rating"], minlength=5)[1:] / 70_000 == pytest.approx(
        published.params["weights"] @ usual, abs=0.01
    )
    holes = {**CASE.data, "rating": np.where(np.arange(315) % 7 == 3, np.nan, CASE.data["rating"])}
    expected = published.responsibilities(holes) @ published.params["confusion"][1]
    assert published.impute(holes)["rating"][3::7].tolist() == (expected[3::7].argmax(axis=1) + 1).tolist()
    drawn = published.impute(holes, draws=2, seed=0)
    assert all(set(d["rating"].tolist()) <= {1, 2, 3, 4} for d in drawn)
    # who voted is not made up
    nobody = {**CASE.data, "observer": np.where(np.arange(315) == 5, np.nan, CASE.data["observer"])}
    assert np.isnan(published.impute(nobody)["observer"][5]) and published.log_prob(nobody)[5] == 0


def test_a_standard_error_is_one_over_items(published):
    p = published.log_prob(CASE.data).reshape(45, 7).mean(axis=1)
    assert published.score(CASE.data) == pytest.approx((p.mean(), p.std(ddof=1) / np.sqrt(45)))


def test_a_prior_is_worth_votes():
    data, _ = crowd(items=40, workers=25, votes=2)
    plain, firm = (unseen.fit(DawidSkene(), data, unit="item", prior=s) for s in (0, 1e6))
    shares = np.array([(data["label"] == c).mean() for c in firm.model.classes])
    assert (plain.params["confusion"] == 0).any()
    assert firm.params["confusion"] == pytest.approx(np.broadcast_to(shares, (len(firm.model.workers), 3, 3)), abs=1e-3)


def test_bad_input_has_a_sentence(published):
    data, _ = crowd(items=20)
    with pytest.raises(ModelError, match=r"DawidSkene reads bags of rows, .* name the column .* \(unit="):
        unseen.fit(DawidSkene(), data)
    with pytest.raises(DataError, match="the model names column 'worker', which the data does not have"):
        unseen.fit(DawidSkene(), {k: v for k, v in data.items() if k != "worker"}, unit="item")
    with pytest.raises(DataError, match="the rows of 20 units have different weights"):
        unseen.fit(DawidSkene(), data, unit="item", weights=np.arange(80.0))
    with pytest.raises(DataError, match="label column 'label' needs 2 to 1,000 different values"):
        unseen.fit(DawidSkene(), {**data, "label": np.full(80, "yes", object)}, unit="item")
    with pytest.raises(ModelError, match="both column 'x'"):
        DawidSkene("x", "x")
    with pytest.raises(ModelError, match="start is not valid: confusion is missing or does not have shape"):
        unseen.fit(DawidSkene(), data, unit="item", start=Params(weights=[0.5, 0.25, 0.25]))
    new = {**CASE.data, "observer": np.where(CASE.data["observer"] == 5, 6, CASE.data["observer"])}
    with pytest.raises(SchemaError, match="column 'observer' has an entry that was not there .* in 45 rows"):
        published.truth(new)
    known = {k: v[CASE.data["observer"] < 5] for k, v in CASE.data.items()}
    assert published.truth(new, unknown="missing").tolist() == published.truth(known).tolist()
    with pytest.raises(DataError, match="no column 'patient' to tell the units"):
        published.truth({k: v for k, v in CASE.data.items() if k != "patient"})
    with pytest.raises(ModelError, match="Mixture has no truth about units"):
        unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), np.arange(9.0)).truth(np.arange(9.0))
    with pytest.raises(ModelError, match="rows of a bag cannot be held out"):
        unseen.select(lambda k: DawidSkene(), data, range(1, 2), "heldout", unit="item")


@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([0, 1, 2, 5, 40]), min_size=1, max_size=30), st.integers(1, 6), st.integers(2, 4),
    st.integers(1, 9), st.integers(0, 1000),
)  # fmt: skip
def test_votes_are_summed_whoever_has_how_many(compiled, lengths, workers, classes, few, seed):
    """Items of any number of votes, by the formulas vote by vote; fewer items than ``few`` have no call together."""
    rng = np.random.default_rng(seed)
    offsets = np.append(0, np.cumsum(lengths))
    n = int(offsets[-1])
    who, what = rng.integers(workers, size=(1, n)), rng.integers(classes, size=(1, n))
    seen = rng.random((1, n)) < 0.9
    confusion, share = rng.dirichlet(np.ones(classes), (workers, classes)), rng.dirichlet(np.ones(classes))
    weights = rng.random((classes, len(lengths)))
    votes = Votes.of(Cells(who), Cells(what, seen), offsets, workers, classes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unseen.numerics.votes.FEW", few)
        assert len(votes.ranks.ranked) == 0 or min(map(len, votes.ranks.ranked)) >= min(few, len(lengths))
    r, density = votes.posterior(table(confusion), share, compiled)
    tables = votes.tables(weights, compiled)
    wanted = np.zeros((workers, classes, classes))
    for u, (a, z) in enumerate(zip(offsets, offsets[1:], strict=False)):
        joint = share.copy()
        for t in range(a, z):
            if seen[0, t]:
                joint *= confusion[who[0, t], :, what[0, t]]
                wanted[who[0, t], :, what[0, t]] += weights[:, u]
        assert r[:, u] == pytest.approx(joint / joint.sum(), rel=1e-9, abs=1e-12)
        assert density[u] == pytest.approx(np.log(joint.sum()) if seen[0, a:z].any() else 0.0, abs=1e-9)
    assert tables == pytest.approx(wanted)


def test_a_fit_is_the_same_compiled(monkeypatch):
    fits = []
    for switch in ("off", "always"):
        monkeypatch.setenv(SWITCH, switch)
        fits.append(unseen.fit(CASE.model, CASE.data, unit="patient"))
    assert fits[0].loglik == pytest.approx(fits[1].loglik, rel=1e-12)
    assert fits[0].params["confusion"] == pytest.approx(fits[1].params["confusion"], abs=1e-9)
