"""The command `unseen`: fit, show, report, assign, impute, score and sample without writing code."""

from __future__ import annotations


def main() -> None:
    """Run the command line; every outcome has its exit code, listed in ``unseen --help``."""
    try:
        from unseen.cli.shell import cli

        cli(prog_name="unseen")
    except KeyboardInterrupt:  # before any command could begin
        raise SystemExit(130) from None
