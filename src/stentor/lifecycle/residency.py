"""Which services are in memory: a budget for each device, whose turn it is, and the pause switch.

What does not fit waits: for idle ones to be stopped, which happens at once, or for busy ones, which
then take no new requests and leave when their running ones have ended. Whoever waits longest is
served first on its device, so two that do not fit together take turns. Whoever waits for what other
programs take of a GPU holds nobody up: those do not know that it waits.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import structlog

from stentor.errors import NoRoom
from stentor.lifecycle.eviction import Bytes, Plan, Resident, Room, make_room
from stentor.lifecycle.resident import exclusive, resident
from stentor.lifecycle.service import AnyService
from stentor.lifecycle.state import State
from stentor.lifecycle.strangers import Look, Ours, Strangers

log = structlog.get_logger(__name__)

PATIENCE = 2.0
"""Seconds that something waits beside what is in use, before that lets nobody in any more: what was
just loaded shall do more than one request."""
CLEAR_TIMEOUT = 10.0
"""Seconds for idle ones to end in."""
WATCH_INTERVAL = 2.0
OTHERS_PATIENCE = 10.0
"""Seconds that something waits for what other programs take, before it is refused."""
GPUS = ("cuda", "mps")
"""Kinds of devices that their owner may want for something else."""


@dataclass(eq=False)
class _Waiter:
    name: str
    granted: asyncio.Future[None]
    patient: bool = True
    """Not yet so long that what is in use has to let nobody in any more."""
    hindered: float | None = None
    """Seconds of the monotonic clock since when only other programs keep it waiting."""


class Residency:
    """Owns what is claimed. Used on the event loop only."""

    def __init__(
        self,
        budget: Bytes,
        *,
        timeout: float,
        patience: float = PATIENCE,
        look: Look | None = None,
    ) -> None:
        """`budget`: the most that services may take of each device; `timeout`: seconds that a claim
        waits at most; `look`: sees the GPUs, and what else is on them.
        """
        self._budget = budget
        self._strangers = Strangers(look)
        self._looking: asyncio.Task[None] | None = None
        self.timeout = timeout
        self._patience = patience
        self._services: dict[str, AnyService] = {}
        self._claimed: set[str] = set()
        self._asked: dict[str, str] = {}
        """Those that were asked to leave for somebody who waits, with the reason they were told."""
        self._waiting: list[_Waiter] = []
        self._paused: frozenset[str] = frozenset()
        self._vacating: dict[asyncio.Task[None], str] = {}
        """For a pause: with the name of the service."""
        self._unmeasured: set[str] = set()
        """Those that could not be measured last: it is told once."""

    @property
    def budget(self) -> Bytes:
        return self._budget

    @budget.setter
    def budget(self, budget: Bytes) -> None:
        self._budget = budget
        self.changed()

    @property
    def taken_by_others(self) -> Bytes:
        """By device: what programs that are not ours take of GPUs, as seen last."""
        return self._strangers.taken

    @property
    def left_by_others(self) -> Bytes:
        """By device: what those leave to all services together."""
        return self._strangers.left

    @property
    def services(self) -> Mapping[str, AnyService]:
        return self._services

    @property
    def paused(self) -> frozenset[str]:
        """Devices, or kinds of them as `cuda`, that nothing may be started on."""
        return self._paused

    @property
    def claimed(self) -> Bytes:
        """By device: what services take or are known to be going to take."""
        total: Counter[str] = Counter()
        for each in self._residents():
            total.update(each.memory)
        return dict(total)

    def name(self, wanted: str) -> str:
        """One that no service has: that of one which is replaced may still be taken."""
        others = (f"{wanted}~{number}" for number in itertools.count(2))
        names = itertools.chain([wanted], others)
        return next(name for name in names if name not in self._services)

    def add(self, service: AnyService) -> None:
        """Before it claims anything."""
        self._services[service.name] = service

    def forget(self, name: str) -> None:
        """It was closed."""
        self._services.pop(name, None)
        self._asked.pop(name, None)
        self._unmeasured.discard(name)
        self.free(name)

    async def claim(self, name: str) -> None:
        """Raises NoRoom when it is paused, can never fit, or did not get its turn in time."""
        if self._is_paused(name):
            raise self._refused(name)
        loop = asyncio.get_running_loop()
        waiter = _Waiter(name, loop.create_future())
        self._waiting.append(waiter)
        patience = loop.call_later(self._patience, self._lose_patience, waiter)
        try:
            self.changed()
            async with asyncio.timeout(self.timeout):
                await waiter.granted
        except TimeoutError:
            raise self._late(name) from None
        finally:
            patience.cancel()
            self._waiting.remove(waiter)
            self.changed()  # others may have waited behind it, or been asked to leave for it

    async def clear(self, name: str) -> bool:
        """Asks those that are idle to leave the device of one that found less memory there than it
        claimed, and waits for their end, which may not come. False: there are none.
        """
        device = self._services[name].policy.device
        leaving = [
            service
            for each in self._staying(fresh=0.0)
            if each.name != name and not each.busy and not each.pinned
            if (service := self._services[each.name]).policy.device == device
            or each.memory.get(device, 0)
        ]
        gone = [
            asyncio.create_task(each.gone())
            for each in leaving
            if each.give_way(f"{name} found too little memory")
        ]
        if gone:
            await asyncio.wait(gone, timeout=CLEAR_TIMEOUT)
        return bool(gone)

    def free(self, name: str) -> None:
        if name in self._claimed:
            self._claimed.discard(name)
            self.changed()

    def has_room(self, name: str) -> bool:
        if name not in self._services or self._is_paused(name):
            return False
        if self._devices(name) & self._wanted_by_others(name):
            return False
        return self._plan(name).room in (Room.FITS, Room.EVICT)

    def changed(self) -> None:
        """Lets in what fits, in the order of waiting; asks others to leave where that is needed,
        and takes that back where it no longer is. Where a GPU is waited for, the GPUs are looked at
        before.
        """
        if any(self._needs_gpu(each.name) for each in self._waiting if not each.granted.done()):
            self._look_and_decide()
        else:
            self._decide()

    def _look_and_decide(self) -> None:
        """Soon; one look is for all that changes meanwhile."""
        if not self._strangers.can_look:
            self._decide()
        elif self._looking is None:
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        try:
            await self._strangers.look(self._ours)
        finally:
            self._looking = None
        self._decide()

    def _decide(self) -> None:
        leaving: dict[str, str] = {}
        taken: set[str] = set()
        for waiter in list(self._waiting):
            devices = self._devices(waiter.name)
            if not waiter.granted.done() and not devices & taken:
                leaving |= dict.fromkeys(self._consider(waiter), waiter.name)
            if not waiter.granted.done() and waiter.hindered is None:
                taken |= devices  # whoever came later must not overtake it there
        for name in self._asked.keys() - leaving.keys():
            self._services[name].stay(self._asked.pop(name))
        for name, whom in leaving.items():
            why = f"it makes room for {whom}"
            if self._services[name].give_way(why):
                self._asked[name] = why

    def measured(self, name: str, used: Bytes) -> None:
        """What a service takes now; what is too much for a device leaves, if it is idle."""
        if name in self._services:
            self._services[name].measured(used)
        for device, most in self.budget.items():
            # One byte more would fit into one byte more: what is there fits.
            plan = make_room({device: 1}, self._staying(fresh=0.0), {device: most + 1})
            for each in plan.leave if plan.room is Room.EVICT else ():
                self._services[each].give_way(f"{device} is full")

    async def watch(self) -> None:
        """Measures what everything takes, ours and others', for ever."""
        while True:
            if any(map(self._needs_gpu, self._services)):
                self._look_and_decide()
            else:
                self._strangers.forget()
            await asyncio.sleep(WATCH_INTERVAL)
            for service in list(self._services.values()):
                await self._measure(service)

    async def _measure(self, service: AnyService) -> None:
        running = service.running
        if running is None:
            return
        try:
            used = await running.memory()
        except Exception:
            # Of what cannot be measured nothing new is known; all the others are watched on.
            if service.name not in self._unmeasured:
                log.exception("not_measured", service=service.name)
            self._unmeasured.add(service.name)
            return
        self._unmeasured.discard(service.name)
        if running is service.running:
            self.measured(service.name, used)

    async def pause(self, devices: Collection[str], *, timeout: float) -> None:
        """Nothing starts there any more; what runs there has stopped when this returns: when its
        requests have ended, at the latest after so many seconds. It returns also when all was
        resumed meanwhile.
        """
        self._paused |= frozenset(devices)
        log.info("paused", devices=sorted(self._paused))
        concerned = [each for each in self._services.values() if self._is_paused(each.name)]
        for service in concerned:
            service.withdraw()
        for waiter in self._waiting:
            if self._is_paused(waiter.name) and not waiter.granted.done():
                waiter.granted.set_exception(self._refused(waiter.name))
        vacating = {
            asyncio.create_task(each.vacate("paused", timeout=timeout)): each.name
            for each in concerned
        }
        self._vacating |= vacating
        for task in vacating:  # which go on if nobody waits for this any more
            task.add_done_callback(self._vacating.pop)
        if vacating:
            await asyncio.wait(vacating)

    def resume(self, devices: Collection[str] | None = None) -> None:
        """Those devices, or kinds of them, or all."""
        was = self._paused
        named = was if devices is None else frozenset(devices)
        self._paused = frozenset(each for each in was if not _names(named, each))
        log.info("resumed", devices=sorted(was - self._paused))
        for task, name in self._vacating.items():
            if not self._is_paused(name):
                task.cancel()
        for service in self._services.values():
            if service.policy.keep_warm and not self._is_paused(service.name):
                service.warm_up()
        self.changed()

    def _consider(self, waiter: _Waiter) -> tuple[str, ...]:
        """Grants or refuses what it waits for, or tells who has to leave for it."""
        plan = self._plan(waiter.name)
        waiter.hindered = (
            (waiter.hindered or time.monotonic()) if plan.room is Room.OTHERS else None
        )
        if plan.room is Room.FITS:
            self._claimed.add(waiter.name)
            waiter.granted.set_result(None)
        elif plan.room is Room.NEVER:
            waiter.granted.set_exception(NoRoom(self._too_much(waiter.name, plan.short)))
        elif plan.room is Room.OTHERS:
            if _since(waiter.hindered) >= OTHERS_PATIENCE:
                waiter.granted.set_exception(self._hindered(waiter.name, plan.short))
        elif plan.room is Room.EVICT or not waiter.patient:
            return plan.leave
        return ()

    def _lose_patience(self, waiter: _Waiter) -> None:
        waiter.patient = False
        self.changed()

    def _too_much(self, name: str, device: str) -> str:
        if device == self._services[name].policy.exclusive:
            return f"{name} needs {device}, which something else has that stays"
        pinned = {e.name: e.memory.get(device, 0) for e in self._residents() if e.pinned}
        need, most = self._need(name)[device] / 2**20, self.budget[device] / 2**20
        stays = "".join(f", {n} stays with {m / 2**20:.0f} MiB" for n, m in pinned.items() if m)
        return f"{name} needs {need:.0f} MiB of {device}: all may take {most:.0f} MiB{stays}"

    def _late(self, name: str) -> NoRoom:
        plan = self._plan(name)
        if plan.room is Room.OTHERS:
            return self._hindered(name, plan.short)
        return NoRoom(f"'{name}' found no memory within {self.timeout:g} s")

    def _hindered(self, name: str, device: str) -> NoRoom:
        need, held = self._need(name)[device] / 2**20, self.taken_by_others[device] / 2**20
        return NoRoom(
            f"{name} needs {need:.0f} MiB of {device}: other programs hold {held:.0f} MiB of it",
            retry_after=OTHERS_PATIENCE,
        )

    def _plan(self, name: str) -> Plan:
        """For one more. While what is about to be gone is enough, nobody else has to go."""
        need, limits = self._need(name), self._limits(name)
        others = [each for each in self._residents() if each.name != name]
        left = self._strangers.left
        plan = make_room(need, others, limits, left)
        if plan.room is Room.FITS:
            return plan
        staying = [each for each in self._staying() if each.name != name]
        then = make_room(need, staying, limits, left)
        return Plan(Room.EVICT, (), plan.short) if then.room is Room.FITS else then

    def _need(self, name: str) -> Bytes:
        """What was measured to be more than there is has to do with all there is, as it did."""
        footprint = self._services[name].footprint
        memory = {
            device: min(need, self.budget.get(device, need)) if device in footprint.peak else need
            for device, need in footprint.need.items()
        }
        return {**memory, **exclusive(self._services[name])}

    def _limits(self, name: str) -> Bytes:
        """With what there is only one of: it is a device with room for one."""
        return {**self.budget, **exclusive(self._services[name])}

    def _residents(self, *, fresh: float | None = None) -> list[Resident]:
        """`fresh`: seconds after its start for which one is left alone."""
        spared = self._patience if fresh is None else fresh
        return [
            resident(service, fresh=spared)
            for name in sorted(self._claimed)
            if (service := self._services.get(name)) is not None
        ]

    def _staying(self, *, fresh: float | None = None) -> list[Resident]:
        """Without those that are being stopped."""
        services = self._services
        return [
            r for r in self._residents(fresh=fresh) if services[r.name].state is not State.DRAINING
        ]

    def _refused(self, name: str) -> NoRoom:
        device = self._services[name].policy.device
        return NoRoom(f"{device} is paused: its owner needs it for something else")

    def _is_paused(self, name: str) -> bool:
        return _names(self._paused, self._services[name].policy.device)

    def _devices(self, name: str) -> set[str]:
        """Those with a bound that it needs."""
        return self._need(name).keys() & self._limits(name).keys()

    def _needs_gpu(self, name: str) -> bool:
        return any(device.startswith("cuda") for device in self._devices(name))

    def _ours(self) -> Ours:
        """Of services that were not measured yet, nobody knows what they take."""
        takes: Counter[str] = Counter()
        moving: set[str] = set()
        for name in self._claimed & self._services.keys():
            service = self._services[name]
            used, claim = service.footprint.used, service.footprint.claim
            takes.update({**claim, **used})
            if service.state is not State.READY or not used:
                moving |= {service.policy.device, *claim}
        return Ours(dict(takes), moving)

    def _wanted_by_others(self, name: str) -> set[str]:
        """Those that others wait for, and not for other programs."""
        others = [
            each
            for each in self._waiting
            if each.name != name and not each.granted.done() and each.hindered is None
        ]
        return set().union(*(self._devices(each.name) for each in others))


def _names(devices: Collection[str], device: str) -> bool:
    """Itself, or its kind."""
    return device in devices or device.partition(":")[0] in devices


def _since(moment: float | None) -> float:
    """Seconds from that moment of the monotonic clock."""
    return 0.0 if moment is None else time.monotonic() - moment
