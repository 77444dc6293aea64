"""`GET /v1/models` and `/v1/models/{id}`: models and their aliases, each as a model."""

from __future__ import annotations

import time
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from stentor.routing.models import Model, Models


class ModelObject(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "stentor"


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelObject]


def models_router(models: Models) -> APIRouter:
    router = APIRouter(prefix="/v1/models", tags=["models"])
    created = int(time.time())

    def described(name: str, model: Model) -> ModelObject:
        owner = "stentor" if name == model.name else f"alias of {model.name}"
        return ModelObject(id=name, created=created, owned_by=owner)

    @router.get("")
    async def list_models() -> ModelList:
        return ModelList(data=[described(name, model) for name, model in models.by_name.items()])

    @router.get("/{name:path}")
    async def get_model(name: str) -> ModelObject:
        return described(name, models.find(name))

    return router
