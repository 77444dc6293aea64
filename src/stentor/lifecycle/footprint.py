"""What a service takes of memory: declared first, measured later."""

from __future__ import annotations

from stentor.lifecycle.eviction import Bytes
from stentor.lifecycle.needs import Policy


class Footprint:
    """Bytes by device."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.used: Bytes = {}
        """As measured last; nothing while it does not run."""
        self.peak: Bytes = {}
        """The most that was measured."""

    @property
    def need(self) -> Bytes:
        """As it is known: what was measured goes before what was declared."""
        policy = self._policy
        device = "ram" if policy.device == "cpu" else policy.device
        declared = {device: policy.memory} if policy.memory else {}
        return {**declared, **self.peak}

    @property
    def claim(self) -> Bytes:
        """What it takes, or is known to be going to take."""
        need = self.need
        return {**need, **{each: max(n, need.get(each, 0)) for each, n in self.used.items()}}

    @property
    def grown(self) -> int | None:
        """The most that it takes of a device, if that is past its limit."""
        most = max(self.used.values(), default=0)
        return most if most > self._policy.memory_limit else None

    def measured(self, used: Bytes) -> None:
        self.used = used
        limit = self._policy.memory_limit
        # What grew past the limit is a leak, and none of what it needs when it is started anew.
        most = {each: int(min(limit, max(used[each], self.peak.get(each, 0)))) for each in used}
        self.peak = {**self.peak, **most}
