"""Which run a batch is: one that ended before, one to go on with, or one to begin."""

from __future__ import annotations

from collections.abc import Sequence

from unseen.core.observe import Observer
from unseen.errors import RegistryError, UnseenError
from unseen.ops.config import Settings
from unseen.ops.ingest import take_in
from unseen.ops.patience import patiently
from unseen.ops.places import Places
from unseen.ops.record import Record
from unseen.ops.registry import Registry
from unseen.ops.retrain.ending import nothing_new, report_unread
from unseen.ops.retrain.identity import next_run, run_id, runs_of
from unseen.ops.retrain.installed import check_installed
from unseen.ops.retrain.journal import Journal
from unseen.ops.retrain.meter import Meter
from unseen.ops.retrain.pipeline import Retrain, Tell


def retrain(
    settings: Settings,
    until: str | None = None,
    *,
    again: bool = False,
    search: bool = False,
    tell: Tell = lambda *_: None,
    observers: Sequence[Observer] = (),
    actor: str | None = None,
) -> Record:
    """Take a batch from its files to a promoted or held version, and say how it ended.

    The run is named by the content of its rows and by the settings that decide the model: the same batch gives
    the recorded outcome at once (``again`` runs it anew, beside a run that made a version), and a run that was
    interrupted, killed, or could not reach the registry goes on where it was. The champion changes in the last stage
    or not at all.

    Parameters
    ----------
    until : the newest partition to use, by name; the newest there is if left out
    search : try all numbers of components, not only the champion's
    tell : called with each stage and one sentence about it
    actor : who is named in the log; user and host if left out

    Raises
    ------
    ConflictError
        Another process works on the same run.
    """
    check_installed()
    meter = Meter(settings.limits)
    try:
        intake = patiently(lambda: take_in(settings, until), settings.retries)
    except (UnseenError, OSError, KeyboardInterrupt) as error:
        return report_unread(settings, error, meter, tell, actor)
    places = Places.of(settings)
    first = run_id(intake, settings)

    def opened(id: str) -> Journal:
        return Journal.open(places.run(id), settings.name, id)

    def run(journal: Journal) -> Record:
        return Retrain(settings, places, intake, journal, meter, tell, tuple(observers), actor, search).through()

    journal = opened([first, *runs_of(first, places.runs)][-1])
    try:
        with journal.alone():
            registry = Registry(settings)
            state = registry.check()
            if not again and journal.settled(lambda: state.champion):
                return nothing_new(settings, journal.record, tell, actor)
            version = state.of_record(journal.record.id)
            # what a version was registered from is what production is compared with: no other fit is put in its place
            if version is None or (not again and registry.artefacts.kept(version) is not None):
                journal.begin_anew() if again else journal.go_on()
                return run(journal)
        journal = opened(next_run(first, places.runs))
        with journal.alone():
            return run(journal)
    except RegistryError as error:  # the folder of the run cannot be used: nothing was begun
        return report_unread(settings, error, meter, tell, actor)
