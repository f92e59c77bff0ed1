"""Broken files: where, which key, why, the nearest known key; and never a value."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.ops.config_case import SMALL, refused, settings
from unseen.errors import ConfigError
from unseen.ops.config import load


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gates:\n  heldout_dorp: 1", "line 4, gates.heldout_dorp: unknown key; did you mean gates.heldout_drop?"),
        ("gates: {heldout-drop: 1}", "line 3, gates.heldout-drop: unknown key; did you mean gates.heldout_drop?"),
        ("seed: 3", "line 3, seed: unknown key; did you mean fit.seed?"),
        ("modle: {}", "line 3, modle: unknown key; did you mean model?"),
        ("fit: {qqq: 1}", "line 3, fit.qqq: unknown key; known here: algorithm, engine, start, fresh, "),
        ("zzz: ", "line 3, zzz: unknown key; known here: name, state, data, schema, "),
        ("schema:\n columns:\n  a:\n   type: other\n   mni: 3", "line 7, schema.columns.a.mni: unknown key; .*.a.min?"),
        ("schema:\n columns:\n  a: {min: 3}", "line 5, schema.columns.a.type: is required"),
        ("schema:\n columns:\n  a:", "line 5, schema.columns.a: must be a section"),
        ("schema:\n columns: [a]", "line 4, schema.columns: must be a section"),
        ("schema:\n columns:\n  '': {type: number}", "line 5, schema.columns.: must not be empty"),
        ("model: {criterion: bicc}", "line 3, model.criterion: must be one of bic, icl, heldout; did you mean bic?"),
        ("model: {family: {a: poison}}", "line 3, model.family.a: must be one of .*; did you mean poisson?"),
        ("model: {components: 8:1}", "line 3, model.components: the first number lies above the last"),
        ("model: {components: 1:99999999}", "line 3, model.components: more than 1,000"),
        ("model: {components: some}", 'line 3, model.components: write 6, "1:8" or "2,4,6"'),
        ("model: {components: []}", "line 3, model.components: name at least one"),
        ("model: {components: [1, 0]}", r"line 3, model.components\[2\]: must be at least 1"),
        ("model: {columns: a}", r"line 3, model.columns: must be a list, such as \[a, b\]"),
        ("fit: 3", "line 3, fit: must be a section"),
        ("fit:\n  tol: 0", "line 4, fit.tol: must be more than 0"),
        ("fit: {tol: .nan}", "line 3, fit.tol: must be a number"),
        ("gates: {heldout_drop: nan}", "line 3, gates.heldout_drop: must be a finite number"),
        ("gates: {heldout_drop: inf}", "line 3, gates.heldout_drop: must be a finite number"),
        ("gates: {converged: maybe}", "line 3, gates.converged: must be true or false"),
        ("gates: {confidence: 0.2}", "line 3, gates.confidence: must be at least 0.5"),
        ("gates: {min_metric: 1}", "line 3, gates.min_metric: needs validate.metric"),
        ("validate: {share: 0}", "line 3, validate.share: must be more than 0"),
        ("validate: {metric: on time}", "line 3, validate.metric: must be module:function"),
        ("fit: {start: labels}", "line 3, fit.start: needs data.labels"),
        ("limits:\n  cost: 3", "line 4, limits.cost: can never bind without limits.price_per_core_hour"),
        ("metrics: {textfile: a.txt}", "line 3, metrics.textfile: must end in .prom"),
        ("alerts:\n page:\n  email: a@b.c", "line 5, alerts.page.email: needs alerts.smarthost and alerts.sender"),
        ("schema: {columns: {a: {type: other, min: 1}}}", "line 3, schema.columns.a.min: is for columns of type"),
        ("schema: {columns: {a: {type: number, median: [1]}}}", r"line 3, schema.columns.a.median(\[2\])?: "),
    ],
)  # fmt: skip
def test_errors_name_line_key_and_reason(tmp_path: Path, text: str, said: str) -> None:
    message = refused(tmp_path, text)
    assert re.match(f"unseen.yaml, {said}", message), message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1, 2\nb: 3", "line 2, column 2: this is not YAML: a list is not closed by ]"),
        ("a: 'x", "line 1, column 6: this is not YAML: a quote is opened and never closed"),
        ("a:\n\tb: 1", "line 2, column 1: this is not YAML: indent with spaces"),
        ("path: *.parquet", "line 1, column 8: this is not YAML: a value that begins with * must stand in quotes"),
        ("a: *b", "line 1, column 4: this is not YAML: a value that begins with * must stand in quotes"),
        ("a: b: c", "line 1, column 5: this is not YAML: the indentation is off, or a value with a colon"),
        ("a: 1\n---\nb: 1", "line 2, column 1: this is not YAML: this is a second document"),
        ("a: \x07", "line 1, column 4: this is not YAML: a character that YAML does not allow"),
        ("a: !x 1", "line 1, column 4: tags"),
        ("a: &b [*b]", "line 1, column 4: an alias stands inside what it refers to"),
        ("? [a]\n: 1", "line 1, column 3: a key must be a word"),
        ("name: a\nfit:\n  seed: 1\n  seed: 2", "line 4, column 3: fit.seed is said twice, first in line 3"),
        ("[" * 1000, "this is nested far too deeply"),
        ("- a", "the whole file: must be a section"),
        ("word", "the whole file: must be a section"),
        ("", "has 2 problems:\n  data: is required\n  name: is required"),
    ],
)
def test_broken_yaml_tells_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    message = refused(tmp_path, text, whole=True)
    assert message.removeprefix("unseen.yaml").lstrip(":, ").startswith(said), message


def test_aliases_cannot_grow_without_end(tmp_path: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "far larger than it looks" in refused(tmp_path, "\n".join(rows), whole=True)


def test_several_errors_are_told_together_and_in_order(tmp_path: Path) -> None:
    wrong = "".join(f"x{i}: 1\n" for i in range(8))
    lines = refused(tmp_path, wrong).splitlines()
    assert lines[0] == "unseen.yaml has 8 problems:" and lines[-1] == "  and 3 more"
    assert [re.match(r"  line (\d+), x\d: unknown key", line)[1] for line in lines[1:-1]] == list("34567")  # type: ignore[index]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("name: Köln".encode("latin-1"))
    for name, why in {
        "none.yaml": "there is no .*none.yaml: `unseen init`",
        "latin.yaml": "not UTF-8",
        "": "directory",
    }.items():
        with pytest.raises(ConfigError, match=why):
            load(tmp_path / name, {})


SECRET = "hunter2-4111111111111111"


@pytest.mark.parametrize(
    "text",
    [
        f"metrics: {{password: {SECRET}}}",
        f"metrics: {{pushgateway: 'http://user:{SECRET}@host'}}",
        f"metrics: {{pushgateway: 'http://[{SECRET}'}}",
        f"registry: {{uri: 'https://user:{SECRET}@host/x'}}",
        f"registry: {{uri: 'postgresql://{SECRET}'}}",
        f"alerts: {{page: {{slack: 'https://hooks/{SECRET}'}}}}",
        f"alerts: {{page: {{webhook:https://hooks/{SECRET}}}}}",
        f"alerts: {{page: {{webhook: 'ftp://{SECRET}'}}}}",
        f"alerts: {{page: {{pagerduty: [{SECRET}]}}}}",
        f"metrics: {{password: *{SECRET}}}",
        f"metrics: {{password: &{SECRET} x}}",
        f"metrics: {{password: !{SECRET} x}}",
        f"metrics: {{password: %{SECRET}}}",
        f"metrics: {{password: \"\\{SECRET}\"}}",
        f"metrics: {{password: '{SECRET}\n",
        f"model: {{criterion: {SECRET}}}",
        f"fit: {{seed: {SECRET}}}",
        f"name: {SECRET} x",
        f"schema: {{columns: {{a: {{type: category, values: {{{SECRET}: 1, {SECRET}: 2}}}}}}}}",
        f"schema: {{columns: {{a: {{type: category, values: {SECRET}}}}}}}",
        f"validate: {{metric: '{SECRET}'}}",
    ],
)  # fmt: skip
def test_values_are_never_repeated(tmp_path: Path, text: str) -> None:
    whole = text.startswith("name")
    message = refused(tmp_path, f"{text}\ndata: {{path: {SECRET}.csv}}" if whole else text, whole=whole)
    assert "hunter2" not in message and "4111" not in message, message
    assert "unseen.yaml, line" in message


# ---- the environment


def test_variables_go_over_the_file(tmp_path: Path) -> None:
    env = {
        "UNSEEN__FIT__RESTARTS": "3",
        "unseen__gates__converged": "no",
        "UNSEEN__MODEL__COLUMNS": "[a, 'b c', no]",
        "UNSEEN__MODEL__FAMILY": "{a: student_t}",
        "UNSEEN__MODEL__COMPONENTS": "1:3",
        "UNSEEN__GATES__HELDOUT_DROP": "null",
        "UNSEEN__VALIDATE__METRIC": "a:b",
        "UNSEEN__SCHEMA__COLUMNS__DELAY__MAX": "30",
        "UNSEEN__NAME": "other",
        "UNSEEN_TRACEBACK": "1",
    }
    file = (
        "gates: {heldout_drop: 0.5}\nfit: {restarts: 9, seed: 4}\nschema: {columns: {Delay: {type: number, min: 1}}}\n"
    )
    s = settings(tmp_path, file, env)
    assert (s.name, s.fit.restarts, s.fit.seed, s.gates.converged, s.gates.heldout_drop) == ("other", 3, 4, False, None)
    assert (s.model.columns, s.model.family, s.model.components) == (("a", "b c", "no"), {"a": "student_t"}, (1, 2, 3))
    assert s.schema_.columns["Delay"].max == 30 and s.schema_.columns["Delay"].min == 1
    assert s.validate_.metric == "a:b"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("UNSEEN__FIT__RESTARTS", SECRET, "must be a whole number"),
        ("UNSEEN__FIT__RESTART", "3", "unknown setting; did you mean UNSEEN__FIT__RESTARTS?"),
        ("UNSEEN__RESTARTS", "3", "unknown setting; did you mean UNSEEN__FIT__RESTARTS?"),
        ("UNSEEN__", "3", "unknown setting"),
        ("UNSEEN__FIT", "3", "must be a section"),
        ("UNSEEN__FIT__SEED__X", "3", "unknown setting"),
        ("UNSEEN__GATES__HELDOUT_DROP", "", "is empty"),
        ("UNSEEN__METRICS__PASSWORD", SECRET, "a secret is given by reference only"),
        ("UNSEEN__MODEL__COLUMNS", f"[{SECRET}", "this is not YAML: a list is not closed by ]"),
        ("UNSEEN__MODEL__COLUMNS", SECRET, "must be a list"),
        ("UNSEEN__MODEL__FAMILY__A", "poisson", "the file has no key of that name in model.family"),
        ("UNSEEN__LIMITS__COST", "3", "can never bind without limits.price_per_core_hour"),
    ],
)
def test_errors_in_variables_name_the_variable(tmp_path: Path, name: str, value: str, said: str) -> None:
    message = refused(tmp_path, env={name: value})
    assert message.startswith(f"{name}: {said}"), message
    assert "hunter2" not in message and "unseen.yaml" not in message


def test_a_wrong_variable_is_told_with_what_is_wrong_in_the_file(tmp_path: Path) -> None:
    message = refused(tmp_path, "fit: {sed: 1}", {"UNSEEN__FIT__TOLL": "1", "UNSEEN__SLO__WINDOW_DAYS": "x"})
    assert re.fullmatch(
        r"unseen.yaml has 3 problems:\n  line 3, fit.sed: unknown key; did you mean fit.seed\?\n"
        r"  UNSEEN__SLO__WINDOW_DAYS: must be a whole number\n"
        r"  UNSEEN__FIT__TOLL: unknown setting; did you mean UNSEEN__FIT__TOL\?",
        message,
    ), message


def test_the_environment_of_the_process_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "unseen.yaml").write_text(SMALL)
    monkeypatch.setenv("UNSEEN__FIT__SEED", "7")
    assert load(tmp_path / "unseen.yaml").fit.seed == 7
