"""Playing audio as it comes, and its words at the moment they are heard."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable

from stentor.errors import StentorError
from stentor.types import Rendered, Word

SAMPLE_RATE = 24_000
"""Hz. What players get is s16le, mono."""

PLAYERS = (
    "paplay --raw --rate=24000 --format=s16le --channels=1",
    "pw-cat -p --raw --rate=24000 --format=s16 --channels=1 -",
    "aplay -q -t raw -r 24000 -f S16_LE -c 1",
    "ffplay -loglevel error -nodisp -autoexit -f s16le -sample_rate 24000 -",
    "play -q -t raw -r 24000 -e signed -b 16 -c 1 -",
    "mpv --really-quiet --no-video --demuxer=rawaudio --demuxer-rawaudio-format=s16le "
    "--demuxer-rawaudio-rate=24000 --demuxer-rawaudio-channels=1 -",
)
"""Programs that play this from stdin, in order of preference."""

Show = Callable[[Word], None]


class Clock:
    """When is heard what was given to a player. Seconds throughout; `now` from a steady clock."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._given = 0.0

    def give(self, seconds: float, now: float) -> None:
        """More audio. A player that had none left goes on now: all that follows is later."""
        if self._began is None or self._began + self._given < now:
            self._began = now - self._given
        self._given += seconds

    def when(self, position: float) -> float:
        """The moment at which `position` is heard, as far as it is known by now."""
        return 0.0 if self._began is None else self._began + position


def find_player() -> list[str] | None:
    commands = map(str.split, PLAYERS)
    return next((command for command in commands if shutil.which(command[0])), None)


def player_or_fail() -> list[str]:
    """Raises StentorError."""
    player = find_player()
    if player is None:
        names = ", ".join(command.split()[0] for command in PLAYERS)
        raise StentorError(f"no player was found ({names}); write a file with -o")
    return player


async def play(pieces: AsyncIterator[Rendered], player: list[str], show: Show) -> bool:
    """Plays SAMPLE_RATE pcm and shows its words in time. Cancelled, it is silent at once. False
    where the player was closed before the end; raises StentorError where it failed.
    """
    process = await asyncio.create_subprocess_exec(
        *player,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for us, who end it without a word of its own
    )
    captions = _Captions(show)
    showing = asyncio.create_task(captions.run())
    try:
        complete = await _feed(pieces, process, captions)
        code = await process.wait()
        complete &= code == 0
    finally:
        showing.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code != 0:
        raise StentorError(f"{player[0]} ended with status {code}")
    if complete:
        captions.rest()
    return complete


async def _feed(
    pieces: AsyncIterator[Rendered],
    process: asyncio.subprocess.Process,
    captions: _Captions,
) -> bool:
    """False where the player took no more."""
    assert process.stdin is not None
    try:
        async for piece in pieces:
            captions.add(piece.words)
            if piece.audio:
                process.stdin.write(piece.audio)
                captions.play(len(piece.audio) / 2 / SAMPLE_RATE)
                await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        return False  # its status says whether it was meant to end
    return True


class _Captions:
    """Words that wait to be shown."""

    def __init__(self, show: Show) -> None:
        self._show = show
        self._clock = Clock()
        self._words: deque[Word] = deque()
        self._more = asyncio.Event()

    def add(self, words: Iterable[Word]) -> None:
        self._words += words

    def play(self, seconds: float) -> None:
        """So much more audio was given to the player: words before it may have had to wait."""
        self._clock.give(seconds, asyncio.get_running_loop().time())
        self._more.set()

    async def run(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._words:
                left = self._clock.when(self._words[0].start) - asyncio.get_running_loop().time()
                if left > 0:  # and look again: the player may have had to wait meanwhile
                    await asyncio.sleep(left)
                else:
                    self._show(self._words.popleft())

    def rest(self) -> None:
        """All is played, however exact the clock was."""
        while self._words:
            self._show(self._words.popleft())
