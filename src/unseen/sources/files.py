"""What a user calls data on disk to the files that are meant, and to the source that reads them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from unseen.arrow.files import each
from unseen.arrow.formats import ARROW, CALLED, LOOSE, PARQUET, SHEET, format_of
from unseen.arrow.formats import known as is_data
from unseen.arrow.formats import misnamed as is_misnamed
from unseen.arrow.place import Place
from unseen.arrow.stores import MAGIC, scheme_of, spelled, stored
from unseen.arrow.walk import globbed, one, walked
from unseen.core.reading import Notation, Reading, reading
from unseen.errors import DataError

__all__ = ["format_of", "listed", "open_files"]

Given = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def open_files(
    data: Given,
    *,
    unit: str | None = None,
    whole: bool = False,
    block_rows: int | None = None,
    read: Reading | Mapping[str, Any] | None = None,
    known: Mapping[str, Notation] | None = None,
) -> Any:
    """The source of one path or several; folders stand for the data files in them, sorted by name.

    Parameters
    ----------
    data : paths, folders, patterns (``data/*.csv``) and addresses (``s3://bucket/folder``), one or several
    read : what a user says of how they are written; with ``skip_bad`` files that cannot be read as what the others are
        are left out, and the source says which and why in ``skipped``
    known : how the columns were written that a model was fitted to

    Raises
    ------
    DataError
        Nothing there, nothing that is a table, or files of different formats.
    """
    asked, skipped = reading(read), list[str]()
    places = listed(data, skipped, asked.skip_bad)
    formats = each(places, format_of, skipped if asked.skip_bad else None)
    if not formats:
        raise DataError(f"none of the {len(places):,} files can be read: {skipped[0]}")
    most = Counter(formats.values()).most_common(1)[0][0]
    chosen = [p for p, kind in formats.items() if kind == most]
    odd = [p for p, kind in formats.items() if kind != most]
    if odd and not asked.skip_bad:
        raise DataError(
            f"{odd[0].called!r} is {CALLED[formats[odd[0]]]} and {chosen[0].called!r} is {CALLED[most]}, which cannot "
            "be read together: give files of one format"
        )
    skipped += [f"{p.called!r} is left out: it is {CALLED[formats[p]]}, and most are {CALLED[most]}" for p in odd]
    cuts: dict[str, Any] = {"unit": unit, "whole": whole, "block_rows": block_rows}
    source: Any
    if most in ("parquet", "arrow"):
        from unseen.sources.parquet import Feather, Parquet

        source = (Parquet if most == "parquet" else Feather)(chosen, **cuts, skip_bad=asked.skip_bad)
    else:
        from unseen.sources.csv import Csv

        source = Csv(chosen, **cuts, read=asked, known=known, kind=most)
    source.skipped = (*skipped, *source.skipped)
    misnamed = [p for p in chosen if is_misnamed(p.name, most)]
    source.named = (f"{misnamed[0].called!r} is {CALLED[most]}, whatever its name says",) if misnamed else ()
    return source


def listed(data: Given, skipped: list[str] | None = None, skip_bad: bool = False) -> list[Place]:
    """The files that are meant, in the given order: folders and patterns stand for the data files in them, by name.

    Hidden files are left out. ``skipped`` is told which others were, and, with ``skip_bad``, which cannot be looked at.

    Raises
    ------
    DataError
        There is no such file, it may not be read, it is no file, or it is given twice.
    """
    told = [] if skipped is None else skipped
    many = [data] if isinstance(data, (str, os.PathLike)) else data
    places = [place for given in many for place in _meant(spelled(given), told, skip_bad)]
    seen = set[Any]()
    for place in places:
        key = os.stat(place.path)[1:3] if place.local else place.shown  # inode and device
        if key in seen:
            told_twice = "its rows would count twice (row weights say so: --weights)"
            raise DataError(f"{place.shown!r} is given twice: {told_twice}")
        seen.add(key)
    return places


def _meant(given: str, skipped: list[str], skip_bad: bool) -> list[Place]:
    scheme = scheme_of(given)
    if scheme and scheme != "file":
        return stored(given, lambda found, folder: _data(found, given, folder, skipped))
    path = url2pathname(urlsplit(given).path) if scheme else given
    path = path if os.path.lexists(path) else os.path.expanduser(path)
    if os.path.isdir(path):
        return _data(walked(path, skipped if skip_bad else None), path, True, skipped)
    if os.path.lexists(path) or not MAGIC.search(path):
        if "\n" in path and not os.path.lexists(path):
            raise DataError("there is no file of a name with several lines: data is given by its path, not as text")
        return one(path)
    found = globbed(path, skipped if skip_bad else None)
    if not found:
        raise DataError(f"there is no file that matches {given!r}")
    return _data(found, given, False, skipped)


def _data(found: list[Place], given: str, folder: bool, skipped: list[str]) -> list[Place]:
    """Which of the files of a folder, or else of a pattern, are data.

    A pattern that asks for other endings means it; one that also meets notes and checksums does not.
    """
    rest: list[Place] = [] if folder else found
    chosen = [p for p in found if is_data(p.name)] or [p for p in found if is_data(p.name, LOOSE)] or rest
    if not chosen:
        endings = ", ".join((*PARQUET, *ARROW, ".csv", ".tsv", ".jsonl", *SHEET, ".txt"))
        raise DataError(f"folder {given!r} holds no file that ends in {endings} (or one of these and .gz, .zst, .zip)")
    taken = {p.path for p in chosen}
    left = [p for p in found if p.path not in taken and (is_data(p.name, LOOSE) or not folder)]
    skipped += [f"{p.shown!r} is left out: its name says data less clearly than those of the others" for p in left]
    return chosen
