"""A device with NumPy alone: fits, scores and learns online in a real environment that has nothing else, in 60 MB."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from benchmarks.edge import ABSENT, environment, run

#: megabytes of the whole process, where NumPy by itself takes 25: how many pages of its libraries count depends on how
#: the system read them in, and is 5 more where they have just been written
MOST, NUMPY = 60, 25

DEVICE = """
import importlib.util, itertools, sys, tempfile
from pathlib import Path
absent = sys.argv[1].split(",")
assert not [name for name in absent if importlib.util.find_spec(name)], "this environment has more than NumPy"
import numpy as np
import unseen
from benchmarks.edge import peak, rows

first = np.concatenate(list(rows(2000, True)))
result = unseen.fit(unseen.Mixture(unseen.Gaussian("full"), 8), first, seed=0, workers=1)
assert np.isfinite(result.score(first)).all() and np.isfinite(result.log_prob(first)).all()
r = result.responsibilities(first)
assert r.shape == (2000, 8) and np.allclose(r.sum(axis=1), 1)
assert result.summary().startswith("Mixture of 8 x Gaussian(full)")
assert not np.isnan(result.impute(first)).any() and len(result.sample(5)) == 8

online, stream = unseen.Online(result), rows(12_000, True, seed=1)
for batch in itertools.islice(stream, 6):
    online.update(batch)
online.update(first[:1])
place = online.result.save(Path(tempfile.mkdtemp()) / "run")
again = unseen.Online(unseen.load(place))
for batch in stream:
    online.update(batch)
    again.update(batch)
assert all(online.params[k].tobytes() == again.params[k].tobytes() for k in online.params)
fresh = next(rows(1000, True, seed=2))
assert online.result.score(fresh)[0] > result.score(fresh)[0]
assert online.result.options["seen"] == 14_001
loaded = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
assert not loaded & set(absent)
if sys.platform == "linux":
    print(peak())
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if sys.platform == "win32":
        pytest.skip("NumPy is lent to the environment by a symbolic link, which Windows allows few users to make")
    made = environment(tmp_path_factory.mktemp("device"))
    (site,) = made.parents[1].rglob("site-packages")
    (site / "benchmarks.pth").write_text(f"{Path(__file__).resolve().parents[1]}\n")
    return made


def test_it_fits_scores_and_learns_online_in_60_mb(python: Path) -> None:
    done = run(python, "-c", DEVICE, ",".join(ABSENT), check=False)
    assert done.returncode == 0, done.stderr
    if done.stdout:
        alone = run(python, "-c", "import numpy; from benchmarks.edge import peak; print(peak())")
        assert float(done.stdout) - float(alone.stdout) < MOST - NUMPY


@pytest.mark.parametrize(
    "asked, words",
    [
        (
            "unseen.fit(model, 'rows.csv')",
            "DataError: reading files, tables, and numbers written as text needs pyarrow",
        ),
        ("unseen.fit(model, x, engine='spark')", "EngineError: engine 'spark' needs PySpark"),
        ("unseen.fit(model, x).plot()", "ModelError: plots need plotly: pip install plotly"),
    ],
)
def test_what_needs_more_says_in_one_sentence_what_to_install(
    python: Path, asked: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,4\n5,7\n")
    asked = asked.replace("rows.csv", str(tmp_path / "rows.csv"))
    code = "import numpy as np, unseen; model, x = unseen.Mixture(unseen.Gaussian(), 1), np.eye(3)"
    done = run(
        python, "-c", f"{code}\ntry: {asked}\nexcept unseen.UnseenError as e: print(type(e).__name__, e, sep=': ')"
    )
    assert done.stdout.startswith(words) and "pip install" in done.stdout, done.stderr


def test_the_command_says_what_it_needs(python: Path) -> None:
    done = run(python, "-m", "unseen", "--help", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "unseen: the command line needs click, which is not installed: pip install click\n"
