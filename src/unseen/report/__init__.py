"""The report: a fit as one interactive page that works without a network, or as plotly figures."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unseen.core.disk import not_an_input, umask
from unseen.errors import ModelError, RunError
from unseen.report.cards import cards
from unseen.report.pages import page
from unseen.report.palette import INK, literal
from unseen.report.sample import Sample, draw
from unseen.report.shareable import Shareable, without
from unseen.report.view import View


def figures(result: Any, data: Any = None) -> dict[str, Any]:
    """The plots of the report as plotly figures, by name.

    Names: ``table:NAME`` for each table of the model's description that can be drawn, ``overview``,
    ``profile:COLUMN`` for each column, ``data`` (only when data is given), ``confidence``,
    ``missing``, ``loglik``, ``gain``, ``restarts``, ``criteria``. What has nothing to show is left out.

    Raises
    ------
    ModelError
        plotly is not installed.
    SchemaError
        The data does not have the columns of the fit.

    >>> import numpy as np, unseen
    >>> x = np.random.default_rng(0).normal([[0.0], [9.0]], 1, (2, 50)).reshape(-1, 1)
    >>> plots = figures(unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), x))
    >>> list(plots)[:3]
    ['profile:x0', 'confidence', 'loglik']
    """
    go = _plotly("graph_objects")
    view = View(result)
    out = {}
    for card in cards(view, _sample(view, data)):
        if card.spec is not None:
            figure = go.Figure(card.spec)
            title = {"text": literal(card.title, 60), "x": 0, "xref": "container", "pad": {"l": 12}}
            margin = {"t": 110 if figure.layout.updatemenus or figure.layout.showlegend else 60}
            figure.update_layout(title=title, margin=margin, height=figure.layout.height + 60)
            figure.update_layout(title_font={"size": 16, "color": INK})
            out[card.key] = figure
    return out


def write(result: Any, path: Any, data: Any = None, *, shareable: bool = False, hide: Sequence[str] = ()) -> Path:
    """Write the report of a fit as one self-contained HTML page; returns where it is.

    Without ``data`` the page holds no row of it; with ``data`` it shows up to 3,000 sampled rows, and says so. A
    ``shareable`` page is for people who may not see the data: it numbers categories instead of naming them, and leaves
    out the columns to ``hide``.

    Raises
    ------
    RunError
        The file cannot be written; whatever was at ``path`` is still there.
    ModelError
        plotly is not installed, or a shareable page was asked to show rows or to hide a column that is not there.
    DataError
        A shareable page would describe single people: a component stands for a handful of rows.
    SchemaError
        The data does not have the columns of the fit.

    >>> import numpy as np, tempfile, unseen
    >>> fitted = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), np.r_[0.1, 0.2, 0.4, 5.0, 5.2, 5.1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(fitted, f"{folder}/report.html").name
    'report.html'
    """
    _plotly("offline")
    if hide and not shareable:
        raise ModelError("columns are hidden from shareable reports only: ask for one")
    if shareable and data is not None:
        raise ModelError("a shareable report shows no rows: leave the data out")
    view = Shareable(without(result, hide)) if shareable else View(result)
    target = Path(path)
    if target.is_dir():
        target = target / "report.html"
    if target.suffix.lower() not in (".html", ".htm"):
        raise RunError(f"a report is an HTML page: give {target.name!r} a name that ends in .html")
    not_an_input(target, data)
    text = page(view, _sample(view, data))
    _replace(target, text)
    return target


def _sample(view: View, data: Any) -> Sample | None:
    if data is None or not view.description.discrete:
        return None
    return draw(view, data)


def _plotly(part: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"plotly.{part}")
    except ImportError as error:
        raise ModelError("plots need plotly: pip install plotly") from error


def _replace(target: Path, text: str) -> None:
    """Write a file whole or not at all."""
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~umask())
        os.replace(temporary, target)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise RunError(
            f"the report could not be written to {str(target)!r}: {error.strerror or error}; nothing was left "
            "behind: free some space or choose another place"
        ) from error


__all__ = ["figures", "write"]
