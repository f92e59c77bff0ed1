"""What is printed for people, and what a process answers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.front_door.zoo import N, beside, holes, people, reals, table, wholes
from unseen.cli.shell import cli

MADE = {
    **people(),
    "score": holes(wholes(), "?"),
    "price": [f"${v:.2f}" for v in reals(seed=9)],
    "day": ["2021-05-06", "2022-06-07", "2023-07-08"] * (N // 3),
    "same": [7] * N,
}


def printed(folder: Path, made: bytes, *options: str) -> Result:
    (folder / "t.csv").write_bytes(made)
    return CliRunner().invoke(cli, ["columns", str(folder / "t.csv"), *options])


def test_the_table_names_every_column_and_every_hole(tmp_path: Path) -> None:
    result = printed(tmp_path, table(MADE))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    for name in MADE:
        assert any(name in line for line in lines), name
    (score,) = [line for line in lines if line.split()[:1] == ["score"]]
    assert "10" in score
    assert "90" in result.stdout


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_the_table_tells_the_encoding_where_it_is_another(tmp_path: Path, encoding: str) -> None:
    result = printed(tmp_path, table({"âge": wholes(), "x": reals()}, encoding=encoding))
    assert result.exit_code == 0, result.output
    assert "âge" in result.stdout
    other = "utf-16" if encoding == "utf-16" else "1252" if "1252" in result.output.lower() else "8859-1|latin"
    assert encoding == "utf-8" or any(word in result.output.lower() for word in other.split("|"))


def test_a_refusal_is_one_sentence_on_standard_error(tmp_path: Path) -> None:
    result = printed(tmp_path, table(beside(holes(wholes(), "sick"))))
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert "sick" not in result.stderr


@pytest.mark.parametrize(("cell", "code"), [("?", 0), ("sick", 3)])
def test_a_process_answers_the_same(tmp_path: Path, cell: str, code: int) -> None:
    (tmp_path / "t.csv").write_bytes(table(beside(holes(wholes(), cell))))
    call = [sys.executable, "-c", "from unseen.cli import main; main()", "columns", "t.csv", "--json"]
    assert subprocess.run(call, cwd=tmp_path, capture_output=True, check=False).returncode == code
