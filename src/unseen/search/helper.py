"""What a helper process does: one run after the other, as its standard input says."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

from unseen.core.pipes import heard, tell

READY, LOST = "ready", "lost"


def serve() -> None:
    """Answer until standard input ends, which it also does with the process at its other end, whatever ended that."""
    from unseen.core.blas import one_blas_thread
    from unseen.engines.local import Memory
    from unseen.loop import run

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anyone prints is no answer
    jobs: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    engines: dict[Any, Memory] = {}
    tell(answers, READY)
    while (sent := jobs.get()) is not None:
        try:
            name, fresh, (model, params, algorithm, rule, prior, resume, seed) = pickle.loads(sent)
            if fresh is not None:
                engines = {name: Memory(fresh)}
            before = None if resume is None else replace(resume, model=model)
            with one_blas_thread():
                answer: Any = run(model, engines[name], params, algorithm, rule, prior, resume=before, seed=seed)
            if answer.model is model:
                answer = replace(answer, model=None)
        except Exception:  # the run is done again where its failure has a reader
            answer = LOST
        tell(answers, answer)


def _listen(jobs: SimpleQueue[Any]) -> None:
    while (sent := heard(sys.stdin.buffer)) is not None:
        jobs.put(sent)
    os._exit(0)
