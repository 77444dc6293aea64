"""`GET /v1/audio/voices`: what each speech model can speak with."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from stentor.errors import ModelUnavailable
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
    async def list_voices(model: str | None = None) -> VoiceList:
        """All voices, or those of one model. A model that cannot start has none to show, unless it
        was asked for by name.
        """
        if model is not None:
            return VoiceList(voices=await _voices(models.find(model)))
        voices = []
        for each in models:
            try:
                voices += await _voices(each)
            except ModelUnavailable:
                continue
        return VoiceList(voices=voices)

    return router


async def _voices(model: Model) -> list[VoiceObject]:
    capabilities = await model.capabilities()
    return [
        VoiceObject(id=v.id, name=v.name, model=model.name, languages=list(v.languages))
        for v in capabilities.voices
    ]
