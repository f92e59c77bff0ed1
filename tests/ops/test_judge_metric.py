"""A user's own measure: found beside the file, called with the held-out rows, and refused when it fails."""

from __future__ import annotations

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ops.judge_case import FIT, held, pair, two
from tests.ops.judge_case import settings as configured
from unseen.ops.judge import HoldOut, allowed, judge, validate
from unseen.ops.judge.metric import MetricError, held_out_table, measured
from unseen.sources import open_source
from unseen.sources.arrays import Arrays

SECRET = "alice@example.org"


def placed(tmp_path, body, metric="business:profit", **gates):
    (tmp_path / "business.py").write_text(body)
    settings = configured(validate={"metric": metric}, gates={"heldout_drop": 10.0, **gates})
    settings._folder = tmp_path
    return settings


def validated(settings, data=None):
    data = two() if data is None else data
    source = Arrays(data, block_rows=100)
    return validate(*pair({k: data[k] for k in "ab"}), source, held(source)[0], settings)


def test_it_is_called_with_each_model_and_the_held_out_rows(tmp_path) -> None:
    data = two()
    settings = placed(
        tmp_path, "def profit(result, table):\n    return result.log_prob(table).mean() + 100 * table.num_rows\n"
    )
    found = validated(settings, data)
    assert found.metric == pytest.approx(found.heldout + 100 * found.rows)
    assert found.champion_metric == pytest.approx(found.champion + 100 * found.rows)
    assert found.metric_error is None


def test_it_may_import_its_neighbours_and_leaves_nothing_behind(tmp_path) -> None:
    (tmp_path / "prices.py").write_text("PRICE = 3.0\n")
    (tmp_path / "late.py").write_text("PRICE = 4.0\n")
    body = "import prices\n\ndef profit(result, table):\n    import late\n    return prices.PRICE + late.PRICE\n"
    before = list(sys.path), set(sys.modules)
    assert validated(placed(tmp_path, body)).metric == 7.0
    assert list(sys.path) == before[0]
    assert not {"business", "prices", "late"} & set(sys.modules)


def test_a_module_of_that_name_from_elsewhere_is_not_taken(tmp_path, monkeypatch) -> None:
    class Elsewhere:
        @staticmethod
        def profit(result, table):
            return 1.0

    monkeypatch.setitem(sys.modules, "business", Elsewhere)
    assert validated(placed(tmp_path, "def profit(result, table):\n    return 2.0\n")).metric == 2.0
    assert sys.modules["business"] is Elsewhere
    (tmp_path / "business.py").write_text("def profit(result, table):\n    return 3.25\n")
    assert validated(placed(tmp_path, "def profit(result, table):\n    return 30.0\n")).metric == 30.0


def test_a_function_of_an_installed_module_will_do(tmp_path) -> None:
    settings = placed(tmp_path, "", metric="operator:is_not")
    assert validated(settings).metric == 1.0


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (f"def profit(result, table):\n    raise KeyError('{SECRET}')\n", "'business:profit' raised KeyError"),
        (f"def profit(result, table):\n    raise SystemExit('{SECRET}')\n", "'business:profit' raised SystemExit"),
        (f"def profit(result, table):\n    return '{SECRET}'\n", "'business:profit' raised ValueError"),
        ("def profit(result, table):\n    return None\n", "'business:profit' raised TypeError"),
        ("def profit(result, table):\n    return float('nan')\n", "returned a number that is not finite"),
        ("def profit(result, table):\n    return float('inf')\n", "returned a number that is not finite"),
        (f"raise RuntimeError('{SECRET}')\n", "'business:profit' cannot be loaded: RuntimeError"),
        ("def loss(result, table):\n    return 1.0\n", "cannot be loaded: AttributeError"),
        ("def profit(:\n", "cannot be loaded: SyntaxError"),
    ],
)
def test_a_failure_is_a_refusal_that_quotes_nothing(tmp_path, body, kind) -> None:
    settings = placed(tmp_path, body, min_metric=0.0)
    found = validated(settings)
    assert found.metric is None and kind in found.metric_error
    verdicts = judge(found, FIT, settings, True)
    (refused,) = [v for v in verdicts if not v.passed]
    assert refused.gate == "min_metric" and kind in refused.reason
    assert SECRET not in found.model_dump_json() and SECRET not in str(verdicts)
    assert not allowed(verdicts) and "business" not in sys.modules


@pytest.mark.parametrize("name", ["profit", "business:", ":profit", ""])
def test_a_name_without_a_function_is_refused(tmp_path, name) -> None:
    with pytest.raises(MetricError, match="not of the form module:function"):
        measured(name, tmp_path, [], None)


def test_the_error_has_no_cause_that_a_traceback_would_show(tmp_path) -> None:
    (tmp_path / "business.py").write_text(f"def profit(result, table):\n    raise KeyError('{SECRET}')\n")
    with pytest.raises(MetricError) as caught:
        measured("business:profit", tmp_path, [None], None)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_the_table_holds_every_column_as_it_came(tmp_path) -> None:
    table = pa.table(
        {
            "x": pa.array(np.arange(40), pa.int16()),
            "day": pa.array([None, *range(39)], pa.date32()),
            "carrier": pa.array(["AA", None] * 20).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=16)
    source, _, _ = open_source(tmp_path / "a.parquet")
    holdout = HoldOut(source, share=0.25)
    found = held_out_table(source, holdout)
    assert found.schema.equals(table.schema) and found.num_rows == 10
    assert found.equals(table.take(found.column("x")))
    rows = np.flatnonzero(np.concatenate([holdout.mask(p) for p in source.manifest()]))
    assert found.column("x").to_pylist() == rows.tolist()


def test_a_source_of_arrays_gives_a_table_too() -> None:
    data = {"x": np.array([1.0, np.nan] * 10), "c": np.array(["a", None] * 10, object), "n": np.arange(20)}
    source = Arrays(data, block_rows=7)
    holdout, rows = held(source)
    found = held_out_table(source, holdout).to_pydict()
    assert found["n"] == np.flatnonzero(rows).tolist()
    assert found["c"] == data["c"][rows].tolist()
    assert found["x"] == [None if i % 2 else 1.0 for i in found["n"]]
