"""Messages between this process and one beside it, over a pipe."""

from __future__ import annotations

import pickle
from typing import Any


def tell(pipe: Any, message: Any) -> None:
    """Write one message, behind its length."""
    sent = message if isinstance(message, bytes) else pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    pipe.write(len(sent).to_bytes(8, "little") + sent)
    pipe.flush()


def heard(pipe: Any) -> bytes | None:
    """The next message, or None where there will be no more."""
    size = pipe.read(8)
    if len(size) < 8:
        return None
    sent = pipe.read(int.from_bytes(size, "little"))
    return sent if len(sent) == int.from_bytes(size, "little") else None
