"""Ratings by users: factor analysis of a table with holes, row by row; densities and predictions by hand."""

from pathlib import Path

import numpy as np
import pytest

import unseen
from unseen import SQUAREM, DataError, FactorAnalysis, Incremental, MatrixFactorization, ModelError, SchemaError

MOVIELENS = Path(__file__).resolve().parents[2] / "shared/data/movielens/ratings_ml_latest_small_2016.csv.gz"


def wide(users=150, items=7, factors=2, holes=0.4, seed=0):
    """A table (users, items) with cells missing at random."""
    rng = np.random.default_rng(seed)
    x = 3 + rng.normal(size=items) + rng.normal(size=(users, factors)) @ rng.normal(size=(factors, items))
    x += 0.5 * rng.normal(size=x.shape)
    x[rng.random(x.shape) < holes] = np.nan
    return x[np.isfinite(x).any(axis=1)]


def long(x):
    """Its cells that are there, a row each."""
    user, item = np.nonzero(np.isfinite(x))
    return {"user": user, "item": np.array([f"i{j}" for j in item], object), "rating": x[user, item]}


TABLE = wide()
ROWS = long(TABLE)


@pytest.fixture(scope="module")
def fit():
    return unseen.fit(MatrixFactorization(2), ROWS, unit="user", tol=1e-12, algorithm=SQUAREM(), max_iterations=5000)


@pytest.mark.parametrize("holes", [0.0, 0.4])
def test_it_is_factor_analysis_with_isotropic_noise(holes):
    x = wide(holes=holes)
    how = {"tol": 1e-12, "algorithm": SQUAREM(), "max_iterations": 5000}
    ours = unseen.fit(MatrixFactorization(2), long(x), unit="user", **how)
    other = unseen.fit(FactorAnalysis(2, noise="isotropic"), x, **how)
    assert ours.loglik == pytest.approx(other.loglik, abs=1e-5) and ours.size == other.size
    assert ours.params["mean"] == pytest.approx(other.params["mean"], abs=1e-4)
    assert ours.params["noise"] == pytest.approx(other.params["noise"], rel=1e-4)
    v, w = ours.params["loadings"], other.params["loadings"]
    assert v @ v.T == pytest.approx(w @ w.T, abs=1e-3)
    # factors up to the rotation that leads from one basis to the other
    turn = np.linalg.lstsq(v, w, rcond=None)[0]
    assert ours.scores(long(x)) @ turn == pytest.approx(other.scores(x), abs=1e-3)


@pytest.mark.parametrize("prior", [0, 0.5])
def test_starts_end_at_one_maximum(prior):
    rows = long(wide(users=200, items=12, holes=0.7, seed=5))
    how = {"unit": "user", "prior": prior, "tol": 1e-10, "algorithm": SQUAREM(), "max_iterations": 4000}
    fits = [unseen.fit(MatrixFactorization(2), rows, seed=s, **how) for s in range(3)]
    assert np.ptp([f.loglik + f.log_prior for f in fits]) < 1e-3


def test_ratings_in_single_precision_lose_nothing():
    whole = {**ROWS, "rating": np.round(ROWS["rating"] * 8) / 8 + 4096}
    single = {**whole, "rating": whole["rating"].astype(np.float32)}
    one, other = (unseen.fit(MatrixFactorization(1), d, unit="user", max_iterations=5) for d in (whole, single))
    assert other.loglik == pytest.approx(one.loglik, rel=1e-9)


def gaussian(fit, user):
    """Mean and covariance of a user's ratings, and the ratings."""
    rows = np.flatnonzero(ROWS["user"] == user)
    item = [fit.model.items.index(ROWS["item"][r]) for r in rows]
    v = fit.params["loadings"][item]
    return rows, fit.params["mean"][item], v @ v.T + fit.params["noise"] * np.eye(len(rows)), ROWS["rating"][rows]


