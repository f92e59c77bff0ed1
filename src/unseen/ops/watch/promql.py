"""Small words of PromQL, and series of numbers as promtool writes them."""

from __future__ import annotations

from collections.abc import Iterable

MINUTE, HOUR, DAY = 60, 3600, 86400


def duration(seconds: float) -> str:
    """Seconds as Prometheus writes them, in the largest unit that divides them.

    >>> duration(300), duration(86400), duration(90)
    ('5m', '1d', '90s')
    """
    whole = max(0, round(seconds))
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if whole and whole % unit == 0:
            return f"{whole // unit}{name}"
    return f"{whole}s"


def select(metric: str, model: str, **labels: str | Iterable[str]) -> str:
    """A metric of one model; several values of a label are alternatives.

    >>> select("up", "m", outcome=["a", "b"])
    'up{model="m",outcome=~"a|b"}'
    """
    said = [f'model="{model}"']
    for label, value in labels.items():
        said.append(f'{label}="{value}"' if isinstance(value, str) else f'{label}=~"{"|".join(value)}"')
    return f"{metric}{{{','.join(said)}}}"


def newest(metric: str, model: str, **labels: str | Iterable[str]) -> str:
    """The metric without the labels of who scraped it, whether it came by text file, push or ``/metrics``."""
    return f"max by ({', '.join(['model', *labels])}) ({select(metric, model, **labels)})"


def number(value: float) -> str:
    """A threshold without the noise of binary fractions."""
    return f"{value:.12g}"


def run(*pieces: tuple[float, float, int]) -> str:
    """A series in promtool's notation, of pieces (first value, what each step adds, steps).

    >>> run((1, 0, 3), (0, 60, 10))
    '1+0x2 0+60x9'
    """
    return " ".join(
        f"{number(first)}{number(add) if add < 0 else '+' + number(add)}x{n - 1}" for first, add, n in pieces
    )
