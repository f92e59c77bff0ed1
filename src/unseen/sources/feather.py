"""Feather files, which are Arrow files: one, several, or a folder, read record batch by record batch."""

from __future__ import annotations

from typing import Any

from unseen.arrow.files import opened_arrow
from unseen.arrow.rowgroups import RowGroups


class Feather(RowGroups):
    """Arrow files as `Parquet` reads files: a block is a record batch; large ones are cut, small ones joined.

    A batch that is larger than a block is in memory as a whole while its blocks are read.

    Raises
    ------
    DataError
        No such file, no Arrow file, cut short or damaged, or files whose columns differ.

    >>> Feather(["no-such.feather"])
    Traceback (most recent call last):
    ...
    unseen.errors.DataError: there is no file 'no-such.feather'
    """

    FORMAT = "arrow"

    @staticmethod
    def look(place: Any) -> Any:
        return opened_arrow(place)