def test_densities_and_predictions_by_hand(fit):
    density, (mean, variance) = fit.log_prob(ROWS), fit.predict(ROWS, variance=True)
    assert density.sum() == pytest.approx(fit.loglik, rel=1e-12)
    for user in range(0, 140, 7):
        rows, mu, cov, r = gaussian(fit, user)
        e = r - mu
        total = -0.5 * (len(r) * np.log(2 * np.pi) + np.linalg.slogdet(cov)[1] + e @ np.linalg.solve(cov, e))
        assert density[rows] == pytest.approx(np.full(len(r), total / len(r)), rel=1e-9)
        for j, row in enumerate(rows):  # from the others of the user
            o = np.arange(len(r)) != j
            pull = np.linalg.solve(cov[np.ix_(o, o)], cov[o, j]) if o.any() else np.zeros(0)
            assert mean[row] == pytest.approx(mu[j] + pull @ e[o], rel=1e-8)
            assert variance[row] == pytest.approx(cov[j, j] - pull @ cov[o, j], rel=1e-8)
    assert fit.predict(ROWS) == pytest.approx(mean)
    asked = {**ROWS, "rating": np.where(np.arange(len(ROWS["user"])) % 5 == 0, np.nan, ROWS["rating"])}
    one = {**ROWS, "rating": np.where(np.arange(len(ROWS["user"])) == 11, np.nan, ROWS["rating"])}
    assert fit.predict(one)[11] == pytest.approx(mean[11], rel=1e-9)
    assert fit.impute(one)["rating"][11] == pytest.approx(mean[11], rel=1e-9)
    filled, drawn = fit.impute(asked)["rating"], np.array([d["rating"] for d in fit.impute(asked, 400, seed=1)])
    m, v = fit.predict(asked, variance=True)
    assert filled[::5] == pytest.approx(m[::5]) and np.array_equal(filled[1::5], ROWS["rating"][1::5])
    z = (drawn[:, ::5] - m[::5]) / np.sqrt(v[::5])
    assert z.mean() == pytest.approx(0, abs=0.02) and z.var() == pytest.approx(1, abs=0.02)


def test_users_of_whom_nothing_is_known(fit):
    strangers = {"user": np.array([900, 900, 901]), "item": np.array(["i0", "i3", "i0"], object)}
    mean, variance = fit.predict(strangers, variance=True)
    v, mu, noise = fit.params["loadings"], fit.params["mean"], fit.params["noise"][0]
    assert mean == pytest.approx(mu[[0, 3, 0]])
    assert variance == pytest.approx(noise + (v**2).sum(axis=1)[[0, 3, 0]])
    assert fit.scores(strangers).tolist() == [[0, 0], [0, 0]]
    with pytest.raises(DataError, match="nothing to score"):
        fit.score(strangers)


def test_an_item_nobody_rated_is_one_at_random(fit):
    new = {"user": np.array([0, 0]), "item": np.array(["i1", "none"], object), "rating": np.array([4.0, np.nan])}
    with pytest.raises(SchemaError, match="column 'item' has an entry that was not there .*unknown='missing'"):
        fit.predict(new)
    mean, variance = fit.predict(new, unknown="missing", variance=True)
    every = {
        "user": np.zeros(8, int),
        "item": np.array(["i1", *fit.model.items], object),
        "rating": np.array([4.0, *[np.nan] * 7]),
    }
    m, v = (a[1:] for a in fit.predict(every, variance=True))
    share = fit.model.item_shares
    assert mean[1] == pytest.approx(share @ m)
    assert variance[1] == pytest.approx(share @ (v + m**2) - (share @ m) ** 2)


@pytest.mark.parametrize("algorithm", [None, Incremental()])
def test_a_user_of_weight_w_is_w_copies(algorithm):
    times = np.arange(len(TABLE)) % 3
    how = {"unit": "user", "prior": 0.5, "tol": 1e-10, "algorithm": algorithm, "max_iterations": 5000}
    weighted = unseen.fit(MatrixFactorization(1), ROWS, weights=times[ROWS["user"]].astype(float), **how)
    copied = unseen.fit(MatrixFactorization(1), long(np.repeat(TABLE, times, axis=0)), **how)
    assert weighted.loglik == pytest.approx(copied.loglik, rel=1e-5) and weighted.weight == copied.weight
    assert weighted.params["noise"] == pytest.approx(copied.params["noise"], rel=1e-3)


