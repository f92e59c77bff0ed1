"""Fits over sites that keep their rows: the answers of one machine, and nothing on the wire but sums."""

from __future__ import annotations

import importlib
import sys
from functools import partial

import numpy as np
import pytest

import unseen
from tests.federation import ALLOWED, Each, cut, home, marked, of_numbers
from tests.test_conformance import EXAMPLES
from unseen import (
    Beta,
    Categorical,
    Command,
    DataError,
    EngineError,
    Gamma,
    Gaussian,
    Hurdle,
    LogNormal,
    Mixture,
    NegativeBinomial,
    Ordinal,
    Poisson,
    Product,
    Sites,
    StudentT,
    ZeroInflated,
)
from unseen.core.source import Nowhere
from unseen.core.wire import packed, unpacked
from unseen.sources.arrays import Arrays
from unseen.testing import check_engine


def table(n=240, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.integers(0, 2, n)
    return {
        "gaussian": rng.normal(5.0 * z, 1.0),
        "student": rng.standard_t(4, n) + 3 * z,
        "log": np.exp(rng.normal(z, 0.5)),
        "gamma": rng.gamma(2.0 + 3 * z),
        "beta": rng.beta(2 + 4 * z, 3),
        "poisson": rng.poisson(3 + 5 * z),
        "negative": rng.negative_binomial(3, 0.2 + 0.4 * z),
        "zeros": rng.poisson(4, n) * (rng.random(n) < 0.6),
        "debt": np.where(rng.random(n) < 0.4, 0.0, np.exp(rng.normal(6 + z, 1.0))),
        "level": rng.integers(1, 5, n),
        "city": np.array(["a", "b", "c"], object)[rng.integers(0, 3, n)],
    }


def everything(components):
    return Mixture(
        Product(
            gaussian=Gaussian(), student=StudentT(), log=LogNormal(), gamma=Gamma(), beta=Beta(), poisson=Poisson(),
            negative=NegativeBinomial(), zeros=ZeroInflated(Poisson()), debt=Hurdle(LogNormal()), level=Ordinal(),
            city=Categorical(),
        ),
        components,
    )  # fmt: skip


def agree(a, b, rtol=1e-10):
    assert abs(a.loglik - b.loglik) <= rtol * abs(a.loglik)
    for name in a.params:
        scale = 1 + np.abs(a.params[name]).max()
        assert np.abs(a.params[name] - b.params[name]).max() <= rtol * scale, name


# ---- the contract


@pytest.mark.parametrize("options", [{}, {"may_be_lost": True}])
def test_a_federation_is_an_engine(options):
    check_engine(partial(of_numbers, **options), blocks=6)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_federation_comes_to_the_answer_of_one_machine(name):
    example = importlib.import_module(name).example()
    options = {k: v for k, v in example.options.items() if k not in ("seed", "restarts", "start", "unit", "tol")}
    data = {k: np.asarray(v) for k, v in example.data.items()}
    rows = len(next(iter(data.values())))
    unit = example.options.get("unit")
    whole = example.model.unit.ordered and unit is None
    if unit is None:
        where = home(rows)
    else:
        names = np.unique(data[unit], return_inverse=True)[1]
        where = names * 3 // (names.max() + 1)
    pooled = Arrays({**data, "own": where} if whole else data, unit="own" if whole else unit)
    how = {**options, "start": example.params, "max_iterations": 4, "tol": 1e-12}
    with Sites(cut(data, where), unit=unit, whole=whole, least_rows=1) as sites:
        agree(unseen.fit(example.model, pooled, **how), unseen.fit(example.model, sites, **how))


def test_families_are_bound_by_what_may_leave():
    data = table()
    begin = unseen.fit(everything(2), data, seed=0, restarts=2, max_iterations=10).params
    how = {"start": begin, "max_iterations": 5, "tol": 1e-12}
    with Sites(cut(data, home(240))) as sites:
        one, other = unseen.fit(everything(2), data, **how), unseen.fit(everything(2), sites, **how)
        agree(one, other)
        assert other.profile["city"].categories == ("a", "b", "c")
        assert other.profile["gaussian"].low > data["gaussian"].min()
        kept = unseen.fit(everything(2), sites, seed=0, restarts=3)
    assert kept.loglik > unseen.fit(everything(1), data).loglik + 100


def test_what_is_fitted_at_sites_is_used_anywhere(tmp_path):
    data = table()
    with Sites(cut(data, home(240))) as sites:
        unseen.fit(everything(2), sites, seed=0, restarts=2, max_iterations=20).save(tmp_path / "run")
        with pytest.raises(EngineError, match="rows of site 'site 0' do not leave it"):
            unseen.load(tmp_path / "run").assign(sites)
    assert len(unseen.load(tmp_path / "run").assign(data)) == 240


# ---- how sites are begun


def test_a_site_is_whatever_command_speaks_for_it(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = marked(300)
    for name, part in cut(data, home(300, 2)).items():
        pq.write_table(pa.table(part), tmp_path / f"{name}.parquet")
    line = [sys.executable, "-m", "unseen.site", "--least-rows", "30"]
    places = {"north": Command([*line, str(tmp_path / "site 0.parquet")])}
    places["south"] = Command([*line, "--number", "1", str(tmp_path / "site 1.parquet")])
    with Sites(places) as sites:
        found = unseen.fit(Mixture(Gaussian("full"), 2), sites, seed=0, restarts=3)
    here = unseen.fit(Mixture(Gaussian("full"), 2), data, start=found.params)
    assert abs(found.loglik - here.loglik) < 1e-4 * abs(here.loglik)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"x2": None}, "site 'site 1' has no column 'x2', which site 'site 0' has"),
        ({"new": np.zeros(75)}, "site 'site 0' has no column 'new', which site 'site 1' has"),
        (
            {"x1": np.array(["a"] * 75)},
            r"site 'site 1' has other kinds of columns: 'x1' \(category, at 'site 0' number\)",
        ),
    ],
)
def test_sites_with_other_columns_are_named(change, said):
    parts = cut(marked(150), home(150, 2))
    parts["site 1"] = {k: v for k, v in {**parts["site 1"], **change}.items() if v is not None}
    with pytest.raises(DataError, match=said):
        Sites(parts)


