"""What a device with nothing but NumPy needs: memory of a whole process, and rows a second of online EM.

``python benchmarks/edge.py`` makes an environment that holds NumPy alone, and runs this file in it once for each line.
``python benchmarks/edge.py laws`` compares laws for the size of steps, in this process, by log-density of fresh rows.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

COLUMNS, COMPONENTS = 8, 8
#: rows of the fit, and of the stream that follows it
FIRST, STREAM = 2_000, 20_000
SIZES = (1, 10, 100, 1_000)
ROUNDS = 5
ABSENT = (
    "pyarrow", "plotly", "click", "tqdm", "clevercsv", "chardet", "python_calamine", "threadpoolctl", "llvmlite",
)  # fmt: skip


def environment(folder: Path) -> Path:
    """The interpreter of a new environment that has NumPy, as it is installed here, and this checkout, and no more."""
    import numpy

    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    (site,) = folder.rglob("site-packages")
    installed = Path(numpy.__file__).parents[1]
    for found in (p for p in installed.iterdir() if p.name in ("numpy", "numpy.libs")):
        (site / found.name).symlink_to(found, target_is_directory=True)
    (site / "unseen.pth").write_text(f"{Path(__file__).resolve().parents[1] / 'src'}\n")
    return next(p for p in (folder / "bin" / "python", folder / "Scripts" / "python.exe") if p.exists())


def run(python: Path, *code: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A process of an environment, which inherits none of ours but the path of programs."""
    keep = {name: os.environ[name] for name in ("PATH", "TMPDIR", "SYSTEMROOT") if name in os.environ}
    return subprocess.run([python, *code], env=keep, capture_output=True, text=True, check=check)


def peak() -> float:
    """The most memory that this process has had, MB (of 1,024 KB)."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def rows(n: int, gaps: bool, seed: int = 0) -> Iterator[object]:
    """So many rows in groups, some at a time, with a tenth of the cells missing where there are gaps."""
    import numpy as np

    centres = 3 * np.random.default_rng(7).normal(size=(COMPONENTS, COLUMNS))
    draw = np.random.default_rng(seed)
    for first in range(0, n, 1_000):
        x = centres[draw.integers(COMPONENTS, size=min(1_000, n - first))]
        x = x + draw.normal(size=x.shape)
        if gaps:
            x[draw.random(x.shape) < 0.1] = np.nan
        yield x


def stage(name: str, gaps: bool) -> None:
    """One line of the memory table, in a process of its own."""
    import numpy as np

    if name != "numpy":
        import unseen

        model = unseen.Mixture(unseen.Gaussian("full"), COMPONENTS)
        first = np.concatenate(list(rows(FIRST, gaps)))
        result = unseen.fit(model, first, seed=0, workers=1)
        if name != "fit":
            result.score(first)
            result.summary()
        if name == "online":
            online = unseen.Online(result)
            for batch in rows(STREAM, gaps, seed=1):
                online.update(batch)
            online.result.score(first)
    print(peak())


def speed(gaps: bool) -> None:
    """Rows a second by the size of batches, beside the E-step over the same rows at once."""
    import numpy as np

    import unseen

    model = unseen.Mixture(unseen.Gaussian("full"), COMPONENTS)
    result = unseen.fit(model, np.concatenate(list(rows(FIRST, gaps))), seed=0, workers=1)
    stream = np.concatenate(list(rows(STREAM, gaps, seed=1)))
    for size in SIZES:
        online, count = unseen.Online(result), min(len(stream), 300 * size)
        began = time.process_time()
        for at in range(0, count, size):
            online.update(stream[at : at + size])
        online_rate = count / (time.process_time() - began)
        began = time.process_time()
        result.log_prob(stream)
        print(size, online_rate, len(stream) / (time.process_time() - began))


def laws() -> None:
    """Log-density of fresh rows after a fit to some rows and a stream, by law and size of batches."""
    import numpy as np

    import unseen

    given = ({"exponent": 0.6}, {"exponent": 0.8}, {"exponent": 1.0}, {"memory": 2_000}, {"memory": 5_000})
    for seed in (0, 1):
        draw = np.random.default_rng(seed)
        centres = 1.5 * draw.normal(size=(COMPONENTS, COLUMNS))  # groups that overlap

        def some(n: int, draw: np.random.Generator = draw, centres: np.ndarray = centres) -> np.ndarray:
            return centres[draw.integers(COMPONENTS, size=n)] + draw.normal(size=(n, COLUMNS))

        fresh, stream = some(5_000), some(STREAM)
        for first in (500, 3_000):
            result = unseen.fit(unseen.Mixture(unseen.Gaussian("full"), COMPONENTS), some(first), seed=1)
            print(f"seed {seed}, fit to {first:,} rows: {result.score(fresh)[0]:.3f}; then by {given}")
            for size in SIZES:
                out = []
                for law in given:
                    online = unseen.Online(result, **law)
                    for at in range(0, min(STREAM, 5_000 * size), size):
                        online.update(stream[at : at + size])
                    out.append(f"{online.result.score(fresh)[0]:.3f}")
                print(f"  batches of {size:5,}: {'  '.join(out)}", flush=True)


def main() -> None:
    """Print both tables."""
    import numpy

    with tempfile.TemporaryDirectory() as folder:
        python = environment(Path(folder))
        here = str(Path(__file__).resolve())
        print(f"Python {platform.python_version()}, numpy {numpy.__version__}, {os.cpu_count()} cores")
        for gaps in ("", "gaps"):
            for name in ("numpy", "fit", "score", "online"):
                found = [float(run(python, here, name, gaps).stdout) for _ in range(ROUNDS)]
                print(f"{gaps or 'complete':9} {name:7} {statistics.median(found):5.1f} MB, at most {max(found):.1f}")
            told = [run(python, here, "speed", gaps).stdout.splitlines() for _ in range(ROUNDS)]
            for lines in zip(*told, strict=True):
                size, *rates = zip(*(map(float, line.split()) for line in lines), strict=True)
                ratios = statistics.median(a / b for a, b in zip(*rates, strict=True))
                print(f"{gaps or 'complete':9} batches of {size[0]:5.0f}: {statistics.median(rates[0]):9,.0f} rows/s, "
                      f"{ratios:.4f} of scoring")  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:] == ["laws"]:
        laws()
    elif len(sys.argv) == 3:
        speed(bool(sys.argv[2])) if sys.argv[1] == "speed" else stage(sys.argv[1], bool(sys.argv[2]))
    else:
        main()
