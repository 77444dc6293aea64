"""Commands that do the work themselves, without any server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from stentor.app import Stentor
from stentor.cli.client import LISTENS, SPEAKS, ModelInfo, Summary, VoiceInfo
from stentor.config import Config
from stentor.routing.models import Model
from stentor.telemetry.log import configure_logging
from stentor.types import Rendered, Segment, SpeechRequest, TranscriptionRequest


@asynccontextmanager
async def open_local(config: Config) -> AsyncIterator[Local]:
    configure_logging("critical")  # what goes wrong is told once, by the command
    stentor = Stentor(config)
    try:
        yield Local(stentor)
    finally:
        await stentor.close()


class Local:
    def __init__(self, stentor: Stentor) -> None:
        self._stentor = stentor

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[Rendered, None]:
        async with aclosing(await self._stentor.speaker.speak(request)) as speech:
            async for piece in speech.pieces():
                yield piece

    async def transcribe(
        self, request: TranscriptionRequest, file: Path, *, times: bool
    ) -> AsyncGenerator[Segment | Summary, None]:
        with file.open("rb") as audio:
            transcription = await self._stentor.listener.listen(request, audio)
            async with aclosing(transcription):
                async for segment in transcription.segments():
                    yield segment
        yield Summary(transcription.seconds, transcription.spoken.language, transcription.model)

    async def models(self) -> list[ModelInfo]:
        return [self._described(model) for model in self._stentor.models]

    async def voices(self, model: str | None) -> list[VoiceInfo]:
        found = self._stentor.models.find(model or SPEAKS)
        capabilities = await found.able("speech")
        return [
            VoiceInfo(voice.id, voice.name, voice.languages, voice.gender, found.name)
            for voice in capabilities.voices
        ]

    def _described(self, model: Model) -> ModelInfo:
        usual = [self._stentor.models.by_name.get(name) for name in (SPEAKS, LISTENS)]
        services = [each.service for each in model.backends if each.service is not None]
        states = [service.state.value for service in services]
        return ModelInfo(
            name=model.name,
            task=model.task,
            aliases=model.aliases,
            languages=model.known.languages if model.known else (),
            state=", ".join(dict.fromkeys(states)) or None,
            default=model in usual,
        )
