"""`unseen config explain` and `unseen config show`, called as a user does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calling import fails, ok
from unseen.ops.config.schema import ANY, known


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_key_is_explained_by_its_path_or_by_its_last_word(here: Path) -> None:
    for name in ("gates.first", "first"):
        said = ok("config", "explain", name).stdout.splitlines()
        assert said[0].startswith("gates.first: Whether the first version may be promoted")
        assert [line.split(None, 1) for line in said[1:3]] == [["type", "refuse or allow"], ["default", "allow"]]
        assert "stands in gates: What a candidate must show" in said[-1]
    facts = json.loads(ok("config", "explain", "gates.first", "--json").stdout)
    assert (facts["choices"], facts["here"]) == (["refuse", "allow"], None)
    assert json.loads(ok("config", "explain", "name", "--json").stdout)["default"] == "required"
    assert json.loads(ok("config", "explain", "data.window", "--json").stdout)["default"] == "all"
    assert json.loads(ok("config", "explain", "gates.heldout_drop", "--json").stdout)["default"] == "by rows"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("gates.heldout_dorp", "gates.heldout_drop"),
        ("heldout-drop", "gates.heldout_drop"),
        ("schema.columns.age.mising", "schema.columns.age.missing"),
        ("dta.window", "data.window"),
    ],
)
def test_a_slip_is_told_with_the_nearest_key(here: Path, name: str, meant: str) -> None:
    fails(2, f"there is no key {name}; did you mean {meant}\\?", "config", "explain", name)


def test_a_word_that_several_keys_end_with_names_them(here: Path) -> None:
    fails(2, "several keys are called seed: fit.seed, validate.seed", "config", "explain", "seed")
    fails(2, "there is no key zzzzzz; `unseen config explain` lists all", "config", "explain", "zzzzzz")


def test_without_a_key_every_key_is_listed_with_its_sentence(here: Path) -> None:
    told = json.loads(ok("config", "explain", "--json").stdout)
    listed = {(section, name) for section, keys in told.items() for name in keys}
    leaves = {(".".join(k.path[:-1]).replace(ANY, "COLUMN"), k.name) for k in known().values() if k.section is None}
    assert leaves - listed == {("alerts.ticket", name) for _, name in listed if ("alerts.page", name) in listed}
    text = ok("config", "explain").stdout
    assert "\nschema.columns.COLUMN\n" in text and all(s in text for keys in told.values() for s in keys.values())


def test_a_section_is_explained_by_its_keys(here: Path) -> None:
    said = ok("config", "explain", "schema.columns").stdout
    assert "missing_min" in said and "Smallest share of missing cells" in said
    rule = json.loads(ok("config", "explain", "schema.columns.COLUMN.missing", "--json").stdout)
    assert rule == json.loads(ok("config", "explain", "schema.columns.age.missing", "--json").stdout)
    assert rule["section"] == "schema.columns.COLUMN"


def test_what_holds_here_is_told_with_who_says_so(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "unseen.yaml").write_text(
        "name: delays\ndata:\n  path: data\nmodel: {kind: hmm, unit: route, states: '2:4'}\n"
        "schema:\n  columns:\n    age: {type: number, min: 0}\n    a.b: {type: other}\n"
        "alerts: {page: {webhook: 'https://hooks.example.org/opensesame'}}\n"
    )
    monkeypatch.setenv("UNSEEN__FIT__RESTARTS", "3")
    monkeypatch.setenv("UNSEEN__DATA__WINDOW", "4")
    values = json.loads(ok("config", "show", "--json").stdout)
    assert values["name"] == {"value": "delays", "by": "line 1"}
    assert values["fit.restarts"] == {"value": "3", "by": "UNSEEN__FIT__RESTARTS"}
    assert values["data.window"] == {"value": "4", "by": "UNSEEN__DATA__WINDOW"}
    assert values["fit.seed"] == {"value": "0", "by": "default"}
    assert values["gates.heldout_drop"] == {"value": "by rows", "by": "default"}
    assert values["model.options.unit"] == {"value": "route", "by": "line 4"}
    assert values["model.components"]["value"] == "2:4"
    assert values["schema.columns.age"] == {"value": "{type: number, min: 0}", "by": "line 7"}
    assert values["schema.columns.a.b"] == {"value": "{type: other}", "by": "line 8"}
    assert values["alerts.page.webhook"] == {"value": "https://hooks.example.org/...", "by": "line 9"}
    single = {k.dotted for k in known().values() if k.section is None and ANY not in k.path and not k.table}
    assert single <= set(values)
    text = ok("config", "show").stdout
    assert "opensesame" not in text and len(text.splitlines()) == len(values)
    said = ok("config", "explain", "restarts").stdout
    assert "3 (UNSEEN__FIT__RESTARTS)" in said
    assert "delays (unseen.yaml, line 1)" in ok("config", "explain", "name").stdout


def test_a_file_that_cannot_be_read_is_told(here: Path) -> None:
    fails(2, "there is no unseen.yaml", "config", "show")
    (here / "unseen.yaml").write_text("name: a\n")
    fails(2, "data: is required", "config", "show")
