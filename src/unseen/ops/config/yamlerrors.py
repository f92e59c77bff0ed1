"""What PyYAML complains about, said without the text that it met: that text may be a secret."""

from __future__ import annotations

import re
from typing import Any

_QUOTES = "a value that begins with {} must stand in quotes"
#: (what PyYAML says, what to do about it), the first that fits; nothing of the text is repeated
_HINTS = (
    (r"alias", _QUOTES.format("*")),
    (r"anchor", _QUOTES.format("&")),
    (r"tag|'!'", _QUOTES.format("!")),
    (r"directive|'%'", _QUOTES.format("%")),
    (r"found character '\\t'", "indent with spaces: YAML takes no tabs"),
    (r"found character '[@`]'", _QUOTES.format("@ or `")),
    (r"mapping values are not allowed", "the indentation is off, or a value with a colon and a space needs quotes"),
    (r"could not find expected ':'", "a colon is missing after a key, or a line is indented wrongly"),
    (r"found undefined|found duplicate", "this name is not defined, or is defined twice"),
    (r"escape", 'in double quotes a backslash begins an escape: use single quotes, or write it as "\\\\"'),
    (r"unexpected end of stream", "a quote is opened and never closed"),
    (r"another document", "this is a second document (---): the file must hold one"),
    (r"expected ',' or ']'", "a list is not closed by ]"),
    (r"expected ',' or '}'", "a section in braces is not closed by }"),
    (r"<block end>", "the indentation is off, or a quote or bracket ends too early"),
    (r"block sequence|sequence entries", "a list entry (- ...) cannot stand here"),
    (r"special characters", "a character that YAML does not allow stands here"),
)


def place(error: Any, text: str) -> str:
    """`, line L, column C` of an error, counted from 1, as far as it is known."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        return f", line {mark.line + 1}, column {mark.column + 1}"
    at = getattr(error, "position", None)
    if not isinstance(at, int):
        return ""
    before = text[:at]
    return f", line {before.count(chr(10)) + 1}, column {at - before.rfind(chr(10))}"


def reason(error: Any) -> str:
    """What is wrong, in words of ours."""
    if hasattr(error, "sentence"):
        return str(error.sentence)
    said = " ".join(str(getattr(error, part, None) or "") for part in ("context", "problem", "reason"))
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, said)), "a word or sign is out of place")
    return f"this is not YAML: {hint}"
