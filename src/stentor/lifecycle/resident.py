"""A service as the choice of who has to leave sees it."""

from __future__ import annotations

import time

from stentor.lifecycle.eviction import Bytes, Resident
from stentor.lifecycle.service import AnyService
from stentor.lifecycle.state import State


def exclusive(service: AnyService) -> Bytes:
    """What there is only one of, as a device with room for one."""
    thing = service.policy.exclusive
    return {} if thing is None else {thing: 1}


def resident(service: AnyService, *, fresh: float) -> Resident:
    """What was loaded less than `fresh` seconds ago is as good as busy: or two models under short
    requests would be loaded for each of them.
    """
    now = time.monotonic()
    leaving = service.state is State.DRAINING
    loading = service.state is State.STARTING or now - service.starts.ready_since < fresh
    last = service.last_used
    return Resident(
        service.name,
        {**service.footprint.claim, **exclusive(service)},
        busy=service.busy or leaving or loading,
        pinned=service.policy.pinned,
        idle=0.0 if last is None else now - last,
        reload=service.starts.took,
    )
