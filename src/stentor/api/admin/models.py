"""`/api/models`: how they stand; loading and unloading them; creating and changing them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field
from starlette.responses import Response

from stentor.api.admin.state import ModelState, model_state
from stentor.config import ModelConfig
from stentor.live_config import LiveConfig
from stentor.routing.models import Model, Models

UNLOAD_TIMEOUT = 30.0


class NewModel(ModelConfig):
    """A model as in the configuration, with its name."""

    name: str = Field(min_length=1, max_length=200)


class Unload(BaseModel):
    timeout: float = Field(UNLOAD_TIMEOUT, ge=0, le=3600)
    """Seconds for its running requests to end in; then they are cut off."""


class ModelStates(BaseModel):
    models: list[ModelState]


def models_router(models: Models, live: LiveConfig) -> APIRouter:
    router = APIRouter(tags=["admin"])

    def state(model: Model) -> ModelState:
        return model_state(model, kept=model.name in live.kept())

    @router.get("/api/models")
    async def list_models() -> ModelStates:
        kept = live.kept()
        return ModelStates(models=[model_state(m, kept=m.name in kept) for m in models])

    @router.post("/api/models", status_code=201)
    async def create(new: NewModel) -> ModelState:
        """A model that is kept. Kinds of backends that run commands are for the file alone."""
        given = new.model_dump(exclude={"name"}, exclude_unset=True)
        live.put(new.name, ModelConfig.model_validate(given), new=True)
        return state(models.find(new.name))

    @router.post("/api/models/{name:path}/load")
    async def load(name: str) -> ModelState:
        """Answers when it is loaded."""
        model = models.find(name)
        await model.load()
        return state(model)

    @router.post("/api/models/{name:path}/unload")
    async def unload(name: str, how: Annotated[Unload | None, Body()] = None) -> ModelState:
        """Answers when nothing of it runs any more. The next request loads it again."""
        return state(await models.unload(name, timeout=(how or Unload()).timeout))

    @router.get("/api/models/{name:path}")
    async def one_model(name: str) -> ModelState:
        return state(models.find(name))

    @router.put("/api/models/{name:path}")
    async def change(name: str, model: ModelConfig) -> ModelState:
        """Creates it, or puts this in the place of what was kept under its name. Requests that run
        end as they began.
        """
        live.put(name, model)
        return state(models.find(name))

    @router.delete("/api/models/{name:path}", status_code=204)
    async def delete(name: str) -> Response:
        live.delete(name)
        return Response(status_code=204)

    return router
