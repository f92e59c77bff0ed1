"""`unseen monitor`, `alerts` and `dashboards`: metrics, the rules that watch them, and the pictures of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import click

from unseen.cli.common import as_json, config, needs_ops
from unseen.cli.exits import DATA, print_json

PUSHED = 17

directory = click.Path(file_okay=False, path_type=Path)
folder = click.option("-o", "--output", type=directory, required=True, metavar="DIR", help="Where the files go.")


@click.command(
    epilog="\b\nExamples:\n  unseen monitor\n  unseen monitor --serve 127.0.0.1:9109\n\n"
    f"\b\nExit codes:\n  0   exported\n  {PUSHED}  some of it could not be left where it should go"
)
@config
@click.option("--serve", metavar="HOST:PORT", help="Answer /metrics there until interrupted, and write nothing.")
@click.option("--print", "show", is_flag=True, help="Print the metrics, and write nothing.")
@click.option("--doctor/--no-doctor", default=True, show_default=True, help="Examine the last retrain too.")
@as_json
@needs_ops
def monitor(config: Path, serve: str | None, show: bool, doctor: bool, as_json: bool) -> None:
    """Recompute all metrics from the log, the records and the drift state, and export them.

    They go to the text file and the Pushgateway of unseen.yaml, as after a retrain. Run it after every retrain or
    every few minutes: it also notices what a killed retrain cannot tell, and whether log and artefact are intact.
    """
    from unseen.ops.config import load
    from unseen.ops.watch import exporting

    settings = load(config)
    examine = _examined(settings) if doctor else lambda: None
    if serve is not None:
        return _serve(settings, *_address(serve), examine)
    if show:
        return click.echo(exporting.text(exporting.collect(settings, modes=examine())), nl=False)
    trouble, places = exporting.export(None, settings, examine()), exporting.destinations(settings)
    if as_json:
        print_json({"name": settings.name, "to": places, "trouble": list(trouble)})
    else:
        click.echo("\n".join(trouble) or f"{settings.name}: metrics to {' and '.join(places)}")
    if trouble:
        raise click.exceptions.Exit(PUSHED)


def _examined(settings: Any) -> Callable[[], list[str] | None]:
    """The doctor's word on the last retrain, asked again only when the log has grown; None if it has none."""
    from unseen.ops.places import Places

    log = Places.of(settings).log

    @lru_cache(maxsize=1)
    def found(length: int) -> list[str] | None:
        with suppress(Exception):  # metrics must come also where nothing can be examined
            from unseen.ops.doctor import case_of, diagnose, failing

            return failing(diagnose(case_of(settings.name, settings)))
        return None

    return lambda: found(log.stat().st_size if log.exists() else 0)


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise click.BadParameter("give HOST:PORT, such as 127.0.0.1:9109", param_hint="--serve")
    return host.strip("[]") or "0.0.0.0", int(port)


def _serve(settings: Any, host: str, port: int, examine: Callable[[], list[str] | None]) -> None:
    from prometheus_client import start_http_server

    from unseen.ops.watch.exporting import serving

    server, thread = start_http_server(port, host, serving(settings, examine))
    click.echo(f"{settings.name}: http://{host}:{server.server_port}/metrics until interrupted")
    try:
        thread.join()
    except KeyboardInterrupt:
        server.shutdown()


@click.command(epilog="\b\nExample:\n  unseen alerts -o monitoring/")
@config
@folder
@as_json
@needs_ops
def alerts(config: Path, output: Path, as_json: bool) -> None:
    """Write Prometheus rules, their unit tests, and an Alertmanager configuration.

    Service levels become recording rules and burn-rate alerts; pages and tickets go to the receivers of unseen.yaml.
    promtool and amtool check the files where they are installed; exit code 3 if one finds a fault.
    """
    from unseen.ops.config import load
    from unseen.ops.watch.rulebook import check, secret_files, silent, write

    settings = load(config)
    files = write(settings, output)
    checked, nobody = check(*files), silent(settings)
    secrets = {ref: str(path) for ref, path in secret_files(settings, output.resolve()).items()}
    if as_json:
        said = [{"tool": c.tool, "file": str(c.file), "passed": c.passed, "said": c.said} for c in checked]
        print_json({"files": [str(f) for f in files], "checked": said, "secrets": secrets, "silent": nobody})
    else:
        lines = [f"{file} written" for file in files]
        for c in checked:
            word = {True: "passed", False: "FAILED", None: "not run"}[c.passed]
            lines.append(f"{c.tool}: {word}" + ("" if c.passed else f" ({c.said})"))
        for ref, path in secrets.items():
            lines.append(f"secret {ref}: Alertmanager reads it from {path}; put it there, readable by it alone")
        click.echo("\n".join(lines))
        for severity in nobody:
            click.echo(f"unseen: alerts.{severity} names no receiver: nobody is told", err=True)
    if any(c.passed is False for c in checked):
        raise click.exceptions.Exit(DATA)


@click.command(epilog="\b\nExample:\n  unseen dashboards -o monitoring/")
@config
@folder
@as_json
@needs_ops
def dashboards(config: Path, output: Path, as_json: bool) -> None:
    """Write three Grafana dashboards: executive, on-call, debug.

    JSON files to import or provision. They follow Grafana's schema and their queries were run against Prometheus;
    Grafana itself was not run on them.
    """
    from unseen.ops.config import load
    from unseen.ops.files import write
    from unseen.ops.watch.boards import dashboards as made

    settings = load(config)
    boards = {str(output / f"unseen-{settings.name}-{name}.json"): board for name, board in made(settings).items()}
    for file, board in boards.items():
        write(Path(file), json.dumps(board, indent=2) + "\n")
    if as_json:
        print_json({"files": list(boards)})
    else:
        click.echo("\n".join(f"{file} written" for file in boards))
