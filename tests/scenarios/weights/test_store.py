"""What a store of weights does for those in its own process."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest

from stentor.errors import ModelUnavailable
from stentor.lifecycle.weights.fetch import Progress, Waiting
from stentor.lifecycle.weights.licences import Licences
from stentor.lifecycle.weights.remote import Patience
from stentor.lifecycle.weights.store import WeightsStore
from stentor.lifecycle.weights.wanted import Wanted
from stentor_engine.contract import Weights
from stentor_engine.loader import Declaration
from tests.hub import Hub
from tests.scenarios.weights.machine import EXTRA, contents
from tests.wait import until_async


def store(folder: Path, *, timeout: float = 60.0, **patience: Any) -> WeightsStore:
    patient = Patience(**{"pause": 0.001, **patience})
    licences = Licences(folder / "licences.json")
    return WeightsStore(folder / "weights", licences, timeout=timeout, patience=patient)


def begun(folder: Path) -> int:
    """Bytes of half a file."""
    return sum(part.stat().st_size for part in folder.rglob("*.part"))


def declared(hub: Hub, **more: Any) -> Declaration:
    """An engine with one file, from a plain address."""
    part = Weights(urls={"extra.bin": f"{hub.url}/files/extra"}, **more)
    return Declaration("e", weights={"usual": (part,)})


@pytest.mark.anyio
async def test_an_engine_gets_a_folder(tmp_path: Path, hub: Hub) -> None:
    weights, engine = store(tmp_path), declared(hub)
    with pytest.raises(ModelUnavailable, match=r"'m' are not here: stentor models pull m$"):
        await weights.folder("m", engine, None, may_fetch=False)
    folder = await weights.folder("m", engine, None, may_fetch=True)
    assert folder == await weights.folder("m", engine, "usual", may_fetch=False)
    assert folder is not None
    assert contents(Path(folder)) == {"extra.bin": EXTRA}
    assert await weights.folder("m", engine, str(tmp_path), may_fetch=False) == str(tmp_path)
    with pytest.raises(ModelUnavailable, match="'m' are not there: no folder nothing"):
        await weights.folder("m", engine, "./nothing", may_fetch=True)
    assert await weights.folder("m", Declaration("own"), "x y", may_fetch=False) == "x y"
    assert await weights.folder("m", Declaration("own"), None, may_fetch=False) is None


@pytest.mark.anyio
async def test_all_who_ask_share_one_fetch(tmp_path: Path, hub: Hub) -> None:
    """Two stores of one process too; whoever goes away takes nothing along."""
    hub.allow(100_000)
    weights, other = store(tmp_path), store(tmp_path)
    engine = declared(hub)
    asking = [
        asyncio.create_task(each.folder("m", engine, None, may_fetch=True))
        for each in (weights, weights, weights, other)
    ]
    await until_async(lambda: begun(tmp_path) > 50_000, "it is fetched")
    asking[0].cancel()
    await asyncio.wait([asking[0]])
    hub.allow(None)
    folders = await asyncio.gather(*asking[1:])
    assert len(set(folders)) == 1
    assert contents(Path(str(folders[0]))) == {"extra.bin": EXTRA}
    first, second = [each.range for each in hub.asked if each.method == "GET"]
    assert first is None
    assert second is not None  # from where the one that went away had come to


@pytest.mark.anyio
async def test_a_server_that_compresses(tmp_path: Path, hub: Hub) -> None:
    hub.compresses = True
    hub.files["extra"] = b"0123456789" * 10_000
    folder = await store(tmp_path).folder("m", declared(hub), None, may_fetch=True)
    assert contents(Path(str(folder))) == {"extra.bin": hub.files["extra"]}


@pytest.mark.anyio
async def test_it_is_told_how_far_it_is(tmp_path: Path, hub: Hub) -> None:
    heard: list[Progress | Waiting] = []
    (parts,) = declared(hub).weights.values()
    await store(tmp_path).pull("m", Wanted("usual", parts), heard.append)
    assert heard[0] == Progress("extra.bin", 0, len(EXTRA))
    assert heard[-1] == Progress("extra.bin", len(EXTRA), len(EXTRA))
    done = [each.done for each in heard if isinstance(each, Progress)]
    assert done == sorted(done)


@pytest.mark.anyio
@pytest.mark.parametrize("right", [True, False])
async def test_a_declared_checksum(right: bool, tmp_path: Path, hub: Hub) -> None:
    sha256 = hashlib.sha256(EXTRA if right else b"other").hexdigest()
    engine = declared(hub, sha256={"extra.bin": sha256.upper()})
    if right:
        assert await store(tmp_path).folder("m", engine, None, may_fetch=True)
        return
    with pytest.raises(ModelUnavailable, match=r"extra\.bin of 127\.0\.0\.1 is not what was"):
        await store(tmp_path).folder("m", engine, None, may_fetch=True)
    left = [path.name for path in (tmp_path / "weights").rglob("*") if path.is_file()]
    assert [name for name in left if name.endswith((".bin", ".part"))] == []


@pytest.mark.anyio
async def test_a_file_that_changes_in_between_is_not_mixed(tmp_path: Path, hub: Hub) -> None:
    hub.allow(100_000)
    weights, engine = store(tmp_path), declared(hub)
    asking = asyncio.create_task(weights.folder("m", engine, None, may_fetch=True))
    await until_async(lambda: begun(tmp_path) > 50_000, "it is fetched")
    asking.cancel()
    await asyncio.wait([asking])
    hub.allow(None)
    hub.files["extra"] = bytes(len(EXTRA))
    folder = await weights.folder("m", engine, None, may_fetch=True)
    assert contents(Path(str(folder))) == {"extra.bin": bytes(len(EXTRA))}


@pytest.mark.anyio
async def test_a_server_that_says_nothing_more(tmp_path: Path, hub: Hub) -> None:
    hub.allow(1000)
    weights = store(tmp_path, read=0.1, attempts=2)
    with pytest.raises(ModelUnavailable, match=r"extra\.bin cannot be fetched .*try again"):
        await weights.folder("m", declared(hub), None, may_fetch=True)
    hub.allow(None)
    folder = await store(tmp_path).folder("m", declared(hub), None, may_fetch=True)
    assert contents(Path(str(folder))) == {"extra.bin": EXTRA}


@pytest.mark.anyio
async def test_a_fetch_has_an_end(tmp_path: Path, hub: Hub) -> None:
    hub.allow(1000)
    with pytest.raises(ModelUnavailable, match=r"not fetched within 0\.2 s; what is here"):
        await store(tmp_path, timeout=0.2).folder("m", declared(hub), None, may_fetch=True)


@pytest.mark.anyio
async def test_nobody_is_there(tmp_path: Path, hub: Hub) -> None:
    part = Weights(urls={"extra.bin": "http://127.0.0.1:9/extra"})
    engine = Declaration("e", weights={"usual": (part,)})
    told = r"extra\.bin cannot be fetched \(http://127\.0\.0\.1:9 is not reached: .*: try again$"
    with pytest.raises(ModelUnavailable, match=told):
        await store(tmp_path).folder("m", engine, None, may_fetch=True)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "part",
    [
        Weights(urls={"../escaped": "http://127.0.0.1:9/x"}),
        Weights(urls={"x": "file:///etc/passwd"}),
        Weights(urls={"x": "http://127.0.0.1:9/x"}, folder="/tmp"),
    ],
)
async def test_what_would_lead_elsewhere(part: Weights, tmp_path: Path) -> None:
    engine = Declaration("e", weights={"usual": (part,)})
    with pytest.raises(ModelUnavailable, match="is no "):
        await store(tmp_path / "data").folder("m", engine, None, may_fetch=True)
