"""Trying again: exponential backoff with jitter for what can pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from unseen.ops.config.learn import Retries

T = TypeVar("T")
# what no second try would mend
LASTING = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


def passes(error: BaseException) -> bool:
    """Whether waiting may help: troubles of the system, also as the cause of a sentence about them."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, OSError):
        seen = seen.__cause__
    return seen is not None and not isinstance(seen, LASTING)


def patiently(
    action: Callable[[], T],
    retries: Retries,
    failed: Callable[[int, BaseException], Any] = lambda *_: None,
    *,
    when: Callable[[BaseException], bool] = passes,
) -> T:
    """Call until it works, waiting about twice as long each time; the last error is raised.

    Only errors that can pass (``when``) are tried again: those of the system but for missing files and permissions.
    ``failed`` is told the number of each try that did not work, and its error.
    """
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

    def after(state: Any) -> None:
        failed(state.attempt_number, state.outcome.exception())

    first = retries.first_seconds
    retrying = Retrying(
        retry=retry_if_exception(when),
        stop=stop_after_attempt(retries.attempts),
        wait=wait_exponential_jitter(multiplier=first, max=retries.most_seconds, jitter=first),
        after=after,
        reraise=True,
    )
    return retrying(action)