def test_a_site_without_its_data_is_named(tmp_path):
    with pytest.raises(unseen.UnseenError, match="site 'north'"):
        Sites({"north": str(tmp_path / "nothing.parquet")})
    with pytest.raises(EngineError, match="give the data as unseen.Sites"):
        unseen.fit(Mixture(Gaussian(), 1), marked(50), engine="federated")


# ---- starts and searches without rows


def test_the_number_of_components_is_found_by_sums():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2)) + 6 * rng.integers(0, 3, 300)[:, None] * [1, 0.3]
    data = {"a": x[:, 0], "b": x[:, 1]}
    with Sites(cut(data, home(300))) as sites:
        found = unseen.select(
            lambda k, form: Mixture(Gaussian(form), k), sites, (1, 2, 3, 4), forms=("full", "diagonal")
        )
        assert found.params["weights"].shape == (3,)
        held = unseen.select(Mixture(Gaussian("full"), 1), sites, (1, 3), criterion="heldout", restarts=3)
        assert held.params["weights"].shape == (3,)


def test_labels_lead_where_rows_stay():
    rng = np.random.default_rng(0)
    z = rng.integers(0, 3, 300)
    data = {"a": rng.normal(4.0 * (z == 1), 1), "b": rng.normal(4.0 * (z == 2), 1)}
    data["class"] = np.where(rng.random(300) < 0.2, z.astype(float), np.nan)
    with Sites(cut(data, home(300))) as sites:
        found = [
            unseen.fit(Mixture(Gaussian(), 3), sites, labels="class", start=s) for s in ("auto", "moments", "labels")
        ]
    here = unseen.fit(Mixture(Gaussian(), 3), data, labels="class", start="labels")
    for one in found:
        assert np.abs(one.params["means"] - here.params["means"]).max() < 1e-3


@pytest.mark.parametrize("start", ["kmeans++", "rows"])
def test_starts_that_draw_rows_say_what_to_do(start):
    with Sites(cut(marked(150), home(150))) as sites, pytest.raises(EngineError, match=r"start='moments'"):
        unseen.fit(Mixture(Gaussian(), 2), sites, start=start)


def test_moments_find_what_lies_apart():
    rng = np.random.default_rng(3)
    centres = rng.normal(0, 10, (6, 2))
    x = rng.normal(size=(600, 2)) + centres[rng.integers(0, 6, 600)]
    found = unseen.fit(Mixture(Gaussian("full"), 6), x, start="moments", restarts=1).params["means"]
    assert np.linalg.norm(centres[:, None] - found[None], axis=2).min(axis=1).max() < 0.5


def test_blocks_that_travel_hold_no_source():
    blocks = Each(Nowhere())
    assert len(packed(blocks)) < 200 and unpacked(packed(blocks), ALLOWED).parts == ()
