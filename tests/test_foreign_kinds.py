"""Kinds of other people's packages: saved and loaded like unseen's own, or told in one sentence what is in the way."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unseen
from tests.packages import KINDS, MODULES, install, uninstall, write
from tests.test_store import reforged, same
from unseen.errors import ModelError, NotInstalledError, RunError
from unseen.store import check_kept, load, read_manifest, save

COUNTS = {"calls": np.repeat([0, 1, 2, 9, 11, 12], 5)}
ANIMALS = {"a": np.array([125.0]), "b": np.array([18.0]), "c": np.array([20.0]), "d": np.array([34.0])}
Install = Callable[..., Path]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    sites: list[Path] = []

    def add(**package: Any) -> Path:
        site = write(tmp_path / f"site{len(sites)}", **package)
        install(site, monkeypatch)
        sites.append(site)
        return site

    yield add
    for site in sites:
        uninstall(site)


def fitted(name: str = "Calls") -> Any:
    if name == "Calls":
        calls = importlib.import_module("acme_kinds.calls").Calls(night=True)
        return unseen.fit(unseen.Mixture(unseen.Product(calls=calls), 2), COUNTS, restarts=2)
    return unseen.fit(importlib.import_module("acme_kinds.linkage").Linkage(), ANIMALS, start=unseen.Params(t=0.5))


@pytest.mark.parametrize("name", ["Calls", "Linkage"])
def test_it_comes_back_to_the_bit_and_says_where_from(installed: Install, tmp_path: Path, name: str) -> None:
    installed()
    before = fitted(name)
    run = save(before, tmp_path / "run")
    kind, value = next((k, v) for k, v in KINDS.items() if v.endswith(name))
    assert json.loads((run / "run.json").read_text())["kinds"] == {
        kind: {"distribution": "acme-kinds", "version": "1.2"}
    }
    assert read_manifest(run).foreign == {"acme-kinds": "1.2"}
    after = load(run)
    same(before.model, after.model)
    same(before.params, after.params)
    data = COUNTS if name == "Calls" else ANIMALS
    assert after.log_prob(data).tobytes() == before.log_prob(data).tobytes()
    again = unseen.fit(after.model, data, start=after.params)
    assert (
        again.loglik >= after.loglik - 1e-9
        and load(save(again, tmp_path / "again")).params.keys() == again.params.keys()
    )


def test_another_process_loads_it_and_without_unseens_own_does_not_import_it(
    installed: Install, tmp_path: Path
) -> None:
    site = installed()
    own = unseen.fit(unseen.Mixture(unseen.Poisson(), 2), COUNTS, restarts=1)
    runs = [save(fitted(), tmp_path / "foreign"), save(own, tmp_path / "own")]
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import unseen; unseen.load({str(runs[1])!r}); "
        f"print('acme_kinds' in sys.modules); print(type(unseen.load({str(runs[0])!r}).model.family.terms[0].family))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False", "<class 'acme_kinds.calls.Calls'>"]


def test_without_the_package_it_says_what_to_install(installed: Install, tmp_path: Path) -> None:
    site = installed()
    run = save(fitted(), tmp_path / "run")
    uninstall(site)
    with pytest.raises(
        NotInstalledError,
        match=r"run/run\.json holds a kind 'acme\.calls' that comes from acme-kinds 1\.2, which is not installed: "
        r"pip install 'acme-kinds==1\.2'",
    ):
        load(run)


def test_a_package_that_has_lost_the_kind_is_told_apart(installed: Install, tmp_path: Path) -> None:
    uninstall_first = installed()
    run = save(fitted(), tmp_path / "run")
    uninstall(uninstall_first)
    installed(version="2.0", kinds={})
    with pytest.raises(
        NotInstalledError, match=r"acme-kinds 2\.0, which is installed, declares no such kind: pip install"
    ):
        load(run)


def test_another_package_under_the_same_name_is_not_taken_for_it(installed: Install, tmp_path: Path) -> None:
    site = installed()
    run = save(fitted(), tmp_path / "run")
    uninstall(site)
    installed(distribution="other", kinds={"acme.calls": "other.calls:Calls"})
    with pytest.raises(NotInstalledError, match=r"comes from acme-kinds 1\.2; .* comes from other 1\.2"):
        load(run)


def test_two_packages_with_one_name_are_both_told(installed: Install, tmp_path: Path) -> None:
    installed()
    result = fitted()
    run = save(result, tmp_path / "run")
    installed(distribution="other", version="3", kinds={"acme.calls": "other.calls:Calls"})
    for attempt in (lambda: load(run), lambda: save(result, tmp_path / "new"), lambda: check_kept(result.model)):
        with pytest.raises(RunError, match="kind 'acme.calls' is declared by .*") as error:
            attempt()
        assert "acme-kinds 1.2" in str(error.value) and "other 3" in str(error.value)


def test_a_name_of_unseens_own_is_refused_and_unseens_own_stays_readable(installed: Install, tmp_path: Path) -> None:
    installed(kinds={"poisson": "acme_kinds.calls:Calls"})
    with pytest.warns(UserWarning, match=r"declared by unseen .* and by acme-kinds 1\.2"):
        result = fitted()
    with pytest.raises(RunError, match=r"declared by unseen .* and by acme-kinds 1\.2"):
        save(result, tmp_path / "run")
    own = unseen.fit(unseen.Mixture(unseen.Poisson(), 2), COUNTS, restarts=1)
    assert load(save(own, tmp_path / "own")).model == own.model


@pytest.mark.parametrize(
    ("text", "why"), [("import no_such_module", "no_such_module"), ("raise SystemExit(3)", "SystemExit"), ("", "Calls")]
)
def test_an_entry_point_that_does_not_import(installed: Install, tmp_path: Path, text: str, why: str) -> None:
    site = installed()
    run = save(fitted(), tmp_path / "run")
    other = save(unseen.fit(unseen.Mixture(unseen.Poisson(), 1), COUNTS), tmp_path / "own")
    uninstall(site)
    installed(modules={**MODULES, "calls": text})
    assert load(other).converged  # where it is not needed, it is no trouble
    with pytest.raises(RunError, match=rf"kind 'acme\.calls' of acme-kinds 1\.2 cannot be imported .*{why}"):
        load(run)
    assert load(save(fitted("Linkage"), tmp_path / "new")).size == 1


VERSIONED = """
from dataclasses import dataclass
from unseen.core.kinds import kind
from unseen.families.poisson import Poisson

