"""Sums over sites that keep their rows: each is asked, and answers with one sum."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, final

from unseen.core.adding import add_in_tree
from unseen.core.engine import Engine, EngineTraits, Summed, T, Task
from unseen.core.interrupt import check
from unseen.core.remote import source_of
from unseen.core.source import Nowhere
from unseen.core.wire import SiteEnded, packed
from unseen.errors import EngineError


@final
class Federated(Engine):
    """Sums over sites, of each of which it is told one number or array for each task, never a row.

    A site is a block: it adds up its own blocks and answers with the sum of all of them, so nothing is told of a part
    of its rows, and the total does not have the bits that one machine would come to (`docs/federated.md`).

    Parameters
    ----------
    blocks : a lazy sequence over `unseen.Sites`
    workers : not used: each site has threads of its own
    may_be_lost : leave out sites that have ended or do not answer, and say so (``Summed.lost``); a fit needs all
    patience : seconds after which a site does not answer; None waits for ever

    Raises
    ------
    EngineError
        The blocks are not those of sites.

    Source: McMahan, Moore, Ramage, Hampson & Agüera y Arcas (2017), AISTATS, for sites that send no data; the sums of
    EM over nodes: Nowak (2003), IEEE Trans. Signal Process. 51, 2245-2253.
    """

    traits = EngineTraits(same_bits=False, rows_may_leave=False, keeps_blocks=False, elsewhere=True)

    def __init__(
        self,
        blocks: Sequence[Any],
        workers: int | None = None,
        may_be_lost: bool = False,
        patience: float | None = None,
    ) -> None:
        known = {site.name: site for site in getattr(source_of(blocks), "sites", ())}
        if not known:
            raise EngineError("engine 'federated' sums over sites: give the data as unseen.Sites({'north': ..., ...})")
        self.sites = tuple(known[part.where[0]] for part in blocks.parts)  # type: ignore[attr-defined]
        self._blocks = packed(blocks.over(Nowhere()))  # type: ignore[attr-defined]
        self._patience = patience
        if may_be_lost:
            self.traits = replace(self.traits, blocks_may_be_lost=True)

    def __len__(self) -> int:
        return len(self.sites)

    def sum(self, task: Task[T], which: Sequence[int] | None = None) -> Summed[T]:
        chosen = tuple(range(len(self.sites))) if which is None else tuple(which)
        try:
            sent = packed((self._blocks, packed(task)))
        except Exception as error:  # a function, or a model that holds one
            raise EngineError(
                f"{type(task).__name__} cannot be sent to a site ({type(error).__name__}): models that draw or "
                "remember in their E-step, and functions, are summed on one machine (engine='auto')"
            ) from None
        answers = self._asked(sent, chosen)
        may_be_lost = self.traits.blocks_may_be_lost
        lost = tuple(i for i in chosen if may_be_lost and isinstance(answers[i], SiteEnded))
        done = tuple(i for i in chosen if i not in lost)
        for i in done or chosen:
            if isinstance(answers[i], BaseException):
                raise answers[i]
        return Summed(add_in_tree(answers[i] for i in done), done, lost)

    def _asked(self, sent: bytes, chosen: Sequence[int]) -> dict[int, Any]:
        """What each site answers, all of them at once; Ctrl-C is asked for while they work."""
        answers: dict[int, Any] = {}

        def ask(i: int) -> None:
            try:
                answers[i] = self.sites[i].ask(sent)
            except BaseException as error:
                answers[i] = error

        threads = {i: threading.Thread(target=ask, args=(i,), name="site", daemon=True) for i in set(chosen)}
        began = time.monotonic()
        for thread in threads.values():
            thread.start()
        for i, thread in threads.items():
            while thread.is_alive():
                thread.join(0.05)
                check()
                if self._patience is not None and time.monotonic() - began > self._patience and thread.is_alive():
                    self.sites[i].end(f"since it did not answer for {self._patience:g} s (patience)")
        return answers
