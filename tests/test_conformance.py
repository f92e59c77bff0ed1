"""Every file on an axis is found, and held against the public conformance suite."""

import importlib
import inspect
import pkgutil
from functools import partial

import numpy as np
import pytest

import unseen
from unseen.core.engine import Engine
from unseen.testing import MODEL_CHECKS, Travelling, check_algorithm, check_checkpoint, check_engine, check_source
from unseen.testing.setting import set_up


def files(package):
    module = importlib.import_module(f"unseen.{package}")
    return [f"unseen.{package}.{m.name}" for m in pkgutil.iter_modules(module.__path__)]


EXAMPLES = files("families") + files("models")


@pytest.fixture(scope="module")
def settings():
    made = {}

    def get(name):
        if name not in made:
            made[name] = set_up(importlib.import_module(name).example())
        return made[name]

    return get


@pytest.mark.parametrize("name", EXAMPLES)
def test_has_an_example(name):
    assert callable(getattr(importlib.import_module(name), "example", None)), f"{name} has no example()"


@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", EXAMPLES)
def test_model(name, check, settings):
    check(settings(name))


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_checkpoint_changes_nothing(name):
    check_checkpoint(importlib.import_module(name).example())


def public_class(name, method):
    module = importlib.import_module(name)
    found = [c for c in vars(module).values() if isinstance(c, type) and c.__module__ == name and hasattr(c, method)]
    assert found, f"{name} defines nothing with a {method}()"
    return found[-1]


@pytest.mark.parametrize("name", files("algorithms"))
def test_algorithm(name):
    algorithm = public_class(name, "step")()
    check_algorithm(algorithm, 1e-6 if algorithm.monotone else 2e-3)


#: engines whose tests start what they need: sites, a cluster
ELSEWHERE = ("Dask", "Federated", "Spark")


def engines():
    for name in files("engines"):
        module = importlib.import_module(name)
        found = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Engine)]
        own = [c for c in found if c.__module__ == name and not inspect.isabstract(c)]
        assert own, f"{name} defines no engine"
        yield from (c for c in own if c.__name__ not in ELSEWHERE)


@pytest.mark.parametrize("engine", [*engines(), Travelling, partial(Travelling, refuses_rows=True)])
def test_engine(engine):
    check_engine(engine)


def test_synthetic_source():
    from unseen.sources.synthetic import Synthetic

    x = np.random.default_rng(0).normal(size=(60, 2))
    data = {"x": x[:, 0], "city": np.where(x[:, 1] > 0, "a", "b")}
    fit = unseen.fit(
        unseen.Mixture(unseen.Product(x=unseen.Gaussian(), city=unseen.Categorical()), 2), data, restarts=1
    )
    source = Synthetic(fit, 23, seed=4, block_rows=10)
    frames = [source.read(part, ["x", "city"]) for part in source.manifest()]
    cells = {"x": [v for f in frames for v in f.columns["x"].values.tolist()]}
    cells["city"] = [f.columns["city"].categories[c] for f in frames for c in f.columns["city"].values]
    check_source(source, cells)
    assert len(set(cells["x"])) == 23, "two blocks have the same draws"
    alike = unseen.fit(
        fit.model, Synthetic(fit, 4000, seed=1, block_rows=500), restarts=1, start=fit.params, max_iterations=3
    )
    assert alike.params["weights"] == pytest.approx(fit.params["weights"], abs=0.1)
    with pytest.raises(unseen.DataError, match="at least one row"):
        Synthetic(fit, 0)


def test_arrays_source():
    from unseen.sources.arrays import Arrays

    table = {"x": [1.0, None, 3.5, 4.0], "city": ["a", "b", None, "a"]}
    data = {"x": np.array([1.0, np.nan, 3.5, 4.0]), "city": np.array(["a", "b", None, "a"], dtype=object)}
    check_source(Arrays(data), table)
    check_source(Arrays(data, block_rows=2), table)
