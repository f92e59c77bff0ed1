"""Published or independently computed maxima of mixtures, latent classes, robust and incomplete fits.

Values come from R (mclust 6.0, flexmix 2.3, poLCA 1.6, mixtools 2.0) and scikit-learn unless a test names a paper;
the tables are described in data/README.md.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import unseen
from unseen import Bernoulli, Categorical, Gaussian, Mixture, Params, Poisson, Product, StudentT

DATA = Path(__file__).parent / "data"
EXACT = {"tol": 1e-12, "max_iterations": 20_000}
CLOSE = 1e-4


def table(name: str) -> np.ndarray:
    return np.genfromtxt(DATA / f"{name}.csv", delimiter=",", skip_header=1, missing_values="NA")


def texts(name: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The columns of a table of patterns, and how often each was seen."""
    lines = [line.split(",") for line in (DATA / f"{name}.csv").read_text().split("\n") if line]
    columns = dict(zip(lines[0], np.array(lines[1:]).T, strict=True))
    counts = columns.pop("n").astype(float)
    return columns, counts


FAITHFUL = table("faithful")
DARWIN = np.array([49.0, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48])


def in_order(params: Params, name: str = "weights") -> np.ndarray:
    """Components from the lightest to the heaviest."""
    return params[name][np.argsort(params["weights"])]


# ---- Gaussian


def test_faithful_two_full_covariances() -> None:
    r = unseen.fit(Mixture(Gaussian("full"), 2), FAITHFUL, **EXACT)
    assert r.loglik == pytest.approx(-1130.26396, abs=CLOSE)
    assert (r.size, r.bic) == (11, pytest.approx(2322.1917, abs=1e-3))
    np.testing.assert_allclose(in_order(r.params), [0.355873, 0.644127], atol=1e-5)
    means = [[2.036388, 54.478516], [4.289662, 79.968115]]
    np.testing.assert_allclose(in_order(r.params, "means"), means, atol=1e-4)
    assert r.outcome.name == "converged"


@pytest.mark.parametrize(
    ("form", "tied", "expected"),
    [
        ("spherical", True, -1709.6814),
        ("spherical", False, -1709.5293),
        ("diagonal", True, -1157.6800),
        ("diagonal", False, -1147.8064),
        ("full", True, -1140.1868),
    ],
)
def test_faithful_two_components_of_every_form(form: str, tied: bool, expected: float) -> None:
    r = unseen.fit(Mixture(Gaussian(form, tied), 2), FAITHFUL, restarts=4, **EXACT)
    assert r.loglik == pytest.approx(expected, abs=CLOSE)


def test_faithful_three_components_with_one_covariance() -> None:
    r = unseen.fit(Mixture(Gaussian("full", tied=True), 3), FAITHFUL, finish=3, **EXACT)
    assert r.loglik == pytest.approx(-1126.31593, abs=CLOSE)
    assert r.bic == pytest.approx(2314.29568, abs=1e-3)


def test_faithful_three_full_covariances_needs_restarts() -> None:
    r = unseen.fit(
        Mixture(Gaussian("full"), 3), FAITHFUL, restarts=40, short=30, finish=4, tol=1e-10, max_iterations=5000
    )
    assert r.loglik >= -1119.2140 - CLOSE


def test_faithful_weights_are_repeated_rows() -> None:
    weights = np.resize([1.0, 2.0, 3.0], len(FAITHFUL))
    model = Mixture(Gaussian("full"), 2)
    weighted = unseen.fit(model, FAITHFUL, weights=weights, **EXACT)
    repeated = unseen.fit(model, np.repeat(FAITHFUL, weights.astype(int), axis=0), **EXACT)
    assert weighted.loglik == pytest.approx(-2253.35917, abs=CLOSE)
    assert weighted.loglik == pytest.approx(repeated.loglik, abs=1e-6)
    assert weighted.bic == pytest.approx(repeated.bic, abs=1e-6)
    np.testing.assert_allclose(in_order(weighted.params), [0.348807, 0.651193], atol=1e-5)


def test_faithful_waiting() -> None:
    r = unseen.fit(Mixture(Gaussian(), 2), FAITHFUL[:, 1], **EXACT)
    assert r.loglik == pytest.approx(-1034.001750, abs=CLOSE)
    np.testing.assert_allclose(in_order(r.params, "means")[:, 0], [54.614899, 80.091097], atol=1e-4)
    sd = np.sqrt(in_order(r.params, "covariances")[:, 0, 0])
    np.testing.assert_allclose(sd, [5.871256, 5.867707], atol=1e-4)


def iris() -> np.ndarray:
    from sklearn.datasets import load_iris

    return load_iris().data


def test_iris_three_full_covariances() -> None:
    r = unseen.fit(Mixture(Gaussian("full"), 3), iris(), restarts=3, **EXACT)
    assert r.loglik == pytest.approx(-180.18548, abs=CLOSE)
    assert r.bic == pytest.approx(580.8389, abs=1e-3)


