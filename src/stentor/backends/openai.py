"""A server that speaks OpenAI's API: /v1/audio/speech, /v1/audio/transcriptions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import numpy as np
from numpy.typing import NDArray

from stentor.audio.wav import wav_header
from stentor.audio.wav_reader import NotWav, RawReader, WavReader
from stentor.backends.openai_discovery import Discovered, discover
from stentor.backends.openai_http import Http
from stentor.backends.openai_transcripts import transcripts
from stentor.config import ServedBackendConfig
from stentor.errors import EngineFailed, InvalidRequest
from stentor.lifecycle.servers.served import Address
from stentor.types import AudioChunk
from stentor_engine import Capabilities, SpeechCall, Transcript, TranscriptionCall, Voice

ANY_VOICE = "alloy"
"""For a server that does not tell its voices: the API wants one, and this name all know."""
HEARS = 16_000
"""Hz of the audio that is sent."""
SPEAKS = 24_000
"""Hz that speech is taken to have before its header told."""
SEED_MOST = 2**31
STENTOR_SPEEDS = (0.25, 4.0)


class OpenAI:
    """A `Dialect`. `place` is the API's URL with its `/v1`."""

    def __init__(
        self,
        config: ServedBackendConfig,
        model: str,
        *,
        key: str | None = None,
        stall_timeout: float,
        discovery_timeout: float,
    ) -> None:
        """`model`: the name that it is asked for; `discovery_timeout`: seconds for what it may tell
        of itself, for which another Stentor may have to load its model.
        """
        self._config = config
        self._model = config.model or model
        self._http = Http(key=key, stall_timeout=stall_timeout)
        self._discovery_timeout = discovery_timeout
        self._discovered = Discovered()
        self._verbose = True

    def at(self, address: Address) -> str:
        return f"{address.url}/v1"

    async def capabilities(self, place: str) -> Capabilities:
        config = self._config
        speaks = config.task == "speech"
        try:
            async with asyncio.timeout(self._discovery_timeout):
                self._discovered = await discover(self._http, place, self._model, speaks=speaks)
        except TimeoutError:
            self._discovered = Discovered()
        found = self._discovered
        languages = tuple(config.languages) or found.languages
        return Capabilities(
            task=config.task or "speech",
            sample_rate=(config.sample_rate or SPEAKS) if speaks else HEARS,
            languages=languages,
            voices=tuple(Voice(each, each) for each in config.voices) or found.voices,
            open_voices=speaks and not config.voices and not found.voices,
            streaming=True,
            word_times=config.word_times and not speaks,
            speed=config.speed or (STENTOR_SPEEDS if found.stentor else None),
            instructions=config.instructions,
            max_chars=config.max_chars,
            window=config.window,
            detects_language=len(languages) != 1,
            translates=config.translates,
            prompts=True,
            parallel=config.max_parallel,
        )

    async def speak(self, place: str, call: SpeechCall) -> AsyncGenerator[AudioChunk, None]:
        reader: WavReader | RawReader | None = None
        head = b""
        async with self._http.ask(
            "POST", f"{place}/audio/speech", json=self._speech(call)
        ) as answer:
            try:
                async for piece in self._http.pieces(answer):
                    if reader is None:
                        head += piece
                        if len(head) < 4:
                            continue
                        reader, piece = self._reader(head, answer), head
                    if len(samples := reader.push(piece)):
                        yield AudioChunk(samples, reader.rate)
                if reader is None:
                    raise NotWav("there is nothing in it")
                reader.finish()
            except NotWav as error:
                raise EngineFailed(f"the server's audio cannot be used: {error}") from error
            if _may_be_cut_off(answer, reader):
                raise EngineFailed(
                    "the server does not tell where its audio ends: one that is cut off could not "
                    "be told from a whole one"
                )

    async def listen(self, place: str, call: TranscriptionCall) -> AsyncGenerator[Transcript, None]:
        route = "translations" if call.task == "translate" else "transcriptions"
        url = f"{place}/audio/{route}"
        verbose = self._verbose or call.words
        try:
            told = await self._heard(url, call, "verbose_json" if verbose else "json")
        except InvalidRequest:
            if not verbose or call.words:
                raise
            told = await self._heard(url, call, "json")
            self._verbose = False  # it has none, or the call above would have failed too
        for transcript in transcripts(told, len(call.audio) / HEARS):
            yield transcript

    async def close(self) -> None:
        await self._http.close()

    def _speech(self, call: SpeechCall) -> dict[str, Any]:
        body: dict[str, Any] = {
            **self._config.options,
            "model": self._model,
            "input": call.text,
            "voice": call.voice or ANY_VOICE,
            "response_format": "pcm" if self._config.sample_rate else "wav",
        }
        if call.speed != 1.0:
            body["speed"] = call.speed
        if call.instructions is not None:
            body["instructions"] = call.instructions
        if self._discovered.stentor:
            body["seed"] = call.seed % SEED_MOST
            if call.language is not None:
                body["language"] = call.language
            if call.voice is None:
                del body["voice"]
            if self._config.sample_rate:
                body["sample_rate"] = self._config.sample_rate
        return body

    def _reader(self, head: bytes, answer: aiohttp.ClientResponse) -> WavReader | RawReader:
        """A server that has no pcm may answer wav, whatever it was asked for."""
        if head[:4] in (b"RIFF", b"RF64"):
            return WavReader()
        kind = answer.content_type
        if self._config.sample_rate is None or kind in ("audio/mpeg", "application/json"):
            raise NotWav(f"it is of the type {kind}, and no wav")
        return RawReader(self._config.sample_rate)

    async def _heard(self, url: str, call: TranscriptionCall, form: str) -> Any:
        data = self._form(call, form)
        async with self._http.ask("POST", url, data=data) as answer:
            return await self._http.json(answer)

    def _form(self, call: TranscriptionCall, form: str) -> aiohttp.FormData:
        data = aiohttp.FormData()
        for name, value in self._config.options.items():
            data.add_field(name, str(value).lower() if isinstance(value, bool) else str(value))
        data.add_field("model", self._model)
        data.add_field("response_format", form)
        data.add_field("temperature", f"{call.temperature:g}")
        if call.language is not None and call.task == "transcribe":
            data.add_field("language", call.language)
        if call.prompt is not None:
            data.add_field("prompt", call.prompt)
        if call.words:
            data.add_field("timestamp_granularities[]", "word")
            data.add_field("timestamp_granularities[]", "segment")
        wav = _wav(call.audio)
        data.add_field("file", wav, filename="audio.wav", content_type="audio/wav")
        return data


def _wav(audio: NDArray[np.float32]) -> bytes:
    pcm = np.clip(np.rint(audio * 32_768.0), -32_768, 32_767).astype("<i2")
    samples: bytes = pcm.tobytes()
    return wav_header(HEARS, len(pcm)) + samples


def _may_be_cut_off(answer: aiohttp.ClientResponse, reader: WavReader | RawReader) -> bool:
    """Its end is only that of the connection."""
    chunked = "chunked" in answer.headers.get("Transfer-Encoding", "").lower()
    delimited = chunked or answer.content_length is not None
    return not delimited and (isinstance(reader, RawReader) or reader.endless)
