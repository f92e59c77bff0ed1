"""`make demo-production`: the flights of 2013 again, as they arrive month by month at a model in production.

January to March train the first version; April retrains and is promoted; July's storms drift and say so; a corrupted
month is refused; a bad promotion is rolled back. Each step is what the command printed beside it does.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

FOLDER = Path(".demo-production")
COLUMNS = ("dep_delay", "arr_delay", "hour", "distance", "air_time", "carrier", "origin")
SETTINGS = """\
# the production loop of this demo; `unseen init` writes a file with every key explained
name: flights
data: {path: months/*.parquet, window: 3}
schema:
  columns:
    dep_delay: {type: integer, min: -60, max: 1500, missing: 0.10, median: [-10, 15]}
    arr_delay: {type: integer, min: -120, max: 1500, missing: 0.12, median: [-20, 20]}
    hour: {type: integer, min: 0, max: 24, missing: 0}
    distance: {type: integer, min: 10, max: 5000, missing: 0}
    air_time: {type: integer, min: 10, max: 900, missing: 0.12}
    carrier: {type: category, missing: 0}
    origin: {type: category, values: [EWR, JFK, LGA], missing: 0}
  duplicates: 0.05
model:
  components: 4
  family: {dep_delay: student_t, arr_delay: student_t, hour: gaussian, distance: gaussian, air_time: gaussian}
fit: {restarts: 2, tol: 1.0e-5, seed: 1, start: champion}
gates: {heldout_drop: 0.05, first: allow, max_floors: 4}
drift: {false_alarms: 0.01, min_effect: 0.05}
"""


def main() -> None:
    """The story, a line or a few at each step."""
    from unseen.ops.config import load

    began = time.perf_counter()
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "months").mkdir(parents=True)
    (FOLDER / "unseen.yaml").write_text(SETTINGS)
    year = Year(FOLDER / "months")
    loop = Loop(load(FOLDER / "unseen.yaml"))
    for step in STEPS:
        step(year, loop)
    say(f"\nDone in {time.perf_counter() - began:.0f} s. Everything lies in {FOLDER}/; try there: unseen status")


def say(text: str) -> None:
    print(text, flush=True)


class Year:
    """The flights by month, to be let into the folder of partitions one by one."""

    def __init__(self, folder: Path) -> None:
        import pyarrow.parquet as pq

        self.folder = folder
        with as_file(files("unseen") / "data" / "flights.parquet") as path:
            self.flights = pq.read_table(path)

    def month(self, number: int) -> Any:
        import pyarrow.compute as pc

        return self.flights.filter(pc.equal(self.flights["month"], number)).select(list(COLUMNS))

    def arrives(self, number: int, change: Callable[[Any], Any] = lambda table: table) -> Path:
        """Put a month where the loop looks."""
        import pyarrow.parquet as pq

        path = self.folder / f"2013-{number:02d}.parquet"
        pq.write_table(change(self.month(number)), path)
        return path


class Loop:
    """The commands of the loop, each with the line it would be typed as."""

    def __init__(self, settings: Any) -> None:
        from unseen.ops.registry import Registry

        self.settings, self.registry = settings, Registry(settings)

    def retrain(self, settings: Any = None, note: str = "") -> Any:
        from unseen.ops.retrain import retrain

        record = retrain(settings or self.settings, actor="demo")
        extra = ""
        gain = record.validation.gain if record.validation else None
        if record.outcome == "promoted" and gain is not None:
            extra = f", {gain:+.3f} log-density per held-out row against the one before"
        say(f"  $ unseen retrain{note}\n    {record.outcome}: {record.reason}{extra}")
        for finding in record.findings[1:]:
            say(f"             {finding.message}")
        return record

    @property
    def champion(self) -> Any:
        return self.registry.champion()

    def drift(self, path: Path) -> bool:
        from unseen.ops.drift import batch_id, look, recall
        from unseen.ops.places import Places

        places, champion = Places.of(self.settings), self.champion
        reference = recall(places.run(champion.record) / "reference.json")
        model = self.registry.load(champion.number)
        report = look(model, reference, [str(path)], batch_id([str(path)]), places.drift, self.settings)
        say(f"  $ unseen drift months/{path.name}\n    {'drift' if report.drifted else 'no drift'}")
        for cause in report.causes[:4]:
            say(f"      {cause}")
        return report.drifted


def first_version(year: Year, loop: Loop) -> None:
    """January to March."""
    say("January to March train the first version.")
    for month in (1, 2, 3):
        year.arrives(month)
    loop.retrain()


def april(year: Year, loop: Loop) -> None:
    """A month like the others."""
    say("\nApril arrives and the nightly retrain promotes its candidate.")
    year.arrives(4)
    loop.retrain()


def july(year: Year, loop: Loop) -> None:
    """Storms."""
    import pyarrow.parquet as pq

    say("\nJuly's storms drift, and say what has changed.")
    path = FOLDER / "2013-07.parquet"
    pq.write_table(year.month(7), path)
    loop.drift(path)


def corrupted(year: Year, loop: Loop) -> None:
    """A column renamed, minutes become seconds, half the rows twice."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def break_it(table: Any) -> Any:
        seconds = pc.multiply(table["dep_delay"].cast(pa.int32()), 60)
        table = table.set_column(table.column_names.index("dep_delay"), "dep_delay", seconds)
        table = table.rename_columns(["airline" if n == "carrier" else n for n in table.column_names])
        return pa.concat_tables([table, table.slice(0, table.num_rows // 2)])

    say("\nMay is delivered broken: a column renamed, delays in seconds, half the rows twice.")
    path = year.arrives(5, break_it)
    loop.retrain()
    say(f"    the champion stays: version {loop.champion.number}")
    path.unlink()


def bad_promotion(year: Year, loop: Loop) -> None:
    """Somebody promotes by hand what the gates refused, and takes it back."""
    say("\nMay comes again, whole. Somebody retrains it with one component; the gates hold it, a hand promotes it.")
    year.arrives(5)
    one = loop.settings.model_copy(update={"model": loop.settings.model.model_copy(update={"components": (1,)})})
    record = loop.retrain(one, "          (with UNSEEN__MODEL__COMPONENTS=1)")
    now = loop.champion
    why = "the dashboard is due"
    loop.registry.promote(record.version, expected=now.number, reason=why, actor="somebody", override=True)
    say(f'  $ unseen promote flights --to {record.version} --override --reason "{why}"')
    say(f"    the champion is version {loop.champion.number}")
    loop.registry.rollback(None, reason="one component tells no kinds of flights apart", actor="on call")
    say('  $ unseen rollback flights --reason "one component tells no kinds of flights apart"')
    say(f"    the champion is version {loop.champion.number} again, nothing was trained")


def history(year: Year, loop: Loop) -> None:
    """What was decided, by whom, and why."""
    from click.testing import CliRunner

    from unseen.cli.production import history as command

    say("\nWhat happened, and why:\n  $ unseen history")
    told = CliRunner().invoke(command, ["-c", str(FOLDER / "unseen.yaml")])
    say("\n".join(f"    {line}" for line in told.output.splitlines()))


STEPS = (first_version, april, july, corrupted, bad_promotion, history)


def run() -> None:
    """The story as a program: trouble becomes a sentence and an exit code."""
    import sys

    import click

    from unseen.cli.exits import guarded

    with suppress(BrokenPipeError):
        try:
            with guarded():
                main()
        except click.exceptions.Exit as stop:
            sys.exit(stop.exit_code)


if __name__ == "__main__":
    run()