def test_iris_three_components_with_one_covariance() -> None:
    # agglomerative or single k-means starts end at -263.474
    r = unseen.fit(Mixture(Gaussian("full", tied=True), 3), iris(), **EXACT)
    assert r.loglik >= -256.35404 - CLOSE


@pytest.mark.parametrize(("components", "expected"), [(1, -240.3379), (2, -220.0580), (3, -203.1792), (4, -197.4538)])
def test_galaxies(components: int, expected: float) -> None:
    # with four, two narrow groups lie inside one wide one: k-means++ starts never lead there, random ones sometimes
    many = {"start": "random", "restarts": 40} if components == 4 else {"restarts": 10}
    r = unseen.fit(Mixture(Gaussian(), components), table("galaxies") / 1000, tol=1e-8, max_iterations=3000, **many)
    assert r.loglik >= expected - 1e-3
    assert components > 2 or r.loglik == pytest.approx(expected, abs=1e-3)


# ---- incomplete Gaussian rows


def test_airquality_with_its_missing_cells() -> None:
    r = unseen.fit(Mixture(Gaussian("full"), 1), table("airquality")[:, :4], **EXACT)
    assert r.loglik == pytest.approx(-2326.69738, abs=CLOSE)
    np.testing.assert_allclose(r.params["means"][0], [41.871173, 184.846806, 9.957516, 77.882353], atol=1e-4)


def test_wormy_apples() -> None:
    """Little & Rubin (2019), section 7.2: monotone missingness, so the maximum has a closed form."""
    size = np.array([8, 6, 11, 22, 14, 17, 18, 24, 19, 23, 26, 40, 4, 4, 5, 6, 8, 10.0])
    wormy = np.array([59, 58, 56, 53, 50, 45, 43, 42, 39, 38, 30, 27.0] + [np.nan] * 6)
    r = unseen.fit(Mixture(Gaussian("full"), 1), np.stack([size, wormy], axis=1), **EXACT)
    assert r.loglik == pytest.approx(-101.7856321, abs=1e-6)
    np.testing.assert_allclose(r.params["means"][0], [14.7222222, 49.3333333], atol=1e-5)
    expected = [[89.5339506, -90.6967292], [-90.6967292, 114.6949551]]
    np.testing.assert_allclose(r.params["covariances"][0], expected, atol=1e-4)


@pytest.mark.parametrize(
    ("start", "rho", "variance", "expected"),
    [(0.0, 0.0, 2.5, -30.03334239), (0.1, 0.5, 8 / 3, -29.97428641), (-0.1, -0.5, 8 / 3, -29.97428641)],
)
def test_murray_has_a_saddle_and_two_maxima(start: float, rho: float, variance: float, expected: float) -> None:
    """Murray (1977), discussion of Dempster, Laird & Rubin: plain EM stays on the saddle it starts on."""
    gap = np.full(4, np.nan)
    two = np.array([2.0, 2, -2, -2])
    x = np.stack([np.r_[1.0, 1, -1, -1, two, gap], np.r_[1.0, -1, 1, -1, gap, two]], axis=1)
    begin = Params(weights=[1.0], means=[[0.0, 0.0]], covariances=2.5 * np.array([[[1.0, start], [start, 1.0]]]))
    r = unseen.fit(Mixture(Gaussian("full"), 1), x, start=begin, **EXACT)
    covariance = r.params["covariances"][0]
    assert r.loglik == pytest.approx(expected, abs=1e-6)
    np.testing.assert_allclose(np.diag(covariance), variance, atol=1e-4)
    assert covariance[0, 1] / covariance[0, 0] == pytest.approx(rho, abs=1e-4)


# ---- Poisson


def test_death_notices_of_the_times() -> None:
    """Hasselblad (1969), J. Amer. Statist. Assoc. 64; the start is his, and plain EM is slow."""
    counts = np.array([162, 267, 271, 185, 111, 61, 27, 8, 3, 1.0])
    data = {"deaths": np.arange(10)}
    begin = Params(weights=[0.3, 0.7], rates=[[1.0], [2.5]])
    r = unseen.fit(Mixture(Poisson(), 2), data, weights=counts, start=begin, **EXACT)
    assert r.loglik == pytest.approx(-1989.94586, abs=CLOSE)
    assert r.weight == counts.sum()
    np.testing.assert_allclose(r.params["weights"], [0.359885, 0.640115], atol=1e-4)
    np.testing.assert_allclose(r.params["rates"][:, 0], [1.256095, 2.663404], atol=1e-4)


@pytest.mark.parametrize(
    ("components", "expected"), [(1, -391.918928), (2, -360.369044), (3, -356.848939), (4, -356.733701)]
)
def test_earthquakes(components: int, expected: float) -> None:
    quakes = table("earthquakes_1900_2006")
    r = unseen.fit(Mixture(Poisson(), components), quakes, restarts=2, **EXACT)
    assert r.loglik == pytest.approx(expected, abs=CLOSE)


# ---- Student-t


