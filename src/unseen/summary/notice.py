"""What a careful reader of a fit should know: what it is, by what numbers, and which options help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """Whether something is wrong or may be, or is only good to know."""

    WARNING = "warning"
    NOTE = "note"


class Code(StrEnum):
    """What a notice is about, for programs: these names stay."""

    NOT_CONVERGED = "not_converged"
    NOISE_FLOOR = "noise_floor"
    VARIANCE_FLOOR = "variance_floor"
    VARIANCE_FLOOR_ON_THE_WAY = "variance_floor_on_the_way"
    CONSTANT_COLUMN = "constant_column"
    DEPENDENT_COLUMNS = "dependent_columns"
    EMPTY_PART = "empty_part"
    COINCIDING_PARTS = "coinciding_parts"
    FEW_ROWS = "few_rows"
    SPURIOUS_PART = "spurious_part"
    NEARLY_FLAT = "nearly_flat"
    ONE_START_REACHED_THE_BEST = "one_start_reached_the_best"
    STARTS_FAILED = "starts_failed"
    LARGEST_NUMBER_CHOSEN = "largest_number_chosen"
    LIKELIHOOD_FALLS_WITH_SIZE = "likelihood_falls_with_size"
    SEARCH_FAILED = "search_failed"
    ROWS_HARD_TO_ASSIGN = "rows_hard_to_assign"
    EMPTY_ROWS = "empty_rows"
    LABEL_MINUS_ONE = "label_minus_one"
    COLUMN_MOSTLY_MISSING = "column_mostly_missing"
    ZERO_DENSITY = "zero_density"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to know of a fit; `sentence` puts it in words.

    Parameters
    ----------
    facts : numbers and names that it rests on, by the names that its sentence asks for
    knobs : the options that help, by their names in `unseen.fit` or in its model

    >>> Notice(Code.STARTS_FAILED, {"failed": 1, "starts": 10}, ("prior",)).severity
    <Severity.WARNING: 'warning'>
    """

    code: Code
    facts: Mapping[str, Any] = field(default_factory=dict)
    knobs: tuple[str, ...] = ()
    severity: Severity = Severity.WARNING
