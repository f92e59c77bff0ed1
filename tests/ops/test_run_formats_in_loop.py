"""The production loop over runs of format 1, and over a family that somebody else's package declares."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.ops.loop_case import month, settings_at
from tests.ops.registry_case import champion, planted, promote, record, registry, with_database
from tests.packages import install, uninstall, write
from unseen.errors import ConfigError, NotInstalledError, RegistryError
from unseen.ops.record import Outcome
from unseen.ops.registry import Registry
from unseen.ops.registry.pyfunc import _load_pyfunc
from unseen.ops.retrain import retrain
from unseen.ops.retrain.journal import Journal

FIRST = Path(__file__).parents[1] / "data" / "runs" / "c7a8280" / "families.product"
NORMAL = """
from dataclasses import dataclass
from unseen.families.gaussian import Gaussian

@dataclass(frozen=True)
class Normal(Gaussian):
    note: str = "theirs"
"""


def answers() -> tuple[pd.DataFrame, list[float]]:
    told = json.loads(FIRST.with_name(f"{FIRST.name}.json").read_text())
    return pd.DataFrame(told["rows"]), told["log_prob"]


def keep_first(loop: Registry, id: str) -> Path:
    """The folder of a retrain whose fit earlier code saved."""
    run = loop.places.run(id)
    shutil.copytree(FIRST, run / "model")
    return run


def served(loop: Registry, number: int) -> Any:
    version = loop.state().version(number)
    return _load_pyfunc(str(loop.places.home / version.artifact / "data" / "fit"))


def test_versions_of_format_1_are_promoted_rolled_back_and_served(tmp_path: Path) -> None:
    loop = registry(tmp_path)
    for id in ("old", "older"):
        keep_first(loop, id)
    first, second = planted(loop, "old"), planted(loop, "older", champion=1)
    third = planted(loop, "new", champion=2)
    for number in (first, second, third):
        promote(loop, number)
        assert champion(loop) == number and loop.broken(loop.state().version(number)) is None
    for number, to in ((second, None), (first, first)):
        loop.rollback(to, "bad", align=False)
        assert champion(loop) == number
    data, expected = answers()
    np.testing.assert_allclose(served(loop, first).predict(data)["log_density"], expected, rtol=1e-12)


def test_a_fit_of_format_1_is_registered_as_it_is(tmp_path: Path) -> None:
    loop = with_database(tmp_path)
    assert loop.register(record("old"), keep_first(loop, "old")) == 1
    loop.promote(1, None, "first")
    data, expected = answers()
    np.testing.assert_allclose(served(loop, 1).predict(data)["log_density"], expected, rtol=1e-12)
    folder = loop.places.home / loop.versions()[0].artifact
    assert (folder / "data/fit/run.json").read_bytes() == (FIRST / "run.json").read_bytes()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    made = write(tmp_path / "site", kinds={"acme.normal": "acme_kinds.normal:Normal"}, modules={"normal": NORMAL})
    install(made, monkeypatch)
    yield made
    uninstall(made)


def test_a_declared_family_is_retrained_promoted_and_served(site: Path, tmp_path: Path) -> None:
    model = {"family": {"age": "acme.normal"}}
    month(tmp_path, 1)
    assert retrain(settings_at(tmp_path, model=model)).outcome == Outcome.PROMOTED
    month(tmp_path, 2)
    last = retrain(settings_at(tmp_path, model=model))
    assert (last.outcome, last.version) == (Outcome.PROMOTED, 2), last.reason
    loop = Registry(settings_at(tmp_path, model=model))
    families = [t.family for t in loop.load(2).model.family.terms]
    assert [f.note for f in families if type(f).__module__ == "acme_kinds.normal"] == ["theirs"]
    data = pd.read_parquet(tmp_path / "months" / "2024-02.parquet").head(5)
    assert np.isfinite(served(loop, 2).predict(data)["log_density"]).all()
    needs = (loop.places.home / loop.versions()[1].artifact / "requirements.txt").read_text()
    assert "acme-kinds==1.2\n" in needs
    assert loop.rollback(None, "bad").facts["version"] == 1

    uninstall(site)
    with pytest.raises(RegistryError, match=r"comes from acme-kinds 1\.2, which is not installed: pip install"):
        loop.load(2)
    with pytest.raises(NotInstalledError):
        Journal(loop.places.run(last.id), last).fitted()
    assert (loop.places.run(last.id) / "model" / "run.json").exists(), "a fit that is whole is not thrown away"
    with pytest.raises(ConfigError, match="must be one of gaussian"):
        settings_at(tmp_path, model=model)
