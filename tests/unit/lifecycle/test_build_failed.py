"""What is said of an environment that uv could not build."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stentor.lifecycle.environments.build import BuildFailed, build
from stentor.lifecycle.environments.environment import Environment
from stentor.lifecycle.environments.script import Script
from stentor.storage.locks import LOCKS

pytestmark = pytest.mark.anyio

NOBODY = "http://127.0.0.1:9"
"""Refuses at once."""


@pytest.mark.parametrize(
    ("address", "advice"),
    [
        (f"{NOBODY}/simple/", "the registry of packages is not reached: UV_DEFAULT_INDEX names"),
        (f"{NOBODY}/whl/cpu/", 'torch = "registry" in [engines] takes'),
    ],
)
async def test_a_registry_that_is_not_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, advice: str
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", address)
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    heard: list[str] = []
    place = Environment(tmp_path / "environments" / "one")
    with pytest.raises(BuildFailed) as failed:
        script = Script(("no-such-package",))
        await asyncio.wait_for(
            build(place, script, torch="registry", timeout=60, told=heard.append), 60
        )
    assert str(failed.value).startswith("its environment cannot be built: error: ")
    assert advice in failed.value.advice
    assert any(line.startswith("error: ") for line in heard)
    assert not any(line.startswith("Activate with") for line in heard)
    assert [path.name for path in place.folder.parent.iterdir()] == [LOCKS]
