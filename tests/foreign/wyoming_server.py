"""A Wyoming server of somebody else's, made with that protocol's own package. A program of its own:
`python wyoming_server.py PORT`, with FAULT in its environment.
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from functools import partial
from pathlib import Path

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import (
    AsrModel,
    AsrProgram,
    Attribution,
    Describe,
    Info,
    TtsProgram,
    TtsVoice,
    TtsVoiceSpeaker,
)
from wyoming.server import AsyncEventHandler, AsyncServer
from wyoming.tts import Synthesize

RATE = 22_050
FAULT = os.environ.get("FAULT", "")
MARK = Path(os.environ.get("MARK", os.devnull))
NOBODY = Attribution("", "")


def voice(name: str, language: str, *speakers: str, installed: bool = True) -> TtsVoice:
    return TtsVoice(
        name=name,
        attribution=NOBODY,
        installed=installed,
        description=name.title(),
        version=None,
        languages=[language],
        speakers=[TtsVoiceSpeaker(each) for each in speakers] or None,
    )


def info() -> Info:
    voices = [
        voice("amy", "en_GB"),
        voice("many", "de_DE", "one", "two"),
        voice("later", "fr_FR", installed=False),
    ]
    speech = TtsProgram("tones", NOBODY, True, "Tones", None, voices)
    model = AsrModel("ears", NOBODY, True, "Ears", None, ["en", "de"])
    hearing = AsrProgram("hears", NOBODY, True, "Hears", None, [model])
    both = FAULT == "both"
    return Info(
        tts=[speech] if both or FAULT != "hears" else [],
        asr=[hearing] if both or FAULT == "hears" else [],
    )


class Handler(AsyncEventHandler):
    seconds = 0.0
    language: str | None = None

    async def handle_event(self, event: Event) -> bool:
        if Describe.is_type(event.type):
            await self.write_event(info().event())
        elif Synthesize.is_type(event.type):
            return await self.speak(Synthesize.from_event(event))
        elif Transcribe.is_type(event.type):
            self.language = Transcribe.from_event(event).language
        elif AudioChunk.is_type(event.type):
            self.seconds += AudioChunk.from_event(event).seconds
        elif AudioStop.is_type(event.type):
            text = f"{self.seconds:.1f} seconds in {self.language}"
            await self.write_event(Transcript(text).event())
        return True

    async def speak(self, asked: Synthesize) -> bool:
        """A tenth of a second for each letter; louder for the voice `many`, its second speaker."""
        if FAULT == "fails":
            await self.write_event(Error("no such voice", "voice").event())
            return True
        stereo = FAULT == "stereo"
        named = asked.voice or None
        loud = 16_000 if named and (named.name, named.speaker) == ("many", "two") else 4_000
        channels = 2 if stereo else 1
        await self.write_event(Event("unheard-of"))
        await self.write_event(AudioStart(RATE, 2, channels).event())
        wave = [loud if (at // 25) % 2 else -loud for at in range(RATE // 10)]
        piece = b"".join(struct.pack("<h", value) * channels for value in wave)
        for number, _ in enumerate(asked.text):
            await self.write_event(AudioChunk(RATE, 2, channels, piece).event())
            if number == 3 and FAULT == "die once" and not MARK.exists():
                MARK.touch()
                os._exit(1)
            if number == 3 and FAULT == "hangs up":
                return False
            if number == 3 and FAULT == "garbage":
                self.writer.write(b"this is no frame\n")
        await self.write_event(AudioStop().event())
        return True


async def main() -> None:
    server = AsyncServer.from_uri(f"tcp://127.0.0.1:{sys.argv[1]}")
    await server.run(partial(Handler))


if __name__ == "__main__":
    asyncio.run(main())
