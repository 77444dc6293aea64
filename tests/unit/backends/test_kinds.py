from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from stentor.config import ContainerBackendConfig, EngineBackendConfig, ModelConfig

PROCESS = {"kind": "process", "command": ["x"]}


def read(backend: dict[str, Any]) -> Any:
    (only,) = ModelConfig.model_validate({"backends": [backend]}).backends
    return only


def test_what_names_no_kind_is_an_engine() -> None:
    assert isinstance(read({"engine": "espeak"}), EngineBackendConfig)


def test_a_model_survives_being_written_and_read() -> None:
    kinds = [{"engine": "espeak"}, PROCESS | {"task": "speech", "speed": [0.5, 2]}]
    model = ModelConfig.model_validate({"backends": kinds})
    assert ModelConfig.model_validate(model.model_dump(mode="json")) == model


def test_gpus_are_all_or_some() -> None:
    container = {"kind": "container", "image": "x", "protocol": "none"}
    for gpus in ("all", ["0", "1"], []):
        backend = read(container | {"gpus": gpus})
        assert isinstance(backend, ContainerBackendConfig)
        assert backend.gpus == gpus


@pytest.mark.parametrize(
    ("backend", "key"),
    [
        (PROCESS, "task"),
        (PROCESS | {"task": "singing"}, "task"),
        (PROCESS | {"task": "speech", "command": []}, "command"),
        (PROCESS | {"task": "speech", "speed": [2, 1]}, "speed"),
        (PROCESS | {"task": "speech", "speed": [0, 1]}, "speed"),
        (PROCESS | {"task": "speech", "engine": "espeak"}, "engine"),
        (PROCESS | {"protocol": "http"}, "protocol"),
        ({"kind": "container", "task": "speech"}, "image"),
        ({"kind": "container", "task": "speech", "image": "x", "gpus": "some"}, "gpus"),
        ({"kind": "box"}, "box"),
    ],
)
def test_mistakes_are_refused(backend: dict[str, Any], key: str) -> None:
    with pytest.raises(ValidationError, match=key):
        read(backend)
