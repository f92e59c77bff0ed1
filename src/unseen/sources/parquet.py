"""Parquet and Feather files: one file, several, or a folder, read row group by row group, batch by batch."""

from __future__ import annotations

from typing import Any

from unseen.arrow.files import opened_arrow
from unseen.arrow.rowgroups import RowGroups


class Parquet(RowGroups):
    """Columns on disk; nothing but the footers is read until a block is asked for.

    A block is a row group; one of more than 131,072 rows is cut evenly, and so are row groups where there are fewer
    than eight of them. Where there are more, tiny ones that follow each other, also in several files, become blocks
    of 8,192 rows or of an eighth of all, whatever is less. Reading is thread-safe, and memory holds the columns of one
    block per reader. Blocks that are parts of one row group share a decoder, so that a pass in order decodes each row
    once. What the names of folders say (``year=2023``) is in columns after those of the files.

    Parameters
    ----------
    paths : one path or several, read in this order
    unit : the column that names the unit (sequence, item, user) of each row; it is read alone, once, so that blocks are
        cut between units, also where one crosses row groups. Where rows of one unit do not stand together, blocks are
        read from a temporary copy in which they do, removed at exit. ``whole=True`` makes all rows one unit
    block_rows : rows per block instead; row groups are cut and joined to fit
    skip_bad : leave out files that are damaged or have other columns than most; ``skipped`` says which and why

    Raises
    ------
    DataError
        No such file, not Parquet, cut short or damaged, or files whose columns differ.

    >>> Parquet("no-such.parquet")
    Traceback (most recent call last):
    ...
    unseen.errors.DataError: there is no file 'no-such.parquet'
    """


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
