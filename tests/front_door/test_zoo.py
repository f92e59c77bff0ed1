"""The small files themselves: enough of them, each with a name of its own, and with the columns that are judged."""

from __future__ import annotations

import io

import pandas as pd

from tests.front_door import (
    test_codes,
    test_columns_that_stay_out,
    test_containers,
    test_dates,
    test_delimiters,
    test_encodings,
    test_excel,
    test_folders,
    test_headers,
    test_json_lines,
    test_missing_markers,
    test_numbers,
)

PLAIN = (test_codes, test_columns_that_stay_out, test_dates, test_missing_markers, test_numbers)
TOPICS = (
    *PLAIN,
    test_containers,
    test_delimiters,
    test_encodings,
    test_excel,
    test_folders,
    test_headers,
    test_json_lines,
)


def test_there_are_many_and_each_has_a_name() -> None:
    for topic in TOPICS:
        names = [case.name for case in topic.CASES]
        assert len(set(names)) == len(names)
    assert sum(len(topic.CASES) for topic in TOPICS) >= 250


def test_plain_files_hold_the_columns_that_are_judged() -> None:
    for case in (case for topic in PLAIN for case in topic.CASES if case.refused is None):
        (made,) = case.files.values()
        first = made.split(b"\n", 1)[0]
        sep = max(b",;\t|", key=first.count)
        frame = pd.read_csv(io.BytesIO(made), sep=chr(sep), dtype=str, keep_default_na=False)
        assert set(case.columns) <= set(frame), case.name
        assert len(frame) == case.rows, case.name
