"""What a checkpoint belongs to: data, model and options, so that no other fit goes on from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import unseen
from unseen.core.source import Source
from unseen.core.stats import Params
from unseen.errors import NotInstalledError, RunError
from unseen.store.packing import Packing

FORMAT = 1


def task_of(call: str, model: Any, source: Source, **options: Any) -> dict[str, str]:
    """Return data, model and options as words that are equal where the fit would have the same bits.

    Engines and limits of time are none of them: they do not change what a fit comes to, or only how far.
    """
    blocks = [part.rows for part in source.manifest()]
    return {
        "call": call,
        "data": digest(source.fingerprint()),
        "block_rows": f"{len(blocks)} blocks, {digest(blocks)}",
        "model": words(model),
        **{name: words(value) for name, value in options.items()},
    }


def words(value: Any) -> str:
    """Return a value as text that tells it from others, without any array in it.

    >>> words(0.5), words(("full", "tied")), words(None)
    ('0.5', "('full', 'tied')", 'None')
    """
    if value is None or isinstance(value, (str, int, float, bool, range)):
        return str(value)
    try:
        side = Packing()
        packed = json.dumps(side.pack(value), sort_keys=True)
    except RunError:  # no kind that runs know: its own words, as long as they do not change from process to process
        if is_dataclass(value) and not isinstance(value, type):
            inside = ", ".join(f"{f.name}={words(getattr(value, f.name))}" for f in fields(value))
            return f"{type(value).__qualname__}({inside})"
        told, name = repr(value), f"{type(value).__module__}.{getattr(value, '__qualname__', type(value).__qualname__)}"
        return name if " at 0x" in told else told
    if not side.arrays and isinstance(value, (tuple, list, Mapping)) and not isinstance(value, Params):
        return str(value)
    body = hashlib.sha256(packed.encode())
    for name, array in side.arrays.items():
        body.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return f"{type(value).__name__} {body.hexdigest()[:16]}"


def digest(value: Any) -> str:
    """Return a short hash of what JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def described(task: Mapping[str, str]) -> bytes:
    """Return the file that a checkpoint says by what it belongs to, with a hash of its own."""
    body = {"format": FORMAT, "unseen": unseen.__version__, "task": dict(task)}
    return json.dumps({**body, "content": digest(body)}, indent=1).encode()


def check_same(written: bytes, task: Mapping[str, str], where: str) -> None:
    """Refuse a checkpoint that this fit cannot go on from.

    Raises
    ------
    NotInstalledError
        It is of a newer format, or of another version of unseen, whose steps may have other bits.
    RunError
        It was altered, or belongs to other data, another model or other options; the message names the first.
    """
    anew = "choose another folder to begin anew"
    try:
        body = json.loads(written)
        format_, version, known, content = (body[name] for name in ("format", "unseen", "task", "content"))
        newer = isinstance(format_, int) and format_ > FORMAT
        right = content == digest({"format": format_, "unseen": version, "task": known}) and isinstance(known, dict)
    except (ValueError, KeyError, TypeError):
        raise RunError(f"the checkpoint in {where} was altered and says no more what it belongs to: {anew}") from None
    if newer or version != unseen.__version__:
        raise NotInstalledError(
            f"the checkpoint in {where} was written by unseen {version}, and this is {unseen.__version__}, whose steps "
            f"may differ: go on with that version, or {anew}"
        )
    if not right:
        raise RunError(f"the checkpoint in {where} was altered and says no more what it belongs to: {anew}")
    for name in sorted({*known, *task}, key=lambda n: (n not in ("call", "data", "model"), n)):
        then, now = known.get(name, "nothing"), task.get(name, "nothing")
        if then == now:
            continue
        if name in ("call", "data", "model"):
            other = {"call": "of another kind of fit", "data": "of other data", "model": "of another model"}[name]
            raise RunError(f"the checkpoint in {where} is {other}: give what it was begun with, or {anew}")
        raise RunError(
            f"the checkpoint in {where} was begun with {name}={then}, and this fit has {name}={now}: give the same, or "
            f"{anew}"
        )


__all__ = ["check_same", "described", "task_of"]