def test_sums_do_not_grow_with_users_and_files_need_no_order(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    order = rng.permutation(len(ROWS["user"]))
    mixed = {k: v[order] for k, v in ROWS.items()}
    pq.write_table(pa.table({k: pa.array(v) for k, v in mixed.items()}), tmp_path / "r.parquet")
    how = {"unit": "user", "tol": 1e-8, "prior": 0.1}
    one = unseen.fit(MatrixFactorization(1), ROWS, **how)
    for data, more in ((mixed, {"block_rows": 100}), (str(tmp_path / "r.parquet"), {"engine": "outofcore"})):
        again = unseen.fit(MatrixFactorization(1), data, **how, **more)
        assert again.loglik == pytest.approx(one.loglik, rel=1e-9)
        assert again.predict(data)[np.argsort(order)] == pytest.approx(one.predict(ROWS), rel=1e-5)
        names = again.units(data)
        assert again.scores(data)[np.argsort(names)] == pytest.approx(one.scores(ROWS), abs=1e-5)
    small = {k: v[ROWS["user"] < 20] for k, v in ROWS.items()}
    few, many = (next(iter(one.blocks(d))) for d in (small, ROWS))
    sums = [one.model.expect(one.params, b).sums for b in (few, many)]
    assert [v.shape for v in sums[0].values()] == [v.shape for v in sums[1].values()]
    assert sums[1]["moments"].shape == (3, 7) and sums[1]["cross"].shape == (2, 7)


def test_the_number_of_factors_is_found_and_kept(tmp_path):
    rows = long(wide(users=600, items=12, holes=0.3, seed=3))
    best = unseen.select(MatrixFactorization(1), rows, range(1, 5), unit="user", tol=1e-7)
    assert best.model.factors == 2 and [r["components"] for r in best.search] == [1, 2, 3, 4]
    back = unseen.load(best.save(tmp_path / "run"))
    assert back.model == best.model and back.predict(rows) == pytest.approx(best.predict(rows))
    assert "MatrixFactorization of 2" in back.summary() and "600 units" in back.summary()


def test_samples_are_like_the_data(fit):
    new = fit.sample(40_000, seed=3)
    per = np.bincount(new["user"])
    assert list(new) == ["user", "item", "rating"] and set(per.tolist()) == {fit.model.rows_per_unit}
    v, mu = fit.params["loadings"], fit.params["mean"]
    for j, item in enumerate(fit.model.items):
        r = new["rating"][new["item"] == item]
        assert r.mean() == pytest.approx(mu[j], abs=0.12)
        assert r.var() == pytest.approx((v[j] ** 2).sum() + fit.params["noise"][0], rel=0.12)


def test_a_firm_prior_leaves_means_and_a_general_level():
    fit = unseen.fit(MatrixFactorization(2), ROWS, unit="user", prior=1e7, tol=1e-9)
    sd = np.std(ROWS["rating"])
    assert fit.params["mean"] == pytest.approx(np.full(7, np.mean(ROWS["rating"])), abs=1e-3)
    assert fit.params["loadings"] == pytest.approx(np.tile([0.4 * sd, 0], (7, 1)), abs=1e-3)


def test_bad_input_has_a_sentence():
    with pytest.raises(ModelError, match=r"MatrixFactorization reads bags of rows, .* \(unit="):
        unseen.fit(MatrixFactorization(1), ROWS)
    with pytest.raises(
        DataError, match="unit column 'user' is missing in 1 rows: it has to say of every row which unit"
    ):
        holes = np.append(np.nan, ROWS["user"][1:].astype(float))
        unseen.fit(MatrixFactorization(1), {**ROWS, "user": holes}, unit="user")
    with pytest.raises(DataError, match="units have different weights: a unit counts as one thing"):
        unseen.fit(MatrixFactorization(1), ROWS, unit="user", weights=np.arange(1.0, len(ROWS["user"]) + 1))
    with pytest.raises(DataError, match="the model names column 'film', which the data does not have"):
        unseen.fit(MatrixFactorization(1, item="film"), ROWS, unit="user")
    with pytest.raises(DataError, match="rating column 'rating' is constant"):
        unseen.fit(MatrixFactorization(1), {**ROWS, "rating": np.ones(len(ROWS["user"]))}, unit="user")
    for bad in ({"factors": 0}, {"factors": 1, "floor": 1.0}, {"factors": 1, "shrinkage": 0.0}):
        with pytest.raises(ModelError, match="for example|at least one"):
            MatrixFactorization(**bad)


@pytest.mark.skipif(not MOVIELENS.exists(), reason="MovieLens may not be shipped")
def test_movielens_held_out():
    import pandas as pd

    table = pd.read_csv(MOVIELENS)[["userId", "movieId", "rating"]]
    held = np.random.default_rng(0).random(len(table)) < 0.1
    train = table[~held]
    fit = unseen.fit(
        MatrixFactorization(5, "movieId", "rating"), train, unit="userId", prior=3, tol=1e-5, max_iterations=60
    )
    asked = table.assign(rating=table.rating.where(~held))
    mean, variance = fit.predict(asked, unknown="missing", variance=True)
    known = held & table.movieId.isin(train.movieId).to_numpy()
    error = (mean - table.rating)[known]
    rmse = np.sqrt((error**2).mean())
    # means of items and users, shrunk by 3 and 5 ratings, fitted in turn until they stay: 0.8848 on these rows
    assert rmse < 0.88
    assert 1.0 < (error**2 / variance[known]).mean() < 1.3  # loadings are taken as known, which they are not