@pytest.mark.parametrize(("df", "expected"), [(4, -1140.53300), (10, -1131.92475)])
def test_faithful_two_student_t(df: float, expected: float) -> None:
    r = unseen.fit(Mixture(StudentT(df=df), 2), FAITHFUL, restarts=3, **EXACT)
    assert r.loglik == pytest.approx(expected, abs=CLOSE)
    assert r.size == 11


@pytest.mark.parametrize(
    ("df", "expected", "location", "scale", "loglik"),
    [("free", 2.50091, 26.83978, 22.69508, -74.54618), (4, 4.0, 26.46186, 26.15882, -74.65170)],
)
def test_darwins_differences(df: float | str, expected: float, location: float, scale: float, loglik: float) -> None:
    r = unseen.fit(Mixture(StudentT(df=df), 1), DARWIN, tol=1e-14, max_iterations=5000)
    assert r.loglik == pytest.approx(loglik, abs=CLOSE)
    found = [r.params["df"][0], r.params["locations"][0, 0], np.sqrt(r.params["scales"][0, 0, 0])]
    np.testing.assert_allclose(found, [expected, location, scale], atol=1e-4)


# ---- latent classes


@pytest.mark.parametrize("family", [Categorical(), Bernoulli()])
def test_carcinoma_two_classes(family: Categorical | Bernoulli) -> None:
    data, counts = texts("carcinoma_patterns")
    r = unseen.fit(Mixture(family, 2), data, weights=counts, **EXACT)
    assert r.loglik == pytest.approx(-317.256837, abs=CLOSE)
    assert r.bic == pytest.approx(706.0739, abs=1e-3)
    np.testing.assert_allclose(in_order(r.params), [0.49879, 0.50121], atol=1e-4)


def test_carcinoma_three_classes() -> None:
    data, counts = texts("carcinoma_patterns")
    r = unseen.fit(Mixture(Categorical(), 3), data, weights=counts, restarts=10, **EXACT)
    assert r.loglik == pytest.approx(-293.704979, abs=CLOSE)
    assert (r.aic, r.bic) == (pytest.approx(633.4100, abs=1e-3), pytest.approx(697.1357, abs=1e-3))
    np.testing.assert_allclose(in_order(r.params), [0.1817, 0.3736, 0.4447], atol=1e-4)
    codes = {name: values.astype(int) - 1 for name, values in data.items()}
    expected = counts.sum() * np.exp(r.log_prob(data))
    assert 2 * counts @ np.log(counts / expected) == pytest.approx(15.26171, abs=1e-3)
    same = unseen.fit(Mixture(Bernoulli(), 3), codes, weights=counts, restarts=10, **EXACT)
    assert same.loglik == pytest.approx(r.loglik, abs=1e-6)


def test_carcinoma_four_classes() -> None:
    data, counts = texts("carcinoma_patterns")
    many = {"start": "random", "restarts": 30, "short": 60, "finish": 3}
    r = unseen.fit(Mixture(Categorical(), 4), data, weights=counts, **many, tol=1e-9, max_iterations=5000)
    assert r.loglik >= -289.285849 - CLOSE


def test_gss82_three_classes_from_patterns_with_counts() -> None:
    data, counts = texts("gss82_patterns")
    many = {"start": "random", "restarts": 6, "tol": 1e-8, "max_iterations": 5000}
    r = unseen.fit(Mixture(Categorical(), 3), data, weights=counts, **many)
    assert r.loglik >= -2754.545405 - CLOSE
    assert (r.weight, r.size) == (1202, 20)
    assert r.bic == pytest.approx(2 * 2754.545405 + 20 * np.log(1202), abs=1e-3)
    won = sum(a["objective"] * 1202 > -2754.546 for a in r.restarts)
    assert 0 < won < len(r.restarts)


# ---- products


def test_a_product_of_gaussians_is_the_diagonal_gaussian() -> None:
    data = {"eruptions": FAITHFUL[:, 0], "waiting": FAITHFUL[:, 1]}
    r = unseen.fit(Mixture(Product(eruptions=Gaussian(), waiting=Gaussian()), 2), data, restarts=3, **EXACT)
    assert r.loglik == pytest.approx(-1147.8064, abs=CLOSE)
    assert r.size == 9


def test_a_product_of_one_term_is_the_family() -> None:
    data = {"eruptions": FAITHFUL[:, 0], "waiting": FAITHFUL[:, 1]}
    family = Product({("eruptions", "waiting"): Gaussian("full")})
    r = unseen.fit(Mixture(family, 2), data, restarts=3, **EXACT)
    assert r.loglik == pytest.approx(-1130.26396, abs=CLOSE)


def test_latent_classes_as_a_product_of_families() -> None:
    data, counts = texts("carcinoma_patterns")
    family = Product({("A", "B", "C"): Categorical(), ("D", "E"): Bernoulli(), "F": Categorical(), "G": Bernoulli()})
    r = unseen.fit(Mixture(family, 2), data, weights=counts, restarts=3, **EXACT)
    assert r.loglik == pytest.approx(-317.256837, abs=CLOSE)
    assert r.size == 15
