"""What tells sequences apart: one rule for every way to fit."""

import numpy as np
import pytest

import unseen
from unseen import HMM, Poisson


@pytest.fixture
def path(tmp_path):
    rows = np.random.default_rng(0).poisson(5, 60)
    file = tmp_path / "counts.csv"
    file.write_text("who,count\n" + "".join(f"{i // 20},{n}\n" for i, n in enumerate(rows)))
    return str(file)


def test_a_file_without_a_unit_is_refused_by_fit_and_select(path):
    for call in (unseen.fit, lambda *a, **o: unseen.select(*a, range(1, 3), **o)):
        with pytest.raises(unseen.ModelError, match=r"name the column that tells them apart \(unit="):
            call(HMM(Poisson(), 2), path, ignore=["who"])
    for call in (unseen.fit, lambda *a, **o: unseen.select(*a, range(2, 3), **o)):
        fit = call(HMM(Poisson(), 2), path, unit="who", restarts=1, max_iterations=3)
        assert fit.profile.units == 3
