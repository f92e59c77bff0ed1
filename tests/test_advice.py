"""What a message advises can be done where it is read."""

import re

import click
import numpy as np
import pytest

import unseen
from unseen import Categorical, Gaussian, Mixture, Product
from unseen.cli.shell import COMMANDS, cli
from unseen.cli.spelling import KEYS, NO_KEY, on_command_line

RNG = np.random.default_rng(0)
DATA = {"x": RNG.normal(size=60), "c": np.array(["a", "b"] * 30, object)}
NEW = {"x": np.array([0.0, 1.0]), "c": np.array(["a", "new"], object)}


@pytest.fixture(scope="module")
def fit():
    return unseen.fit(Mixture(Product(x=Gaussian(), c=Categorical()), 2), DATA, seed=0, restarts=2)


METHODS = ("responsibilities", "assign", "log_prob", "score", "impute")


@pytest.mark.parametrize("method", METHODS)
def test_every_method_takes_what_the_message_advises(fit, method):
    with pytest.raises(unseen.SchemaError, match=r"unknown='missing'"):
        getattr(fit, method)(NEW)
    told = getattr(fit, method)(NEW, unknown="missing")
    known = getattr(fit, method)({"x": NEW["x"], "c": np.array(["a", None], object)})
    if method != "impute":
        assert np.asarray(told) == pytest.approx(np.asarray(known))
    assert len(fit.impute(NEW, draws=2, unknown="missing")) == 2
    with pytest.raises(unseen.ModelError, match="none of 'refuse', 'missing'"):
        getattr(fit, method)(NEW, unknown="drop")


def options(command):
    return {o for p in command.get_params(click.Context(command)) for o in p.opts}


def test_the_command_line_is_told_its_own_options():
    context = click.Context(cli)
    known = set.union(*(options(cli.get_command(context, name)) for name in COMMANDS))
    assert set(KEYS) <= known
    fit = unseen.fit(Mixture(Gaussian("full"), 3), RNG.normal(size=(60, 2)), seed=0, restarts=2, max_iterations=2)
    texts = [on_command_line(t) for t in (fit.outcome.message, *fit.warnings)]
    assert any("raise --max-iterations" in t for t in texts)
    for text in texts:
        assert "SQUAREM" not in text and "max_iterations" not in text and "prior=" not in text
        assert set(re.findall(r"--[a-z-]+", text)) <= known
    assert "raise max_iterations" in fit.outcome.message and "SQUAREM" in fit.outcome.message


def test_a_file_of_settings_is_told_its_own_keys():
    assert (
        on_command_line("a prior (prior=1; --prior 1), or in Python a floor: so", True) == "a prior (fit.prior: 1): so"
    )


def test_errors_of_the_loop_name_keys_of_its_file(tmp_path):
    from unseen.cli.exits import _configured

    with click.Context(cli) as context:
        for name, expected in (("retrain", True), ("fit", False)):
            context.invoked_subcommand = name
            assert _configured() is expected


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("leave such files out (skip_bad=True; --skip-bad)", "leave such files out (data.read.skip_bad: true)"),
        ("name one (decimal; --decimal)", "name one (data.read.decimal)"),
        ("say (missing=[...]; --missing CELL)", "say (data.read.missing: [CELL])"),
        ("(missing=['x']; --missing x if it means missing)", "(data.read.missing: [x] if it means missing)"),
        ("as text (text=['a b']; --text 'a b')", "as text (data.read.text: ['a b'])"),
        ("(header=False; --no-header if it is data)", "(data.read.header: false if it is data)"),
        ("(decimal='.'; --decimal . or --delimiter)", "(data.read.decimal: . or data.read.delimiter)"),
        ("steps (algorithm=SQUAREM(); --algorithm squarem)", "steps (fit.algorithm: squarem)"),
        ("(noise='isotropic'; --noise isotropic)", "(model.noise: isotropic)"),
        ("raise max_iterations, try", "raise fit.max_iterations, try"),
        ("write --family x=gaussian", "write model.family"),
        ("copies say so: --weights)", "copies say so: data.weights)"),
        ("`unseen fit --text x` does it", "`unseen fit --text x` does it"),
    ],
)
def test_knobs_are_spelled_as_keys(said, told):
    assert on_command_line(said, True).startswith(told)


def test_every_option_that_a_message_advises_has_a_key_or_none_on_purpose():
    """All messages of the package, read from its sources: none keeps an option on the surface of unseen.yaml."""
    import ast
    from pathlib import Path

    folder = Path(unseen.__file__).parent
    kept = []
    for room in (
        "arrow",
        "core",
        "families",
        "models",
        "numerics",
        "search",
        "sources",
        "starts",
        "summary",
        "columns.py",
    ):
        for file in [folder / room] if room.endswith(".py") else sorted((folder / room).glob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                parts = (
                    [node] if isinstance(node, ast.Constant) else node.values if isinstance(node, ast.JoinedStr) else []
                )
                text = "".join(str(p.value) if isinstance(p, ast.Constant) else "X" for p in parts)
                if "; --" in text and "(" in text:
                    kept += [(file.name, told) for told in [on_command_line(text, True)] if "; --" in told]
                    kept += [
                        (file.name, o) for o in re.findall(r"--[a-z-]+", on_command_line(text, True)) if o not in NO_KEY
                    ]
    assert not kept
