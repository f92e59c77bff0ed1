"""Exit codes, and the one sentence that each kind of trouble gets."""

from __future__ import annotations

import errno
import json
import math
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import click

from unseen.cli.spelling import on_command_line
from unseen.core.interrupt import ending
from unseen.errors import (
    ConfigError,
    ConflictError,
    EngineError,
    LimitError,
    ModelError,
    NumericalError,
    RegistryError,
    RunError,
    UnseenError,
)

OK, BUG, USAGE, DATA, NOT_CONVERGED, RUN, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
LIMIT, REGISTRY, CONFLICT = 13, 14, 16
CODES = {
    ConfigError: USAGE,
    ModelError: USAGE,
    NumericalError: NOT_CONVERGED,
    RunError: RUN,
    EngineError: DATA,
    LimitError: LIMIT,
    RegistryError: REGISTRY,
    ConflictError: CONFLICT,
}

_as_json: ContextVar[bool] = ContextVar("as_json", default=False)


@contextmanager
def told_as_json(args: Sequence[str] | None) -> Iterator[None]:
    """Remember whether --json was asked for, so that errors on the way to the command know it too."""
    token = _as_json.set("--json" in (sys.argv[1:] if args is None else args))
    try:
        yield
    finally:
        _as_json.reset(token)


@contextmanager
def guarded() -> Iterator[None]:
    """Turn exceptions into one sentence on stderr and an exit code; a traceback only with UNSEEN_TRACEBACK=1."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warning
            yield
        sys.stdout.flush()
    except (click.exceptions.Exit, click.Abort):
        raise
    except click.UsageError as error:
        if _as_json.get():
            print_json({"error": {"kind": "UsageError", "message": error.format_message(), "exit": USAGE}})
        error.show()
        raise click.exceptions.Exit(USAGE) from None
    except BrokenPipeError:
        _silence()
        raise click.exceptions.Exit(OK) from None
    except KeyboardInterrupt as error:
        ending()
        told = on_command_line(str(error)) or "interrupted: whatever was not finished was not written"
        _fail("KeyboardInterrupt", told, INTERRUPTED)
    except Exception as error:
        if os.environ.get("UNSEEN_TRACEBACK"):
            raise
        told, code = sentence(error)
        _fail(type(error).__name__, on_command_line(told, _configured()), code)


def _warning(message: Warning | str, *about: Any, **more: Any) -> None:
    """A warning is a sentence, too: from where in the code it comes tells a user nothing."""
    click.echo(f"unseen: warning: {on_command_line(str(message), _configured())}", err=True)


def _configured() -> bool:
    """Whether the running command takes its knobs from unseen.yaml."""
    context = click.get_current_context(silent=True)
    if context is None or not isinstance(context.command, click.Group) or not context.invoked_subcommand:
        return False
    command = context.command.get_command(context, context.invoked_subcommand)
    names = {p.name for p in command.params} if command is not None else set()
    return "config" in names and "skip_bad" not in names  # `init` has options, and writes the keys


def sentence(error: Exception) -> tuple[str, int]:
    """What to say of an exception, and the exit code that goes with it."""
    if isinstance(error, UnseenError):
        return str(error), next((code for kind, code in CODES.items() if isinstance(error, kind)), DATA)
    if isinstance(error, MemoryError):
        return (
            "the machine ran out of memory: try fewer columns, fewer components, or keep the data on disk "
            "(engine='outofcore'; --engine outofcore)",
            BUG,
        )
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "no space is left on the disk: nothing was left half-written", RUN
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        return f"the operating system refused: {error.strerror or type(error).__name__}{where}", RUN
    return (
        f"this is a bug in unseen ({type(error).__name__}): please report it with what UNSEEN_TRACEBACK=1 in the "
        "environment shows",
        BUG,
    )


def _fail(kind: str, message: str, code: int) -> None:
    if _as_json.get():
        print_json({"error": {"kind": kind, "message": message, "exit": code}})
    click.echo(f"unseen: {message}", err=True)
    raise click.exceptions.Exit(code) from None


def _silence() -> None:
    """Nobody reads any more: let nothing else try to write when Python ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on stdout; numbers that JSON has no word for become null."""
    click.echo(json.dumps(_plain(value), ensure_ascii=False, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
