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


class VoiceList(BaseModel):
    object: Literal["list"] = "list"
    voices: list[VoiceObject]


def voices_router(models: Models) -> APIRouter:
    router = APIRouter(tags=["voices"])

    @router.get("/v1/audio/voices")
    async def list_voices(request: Request, model: str | None = None) -> VoiceList:
        """The voices of one model, or of all that are known: of models that were started before,
        since a list is no reason to load them all. On a fresh server, those of the first model.
        """
        known = [each for each in models if each.known is not None]
        asked = [models.find(model)] if model else known or list(models)[:1]
        listed = [await until_disconnect(request, _voices(each)) for each in asked]
        return VoiceList(voices=[voice for voices in listed for voice in voices])

    return router


async def _voices(model: Model) -> list[VoiceObject]:
    capabilities = await model.capabilities()
    return [
        VoiceObject(id=v.id, name=v.name, model=model.name, languages=list(v.languages))
        for v in capabilities.voices
    ]
