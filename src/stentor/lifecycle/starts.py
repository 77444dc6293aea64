"""How long a service's starts take, and when the next one will have ended."""

from __future__ import annotations

import math
import time


def expected_end(began: float, usual: float, now: float) -> float:
    """Of what usually takes so many seconds (0: not known). What takes longer than usual is taken
    to be half way: it takes as long again.
    """
    end = began + usual
    return end if end > now else now + (now - began)


class Starts:
    """Points in time are seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._asked = 0.0
        self._launched = 0.0
        self.waited = 0.0
        """Seconds that the last one waited for memory."""
        self.took = 0.0
        """Seconds from then until it could be used; 0: there was none yet."""
        self.ready_since = -math.inf

    def ask(self) -> None:
        """One begins, or waits for memory now."""
        self._asked = time.monotonic()

    def launch(self) -> None:
        """It has the memory."""
        self._launched = time.monotonic()

    def end(self) -> None:
        """It can be used."""
        self.ready_since = time.monotonic()
        self.waited, self.took = self._launched - self._asked, self.ready_since - self._launched

    @property
    def expected(self) -> float:
        """When the one that is under way will have ended."""
        return expected_end(self._asked, self.waited + self.took, time.monotonic())

    def next(self, not_before: float) -> float:
        """When one that is not begun yet will have ended."""
        return max(not_before, time.monotonic()) + self.waited + self.took
