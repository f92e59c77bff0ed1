"""Sites: data of several owners, each in a process that keeps its rows and answers with sums."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from unseen.core.block import BOOLEAN, EMPTY, INTEGER, NUMBER, Field, Frame
from unseen.core.encoding import usable
from unseen.core.site import Site
from unseen.core.source import Frames, Nowhere, Part
from unseen.core.tasks import ProfileFrame
from unseen.core.wire import packed
from unseen.errors import DataError, EngineError, ModelError

NUMBERS = (BOOLEAN, INTEGER, NUMBER)  # each can be read as those after it


class Sites:
    """The data of several sites, which each keep theirs: only sums over all rows of a site leave it.

    Parameters
    ----------
    data : for each site by its name what is read there, by a process of its own: a path, or whatever `unseen.fit`
        takes; or a `Command` that starts a site where the data is
    unit : the column that names the unit of each row, at every site; a unit does not reach over two sites.
        ``whole=True`` makes all rows of a site one unit
    least_rows : rows of which a site tells a sum at least; a `Command` says it for itself, as all that follows
    block_rows : rows per block
    workers : threads of a sum at each site
    allowed : classes of one's own that sites may be asked (``"module:Class"``)

    Raises
    ------
    DataError
        The columns of the sites differ; the message names the site and the columns.
    EngineError
        A site cannot be started.

    >>> import numpy as np, unseen
    >>> x = np.random.default_rng(0).normal([[0.0], [9.0]], 1, (2, 50)).reshape(-1, 1)
    >>> with unseen.Sites({"north": x[:60], "south": x[60:]}) as sites:
    ...     unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), sites).outcome.name
    'converged'
    """

    #: where its blocks are summed
    engine = "federated"

    def __init__(
        self,
        data: Mapping[str, Any],
        *,
        unit: str | None = None,
        whole: bool = False,
        least_rows: int = 20,
        block_rows: int | None = None,
        workers: int | None = None,
        allowed: Sequence[str] = (),
    ) -> None:
        if not isinstance(data, Mapping) or not data:
            raise ModelError("Sites takes the data of each site by its name: Sites({'north': ..., 'south': ...})")
        self.unit, self.whole = unit, whole
        rules = {"least_rows": least_rows, "workers": workers, "allowed": tuple(allowed)}
        cuts = {"unit": unit, "whole": whole, "block_rows": block_rows}
        self.sites: tuple[Site, ...] = ()
        try:
            for i, (name, own) in enumerate(data.items()):
                self.sites += (Site(str(name), own, {**rules, **cuts, "number": i}),)
            met = [site.meet() for site in self.sites]
        except BaseException:
            self.close()
            raise
        names = tuple(site.name for site in self.sites)
        self._parts = tuple(Part(i, rows, (name,)) for i, (name, (_, rows)) in enumerate(zip(names, met, strict=True)))
        try:
            self.fields = agreed({name: fields for name, (fields, _) in zip(names, met, strict=True)})
        except DataError:
            self.close()
            raise

    def __enter__(self) -> Sites:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """End the sites."""
        for site in self.sites:
            site.end("by close()")

    def schema(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.name != self.unit)

    def manifest(self) -> tuple[Part, ...]:
        return self._parts

    def read(self, part: Part, columns: Sequence[str]) -> Frame:
        raise EngineError(
            f"the rows of site {part.where[0]!r} do not leave it: fit with engine='federated', and read, score or "
            "complete rows where they are"
        )

    def fingerprint(self) -> dict[str, str | int]:
        """What identifies the data: a hash of the sums that sites tell of their columns, none of the rows."""
        digest, fields = hashlib.sha256(), usable(self.schema())
        for site in self.sites:
            try:
                told = [_profiled(site, fields)]
            except DataError:  # a column has too few cells to be spoken of
                told = [_profiled(site, (field,), refused=b"few") for field in fields]
            for one in told:
                digest.update(one)
        return {"format": "sites", "rows": sum(p.rows for p in self._parts), "sha256": digest.hexdigest()}


def _profiled(site: Site, fields: tuple[Field, ...], refused: bytes | None = None) -> bytes:
    blocks = packed(Frames(Nowhere(), tuple(f.name for f in fields)))
    try:
        return packed(site.ask(packed((blocks, packed(ProfileFrame(fields))))))
    except DataError:
        if refused is None:
            raise
        return refused


def agreed(schemas: Mapping[str, tuple[Field, ...]]) -> tuple[Field, ...]:
    """The columns that all sites have, in the order of the first; numbers of several types as what holds them all.

    Raises
    ------
    DataError
        A site lacks columns that another has, or has them of another kind.
    """
    first, *others = schemas
    kinds = {f.name: f for f in schemas[first]}
    for name in others:
        own = {f.name: f for f in schemas[name]}
        for a, b, there, here in ((first, name, kinds, own), (name, first, own, kinds)):
            if lacking := [c for c in there if c not in here]:
                raise DataError(
                    f"site {b!r} has no column {', '.join(map(repr, lacking))}, which site {a!r} has: give every site "
                    "the same columns"
                )
        wrong = []
        for column, field in own.items():
            kind = _both(kinds[column].kind, field.kind)
            if kind is None:
                wrong.append(f"{column!r} ({field.kind}, at {first!r} {kinds[column].kind})")
            else:
                kinds[column] = Field(column, kind, kinds[column].note or field.note)
        if wrong:
            raise DataError(f"site {name!r} has other kinds of columns: {', '.join(wrong)}: convert them at one site")
    return tuple(kinds.values())


def _both(a: str, b: str) -> str | None:
    if a == b or b == EMPTY:
        return a
    if a == EMPTY:
        return b
    return NUMBERS[max(NUMBERS.index(a), NUMBERS.index(b))] if a in NUMBERS and b in NUMBERS else None
