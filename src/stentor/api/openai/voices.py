"""`GET /v1/audio/voices`: what each speech model can speak with."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from stentor.api.disconnect import until_disconnect
from stentor.routing.models import Model, Models


class VoiceObject(BaseModel):
    id: str
    name: str
    model: str
    languages: list[str]
    gender: Literal["female", "male"] | None


class VoiceList(BaseModel):
    object: Literal["list"] = "list"
    voices: list[VoiceObject]


def voices_router(models: Models) -> APIRouter:
    router = APIRouter(tags=["voices"])

    @router.get("/v1/audio/voices")
    async def list_voices(request: Request, model: str | None = None) -> VoiceList:
        """The voices of one model, or of all that are known: of models that were started before,
        since a list is no reason to load them all. Where none is, those of what `tts-1` means.
        """
        known = [each for each in models if each.known and each.known.task == "speech"]
        asked = [models.find(model)] if model else known or _usual(models)
        listed = [await until_disconnect(request, _voices(each)) for each in asked]
        return VoiceList(voices=[voice for voices in listed for voice in voices])

    return router


def _usual(models: Models) -> list[Model]:
    model = models.by_name.get("tts-1")
    return [] if model is None else [model]


async def _voices(model: Model) -> list[VoiceObject]:
    capabilities = await model.capabilities()
    return [
        VoiceObject(
            id=voice.id,
            name=voice.name,
            model=model.name,
            languages=list(voice.languages),
            gender=voice.gender,
        )
        for voice in capabilities.voices
    ]
