"""In which order numbers of components and forms are tried, and when to stop."""

from __future__ import annotations

from collections.abc import Sequence

from unseen.search.grid import NOT_TRIED, WORST, Grid, Rank

#: numbers of components running that are worse than the best before the next ones are left out, and how many are
#: enough if each is worse by what Kass & Raftery (1995) call very strong evidence
PATIENCE, CLEARLY_WORSE, CLEARLY = 3, 2, 10.0


def walk(grid: Grid, numbers: Sequence[int], whole: bool) -> None:
    """All numbers in the first form that the rows can carry, as far as they pay; then the other forms around the best.

    ``whole``: every number is tried in that first form, however bad the criterion becomes.
    """
    forms = list(grid.forms) or [""]
    first = ""
    while forms:
        first = forms.pop(0)
        up(grid, numbers, first, whole)
        if any(form == first for _, form in grid.fits):
            break
    if grid.best is None:
        return
    start = grid.best.row["components"]
    for form in forms:
        around(grid, numbers, form, start)
    if not whole:
        best = grid.best
        grid.improve(best.row["components"], best.row.get("form", ""))


def up(grid: Grid, numbers: Sequence[int], form: str, whole: bool) -> None:
    """From the smallest number on, until the criterion got worse several times running."""
    best = WORST
    worse: list[bool] = []
    for i, k in enumerate(numbers):
        rank = grid.attempt(k, form)
        if _too_large(grid) and not whole:
            return
        if rank < best or best == WORST:
            best, worse = min(rank, best), []
        else:
            worse.append(_clearly(rank, best, grid.criterion))
        enough = len(worse) >= PATIENCE or len(worse) >= CLEARLY_WORSE and all(worse)
        if enough and not whole and not grid.interrupted:
            for left in numbers[i + 1 :]:
                grid.leave(left, form, "the criterion was getting worse")
            return


def around(grid: Grid, numbers: Sequence[int], form: str, start: int) -> None:
    """From one number on, up as long as that is better in this form, or else down."""
    at = numbers.index(start)
    best = grid.attempt(start, form)
    for step in (1, -1):
        i = at + step
        while 0 <= i < len(numbers):
            rank = grid.attempt(numbers[i], form)
            if best != WORST and not rank < best:
                break
            best, i = min(rank, best), i + step
            if rank == WORST and step == 1:
                break
        if best != WORST and i > at + 1:
            return


def _too_large(grid: Grid) -> bool:
    return bool(grid.rows) and grid.rows[-1]["outcome"] == NOT_TRIED


def _clearly(rank: Rank, best: Rank, criterion: str) -> bool:
    """Whether a fit is worse by much: by rank alone, or by so much of a criterion on the scale of BIC."""
    return rank[:2] > best[:2] or (criterion != "heldout" and rank[2] > best[2] + CLEARLY)
