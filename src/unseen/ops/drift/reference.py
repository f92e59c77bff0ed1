"""What is remembered of the rows that a champion was trained and validated on: bins and sums, never a row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from unseen.core.block import Block
from unseen.core.capabilities import Generative
from unseen.core.stats import Sums
from unseen.errors import RegistryError
from unseen.ops.drift import batch, parts
from unseen.ops.drift.bins import Layout, layout, merged
from unseen.ops.drift.fresh import fresh_blocks
from unseen.ops.drift.tally import arrays, plain, tally
from unseen.result import Result

FORMAT = 1


def remember(result: Result, blocks: Iterable[Block], partitions: Sequence[Any] = ()) -> dict[str, Any]:
    """Sum up the rows that new data will be compared with; the answer is ready for JSON.

    Kept are, for each column, the share of rows in a few bins (edges come from the model, category bins are numbered
    as the model numbers its categories) and of missing cells; the log-density per row and the numbers that the model
    says of rows (scores, predictions) in bins; the share and the mean position of each component, where there are
    components; numbers of rows. Its size depends on columns and components alone. One pass over the rows, and one more
    where the model cannot make rows of its own: edges then are rounded quantiles.

    Parameters
    ----------
    blocks : encoded as ``result.encoding`` does it; known labels are not used
    partitions : the same rows by partition, as sources: how they differ says what a batch may

    Raises
    ------
    DataError
        There are no rows, and the model makes none.
    """
    blocks = blocks if isinstance(blocks, Sequence) or isinstance(result.model, Generative) else list(blocks)
    fine = layout(result, blocks if isinstance(blocks, Sequence) else ())
    coarse, sums = merged(fine, tally(result, fine, blocks))
    out = {"format": FORMAT, "model": model_hash(result), "layout": coarse.as_dict(), "sums": plain(sums)}
    if not partitions:
        return out
    each = [parts.parts_of(result, coarse, fresh_blocks(result, source)) for source in partitions]
    total: Sums = {name: np.sum([one[name] for one in each], axis=0) for name in each[0]}
    return {**out, "parts": plain(total), "usual": batch.usual(coarse, each), "partitions": len(each)}


def recall(path: Path) -> dict[str, Any]:
    """Read a reference that was written as JSON.

    Raises
    ------
    RegistryError
        It is missing or damaged.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RegistryError(f"{path} is missing: there is nothing to compare new data with") from None
    except (OSError, ValueError):
        raise _damaged() from None
    if not isinstance(stored, dict):
        raise _damaged()
    return stored


def model_hash(result: Result) -> str:
    """What tells two fitted models apart: their columns and every bit of their parameters."""
    digest = hashlib.sha256(json.dumps([list(s.columns) for s in result.model.slots]).encode())
    for name in sorted(result.params):
        digest.update(f"{name}\0".encode() + result.params[name].tobytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Reference:
    """A reference as it is worked with; ``id`` tells the champions apart."""

    id: str
    layout: Layout
    sums: Sums

    @classmethod
    def of(cls, stored: Mapping[str, Any], champion: Result) -> Self:
        """Read what `remember` wrote.

        Raises
        ------
        RegistryError
            It cannot be read, or it is the reference of another model.
        """
        try:
            known, model = stored["format"] == FORMAT, stored["model"]
            bins = Layout.of(stored["layout"])
            sums = arrays(stored["sums"], bins)
        except (KeyError, TypeError, ValueError, AttributeError):
            known = False
        if not known:
            raise _damaged()
        if model != model_hash(champion):
            raise RegistryError("the champion's reference.json belongs to another model than the champion")
        body = json.dumps(stored, sort_keys=True).encode()
        return cls(hashlib.sha256(body).hexdigest()[:16], bins, sums)


def _damaged() -> RegistryError:
    return RegistryError("the champion's reference.json is damaged, or of another version of unseen")
