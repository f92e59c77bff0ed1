"""In which order numbers of components and forms are tried, and when to stop."""

from __future__ import annotations

from collections.abc import Sequence

from unseen.search.grid import Grid
from unseen.search.kept import NOT_TRIED, WORST, Fit, Rank

#: numbers of components running that are worse than the best before the next ones are left out, and how many are
#: enough if each is worse by what Kass & Raftery (1995) call very strong evidence
PATIENCE, CLEARLY_WORSE, CLEARLY = 3, 2, 10.0
#: a form is left when the best of all is further away than so many times what its last step gained: steps get smaller
REACH = 2.0
#: families are close if they differ by no more of a criterion: their order may be another in another form
CLOSE = 100.0
FACTORS = "factors-"


def walk(grid: Grid, numbers: Sequence[int], whole: bool) -> None:
    """All numbers in the first form that the rows can carry, as far as they pay; then the other forms around the best.

    ``whole``: every number is tried in that first form, however bad the criterion becomes.
    """
    forms = list(grid.forms) or [""]
    while forms:
        first = forms.pop(0)
        up(grid, numbers, first, whole)
        if any(form == first for _, form in grid.fits):
            break
    if grid.best is None and not grid.interrupted and any(r["outcome"] == NOT_TRIED for r in grid.rows):
        # the rows can carry none of them: the smallest is still an answer
        grid.attempt(numbers[0], grid.smallest(numbers[0]) if grid.forms else "", insist=True)
    if grid.best is None:
        return
    close = [t for t in grid.variants if abs(think_again(grid, numbers, t)) <= CLOSE]
    first, thoughts = parts(grid.best.place[1])
    if thoughts:
        forms = [form for form in allowed(grid, thoughts) if form != first]
    around(grid, numbers, [name(form, thoughts) for form in forms])
    rest = tuple(t for t in thoughts if t not in close)
    if rest != thoughts:  # too close to be told in one form: the other forms without the second thought, too
        around(grid, numbers, [name(form, rest) for form in allowed(grid, rest)])
    for thought in close:
        think_again(grid, numbers, thought)
    if not whole:
        best = grid.best
        grid.improve(best.row["components"], best.row.get("form", ""))


def around(grid: Grid, numbers: Sequence[int], forms: Sequence[str]) -> None:
    """Each form at the best number of components, and from there as far as it gets better."""
    assert grid.best is not None
    start = grid.best.row["components"]
    for form in forms:
        if reason := pointless(grid, start, form):
            grid.leave(start, form, reason)
        else:
            grid.attempt(start, form)
    for form in sorted(forms, key=lambda form: grid.tried.get((start, form), WORST)):
        if (start, form) in grid.fits:
            climb(grid, numbers, form, start)


def think_again(grid: Grid, numbers: Sequence[int], thought: str) -> float:
    """The best model after a second thought, or without it, and from there as far as it gets better.

    Returns by how much of the criterion that is better than the best before, at the same number of components or at
    the best after it; infinite where nothing can be said.
    """
    if grid.best is None or grid.interrupted:
        return float("inf")
    (k, best), before = grid.best.place, grid.best.rank
    form, thoughts = parts(best)
    after = tuple(t for t in grid.variants if (t in thoughts) != (t == thought))
    forms = allowed(grid, after)
    other = name(form if form in forms else forms[0], after)
    if (k, other) in grid.tried:
        return float("inf")
    grid.attempt(k, other)
    if (k, other) in grid.fits:
        # components that stood for a shape are no longer needed
        climb(grid, numbers, other, k, patience=2)
        first, plain = grid.attempt(numbers[0], other), grid.tried.get((numbers[0], best))
        # where it has not won, the way up may have passed the best by, or ended where rows were too few
        if first <= grid.best.rank or plain is not None and first < plain and grid.best.place[1] == best:
            climb(grid, numbers, other, numbers[0])
    found = min((rank for (_, form), rank in grid.tried.items() if form == other), default=WORST)
    return before[2] - found[2]


def allowed(grid: Grid, thoughts: Sequence[str]) -> list[str]:
    """The forms that are worth a try under some second thoughts, which may be none."""
    return [form for form in grid.forms or ("",) if all(form in grid.variants[t] for t in thoughts)]


