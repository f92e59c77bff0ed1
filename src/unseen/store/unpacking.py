"""From JSON and arrays back to what was packed: only registered dataclasses are made, and no code of theirs runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from unseen.core.kinds import Fields, Stored
from unseen.core.stats import Array, Params
from unseen.errors import NotInstalledError, RunError
from unseen.store.declared import Origin
from unseen.store.kinds import named


@dataclass(frozen=True)
class Unpacking:
    """The arrays of a run, where its foreign kinds come from, and the file that errors name.

    >>> Unpacking({}).unpack([1.5, {'$number': 'inf'}, {'$list': [2]}])
    (1.5, inf, [2])
    """

    arrays: Mapping[str, Array]
    origins: Mapping[str, Origin] = field(default_factory=dict)
    where: str = "run.json"

    def unpack(self, value: Any) -> Any:
        """The value that was packed.

        Raises
        ------
        NotInstalledError
            A kind that this installation does not have, or only in an older version.
        RunError
            A field is missing, or an array is not there.
        """
        if isinstance(value, list):
            return tuple(self.unpack(v) for v in value)
        if not isinstance(value, dict):
            return value
        if "$array" in value:
            if value["$array"] not in self.arrays:
                raise RunError(f"{self.where} names an array {value['$array']!r} that arrays.npz does not have")
            return self.arrays[value["$array"]]
        if "$number" in value:
            return float(value["$number"])
        if "$list" in value:
            return [self.unpack(v) for v in value["$list"]]
        if "$map" in value:
            return {self.unpack(k): self.unpack(v) for k, v in value["$map"]}
        if "$params" in value:
            return Params({k: self.unpack(v) for k, v in value["$params"]}, events=value["events"])
        if "$kind" in value:
            return self._kind(value)
        return {k: self.unpack(v) for k, v in value.items()}

    def _kind(self, value: dict[str, Any]) -> Any:
        name, version = value["$kind"], value["version"]
        found, origin = named(name, self.origins.get(name), self.where)
        if version > found.version:
            raise NotInstalledError(
                f"{self.where} holds kind {name!r} in version {version}, and {origin}, which is installed, reads up to "
                f"version {found.version}: upgrade {origin.distribution}"
            )
        values = {k: self.unpack(v) for k, v in value.items() if k not in ("$kind", "version")}
        try:
            values = found.upgraded(values, version)
        except Exception as error:  # a function of whoever made the kind
            raise RunError(
                f"{self.where} holds kind {name!r} in version {version}, which {origin} cannot bring up to version "
                f"{found.version} ({type(error).__name__})"
            ) from None
        return self._made(found, values, origin)

    def _made(self, found: Stored, values: Fields, origin: Origin) -> Any:
        foreign = sorted(set(values) - set(found.fields))
        if foreign:
            raise NotInstalledError(
                f"{self.where} has a field {foreign[0]!r} of kind {found.name!r} that {origin}, which is installed, "
                f"does not know: upgrade {origin.distribution}"
            )
        # past __init__: a class may take its fields in another form than it keeps them
        out: Any = object.__new__(found.cls)
        for f in fields(found.cls):
            if f.name in values:
                made = values[f.name]
            elif f.default_factory is not MISSING:
                made = f.default_factory()
            elif f.default is not MISSING:
                made = f.default
            else:
                raise RunError(f"{self.where} lacks field {f.name!r} of kind {found.name!r}, which {origin} needs")
            object.__setattr__(out, f.name, made)
        return out
