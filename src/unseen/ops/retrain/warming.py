"""Libraries of the later stages: there before anything begins, and imported while the fit takes its time."""

from __future__ import annotations

import threading
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec

from unseen.errors import OpsError
from unseen.ops.config import Settings
from unseen.ops.registry import warm

LATER = ("structlog", "pandas", "pandera", "scipy", "mlflow", "prometheus_client")
#: of those, in the order in which they are needed; MLflow comes after them, because it takes longest
SLOW = ("scipy.optimize", "prometheus_client")


def check_installed() -> None:
    """Refuse to begin where a later stage would find a library missing.

    Raises
    ------
    OpsError
        One is not installed.
    """
    for name in LATER:
        if find_spec(name) is None:
            raise OpsError(f"a retrain needs {name}: pip install 'unseen[ops]'")


def warm_up(settings: Settings) -> threading.Thread:
    """Import in the background; trouble is met again, and told, by the stage that needs what is missing."""

    def imported() -> None:
        for name in SLOW:
            with suppress(Exception):
                import_module(name)
        warm(settings)

    thread = threading.Thread(target=imported, name="unseen-warm", daemon=True)
    thread.start()
    return thread
