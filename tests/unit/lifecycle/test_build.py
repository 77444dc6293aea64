"""What uv is asked for, to build an engine's environment, and by whom."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from stentor.lifecycle.environments.build import FROM_PYTORCH, REGISTRY, build, heard, resolving
from stentor.lifecycle.environments.environment import Environment
from stentor.lifecycle.environments.script import Script, read_script
from stentor.storage.locks import PARTIAL, is_free
from tests.wait import until_async

ENGINES = Path(__file__).parents[3] / "engines"
FILES = 30_000
"""So many are not taken away at once."""
NEWER = "2026-11-01T00:00:00Z"


def test_what_pytorchs_own_registry_has_is_not_bound_in_time() -> None:
    asked = resolving(Script(("torch==2.8.0",), exclude_newer=NEWER), "cu128")
    assert asked[:4] == ["--torch-backend", "cu128", "--exclude-newer", NEWER]
    assert "--exclude-newer-package=torch=false" in asked
    assert len(asked) == 4 + len(FROM_PYTORCH)


def test_a_registry_that_tells_times_is_bound_whole() -> None:
    assert resolving(Script(("torch",), exclude_newer=NEWER), REGISTRY) == [
        "--exclude-newer",
        NEWER,
    ]


def test_without_a_bound_nothing_is_excluded() -> None:
    assert resolving(Script(("torch",)), "auto") == ["--torch-backend", "auto"]


@pytest.mark.parametrize("file", sorted(ENGINES.glob("*.py")), ids=lambda file: file.stem)
def test_an_engine_that_names_pytorch_names_its_version(file: Path) -> None:
    """Nothing else keeps it from changing."""
    named = [each for each in read_script(file.read_text()).dependencies if "torch" in each]
    assert all("==" in each for each in named)


@pytest.mark.anyio
async def test_several_who_want_one_environment_make_it_once(tmp_path: Path) -> None:
    place = Environment(tmp_path / "environments" / "one")
    heard: list[str] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(
                build(place, Script(()), torch=REGISTRY, timeout=100, told=heard.append)
            )
    assert place.ready
    assert heard.count("another process installs it: waiting for that") == 2
    assert sum(line.startswith("Installed ") for line in heard) == 1


@pytest.mark.anyio
async def test_one_that_is_given_up_keeps_its_lock_while_it_deletes(tmp_path: Path) -> None:
    """Or the next one would build where files are still taken away."""
    place = Environment(tmp_path / "environments" / "one")
    left = place.folder.with_name(f"one{PARTIAL}")
    left.mkdir(parents=True)
    for number in range(FILES):
        (left / str(number)).touch()
    building = asyncio.create_task(
        build(place, Script(()), torch=REGISTRY, timeout=100, told=lambda line: None)
    )
    await until_async(lambda: len(os.listdir(left)) < FILES, "it takes away what was left")
    assert left.exists()
    building.cancel()
    await asyncio.wait([building])
    assert building.cancelled()
    assert not left.exists()
    assert is_free(place.folder.parent, "one")


@pytest.mark.anyio
async def test_its_last_words_need_no_end() -> None:
    output, told = asyncio.StreamReader(), list[str]()
    output.feed_data(b"one\ntwo\nerror: last wo")
    output.feed_data(b"rds")
    output.feed_eof()
    assert (await heard(output, told.append)).splitlines()[-1] == "error: last words"
    assert told == ["one", "two", "error: last words"]
