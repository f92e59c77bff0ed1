"""What each case is meant to reach, computed from the measured rows."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

Rows = dict[str, dict]


def values(rows: Rows, engine: str, field: str = "seconds") -> list[float]:
    row = rows.get(engine, {})
    return [] if "failed" in row else [r[field] for r in row.get("rounds", []) if r.get(field) is not None]


def middle(rows: Rows, engine: str, field: str = "seconds") -> float:
    found = values(rows, engine, field)
    return median(found) if found else float("nan")


def ratios(rows: Rows, peer: str, ours: str) -> list[float]:
    """peer / ours, round by round: above 1 the peer is slower."""
    return [p / o for p, o in zip(values(rows, peer), values(rows, ours), strict=False)]


def counterpart(rows: Rows, engine: str) -> str | None:
    """The row of unseen that an engine is compared with: the same precision where there is one."""
    variant = engine.partition("-")[2]
    ours = [name for name in rows if name.partition("-")[0] == "unseen"]
    return next((name for name in ours if name.partition("-")[2] == variant), ours[0] if ours else None)


def faster(factor: float, ours: str, *peers: str) -> Callable[[Rows], tuple[str, bool]]:
    def check(rows: Rows) -> tuple[str, bool]:
        times = {p: middle(rows, p) for p in peers if values(rows, p)}
        if not times or not values(rows, ours):
            return "not measured", False
        best = min(times, key=times.__getitem__)
        reached = times[best] / middle(rows, ours)
        worst = min(ratios(rows, best, ours))
        return f"{reached:.1f}x {best} (worst round {worst:.1f}x)", reached >= factor

    return check


def at_most(limit: float, engine: str, field: str, unit: str, relative_to: str | None = None):
    def check(rows: Rows) -> tuple[str, bool]:
        value = middle(rows, engine, field)
        if relative_to:
            value /= middle(rows, relative_to, field)
        if value != value:
            return "not measured", False
        return f"{value:.3g} {unit}", value <= limit

    return check


def dgemm_share(least: float) -> Callable[[Rows], tuple[str, bool]]:
    """E and M are one product of n x F features with F x K each; F = 1 + d + d(d+1)/2."""

    def check(rows: Rows) -> tuple[str, bool]:
        share, rate = _share_of_dgemm(rows)
        return f"{share:.0%} of {rate:.0f} GFLOP/s", share >= least

    return check


def _share_of_dgemm(rows: Rows) -> tuple[float, float]:
    n, d, k = rows["unseen"].get("shape", (0, 0, 0))
    flops = 2 * 2 * n * k * (1 + d + d * (d + 1) // 2)
    rate, share = middle(rows, "dgemm", "gflops"), float("nan")
    if values(rows, "unseen"):
        share = flops / middle(rows, "unseen") / rate / 1e9
    return share, rate


def numpy_only(rows: Rows) -> tuple[str, bool]:
    loads = rows["import unseen"].get("loads")
    if loads is None:
        return "not measured", False
    return f"third parties loaded once names are used: {loads or 'none'}", set(loads.split()) <= {"numpy"}


DOUBLE = ("scikit_learn", "pomegranate", "tgmm", "mclust", "spark")
SINGLE = ("pomegranate-float32", "gmmx-float32")

TARGETS = {
    "full-1m-16": [
        ("12x faster than scikit-learn", faster(12, "unseen", "scikit_learn")),
        ("at most 0.4 of its peak memory", at_most(0.4, "unseen", "peak", "of it", "scikit_learn")),
        ("60 % of this machine's DGEMM rate", dgemm_share(0.6)),
        ("single precision 1.8x faster than double", faster(1.8, "unseen-float32", "unseen")),
    ],
    "full-200k-8": [
        ("8x faster than the fastest peer in float64", faster(8, "unseen", *DOUBLE)),
        ("10x faster than gmmx in float32", faster(10, "unseen-float32", "gmmx-float32")),
        ("8x: float64 here against every peer, float32 included", faster(8, "unseen", *DOUBLE, *SINGLE)),
    ],
    "full-200k-64": [
        ("8x faster than scikit-learn", faster(8, "unseen", "scikit_learn")),
        ("50 % of this machine's DGEMM rate", dgemm_share(0.5)),
    ],
    "diagonal-1m-16": [("6x faster than scikit-learn", faster(6, "unseen", "scikit_learn"))],
    "parquet-10m-8": [
        ("4x faster than pomegranate in chunks", faster(4, "unseen-float32", "pomegranate-float32")),
        ("under 400 MB", at_most(400, "unseen-float32", "peak", "MB")),
    ],
    "missing-50k-10": [("40x faster than tgmm", faster(40, "unseen", "tgmm"))],
    "impute-50k-10": [
        check
        for k in ("k1", "k3-start", "k3")
        for check in [
            (f"{k}: 5x faster than IterativeImputer", faster(5, f"unseen-{k}", "iterative_imputer")),
            (f"{k}: lower RMSE", at_most(1, f"unseen-{k}", "rmse", "of its RMSE", "iterative_imputer")),
        ]
    ],
    "startup": [
        ("import in 0.15 s, the whole process", at_most(0.15, "import unseen", "seconds", "s")),
        ("NumPy only", numpy_only),
        ("--help in 0.4 s", at_most(0.4, "unseen --help", "seconds", "s")),
    ],
    "fresh-2k-4": [
        ("faster than scikit-learn", faster(1, "unseen", "scikit_learn")),
        ("also with cold caches", faster(1, "unseen, cold", "scikit_learn, cold")),
    ],
}
