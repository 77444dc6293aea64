"""Weights that are not to be had are told of at once, and what to do."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from tests.hub import Hub
from tests.scenarios.weights.machine import FILES, LICENCE, Machine


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("maker/nothing", "does not exist, or is private"),
        ("maker/model@v9", "has no such revision"),
        ("huge", "knows no weights 'huge': give usual, small"),
    ],
)
def test_what_is_not_there(weights: str, said: str, machine: Machine) -> None:
    text = (machine.folder / "stentor.toml").read_text()
    text = text.replace('weights = "small"', f'weights = "{weights}"')
    (machine.folder / "stentor.toml").write_text(text)
    pulled = machine.run("pull", "small")
    assert pulled.returncode == 1
    assert said in pulled.stderr


def test_a_gated_repository(machine: Machine, hub: Hub) -> None:
    hub.add("maker/model", FILES, gated=True)
    refused = machine.run("pull", "reading")
    assert refused.returncode == 1
    assert (
        "is gated: ask for access on its page, then give your token in HF_TOKEN" in refused.stderr
    )
    assert f"{hub.url}/maker/model" in refused.stderr
    wrong = machine.run("pull", "reading", HF_TOKEN="hf_wrong")
    assert wrong.returncode == 1
    assert "refuses your token" in wrong.stderr
    assert "hf_wrong" not in wrong.stderr
    hub.asked.clear()
    assert machine.run("pull", "reading", HF_TOKEN=hub.token).returncode == 0
    machine.whole()
    # The token is for the hub, not for where its files lie or for anybody else.
    others = [each for each in hub.asked if "/store/" in each.path or "/files/" in each.path]
    assert others
    assert {each.token for each in others} == {None}
    assert {each.token for each in hub.asked if each not in others} == {hub.token}


def test_a_token_file(machine: Machine, hub: Hub) -> None:
    hub.add("maker/model", FILES, gated=True)
    (machine.folder / "hf").mkdir()
    (machine.folder / "hf" / "token").write_text(f"{hub.token}\n")
    assert machine.run("pull", "reading").returncode == 0
    machine.whole()


def test_offline(machine: Machine, hub: Hub) -> None:
    refused = machine.run("pull", "reading", HF_HUB_OFFLINE="1")
    assert refused.returncode == 1
    assert "HF_HUB_OFFLINE is set" in refused.stderr
    assert hub.asked == []


def test_a_licence_is_accepted_first(machine: Machine, hub: Hub) -> None:
    machine.declare(more=f', licence="{LICENCE}"')
    refused = machine.run("pull", "reading")
    assert refused.returncode == 1
    assert LICENCE in refused.stderr
    assert "stentor models pull reading --accept-licence" in refused.stderr
    assert hub.asked == []
    accepted = machine.run("pull", "reading", "--accept-licence")
    assert accepted.returncode == 0
    assert f"accepted: {LICENCE}" in accepted.stderr
    told = json.loads((machine.data / "licences.json").read_text())["accepted"]
    assert list(told) == [LICENCE]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", told[LICENCE])
    shutil.rmtree(machine.whole())
    assert machine.run("pull", "reading").returncode == 0
    assert LICENCE in machine.run("info", "reading").stdout


def test_no_room_for_what_is_to_come(machine: Machine, hub: Hub) -> None:
    hub.repositories["maker/model"].sizes["model.bin"] = 2**60
    refused = machine.run("pull", "reading")
    assert refused.returncode == 1
    assert re.search(r"the disk has \d+ MiB free, and \d+ MiB are to be fetched", refused.stderr)
    assert hub.sent == 0
