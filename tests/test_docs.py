"""Every code block a reader can copy from README.md and docs/ runs.

The blocks of one file run in order, share their names and start in an empty folder that holds
`flights.parquet` (every 17th of the shipped flights, so that the examples take seconds). In a ```console or
```bash block the lines `$ unseen ...` run; other commands and the output shown are not looked at. A block
that cannot run here is preceded by `<!-- not run: reason -->` and shows up as skipped, with that reason.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLIGHTS = ROOT / "src" / "unseen" / "data" / "flights.parquet"
FENCE = re.compile(r"^(?P<indent>[ ]*)(?P<fence>`{3,})(?P<language>\w*)[^`]*$")
NOT_RUN = re.compile(r"^\s*<!--\s*not run:\s*(?P<reason>.*?\S)\s*-->\s*$")
PYTHON, SHELL = {"python", "pycon"}, {"console", "bash", "sh"}
HANG = 900  # seconds until a command is taken to hang


@dataclass(frozen=True)
class CodeBlock:
    path: Path
    line: int  # of the first line of code, counted from 1
    language: str
    text: str
    not_run: str | None

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"


def code_blocks(path: Path) -> Iterator[CodeBlock]:
    """The fenced blocks of a Markdown file that are written in a language we run."""
    lines = path.read_text(encoding="utf-8").splitlines()
    reason, start, opened = None, 0, None
    for number, line in enumerate(lines, 1):
        if opened is not None:
            if line.strip() == opened["fence"]:
                text = textwrap.dedent("\n".join(lines[start : number - 1])) + "\n"
                if opened["language"] in PYTHON | SHELL:
                    yield CodeBlock(path, start + 1, opened["language"], text, reason)
                opened, reason = None, None
        elif (match := FENCE.match(line)) is not None:
            opened, start = match, number
        elif line.strip():
            note = NOT_RUN.match(line)
            reason = note["reason"] if note else None
    assert opened is None, f"{path.name}:{start}: this block is never closed"


def commands(text: str) -> list[str]:
    """The `unseen` command lines of a shell block, continued lines joined."""
    joined = text.replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in joined if re.match(r"(\$ )?unseen( |$)", line)]


def run_python(block: CodeBlock, names: dict[str, object]) -> None:
    if block.text.lstrip().startswith(">>>"):
        test = doctest.DocTestParser().get_doctest(block.text, names, str(block), str(block.path), block.line - 1)
        runner = doctest.DebugRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        runner.run(test, clear_globs=False)
        names.update(test.globs)
        return
    # Blank lines in front make a traceback point at the line of the Markdown file.
    exec(compile("\n" * (block.line - 1) + block.text, str(block.path), "exec"), names)


def run_shell(block: CodeBlock) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    for command in commands(block.text):
        done = subprocess.run(
            ["bash", "-c", command],
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HANG,
            check=False,
        )
        assert done.returncode == 0, f"{block}: $ {command}\n{done.stdout}{done.stderr}"


def run(blocks: list[CodeBlock]) -> None:
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks:
        if block.language in PYTHON:
            run_python(block, names)
        else:
            run_shell(block)


def cases() -> Iterator[object]:
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        blocks = list(code_blocks(path)) if path.exists() else []
        runnable = [b for b in blocks if b.not_run is None]
        if runnable:
            yield pytest.param(runnable, id=path.name)
        for block in blocks:
            if block.not_run is not None:
                yield pytest.param([block], id=str(block), marks=pytest.mark.skip(reason=block.not_run))


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the flights in it, as a reader has after one download."""
    import pyarrow.parquet as pq

    table = pq.read_table(FLIGHTS)
    pq.write_table(table.take(list(range(0, table.num_rows, 17))), tmp_path / "flights.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("blocks", list(cases()))
@pytest.mark.timeout(2 * HANG)
def test_the_blocks_of_a_page_run(blocks: list[CodeBlock], reader: Path) -> None:
    run(blocks)


PAGE = """
```python
total = 1
```
Text.
```python
>>> total + 1
2
```
<!-- not run: needs a cluster -->

```python
raise SystemExit
```
```text
not code
```
```console
$ unseen fit flights.parquet \\
    --components 2
Fitted.
$ make demo
```
"""


def test_blocks_are_found_with_their_lines_and_reasons(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    blocks = list(code_blocks(page))
    assert [(b.language, b.line, b.not_run) for b in blocks] == [
        ("python", 3, None),
        ("python", 7, None),
        ("python", 13, "needs a cluster"),
        ("console", 19, None),
    ]
    assert [c.split() for c in commands(blocks[-1].text)] == [["unseen", "fit", "flights.parquet", "--components", "2"]]
    run(blocks[:2])


@pytest.mark.parametrize(
    ("language", "code"),
    [("python", "1 / 0\n"), ("python", ">>> 1 + 1\n3\n"), ("bash", "$ unseen no-such-command\n")],
)
def test_a_block_that_does_not_work_is_caught(tmp_path: Path, language: str, code: str) -> None:
    with pytest.raises((ZeroDivisionError, doctest.DocTestFailure, AssertionError)):
        run([CodeBlock(tmp_path / "page.md", 1, language, code, None)])