@kind("acme.calls", version={version}, upgrade={upgrade})
@dataclass(frozen=True)
class Calls(Poisson):
    {field}: bool = False
"""


def test_fields_may_move_from_one_version_to_the_next(installed: Install, tmp_path: Path) -> None:
    first = installed()
    run = save(fitted(), tmp_path / "run")
    uninstall(first)
    upgrade = '{1: lambda old: {**{k: v for k, v in old.items() if k != "night"}, "dark": old["night"]}}'
    newer = VERSIONED.format(version=2, upgrade=upgrade, field="dark")
    second = installed(version="2.0", modules={**MODULES, "calls": newer})
    after = load(run)
    assert after.model.family.terms[0].family.dark is True
    new = save(after, tmp_path / "new")
    uninstall(second)
    installed()
    with pytest.raises(NotInstalledError, match=r"'acme\.calls' in version 2, and acme-kinds 1\.2.*upgrade acme-kinds"):
        load(new)


def test_a_field_or_an_upgrade_that_does_not_work_is_told(installed: Install, tmp_path: Path) -> None:
    first = installed()
    run = save(fitted(), tmp_path / "run")
    uninstall(first)
    broken = VERSIONED.format(version=2, upgrade='{1: lambda old: {"dark": old["nigth"]}}', field="dark")
    second = installed(version="2.0", modules={**MODULES, "calls": broken})
    with pytest.raises(RunError, match=r"version 1, which acme-kinds 2\.0 cannot bring up to version 2 \(KeyError\)"):
        load(run)
    uninstall(second)
    installed(version="2.1", modules={**MODULES, "calls": VERSIONED.format(version=1, upgrade={}, field="dark")})
    with pytest.raises(NotInstalledError, match=r"a field 'night' of kind 'acme\.calls' that acme-kinds 2\.1"):
        load(run)


@dataclass(frozen=True)
class Nobodys(unseen.Poisson):  # type: ignore[misc]
    pass


def test_a_class_that_nobody_declares_is_told_before_the_fit_and_refused_with_the_fit_in_hand(tmp_path: Path) -> None:
    model = unseen.Mixture(Nobodys(), 2)
    with pytest.warns(UserWarning, match="can be used, but not saved: .*Nobodys"):
        result = unseen.fit(model, COUNTS, restarts=1)
    with pytest.raises(RunError, match=r'entry-points."unseen\.kinds"\] nobodys = "PACKAGE\.MODULE:Nobodys"'):
        save(result, tmp_path / "run")
    assert not (tmp_path / "run").exists() and result.assign(COUNTS).shape == (30,)
    with pytest.raises(RunError, match="still in memory"):
        result.save(tmp_path / "run")


def test_a_class_of_a_notebook_is_refused(tmp_path: Path) -> None:
    code = (
        "from dataclasses import dataclass\nimport unseen\n"
        "@dataclass(frozen=True)\nclass Mine(unseen.Poisson): pass\n"
        "try: unseen.store.check_kept(unseen.Mixture(Mine(), 2))\n"
        "except unseen.RunError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", "import unseen.store\n" + code], capture_output=True, text=True)
    assert "a run cannot keep a __main__.Mine" in done.stdout and "and install it" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("class Calls: pass", "no frozen dataclass"),
        ("from dataclasses import dataclass\n@dataclass\nclass Calls: pass", "no frozen dataclass"),
        ("from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Calls: version: int = 1", "'version'"),
        ("Calls = 3", "no frozen dataclass"),
    ],
)
def test_what_is_declared_must_be_something_that_can_be_kept(
    installed: Install, tmp_path: Path, text: str, why: str
) -> None:
    site = installed()
    run = save(fitted(), tmp_path / "run")
    uninstall(site)
    installed(modules={**MODULES, "calls": text})
    with pytest.raises(RunError, match=rf"{why}.*declared by acme-kinds 1\.2"):
        load(run)


def test_a_forged_origin_proposes_no_command(installed: Install, tmp_path: Path) -> None:
    site = installed()
    run = save(fitted(), tmp_path / "run")
    uninstall(site)
    reforged(run, lambda text: text.replace('"distribution": "acme-kinds"', '"distribution": "x; rm -r ~"'))
    with pytest.raises(RunError, match="not in a form"):
        load(run)


def test_a_run_cannot_name_a_package_that_declares_nothing(installed: Install, tmp_path: Path) -> None:
    installed()
    run = save(fitted(), tmp_path / "run")
    reforged(run, lambda text: text.replace("acme.calls", "acme_kinds.calls:Calls"))
    with pytest.raises(NotInstalledError, match="declares no such kind"):
        load(run)


def test_a_column_can_have_a_declared_family(installed: Install, tmp_path: Path) -> None:
    from unseen.plan import fitted as fit_plan
    from unseen.plan import plan
    from unseen.sources import open_source
    from unseen.store import kinds

    installed()
    data = {**COUNTS, "x": np.arange(30.0)}
    result = fit_plan(plan(open_source(data)[0], families={"calls": "acme.calls"}), (2,), restarts=1)
    after = load(save(result, tmp_path / "run"))
    assert "Calls" in after.summary() and after.columns[0]["family"] == "acme.calls"
    with pytest.raises(ModelError, match="no family"):
        kinds.family("acme.linkage")
    with pytest.raises(ModelError, match="is none of"):
        plan(open_source(data)[0], families={"calls": "acme.nothing"})
