from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.lifecycle.catalog import Offer, bundled_engines, declared, find_engines
from stentor.lifecycle.proposal import SPARE_DISK, Machine, better, propose

FILES = find_engines([bundled_engines()])
ENGINES = {name: declared(name, FILES) for name in FILES}
LAPTOP = Machine(gpu=0, memory=16, disk=100)
GAMING = Machine(gpu=12, memory=32, disk=500)
SMALL = Machine(gpu=0, memory=2, disk=100)


@pytest.mark.parametrize(
    ("machine", "languages", "chosen"),
    [
        (LAPTOP, (), {"kokoro", "faster-whisper:large-v3-turbo"}),
        (GAMING, ("en",), {"kokoro", "faster-whisper:large-v3-turbo", "chatterbox-turbo"}),
        (
            GAMING,
            ("de",),
            {
                "piper:de_DE-thorsten-medium",
                "faster-whisper:large-v3-turbo",
                "chatterbox-multilingual",
            },
        ),
        (LAPTOP, ("de", "en"), {"kokoro", "piper:many", "faster-whisper:large-v3-turbo"}),
        (LAPTOP, ("en", "fr"), {"kokoro", "faster-whisper:large-v3-turbo"}),
        (SMALL, ("en",), {"kokoro", "faster-whisper:base"}),
        (Machine(gpu=4, memory=4, disk=9), ("en",), {"kokoro", "faster-whisper:small"}),
    ],
)
def test_what_suits(machine: Machine, languages: tuple[str, ...], chosen: set[str]) -> None:
    assert {choice.name for choice in propose(machine, languages, ENGINES).choices} == chosen


def test_a_language_that_nothing_speaks_is_told() -> None:
    assert any("cy" in remark for remark in propose(LAPTOP, ("cy",), ENGINES).remarks)


def test_what_finds_no_room_on_the_disk_is_told() -> None:
    proposal = propose(Machine(gpu=24, memory=64, disk=6), ("en",), ENGINES)
    assert {choice.engine for choice in proposal.choices} == {"kokoro", "faster-whisper"}
    assert any("chatterbox-turbo" in remark for remark in proposal.remarks)


@given(
    st.builds(Machine, st.floats(0, 200), st.floats(0.1, 1000), st.floats(0, 1000)),
    st.lists(st.sampled_from(["en", "de", "ja", "sw", "zh", "uk", "xx"]), max_size=4),
)
def test_a_proposal_fits_and_knows_its_engines(machine: Machine, languages: list[str]) -> None:
    proposal = propose(machine, languages, ENGINES)
    taken = sum(choice.disk for choice in proposal.choices)
    assert taken == 0 or taken <= machine.disk - SPARE_DISK
    for choice in proposal.choices:
        assert choice.weights is None or choice.weights in ENGINES[choice.engine].weights


def test_only_what_beats_what_is_here_is_better() -> None:
    proposal = propose(LAPTOP, (), ENGINES)
    espeak = Offer("espeak", "speech", ENGINES["espeak"].quality)
    kokoro = Offer("k", "speech", ENGINES["kokoro"].quality, here=(False,))
    names = [choice.engine for choice in better(proposal, [espeak, kokoro], ENGINES)]
    assert names == ["kokoro", "faster-whisper"]
    here = [Offer("k", "speech", ENGINES["kokoro"].quality), Offer("w", "transcription", 100)]
    assert better(proposal, here, ENGINES) == ()
