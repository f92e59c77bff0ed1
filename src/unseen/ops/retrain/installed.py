"""Libraries of the later stages: there before anything begins."""

from __future__ import annotations

from importlib.util import find_spec

from unseen.errors import OpsError

LATER = ("structlog", "pandas", "pandera", "scipy", "mlflow", "prometheus_client")


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
