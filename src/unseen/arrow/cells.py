"""Whole columns of text read as numbers."""

from __future__ import annotations

import re
from typing import Any

from unseen.arrow.libraries import pa, pc
from unseen.arrow.notation import BLANKS, number_of, told_code
from unseen.core.reading import Notation

#: whole numbers of more digits are not told apart by double precision: they are names
LONGEST = 15


def trimmed(cells: Any) -> Any:
    """Text without blanks around it."""
    return pc.utf8_trim_whitespace(cells)


def as_plain(cells: Any, how: Notation) -> Any:
    """Numbers of a notation as programs write them; what is none comes out as something that is no number."""

    def swap(pattern: str, by: str) -> None:
        nonlocal cells
        cells = pc.replace_substring_regex(cells, pattern, by)

    swap("\u2212", "-")
    if how.thousands == "'":
        swap("\u2019", "'")
    swap(r"^\((.*)\)$", r"-\1")
    swap(r"^([^-].*)-$", r"-\1")
    if how.before:
        swap(rf"^([-+]?)[\s{BLANKS}]?{_re2(how.before)}[\s{BLANKS}]?", r"\1")
    if how.after:
        swap(rf"[\s{BLANKS}]?{_re2(how.after)}$", "")
    group = _re2(how.thousands) if how.thousands != " " else f"[{BLANKS}]"
    if how.thousands:
        point = _re2(how.decimal)
        shape = rf"^[-+]?\d{{1,3}}(?:{group}\d{{3}})+(?:{point}\d*)?$"
        cells = pc.if_else(pc.match_substring_regex(cells, shape), pc.replace_substring_regex(cells, group, ""), cells)
    if how.decimal == ",":
        cells = pc.replace_substring(pc.if_else(pc.match_substring(cells, "."), "no", cells), ",", ".")
    return cells


def _re2(text: str) -> str:
    return re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", text)


def cast(cells: Any) -> Any:
    """Plain numbers, as whole ones if all are, or None where some cell is none."""
    # a failed cast costs twenty times a good one, so a few cells say which is tried first
    for to in (pa.int64(), pa.float64()):
        try:
            cells.slice(0, 64).cast(to)
            return cells.cast(to)
        except pa.ArrowInvalid:
            continue
    return None


def cast_as(cells: Any, how: Notation) -> Any:
    """Numbers of a notation, or None where some cell is none; where the first are plain, all may be."""
    return cast(cells if how.plain and cast(cells.slice(0, 64)) is not None else as_plain(cells, how))


def why_text(cells: Any, values: Any) -> str:
    """Why some cells that read as numbers are names, or nothing: a first character and a size are quick to see."""
    whole_zero = pc.and_(pc.equal(values, 0), pc.greater(pc.binary_length(cells), 1))
    zeros = pc.and_(pc.starts_with(cells, "0"), pc.or_(pc.greater_equal(values, 1), whole_zero))
    long = pc.greater_equal(pc.abs(values), 10**LONGEST)
    suspect = pc.or_(pc.or_(zeros, long), pc.starts_with(cells, "+"))
    return told_code(pc.unique(cells.filter(suspect)).to_pylist()) if pc.any(suspect).as_py() else ""


def without_marks(cells: Any, marks: frozenset[str]) -> tuple[Any, dict[str, int]]:
    """Text with null for what means missing, and how often each such cell stands there."""
    is_mark = pc.fill_null(pc.is_in(pc.utf8_lower(cells), pa.array(sorted(marks | {""}))), False)
    found = {v["values"]: v["counts"] for v in pc.value_counts(cells.filter(is_mark)).to_pylist() if v["values"]}
    return pc.if_else(is_mark, pa.scalar(None, pa.string()), cells), found


def without_numbers(values: Any, marks: frozenset[str]) -> tuple[Any, dict[str, int]]:
    """Numbers with null for NaN and for those that mean missing, and how often each stands there."""
    found = {}
    same = {mark: pc.equal(values, number) for mark in marks if (number := number_of(mark)) is not None}
    if pa.types.is_floating(values.type):
        same["NaN"] = pc.is_nan(values)
    for mark, there in same.items():
        if count := pc.sum(there).as_py():
            found[mark] = count
            values = pc.if_else(pc.fill_null(there, False), pa.scalar(None, values.type), values)
    return values, found


def numbers_among_others(cells: Any, how: Notation) -> tuple[Any, Any]:
    """The numbers of some cells, null where a cell is none, and which cells those are."""
    plain = as_plain(cells, how)
    good = pc.match_substring_regex(plain, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
    odd = pc.and_(pc.invert(pc.fill_null(good, True)), pc.is_valid(cells))
    return pc.if_else(good, plain, pa.scalar(None, pa.string())).cast(pa.float64()), odd


def in_words(cells: Any) -> tuple[Any, list[str]]:
    """Text as a dictionary of words without blanks around them, and those words in lower case."""
    coded = cells.dictionary_encode()
    words = trimmed(coded.dictionary)
    if not words.equals(coded.dictionary):
        coded = words.take(coded.indices).dictionary_encode()
    return coded, pc.utf8_lower(coded.dictionary).to_pylist()


def without_words(coded: Any, lower: list[str], marks: frozenset[str]) -> tuple[Any, dict[str, int]]:
    """A dictionary of words with null for those that mean missing, and how often each stands there."""
    gone = [word in marks for word in lower]
    if not any(gone):
        return coded, {}
    words, counts = coded.dictionary.to_pylist(), dict.fromkeys(range(len(lower)), 0)
    counts |= {v["values"]: v["counts"] for v in pc.value_counts(coded.indices.drop_null()).to_pylist()}
    found = {words[i]: counts[i] for i, missing in enumerate(gone) if missing and words[i] and counts[i]}
    kept = pc.if_else(pa.array(gone), pa.scalar(None, pa.string()), coded.dictionary)
    return kept.take(coded.indices).dictionary_encode(), found
