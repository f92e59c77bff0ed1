"""What is made from the models: the template, the JSON schema, the table in the docs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from unseen.core.block import Field
from unseen.ops.config import Settings, json_schema, load, template
from unseen.ops.config.document import read
from unseen.ops.config.keys import ANY, keys_of, known, nearest
from unseen.ops.config.reference import renewed
from unseen.ops.config.schema import of_section, words
from unseen.ops.config.template import model_name

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def loaded(folder: Path, text: str) -> Settings:
    (folder / "unseen.yaml").write_text(text, encoding="utf-8")
    return load(folder / "unseen.yaml", {})


def switched_on(text: str) -> str:
    """The template with every key that is switched off switched on."""
    return re.sub(r"^( *)#(?=[^ \n])", r"\1", text, flags=re.M)


def paths(data: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in data.items() if isinstance(data, dict) else ():
        table = at in known() and known()[at].table
        here = (*at, ANY if table else key)
        yield here
        if not (here in known() and known()[here].table and known()[here].section is None):
            yield from paths(value, here)


# ---- the template


def test_the_template_loads_as_it_is_and_changes_no_default(tmp_path: Path) -> None:
    least = "name: delays\ndata: {path: data/*.parquet}\n"
    assert loaded(tmp_path, template("delays")) == loaded(tmp_path, least)
    assert template().splitlines()[0] == "# yaml-language-server: $schema=unseen.schema.json"


def test_the_template_has_every_key_of_the_models_and_loads_with_all_of_them(tmp_path: Path) -> None:
    text = switched_on(template("delays"))
    said = set(paths(read(text, "x").data))
    assert said - {("schema", "columns", ANY)} == set(known())
    settings = loaded(tmp_path, text)
    for key in known().values():
        if key.path[0] not in ("schema", "alerts") and key.section is None:
            value: Any = settings
            for name in key.path:
                value = getattr(value, name + "_" if name in ("schema", "validate") else name)
            if key.field.get_default() is None:
                assert value is not None, f"{key.dotted} has no example"


def test_every_key_is_described_with_its_choices() -> None:
    text = " ".join(line.strip().lstrip("#").strip() for line in template().splitlines())
    text = re.sub(r"\s+", " ", text)
    for key in known().values():
        about = key.field.description or (key.section.__doc__ if key.section else "")
        assert about and re.sub(r"\s+", " ", about).strip() in text, f"{key.dotted} is not described"


def test_the_template_takes_a_schema_and_odd_names(tmp_path: Path) -> None:
    names = ["no", "1:8", "a: b", "#", "x\ny", "ünï", "", "{}"]
    schema = [Field(name or "e", "number") for name in names] + [Field("gone", "empty"), Field("day", "other")]
    settings = loaded(tmp_path, template("delays", schema, notes={"model.columns": ["Left out: a\nname: b"]}))
    assert list(settings.schema_.columns) == [name or "e" for name in names] + ["day"]
    assert settings.name == "delays"


@pytest.mark.parametrize(
    ("given", "name"),
    [("/a/2013 flights.csv.gz", "flights"), ("/a/b/*.csv", "b"), ("/shop/data/", "shop"), ("/1/2", "my-model")],
)
def test_a_name_is_made_from_that_of_the_data(given: str, name: str, tmp_path: Path) -> None:
    assert model_name(Path(given)) == name
    assert loaded(tmp_path, template(name)).name == name


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
