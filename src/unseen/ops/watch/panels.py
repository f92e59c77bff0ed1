"""From a few words about a panel to what Grafana reads, through grafana-foundation-sdk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["stat", "lines", "bars", "steps", "table"]

#: colours from a value on: the first holds below all others
GOOD_HIGH = ("red", "orange", "green")
GOOD_LOW = ("green", "orange", "red")
BAD_AT_ONE: dict[str, Any] = {"colours": ("green", "red"), "levels": (1.0,)}
HEIGHTS: dict[Kind, int] = {"stat": 4, "lines": 8, "bars": 8, "steps": 6, "table": 8}
#: where nothing else is said; 24 columns make a row
WIDTHS: dict[Kind, int] = {"stat": 6, "lines": 8, "bars": 8, "steps": 8, "table": 8}


@dataclass(frozen=True)
class View:
    """One panel: queries in which ``$model`` stands for the model that was chosen, and how their series are named.

    ``levels`` are the values at which its colour changes.
    """

    title: str
    kind: Kind
    queries: Sequence[tuple[str, str]]
    about: str
    width: int
    unit: str = "short"
    colours: tuple[str, ...] = ("blue",)
    levels: tuple[float, ...] = ()


Rows = Sequence[tuple[str, Sequence[View]]]


def dashboard(uid: str, title: str, about: str, rows: Rows, model: str) -> dict[str, Any]:
    """A dashboard as Grafana's JSON: rows of panels, with the data source and the model to choose at the top."""
    from grafana_foundation_sdk.builders import dashboard as build
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    source = build.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    board = build.Dashboard(title).uid(uid).description(about).tags(["unseen"]).timezone("utc").refresh("1m")
    board = board.time("now-7d", "now").with_variable(source).with_variable(_model(model))
    for name, views in rows:
        board = board.with_row(build.Row(name))
        for each in views:
            board = board.with_panel(_panel(each))
    plain: dict[str, Any] = json.loads(JSONEncoder().encode(board.build()))
    # the SDK leaves panels unnumbered, and gives every variable what belongs to intervals alone
    for number, panel in enumerate(plain["panels"], 1):
        panel["id"] = number
    for variable in plain["templating"]["list"]:
        for key in ("auto", "auto_min", "auto_count"):
            variable.pop(key, None)
    return plain


def _model(name: str) -> Any:
    from grafana_foundation_sdk.builders import dashboard as build
    from grafana_foundation_sdk.models import dashboard as models

    chosen = build.QueryVariable("model").label("Model").datasource(_reference())
    chosen = chosen.query("label_values(unseen_retrain_last_outcome, model)")
    chosen = chosen.current(models.VariableOption(text=name, value=name))
    return chosen.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.ALPHABETICAL_ASC)


def _reference() -> Any:
    from grafana_foundation_sdk.models import dashboard as models

    return models.DataSourceRef(type_val="prometheus", uid="${datasource}")


def _panel(each: View) -> Any:
    from grafana_foundation_sdk.builders import dashboard as build
    from grafana_foundation_sdk.builders import prometheus
    from grafana_foundation_sdk.models import dashboard as models
    from grafana_foundation_sdk.models.prometheus import PromQueryFormat

    panel = _kind(each.kind).title(each.title).description(each.about).datasource(_reference()).unit(each.unit)
    colours = zip((None, *each.levels), each.colours, strict=True)
    steps = [models.Threshold(value=value, color=colour) for value, colour in colours]
    thresholds = build.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)
    panel = panel.span(each.width).height(HEIGHTS[each.kind]).thresholds(thresholds).no_value("-")
    if each.levels and each.kind != "lines":
        panel = panel.color_scheme(build.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    for ref, (query, legend) in zip("ABCDEFGH", each.queries, strict=False):
        target = prometheus.Dataquery().expr(query).legend_format(legend or "__auto").ref_id(ref)
        target = target.datasource(_reference())
        if each.kind == "table":
            target = target.format(PromQueryFormat.TABLE)
        panel = panel.with_target(target.instant() if each.kind in ("stat", "bars", "table") else target.range())
    return panel


def _kind(kind: Kind) -> Any:
    """An empty panel that draws as its kind does."""
    from grafana_foundation_sdk.builders import bargauge, stat, statetimeline, table, timeseries
    from grafana_foundation_sdk.builders import common as build
    from grafana_foundation_sdk.models import common

    last = build.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    match kind:
        case "stat":
            panel = stat.Panel().reduce_options(last).color_mode(common.BigValueColorMode.VALUE)
            return panel.graph_mode(common.BigValueGraphMode.NONE).orientation(common.VizOrientation.AUTO)
        case "lines":
            legend = build.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST).calcs([])
            legend = legend.placement(common.LegendPlacement.BOTTOM).show_legend(True)
            tooltip = build.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI)
            tooltip = tooltip.sort(common.SortOrder.DESCENDING)
            lines = timeseries.Panel().legend(legend).tooltip(tooltip).line_width(1).fill_opacity(5)
            return lines.show_points(common.VisibilityMode.NEVER)
        case "bars":
            bars = bargauge.Panel().reduce_options(last).orientation(common.VizOrientation.HORIZONTAL)
            return bars.display_mode(common.BarGaugeDisplayMode.BASIC).show_unfilled(True)
        case "steps":
            return statetimeline.Panel().show_value(common.VisibilityMode.NEVER).merge_values(True).row_height(0.9)
    return table.Panel().show_header(True)