def parts(form: str) -> tuple[str, tuple[str, ...]]:
    """A form and its second thoughts: ``"full, apart"`` is ``("full", ("apart",))``."""
    first, *thoughts = form.split(", ")
    return first, tuple(thoughts)


def name(form: str, thoughts: Sequence[str]) -> str:
    """What `parts` takes apart."""
    return ", ".join([form, *thoughts])


def up(grid: Grid, numbers: Sequence[int], form: str, whole: bool) -> None:
    """From the smallest number on, until the criterion got worse several times running."""
    best = WORST
    worse: list[bool] = []
    by_criterion = False
    for i, k in enumerate(numbers):
        rank = grid.attempt(k, form)
        if _too_large(grid) and not whole:
            return
        if rank < best or best == WORST:
            best, worse, by_criterion = min(rank, best), [], False
        else:
            by_criterion |= rank[2] > best[2]
            worse.append(_clearly(rank, best, grid.criterion))
        enough = len(worse) >= PATIENCE or len(worse) >= CLEARLY_WORSE and all(worse)
        if enough and not whole and not grid.interrupted:
            reason = "the criterion was getting worse" if by_criterion else "the last numbers before gave no sound fit"
            for left in numbers[i + 1 :]:
                grid.leave(left, form, reason)
            return


def climb(grid: Grid, numbers: Sequence[int], form: str, start: int, patience: int = 1) -> None:
    """From one number on up, or else down, as long as that is better and the best of all is within reach.

    ``patience`` is how many numbers running may be worse on the way down.
    """
    at = numbers.index(start)
    here = grid.tried[start, form]
    loss = 0.0
    for i in range(at + 1, len(numbers)):
        rank = grid.attempt(numbers[i], form)
        gain, loss = here[2] - rank[2], max(rank[2] - here[2], 0.0)
        if not rank < here:
            break
        here = rank
        if grid.best is None or here[2] - grid.best.rank[2] > REACH * gain:
            return
    if here != grid.tried[start, form]:
        return
    worse = 0
    for i in range(at - 1, -1, -1):
        # on both sides of a minimum the way up is about as steep
        if grid.best is None or here[2] - grid.best.rank[2] > REACH * loss or _same_as_another(numbers[i], form):
            return
        rank = grid.attempt(numbers[i], form)
        if rank < here:
            here, worse = rank, 0
        elif (worse := worse + 1) >= patience:
            return


def _same_as_another(k: int, form: str) -> bool:
    """Whether a form of one component is that of another name: there is nothing to share."""
    return k == 1 and (form.startswith("tied-") or parts(form)[0] == "common")


def pointless(grid: Grid, k: int, form: str) -> str:
    """Why a form need not be tried: a simpler step in the same direction made it worse."""

    form, thoughts = parts(form)

    def fit(form: str) -> Fit | None:
        return grid.fits.get((k, name(form, thoughts)))

    def better(a: str, b: str) -> bool | None:
        one, other = fit(a), fit(b)
        return None if one is None or other is None else one.rank < other.rank

    prefix = "tied-" if form.startswith("tied-") else ""
    rest = form.removeprefix("tied-")
    simpler = [better(f"tied-{of}", of) for of in ("full", "diagonal")]
    if prefix and rest.startswith(FACTORS) and simpler.count(False) == 2:
        return "one covariance for all components was worse in simpler forms"
    if rest.startswith(FACTORS) and (q := int(rest.removeprefix(FACTORS))) > 1:
        fewer, fewest = f"{prefix}{FACTORS}{q - 1}", f"{prefix}{FACTORS}{q - 2}" if q > 2 else f"{prefix}diagonal"
        if fit(fewer) is None or better(fewer, fewest) is False:
            return "fewer factors were no better than fewer still"
    return ""


def _too_large(grid: Grid) -> bool:
    return bool(grid.rows) and grid.rows[-1]["outcome"] == NOT_TRIED


def _clearly(rank: Rank, best: Rank, criterion: str) -> bool:
    """Whether a fit is worse by much: by rank alone, or by so much of a criterion on the scale of BIC."""
    return rank[:2] > best[:2] or (criterion != "heldout" and rank[2] > best[2] + CLEARLY)
