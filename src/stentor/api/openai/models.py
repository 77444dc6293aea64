"""`GET /v1/models` and `/v1/models/{id}`: models and their aliases, each as a model; and the list
of those that speak, `GET /v1/audio/models`, as Open WebUI asks for it. Nothing is started for it.
"""

from __future__ import annotations

import time
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from stentor.routing.models import Model, Models
from stentor_engine.contract import Task


class ModelObject(BaseModel):
    """OpenAI's fields, then our own."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "stentor"

    task: Task | None
    """None: not known before the model was started."""
    languages: list[str]
    """Empty: not known, or not before the model was started."""
    alias_of: str | None


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelObject]


class ModelId(BaseModel):
    id: str


class SpeechModelList(BaseModel):
    models: list[ModelId]


def models_router(models: Models) -> APIRouter:
    router = APIRouter(tags=["models"])
    created = int(time.time())

    def described(name: str, model: Model) -> ModelObject:
        original = name == model.name
        return ModelObject(
            id=name,
            created=created,
            owned_by="stentor" if original else f"alias of {model.name}",
            task=model.task,
            languages=list(model.known.languages) if model.known else [],
            alias_of=None if original else model.name,
        )

    @router.get("/v1/models")
    async def list_models() -> ModelList:
        return ModelList(data=[described(name, model) for name, model in models.by_name.items()])

    @router.get("/v1/models/{name:path}")
    async def get_model(name: str) -> ModelObject:
        return described(name, models.find(name))

    @router.get("/v1/audio/models")
    async def list_speech_models() -> SpeechModelList:
        """Models that speak, and those of which nothing is known yet."""
        able = [n for n, model in models.by_name.items() if model.task in ("speech", None)]
        return SpeechModelList(models=[ModelId(id=name) for name in able])

    return router
