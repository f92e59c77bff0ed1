"""One list of options: every surface has each of them, with the same default, limits and sentence."""

from __future__ import annotations

import inspect
from pathlib import Path

import click
import pytest

import unseen
from unseen.cli.fit import fit as command
from unseen.cli.kinds import options_of
from unseen.cli.reference import renewed
from unseen.core.option import FIT, FLAG, INTEGER, NUMBER, PYTHON, TEXT, Option
from unseen.core.reading import READ
from unseen.errors import ModelError
from unseen.ops.config.data import Read
from unseen.ops.config.learn import Fit, Model
from unseen.search.order import search
from unseen.store.kinds import model, models

ON_LINE = {p.name: p for p in command.params}
#: keys of unseen.yaml that stand in another section or under another name there
ELSEWHERE = {"max_seconds": "limits.seconds", "workers": None}


@pytest.mark.parametrize("option", (*FIT, *READ), ids=lambda o: o.name)
def test_the_command_line_has_it(option: Option) -> None:
    there = ON_LINE[option.name]
    assert isinstance(there, click.Option)
    assert (there.default or None) == (option.default or None) or option.default == 0
    assert there.help is not None and there.help.startswith(option.sentence)
    if option.choices:
        assert isinstance(there.type, click.Choice) and tuple(there.type.choices) == option.choices
    if option.least is not None:
        assert isinstance(there.type, (click.IntRange, click.FloatRange)) and there.type.min == option.least


@pytest.mark.parametrize("option", FIT, ids=lambda o: o.name)
def test_the_file_of_the_loop_has_it(option: Option) -> None:
    if option.name in ELSEWHERE:
        return
    section = Model if option.name == "criterion" else Fit
    said = section.model_fields[option.name].description
    assert said is not None and said.startswith(option.sentence)


@pytest.mark.parametrize("option", READ, ids=lambda o: o.name)
def test_the_file_of_the_loop_says_how_files_are_read(option: Option) -> None:
    field = Read.model_fields[option.name]
    assert field.description == option.sentence and not field.default
    assert getattr(Read(**{option.name: field.examples[0]}).reading(), option.name) in (
        field.examples[0],
        tuple(field.examples[0] if isinstance(field.examples[0], list) else ()),
    )


@pytest.mark.parametrize("option", (*FIT, *PYTHON), ids=lambda o: o.name)
def test_python_has_it(option: Option) -> None:
    both = {**inspect.signature(search).parameters, **inspect.signature(unseen.fit).parameters}
    default = both[option.name].default
    assert default == option.default or option.name == "tol"


@pytest.mark.parametrize("page", ["command-line.md", "files.md", "kinds.md"])
def test_the_tables_of_the_pages_are_those_that_are_declared(page: str) -> None:
    text = Path(__file__).parents[1].joinpath("docs", page).read_text()
    assert "<!-- end -->" in text
    assert text == renewed(text), f"run: python -m unseen.cli.reference docs/{page}"


@pytest.mark.parametrize("name", models())
def test_a_kind_declares_what_its_class_takes(name: str) -> None:
    cls = model(name)
    taken = inspect.signature(cls).parameters
    for option in options_of(name):
        assert option.name in taken or option.unit, f"{cls.__name__} takes no {option.name}"
        assert option.sentence.endswith(".")
        if option.name in taken and taken[option.name].default is not inspect.Parameter.empty and not option.required:
            assert option.default == taken[option.name].default
    orders = [option.name for option in options_of(name) if option.order]
    assert orders == ([cls.order] if cls.order else [])


@pytest.mark.parametrize(
    ("option", "good", "bad"),
    [
        (Option("k", INTEGER, "", least=1), [1, 7], [0, 1.5, True, "1", None, float("nan")]),
        (Option("x", NUMBER, "", least=0, above=True), [0.1, 3], [0, -1, float("inf"), "a", None]),
        (Option("x", NUMBER, "", optional=True), [None, -1.5], ["a", False]),
        (Option("t", TEXT, "", choices=("a", "b")), ["a"], ["c", 1, None]),
        (Option("f", FLAG, ""), [True, False], [1, "yes", None]),
    ],
    ids=lambda v: v.kind if isinstance(v, Option) else "",
)
def test_limits(option: Option, good: list[object], bad: list[object]) -> None:
    for value in good:
        option.check(value)
    for value in bad:
        with pytest.raises(ModelError, match=rf"^{option.name}=.* cannot be: take "):
            option.check(value)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [(INTEGER, "3", 3), (NUMBER, "1e-3", 1e-3), (FLAG, "true", True), (FLAG, "No", False), (TEXT, "3", "3")],
)
def test_text_of_a_file_is_read_as_the_value_it_stands_for(kind: str, text: str, value: object) -> None:
    assert Option("o", kind, "").read(text) == value
    assert Option("o", kind, "").read("nothing of it") == "nothing of it"
