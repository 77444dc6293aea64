"""Something local that serves a model and can be started and stopped: a worker, a process or a
container. A `Service` owns its state, and is the only place that changes it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Generic

import structlog

from stentor.errors import ModelUnavailable, NoRoom, ShuttingDown
from stentor.lifecycle.eviction import Bytes
from stentor.lifecycle.footprint import Footprint
from stentor.lifecycle.needs import Launcher, Policy, R, Room, Unbounded
from stentor.lifecycle.restarts import WAIT_MOST, Restarts
from stentor.lifecycle.starts import Starts
from stentor.lifecycle.state import Happening, State, next_state
from stentor.lifecycle.warming import Warming

log = structlog.get_logger(__name__)

EXIT_WAIT = 2.0
"""Seconds from a lost connection until it must be seen to have ended."""
EXIT_WAIT_AGAIN = 0.3
"""The same of what has lost one before, and went on: it hangs up without dying."""
END_WAIT = 60.0
"""Seconds that a caller waits for the end of what is stopped: the system may not let go of it."""
DRAIN_TIMEOUT = 10.0
"""Seconds that running calls have to end in when the server stops."""


class Service(Generic[R]):
    """`enter`, then `ensure_ready` and `call` as often as needed, then `leave`: what has entered
    does not lose the service to idleness, to another's memory or to a reload. Everything here runs
    on the event loop, in one thread.
    """

    def __init__(
        self,
        name: str,
        launcher: Launcher[R],
        *,
        policy: Policy | None = None,
        room: Room | None = None,
    ) -> None:
        """`name`: for its owner's eyes, of all services different."""
        self.name = name
        self.policy = policy or Policy()
        self._launcher = launcher
        self._room = room or Unbounded()
        self._state = State.STOPPED
        self._running: R | None = None
        self._hangs_up: R | None = None
        """What lost a connection, and went on."""
        self._starting: asyncio.Task[R] | None = None
        self._waits_for_room = False
        self._watching: asyncio.Task[None] | None = None
        self._warming = Warming(name, self._warm)
        self._idle_timer: asyncio.TimerHandle | None = None
        self._giving_way: str | None = None
        self._opened = asyncio.Event()
        self._closing = False
        self._restarts = Restarts()
        self._users = 0
        self._calls = 0
        self._no_calls = asyncio.Event()
        self._no_calls.set()
        self._listeners: list[Callable[[], None]] = []
        self.reason = ""
        """Why it is not running, for people."""
        self.last_used: float | None = None
        """Seconds of the monotonic clock when the last request ended; None: never."""
        self.starts = Starts()
        self.footprint = Footprint(self.policy)

    @property
    def state(self) -> State:
        return self._state

    @property
    def running(self) -> R | None:
        """While it can be used."""
        return self._running if self._state is State.READY else None

    @property
    def users(self) -> int:
        """Requests that have entered."""
        return self._users

    @property
    def busy(self) -> bool:
        return self._users > 0

    @property
    def open(self) -> bool:
        """To those that have not entered yet."""
        return self._giving_way is None

    @property
    def startable(self) -> bool:
        """Ready, or no pause after a failure keeps it from being started."""
        return self._state is not State.FAILED or not self._restarts.pause

    @property
    def healthy(self) -> bool:
        """To begin here is no worse than elsewhere."""
        ready = self._state is State.READY
        if not self.open or not self.startable:
            return False
        return ready or (not self._restarts.full and self._room.has_room(self.name))

    @property
    def ready_at(self) -> float:
        """Seconds of the monotonic clock since when a call can begin, or when that is to be
        expected, as the last start went.
        """
        if self._state is State.READY and self.open:
            return self.starts.ready_since
        if self._state is State.STARTING:
            return self.starts.expected
        return self.starts.next(self._restarts.at)

    def on_change(self, listener: Callable[[], None]) -> None:
        """It is called whenever one of these properties may be another."""
        self._listeners.append(listener)

    async def opened(self) -> None:
        """Waits until it is open: for those that wait in no other queue."""
        while not self.open:
            self._opened.clear()
            await self._opened.wait()

    def enter(self) -> None:
        self._users += 1
        self._disarm()

    def leave(self) -> None:
        self._users -= 1
        self.last_used = time.monotonic()
        if self._users == 0:
            if self._waits_for_room and not self._warming.under_way:
                self.withdraw()  # nobody waits for it any more
            self._settle()
            self._room.changed()

    async def ensure_ready(self) -> R:
        """Joins a running start or begins one; raises ModelUnavailable or ShuttingDown."""
        while True:
            if self._closing:
                raise ShuttingDown("the server is shutting down")
            if self._state is State.READY and self._running is not None:
                return self._running
            if self._state is State.DRAINING and self._watching is not None:
                _, ending = await asyncio.wait([self._watching], timeout=END_WAIT)
                if ending:
                    raise ModelUnavailable(
                        f"{self.name} was stopped ({self.reason}), and does not end"
                    )
            elif self._starting is not None:
                starting = self._starting
                # It belongs to all who wait for it: none of them takes it along when cancelled.
                await asyncio.wait([starting])
                if not starting.cancelled():
                    return starting.result()
                if starting is self._starting:  # given up before its first step
                    self._starting = None
            elif pause := self._restarts.pause_of(self.name, self.reason, most=self._patience):
                await asyncio.sleep(pause)
            else:
                self._starting = asyncio.create_task(self._start())
                self._starting.add_done_callback(_retrieve)

    @contextmanager
    def call(self) -> Iterator[None]:
        """It is not stopped in good order while a call runs."""
        self.enter()
        self._calls += 1
        self._no_calls.clear()
        try:
            yield
        finally:
            self._calls -= 1
            if self._calls == 0:
                self._no_calls.set()
            self.leave()

    def succeeded(self) -> None:
        """A call went well: earlier failures no longer count."""
        self._restarts.succeeded()
        self._hangs_up = None

    def warm_up(self) -> None:
        """Starts it in the background, again and again while it fails."""
        if not self._closing:
            self._warming.begin()

    def give_way(self, why: str) -> bool:
        """Lets nobody in any more, and stops when all have left. False: it does so already, or
        does not run.
        """
        if self._state not in (State.STARTING, State.READY) or self._giving_way is not None:
            return False
        self._close_for(why)
        return True

    def stay(self, why: str) -> None:
        """Takes `give_way` back, if it has not stopped yet, nor has to go for another reason."""
        if self._giving_way == why and self._state is not State.DRAINING:
            self._giving_way = None
            self._settle()
            self._tell()

    def unpin(self) -> None:
        """Its owner no longer wants it to stay."""
        self.policy = replace(self.policy, keep_warm=False, idle_timeout=0.0)
        self._warming.cancel()
        self._settle()
        self._room.changed()

    def withdraw(self) -> None:
        """A start that is under way is given up."""
        if self._starting is not None:
            self._starting.cancel()

    async def vacate(self, why: str, *, timeout: float) -> None:
        """What runs now has stopped when this returns: when all have left, or after so many seconds
        without them. Cancelled before, it stays.
        """
        self._warming.cancel()
        if self._state in (State.STARTING, State.READY):
            self._close_for(why)
        try:
            async with asyncio.timeout(timeout):
                await self.gone()
        except TimeoutError:
            self.withdraw()
            self._begin_stop(why)
            await self.gone()
        except asyncio.CancelledError:
            self.stay(why)
            self._room.changed()  # somebody may still wait for it to leave
            raise

    async def gone(self) -> None:
        """Waits for the end of what has to go, and not of what is started after it."""
        if self._starting is not None:
            await asyncio.wait([self._starting])
        if self._giving_way is not None and self._watching is not None:
            await asyncio.wait([self._watching])

    def measured(self, used: Bytes) -> None:
        """What it takes now."""
        if self._state is not State.READY:
            return
        self.footprint.measured(used)
        grown = self.footprint.grown
        anew = grown is not None and self.give_way(f"it grew to {grown / 2**20:.0f} MiB")
        if anew and self.policy.keep_warm:
            self.warm_up()

    def kill(self, running: R, reason: str) -> None:
        """For what no longer does what it must; it counts as a crash."""
        log.warning("service_killed", service=self.name, reason=reason)
        self._hangs_up = None  # it has to die now
        running.kill()

    async def ended(self, running: R) -> None:
        """Waits a little for its end to be seen, so that who tries again does not meet it again."""
        if running is self._running and self._watching is not None:
            wait = EXIT_WAIT_AGAIN if running is self._hangs_up else EXIT_WAIT
            _, alive = await asyncio.wait([self._watching], timeout=wait)
            self._hangs_up = running if alive else None

    async def close(self, *, drain_timeout: float = DRAIN_TIMEOUT) -> None:
        """For good: waits for running calls, then ends what runs."""
        self._closing = True
        self._disarm()
        tasks: list[asyncio.Task[Any]] = [*self._warming.cancel()]
        if self._starting is not None:
            self._starting.cancel()
            tasks.append(self._starting)
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._state is State.READY:
            self._begin_stop("the server stops", drain_timeout=drain_timeout)
        elif self._state is State.FAILED:
            self._apply(Happening.DRAIN)
        if self._state is State.DRAINING:
            # Not awaited itself: who cancels this must not end the watch, which ends the state.
            await asyncio.wait([self._end()])
        self._room.forget(self.name)

    async def _start(self) -> R:
        self.starts.ask()
        self._apply(Happening.START)
        try:
            await self._launcher.prepare()
            self.starts.ask()
            await self._claim()
            self.starts.launch()
            running = await self._launch()
        except ModelUnavailable as error:
            self._start_ended(str(error), withdrawn=isinstance(error, NoRoom))
            raise
        except asyncio.CancelledError:
            self._start_ended("its start was given up", withdrawn=True)
            raise
        except BaseException:  # a defect: it must not be starting for ever
            self._start_ended("its start failed", withdrawn=False)
            raise
        self.starts.end()
        self._starting, self._running, self.reason = None, running, ""
        self._watching = asyncio.create_task(self._watch(running))
        self._apply(Happening.LOADED)
        self._settle()
        log.info("service_ready", service=self.name, seconds=round(self.starts.took, 3))
        return running

    async def _launch(self) -> R:
        """What finds less memory than was thought is tried once more, without the idle ones: but if
        that was in vain just now, those are left alone.
        """
        try:
            return await self._launcher.launch()
        except NoRoom as error:
            log.warning("no_memory_to_load", service=self.name, why=str(error))
            try:
                if self._restarts.full or not await self._room.clear(self.name):
                    raise
                return await self._launcher.launch()
            except NoRoom:
                self._restarts.found_no_memory()
                raise

    async def _claim(self) -> None:
        self._waits_for_room = True
        try:
            await self._room.claim(self.name)
        finally:
            self._waits_for_room = False

    def _start_ended(self, why: str, *, withdrawn: bool) -> None:
        self._starting, self.reason = None, why
        self._giving_way = None
        self._room.free(self.name)
        if not withdrawn:
            self._restarts.failed()
        self._apply(Happening.WITHDRAWN if withdrawn else Happening.FAILED)

    async def _watch(self, running: R) -> None:
        code = await running.exited()
        try:
            await running.stop(timeout=0)
        finally:
            self._ended(code)

    def _ended(self, code: int | None) -> None:
        self._running, self._hangs_up, self._giving_way = None, None, None
        self.footprint.used = {}
        self._disarm()
        self._room.free(self.name)
        if self._state is State.READY:
            self.reason = f"it ended with exit code {code}"
            log.warning("service_exited", service=self.name, code=code)
            self._restarts.failed()
            if self.policy.keep_warm and not self._closing:
                self.warm_up()
        self._apply(Happening.EXITED)

    def _close_for(self, why: str) -> None:
        """Whatever it had to go for before."""
        if self._giving_way != why:
            self._giving_way = why
            self._settle()
            self._tell()

    def _settle(self) -> None:
        """When nobody uses it: stops it, if it has to go, or sees to it that it does in time."""
        self._disarm()
        if self._state is not State.READY or self._users > 0:
            return
        if self._giving_way is not None:
            self._begin_stop(self._giving_way)
        elif not self.policy.pinned:
            loop, after = asyncio.get_running_loop(), self.policy.idle_timeout
            self._idle_timer = loop.call_later(after, self._begin_stop, f"idle for {after:g} s")

    def _disarm(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    def _begin_stop(self, why: str, *, drain_timeout: float = 0.0) -> None:
        if self._state is not State.READY or self._running is None:
            return
        self._disarm()
        self.reason = why
        self._giving_way = why
        log.info("service_stopping", service=self.name, why=why)
        self._apply(Happening.DRAIN)
        self._stopping = asyncio.create_task(self._stop(self._running, drain_timeout))

    async def _stop(self, running: R, drain_timeout: float) -> None:
        try:
            async with asyncio.timeout(drain_timeout):
                await self._no_calls.wait()
        except TimeoutError:
            log.warning("drain_timeout", service=self.name, calls=self._calls)
        await running.stop()

    def _end(self) -> asyncio.Task[None]:
        """Of what runs, or ran last."""
        assert self._watching is not None
        return self._watching

    async def _warm(self) -> bool:
        """Starts it. False: it failed, or had to go meanwhile."""
        await asyncio.sleep(self._restarts.pause)
        try:
            await self.ensure_ready()
        except NoRoom:
            raise
        except ModelUnavailable:
            return False  # it is in the log, and the next start has to wait longer
        if self.open or not self.policy.keep_warm:
            return True
        await asyncio.wait([self._end()])
        return False

    @property
    def _patience(self) -> float:
        """Seconds that a caller waits for the next start: of what never ran, none."""
        return WAIT_MOST if self.starts.took else 0.0

    def _apply(self, happening: Happening) -> None:
        self._state = next_state(self._state, happening)
        self._tell()

    def _tell(self) -> None:
        if self.open:
            self._opened.set()
        for listener in self._listeners:
            try:
                listener()
            except Exception:
                # A defect of theirs: a state that is half changed would keep all others waiting.
                log.exception("listener_failed", service=self.name)


AnyService = Service[Any]


def _retrieve(starting: asyncio.Task[R]) -> None:
    """A failed start is in the log, even if nobody waits for it any more."""
    if not starting.cancelled():
        starting.exception()
