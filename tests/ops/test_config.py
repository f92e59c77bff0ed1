"""unseen.yaml as it is meant: words, numbers, empty sections, paths, identity, secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.ops.config_case import SMALL, settings
from unseen.errors import ConfigError
from unseen.ops.config import Settings, load, secret, settings_hash
from unseen.ops.config.document import read
from unseen.ops.config.schema import known
from unseen.ops.config.writing import written
from unseen.spec import COVARIANCES, FAMILIES


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("1:8", tuple(range(1, 9))),
        ("'1:8'", tuple(range(1, 9))),
        ("1:60", tuple(range(1, 61))),
        ("6", (6,)),
        ("2,4,6", (2, 4, 6)),
        ("[6, 2, 2]", (2, 6)),
        ("", tuple(range(1, 9))),
    ],
)
def test_components_are_written_as_on_the_command_line(tmp_path: Path, said: str, meant: tuple[int, ...]) -> None:
    assert settings(tmp_path, f"model:\n  components: {said}\n").model.components == meant


def test_words_are_what_they_look_like(tmp_path: Path) -> None:
    """YAML 1.1 would read booleans, a time of day, a date, an octal number and, in 1e-7, text."""
    s = settings(
        tmp_path,
        """
        fit: {tol: 1e-7, restarts: 012}
        gates: {converged: no, heldout_drop: 1_000.5}
        validate: {metric: 'business:on_time'}
        registry: {experiment: 2026-07-01}
        schema:
          columns:
            smoker: {type: category, values: [yes, no, 1:30, 007, 1.0, 2026-07-01, 'null', ~x]}
            no: {type: boolean}
            2026-07: {type: number, median: [-1, .5]}
        """,
    )
    assert (s.fit.tol, s.fit.restarts, s.gates.converged, s.gates.heldout_drop) == (1e-7, 12, False, 1000.5)
    assert s.registry.experiment == "2026-07-01"
    assert s.schema_.columns["smoker"].values == ("yes", "no", "1:30", "007", "1.0", "2026-07-01", "null", "~x")
    assert s.schema_.columns["no"].type == "boolean" and s.schema_.columns["2026-07"].median == (-1, 0.5)


def test_an_empty_section_or_key_means_its_default(tmp_path: Path) -> None:
    empty = "".join(
        f"{path[0]}:\n" for path, key in known().items() if len(path) == 1 and key.section and path != ("data",)
    )
    assert settings(tmp_path, empty) == settings(tmp_path)
    nothing = settings(tmp_path, "gates: {max_floors: , heldout_drop: ~}\nalerts: {page: null}\nmodel: {columns: }\n")
    assert nothing == settings(tmp_path)


def test_the_file_may_begin_with_a_byte_order_mark_and_take_over_sections(tmp_path: Path) -> None:
    text = (
        SMALL
        + "alerts:\n  page: &all {webhook: 'http://a', pagerduty: env:B}\n  ticket: {<<: *all, webhook: 'http://c'}\n"
    )
    (tmp_path / "unseen.yaml").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    s = load(tmp_path / "unseen.yaml", {})
    assert (s.alerts.ticket.webhook, s.alerts.ticket.pagerduty) == ("http://c", "env:B")


def test_paths_start_from_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loop").mkdir()
    (tmp_path / "loop" / "unseen.yaml").write_text(
        SMALL + "metrics: {pushgateway: 'http://p', username: u, password: file:key}\n"
    )
    monkeypatch.chdir(tmp_path)
    s = load("loop/unseen.yaml", {})
    assert s.home == tmp_path.resolve() / "loop" / ".unseen"
    assert s.within("/elsewhere") == Path("/elsewhere") and s.folder == tmp_path.resolve() / "loop"
    (tmp_path / "loop" / "key").write_text(" opensesame\n")
    assert secret(str(s.metrics.password)) == "opensesame"


def test_a_linked_file_keeps_its_own_folder(tmp_path: Path) -> None:
    """As where a cluster mounts its configuration."""
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "unseen.yaml").write_text(SMALL)
    (tmp_path / "unseen.yaml").symlink_to(tmp_path / "..data" / "unseen.yaml")
    assert load(tmp_path / "unseen.yaml", {}).folder == tmp_path


def test_families_and_covariances_are_those_of_the_fit(tmp_path: Path) -> None:
    for covariance in COVARIANCES:
        assert settings(tmp_path, f"model: {{covariance: {covariance}}}").model.covariance == covariance
    for family in FAMILIES:
        assert settings(tmp_path, f"model: {{family: {{a: {family}}}}}").model.family == {"a": family}


# ---- identity


def test_the_hash_knows_what_decides_the_model_and_nothing_else(tmp_path: Path) -> None:
    base = settings_hash(settings(tmp_path))
    same = """
        limits: {seconds: 3}
        slo: {window_days: 3}
        metrics: {textfile: x.prom}
        retries: {attempts: 9}
        registry: {experiment: other}
        alerts: {repeat_hours: 1}
        privacy: {sensitive: [a]}
        drift: {retrain: yes}
        state: elsewhere
    """
    assert settings_hash(settings(tmp_path, same)) == base
    assert settings_hash(settings(tmp_path, env={"UNSEEN__DATA__PATH": "other"})) == base
    other = [
        "fit: {seed: 1}",
        "model: {components: 3}",
        "gates: {heldout_drop: 0}",
        "retries: {fits: 3}",
        "schema: {extra: ignore}",
        "validate: {share: 0.3}",
        "privacy: {min_rows_per_component: 3}",
    ]
    hashes = {settings_hash(settings(tmp_path, text)) for text in other}
    assert len(hashes | {base}) == len(other) + 1


def test_the_hash_does_not_depend_on_how_the_file_is_written(tmp_path: Path) -> None:
    a = settings(tmp_path, "fit: {seed: 3, tol: 1e-6}\nmodel: {components: 1:3}\n")
    b = settings(tmp_path, "model:\n  components: [3, 2, 1]\nfit:\n  tol: 0.000001\n  seed: '3'\n")
    assert settings_hash(a) == settings_hash(b) and len(settings_hash(a)) == 16


# ---- secrets


def test_secrets_are_read_where_they_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "opensesame")
    assert secret("env:TOKEN") == "opensesame"
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xfa")
    for ref, why in {
        "env:NOT_THERE": "NOT_THERE is unset or empty",
        f"file:{tmp_path}/none": "No such file",
        f"file:{tmp_path}": "directory",
        f"file:{tmp_path}/empty": "is empty",
        f"file:{tmp_path}/binary": "not UTF-8",
    }.items():
        with pytest.raises(ConfigError, match=why) as error:
            secret(ref)
        assert ref in str(error.value)
    with pytest.raises(ConfigError, match="by reference only") as error:
        secret("opensesame")
    assert "opensesame" not in str(error.value)


# ---- what is written is what is read

PLAIN = st.text(max_size=12) | st.sampled_from(
    ["no", "null", "~", "1:8", "2026-07-01", "<<", "=", "", " a ", "a: b", "#x"]
)


@hypothesis_settings(deadline=None, max_examples=50)
@given(st.dictionaries(PLAIN, PLAIN, max_size=3), st.lists(PLAIN, max_size=3))
def test_names_are_written_so_that_any_reader_takes_them_for_text(table: dict[str, str], row: list[str]) -> None:
    import yaml

    text = f"table: {written(table)}\nrow: {written(row)}\n"
    assert read(text, "x").data == {"table": table, "row": row} == yaml.safe_load(text)


@hypothesis_settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.booleans(), max_size=4))
def test_numbers_are_written_so_that_any_reader_takes_them_for_numbers(row: list[float]) -> None:
    import yaml

    assert yaml.safe_load(written(row)) == row


def test_settings_are_fixed_once_read(tmp_path: Path) -> None:
    s: Settings = settings(tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        s.fit.seed = 3  # type: ignore[misc]
