"""Files that are read as one table: whether they belong together, and as what columns they are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unseen.arrow.columns import INDEX, fields_of, index_names, is_text
from unseen.arrow.files import each
from unseen.arrow.hive import key_schema
from unseen.arrow.libraries import pa
from unseen.arrow.place import Place
from unseen.core.block import EMPTY, OTHER, Field
from unseen.errors import DataError


@dataclass(frozen=True)
class Together:
    """Files, the columns that all are read as, those of them that only folders' names say, and what was left out."""

    files: tuple[Any, ...]
    schema: Any
    keys: Any
    skipped: tuple[str, ...]

    def fields(self) -> tuple[Field, ...]:
        """The columns with their kinds, as far as the files say them before they are read."""
        hollow = frozenset.intersection(*(f.hollow for f in self.files))
        told = {m[b"pandas"]: f.schema for f in self.files if b"pandas" in (m := f.schema.metadata or {})}
        index = frozenset[str]().union(*map(index_names, told.values()))
        named = [Field(f.name, OTHER, INDEX) if f.name in index else f for f in fields_of(self.schema)]
        return tuple(Field(f.name, EMPTY) if f.name in hollow else f for f in named)


def together(places: Sequence[Place], look: Callable[[Place], Any], skip_bad: bool = False) -> Together:
    """Look at files, and find what they share; with ``skip_bad``, files that are not as most are left out.

    Raises
    ------
    DataError
        A file cannot be read, or not together with the others.
    """
    skipped: list[str] = []
    files = list(each(places, look, skipped if skip_bad else None).values())
    if not files:
        raise DataError(f"none of the {len(places):,} files can be read: {skipped[0]}")
    files = _without_labels(files, skipped)
    own = {name for f in files for name in f.schema.names}
    # where a file has a column of a key's name, its cells are what counts
    keys = pa.schema([f for f in key_schema([f.place for f in files]) if f.name not in own])
    for i, file in enumerate(files if len(keys) else ()):
        fields = [*file.schema, *(f for f in keys if f.name in dict(file.place.keys))]
        files[i] = replace(file, schema=pa.schema(fields, metadata=file.schema.metadata))
    bad: dict[Place, str] = {}
    schema = _agree(files, bad if skip_bad else None)
    told = (f"{p.called!r} is left out: {why}" for p, why in bad.items())
    return Together(tuple(f for f in files if f.place not in bad), schema, keys, (*skipped, *told))


def _without_labels(files: list[Any], told: list[str]) -> list[Any]:
    """Files without the row labels that pandas wrote into some of them only, as it does once a table was filtered."""
    names = {n for f in files for n in index_names(f.schema) if n.startswith("__index_level_")}
    for name in sorted(n for n in names if any(n not in f.schema.names for f in files)):
        told.append(f"column {name!r} is left out: the labels of rows, which pandas wrote into some of the files only")
        for i, file in enumerate(files):
            if name in index_names(file.schema):
                rest = {k: v for k, v in file.schema.metadata.items() if k != b"pandas"}
                schema = file.schema.remove(file.schema.get_field_index(name)).with_metadata(rest)
                files[i] = replace(file, schema=schema)
    return files


def _agree(files: Sequence[Any], bad: dict[Place, str] | None) -> Any:
    """The schema that all files share, in the order of the first.

    Text may be plain or a dictionary, numbers may be of any width (a month with holes is often written as floating
    point where one without is whole numbers), and a column without any value agrees with every type. With ``bad``,
    files that differ from what most are are told there instead of being refused.
    """
    first = files[0]
    if bad is not None:
        likes = [frozenset((f.name, _plain(f.type)) for f in file.schema) for file in files]
        first = files[likes.index(Counter(likes).most_common(1)[0][0])]
    agreed = {f.name: (f, first) for f in first.schema}
    for other in files:
        if other is first or other.schema.equals(first.schema):
            continue
        if why := _difference(agreed, first, other):
            if bad is None:
                raise DataError(why)
            bad[other.place] = why
        else:
            agreed = {name: _joined(*one, other) for name, one in agreed.items()}
    return pa.schema([f for f, _ in agreed.values()], metadata=first.schema.metadata)


def _difference(agreed: dict[str, tuple[Any, Any]], first: Any, other: Any) -> str:
    """Why a file cannot be read with others, whose columns so far stand each with the file that has it so."""
    here = {f.name: f.type for f in other.schema}
    for name in [*(n for n in agreed if n not in here), *(n for n in here if n not in agreed)]:
        has, lacks = _told_apart(*((first, other) if name in agreed else (other, first)))
        return f"column {name!r} is in {has} but not in {lacks}: files that are read together need the same columns"
    for name, (field, where) in agreed.items():
        if "null" not in (kinds := (_plain(field.type), _plain(here[name]))) and kinds[0] != kinds[1]:
            one, two = _told_apart(where, other)
            both = f"{field.type} in {one} and {here[name]} in {two}"
            return f"column {name!r} is {both}: files that are read together need the same types"
    return ""


def _joined(field: Any, where: Any, other: Any) -> tuple[Any, Any]:
    """A column and the file that has it so, after another file: the narrowest type that holds the numbers of both."""
    here = other.schema.field(field.name)
    if pa.types.is_null(field.type):
        return here, other
    if "number" == _plain(field.type) == _plain(here.type):
        both = [pa.schema([field.with_nullable(True)]), pa.schema([here.with_nullable(True)])]
        return field.with_type(pa.unify_schemas(both, promote_options="permissive").field(0).type), where
    return field, where


def _told_apart(one: Any, two: Any) -> tuple[str, str]:
    """The names of two files, with their folders where they have one name."""
    a, b = one.place, two.place
    return (repr(a.shown), repr(b.shown)) if a.called == b.called else (repr(a.called), repr(b.called))


def _plain(type_: Any) -> str:
    """A type without its layout: text is text, large, viewed or in a dictionary, and numbers are of any width."""
    inner = type_.value_type if pa.types.is_dictionary(type_) else type_
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        return "number"
    return "text" if is_text(inner) else str(inner)
