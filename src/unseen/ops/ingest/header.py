"""Names of columns that are no names: a text file without a header has cells of its first row in their place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from unseen.arrow.formats import TEXT
from unseen.ops.record import Finding

# numbers, dates, telephone and card numbers, nothing at all; and addresses
_CELL = re.compile(r"[\d\s.,:;/+()_-]*|.*@.*", re.DOTALL)


def headless(path: Path, names: Sequence[str], trusted: Sequence[str]) -> tuple[Finding, ...]:
    """A finding if the header of a text file looks like data; none of it is repeated.

    Names that ``unseen.yaml`` or the champion knows may look as they like.
    """
    if not path.name.lower().endswith(TEXT):
        return ()
    if not any(_CELL.fullmatch(name) for name in set(names) - set(trusted)):
        return ()
    message = (
        f"the first line of {path.name!r} looks like data, not like the names of columns: put the names there, or "
        "declare the columns in schema.columns if these are their names"
    )
    return (Finding(check="header", message=message),)


_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


def discreet(message: str, known: Sequence[str]) -> str:
    """A sentence without quoted names that are not known, because they might be cells.

    >>> discreet("column names are duplicated: 'Ada Lovelace'", ["born"])
    'column names are duplicated: (a name)'
    """
    allowed = {repr(name) for name in known}
    return _QUOTED.sub(lambda found: found[0] if found[0] in allowed else "(a name)", message)
