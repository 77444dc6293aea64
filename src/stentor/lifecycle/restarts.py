"""When something that failed may be started again."""

from __future__ import annotations

import time

from stentor.errors import ModelUnavailable

BACKOFF_FIRST = 0.5
BACKOFF_MOST = 30.0
WAIT_MOST = 5.0
"""Seconds that a caller waits for the next start; a longer pause is an error."""

FULL_PAUSE = 10.0
"""Seconds for which its model's other backends come before one that found no memory to load in."""


def backoff(failures: int) -> float:
    """Seconds to wait before the next start, after so many failures in a row (at least one)."""
    if failures <= 1:
        return 0.0
    return float(min(BACKOFF_MOST, BACKOFF_FIRST * 2.0 ** min(failures - 2, 16)))


class Restarts:
    """The first may come at once, because one failure says nothing yet; the pause before the next
    grows with the failures in a row.
    """

    def __init__(self) -> None:
        self._failures = 0
        self.at = 0.0
        """Seconds of the monotonic clock before which it must not be started."""

        self._full_until = 0.0

    @property
    def full(self) -> bool:
        """It lately found no memory while it was loaded."""
        return time.monotonic() < self._full_until

    def found_no_memory(self) -> None:
        """While it was loaded. That is no failure of its own, and it may be tried again at once."""
        self._full_until = time.monotonic() + FULL_PAUSE

    def failed(self) -> None:
        self._failures += 1
        self.at = time.monotonic() + backoff(self._failures)

    def succeeded(self) -> None:
        """Earlier failures no longer count."""
        self._failures = 0
        self._full_until = 0.0

    @property
    def pause(self) -> float:
        """Seconds until it may be started."""
        return max(0.0, self.at - time.monotonic())

    def pause_of(self, name: str, reason: str, *, most: float = WAIT_MOST) -> float:
        """The same; raises ModelUnavailable where it is longer than a caller is to wait."""
        pause = self.pause
        if pause > most:
            raise ModelUnavailable(
                f"{name} failed: {reason}; it is started again in {pause:.0f} s at the earliest",
                retry_after=pause,
            )
        return pause
