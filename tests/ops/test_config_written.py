"""What is written: the file of init, the JSON schema, the table in the docs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from unseen.ops.config import Settings, json_schema, load
from unseen.ops.config.reference import renewed
from unseen.ops.config.schema import ANY, FILE, keys_of, known, nearest, of_section, words
from unseen.ops.config.writing import file_of, model_name

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def loaded(folder: Path, text: str) -> Settings:
    (folder / "unseen.yaml").write_text(text, encoding="utf-8")
    return load(folder / "unseen.yaml", {})


# ---- the file


def test_the_file_loads_and_says_nothing_that_was_not_given(tmp_path: Path) -> None:
    text = file_of({"name": "delays", "data.path": "data/*.parquet"})
    assert loaded(tmp_path, text) == loaded(tmp_path, "name: delays\ndata: {path: data/*.parquet}\n")
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={FILE}"


def test_sections_stand_once_and_rules_a_line_each(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "name": "delays",
        "data.path": "data",
        "data.read.decimal": ",",
        "data.window": 6,
        "model.columns": [f"column_{i}" for i in range(40)],
        "gates.heldout_drop": 0.02,
        "schema.repeats": 0.05,
        "schema.columns": {"a": {"type": "number"}, "b": {"type": "category", "values": ["no"]}},
    }
    text = file_of(values, {"gates.heldout_drop": ["By the rows."], "model.columns": ["Left out: a\nname: b", "c"]})
    assert max(map(len, text.splitlines())) <= 118
    assert "gates:\n  # By the rows.\n  heldout_drop: 0.02\n" in text
    assert "  columns:\n    a: {type: number}\n    b: {type: category, values: ['no']}\n" in text
    settings = loaded(tmp_path, text)
    assert (settings.data.read.decimal, settings.data.window, len(settings.model.columns)) == (",", 6, 40)
    assert settings.schema_.repeats == 0.05 and settings.schema_.columns["b"].values == ("no",)
    assert settings.name == "delays"


def test_the_file_takes_odd_names(tmp_path: Path) -> None:
    names = ["no", "1:8", "a: b", "#", "x\ny", "ünï", "e", "{}", "a.b", "n" * 300]
    rules = {name: {"type": "number"} for name in names}
    settings = loaded(
        tmp_path, file_of({"name": "d", "data.path": "x", "model.columns": names, "schema.columns": rules})
    )
    assert list(settings.schema_.columns) == list(settings.model.columns) == names


@pytest.mark.parametrize(
    ("given", "name"),
    [("/a/2013 flights.csv.gz", "flights"), ("/a/b/*.csv", "b"), ("/shop/data/", "shop"), ("/1/2", "my-model")],
)
def test_a_name_is_made_from_that_of_the_data(given: str, name: str, tmp_path: Path) -> None:
    assert model_name(Path(given)) == name
    assert loaded(tmp_path, file_of({"name": name, "data.path": "x"})).name == name


def test_every_key_is_described_and_what_has_no_default_has_an_example(tmp_path: Path) -> None:
    for key in known().values():
        assert key.sentence and key.words, f"{key.dotted} is not described"
        if key.section is None and not key.default:
            assert key.example, f"{key.dotted} has no example"


def test_examples_are_what_may_stand_there(tmp_path: Path) -> None:
    """All of them at once, each in its section: what the docs and `explain` show can be copied."""
    values: dict[str, Any] = {"name": "delays", "data.path": "data"}
    for key in known().values():
        example = key.field.examples[0] if key.field.examples else None
        if key.section is None and example is not None and ANY not in key.path:
            values.setdefault(key.dotted, example)
    del values["model.options"], values["model.kind"]  # another kind has no families
    settings = loaded(tmp_path, file_of(dict(sorted(values.items()))))
    assert settings.gates.heldout_drop == 0.01 and settings.model.family == {"dep_delay": "student_t"}
    rule = {key.name: key.field.examples[0] for key in known().values() if key.path[:3] == ("schema", "columns", ANY)}
    for kind, leave in (("number", {"values"}), ("category", {"min", "max", "median", "spread"})):
        one = {k: v for k, v in rule.items() if k not in leave} | {"type": kind}
        loaded(tmp_path, file_of({"name": "d", "data.path": "x", "schema.columns": {"a": one}}))


# ---- the JSON schema


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for value in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from nodes(value)


def test_the_json_schema_knows_every_key_and_refuses_others() -> None:
    schema = json_schema()
    parts = [schema, *schema["$defs"].values()]
    assert all(part["additionalProperties"] is False for part in parts)
    assert len({key.path for key in known().values()}) >= sum(len(p["properties"]) for p in parts)
    for section in {key.section for key in known().values() if key.section} | {Settings}:
        names = {key.name for key in keys_of(section) if len(key.path) == 1}
        assert any(set(part["properties"]) == names for part in parts)
    for node in nodes(schema):
        if "$ref" in node:
            assert node["$ref"].removeprefix("#/$defs/") in schema["$defs"]


def test_the_json_schema_allows_what_the_file_allows() -> None:
    schema = json_schema()
    for part in [schema, *schema["$defs"].values()]:
        for name, value in part["properties"].items():
            there = schema["$defs"][value["$ref"].rpartition("/")[2]] if "$ref" in value else value
            empty = {"type": "null"} in there.get("anyOf", ()) or "null" in there.get("type", ())
            assert empty != (name in part.get("required", ())), f"{name}: an empty value means the default"
            assert "enum" not in there or (None in there["enum"]) == empty
    needy = {title for title, part in schema["$defs"].items() if part.get("required")}
    assert needy == {title for title, part in schema["$defs"].items() if part["type"] == "object"}
    rule = schema["$defs"]["ColumnRule"]["properties"]
    assert rule["values"]["anyOf"][0]["items"]["type"] == ["string", "number", "boolean"]
    kinds = [part.get("type") for part in schema["$defs"]["Model"]["properties"]["components"]["anyOf"]]
    assert kinds == ["integer", "string", "array", "null"]


def test_what_may_stand_there_is_told_in_words() -> None:
    for path, said in {
        "fit.seed": "whole number, at least 0",
        "validate.share": "number, more than 0, less than 1",
        "drift.min_effect": "number from 0 to 1",
        "gates.converged": "true or false",
        "gates.first": "refuse or allow",
        "data.ignore": "list of text",
        "metrics.password": "secret reference",
        "model.components": "whole number, A:B, or list of whole numbers",
        "schema.columns": "table: name to rule",
    }.items():
        section, name = path.rsplit(".", 1)
        owner = known()[tuple(section.split("."))].section
        assert owner is not None and words(of_section(owner)[name]) == said


# ---- the docs


def test_the_page_has_the_table_that_the_models_make() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == renewed(page), "run: python -m unseen.ops.config.reference docs/configuration.md"
    for key in known().values():
        assert f"| `{key.name}` |" in page


def test_the_nearest_key_is_looked_for_in_the_section_first() -> None:
    assert nearest(("validate", "sed")) == "validate.seed"
    assert nearest(("gates", "Heldout-Drop")) == "gates.heldout_drop"
    assert nearest(("restarts",)) == "fit.restarts"
    assert nearest(("schema", "columns", "a b", "mising")) == "schema.columns.a b.missing"
    assert nearest(("qqqqqq",)) is None
