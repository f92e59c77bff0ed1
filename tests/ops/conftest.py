"""A loop with one champion, grown once for all tests of a process, which work on copies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ops.loop_case import month, settings_at
from unseen.ops.record import Outcome
from unseen.ops.retrain import retrain


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("grown")
    month(folder, 1), month(folder, 2)
    assert retrain(settings_at(folder)).outcome == Outcome.PROMOTED
    return folder
