"""`stentor voices`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import aclosing

from stentor.cli.client import SPEAKS, Client, VoiceInfo, open_client
from stentor.cli.failure import UsageError, run_async
from stentor.cli.load import load_config
from stentor.cli.play import play, player_or_fail
from stentor.cli.samples import sample
from stentor.cli.tables import Row, show
from stentor.config import Config
from stentor.errors import VoiceNotFound
from stentor.types import SpeechRequest, Word


def run(
    *,
    model: str | None,
    language: str | None,
    play_one: str | None,
    play_all: bool,
    as_json: bool,
    server: str | None,
) -> int:
    if play_one is not None and play_all:
        raise UsageError("choose --play or --play-all")
    return run_async(
        _voices(
            load_config(), server, model, language, play_one, play_all=play_all, as_json=as_json
        )
    )


async def _voices(
    config: Config,
    server: str | None,
    model: str | None,
    language: str | None,
    play_one: str | None,
    *,
    play_all: bool,
    as_json: bool,
) -> int:
    player = player_or_fail() if play_one is not None or play_all else None
    async with open_client(config, server) as client:
        voices = [v for v in await client.voices(model) if language is None or speaks(v, language)]
        if player is None:
            show([_row(voice) for voice in voices], as_json=as_json)
            return 0
        chosen = voices if play_one is None else [_find(voices, play_one)]
        for voice in chosen:
            print(f"{voice.id}: {voice.name}", file=sys.stderr, flush=True)
            if not await _play(client, voice, language, player):
                break
    return 0


def speaks(voice: VoiceInfo, language: str) -> bool:
    """`en` is spoken by voices of en-us and en-gb; `en-us` by those of en-us, and of en."""
    wanted = _tag(language)
    return any(
        tag == wanted or tag.startswith(f"{wanted}-") or wanted.startswith(f"{tag}-")
        for tag in map(_tag, voice.languages)
    )


def _find(voices: Sequence[VoiceInfo], name: str) -> VoiceInfo:
    """By its id, or else by its name in any case. Raises VoiceNotFound."""
    found = [v for v in voices if v.id == name] or [
        v for v in voices if name.lower() in (v.id.lower(), v.name.lower())
    ]
    if not found:
        raise VoiceNotFound(f"no voice '{name}'; `stentor voices` lists what there is")
    return found[0]


async def _play(client: Client, voice: VoiceInfo, language: str | None, player: list[str]) -> bool:
    spoken = voice.languages[0] if voice.languages else language
    request = SpeechRequest(
        voice.model or SPEAKS,
        sample(spoken, voice.name),
        voice=voice.id,
        language=spoken,
        format="pcm",
    )
    async with aclosing(client.speak(request)) as pieces:
        return await play(pieces, player, _nothing)


def _nothing(word: Word) -> None:
    pass


def _row(voice: VoiceInfo) -> Row:
    return {
        "id": voice.id,
        "name": voice.name,
        "languages": list(voice.languages),
        "gender": voice.gender,
        "model": voice.model,
    }


def _tag(tag: str) -> str:
    return tag.strip().lower().replace("_", "-")
