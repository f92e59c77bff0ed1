"""The production story on every tenth flight: each step ends as it is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


def test_the_story_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from unseen.demo import production

    whole = production.Year.month

    def tenth(self: production.Year, number: int) -> object:
        table = whole(self, number)
        return table.take(list(range(0, table.num_rows, 10)))

    monkeypatch.setattr(production.Year, "month", tenth)
    monkeypatch.chdir(tmp_path)
    production.main()
    told = capsys.readouterr().out
    outcomes = re.findall(r"^    (promoted|held|refused|error|unfit): ", told, re.M)
    assert outcomes == ["promoted", "promoted", "refused", "held"]
    assert re.search(r"2013-07\.parquet\n    drift\n      \S", told), "July drifts and says why"
    for complaint in ("'carrier' is missing", "'dep_delay' of", "repeat an earlier row"):
        assert complaint in told
    assert "the champion stays: version 2" in told
    assert "the champion is version 2 again, nothing was trained" in told
    history = told[told.index("$ unseen history") :]
    assert history.count("promoted") == 3 and "rolled back" in history and "override" in history
