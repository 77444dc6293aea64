"""Which of the wanted languages a model knows, and what OpenAI's names mean then."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.lifecycle.catalog import (
    Offer,
    bundled_engines,
    declared,
    find_engines,
    offer,
    openai_aliases,
    rank,
)
from stentor.lifecycle.languages import Spoken, covered, languages_of
from stentor.lifecycle.proposal import Machine, better, propose
from stentor_engine import Weights
from stentor_engine.loader import Declaration

FILES = find_engines([bundled_engines()])
ENGINES = {name: declared(name, FILES) for name in FILES}
LAPTOP = Machine(gpu=0, memory=16, disk=100)
GAMING = Machine(gpu=24, memory=32, disk=500)
VOICES = Declaration(
    "voices",
    "speech",
    weights={"en_one": (Weights("hub/en"),), "de_one": (Weights("hub/de"),)},
    languages={"en_one": ("en",), "de_one": ("de",)},
)


def here(*named: tuple[str, str | None]) -> list[Offer]:
    """Of engines with weights, beside what the base install has."""
    all_of_it = [*named, ("espeak", None), ("pocketsphinx", None)]
    return [offer(engine, [ENGINES[engine]], weights=weights) for engine, weights in all_of_it]


def set_up(machine: Machine, wanted: Sequence[str]) -> list[Offer]:
    """After all of a proposal was pulled."""
    chosen = propose(machine, wanted, ENGINES).choices
    return here(*((choice.engine, choice.weights) for choice in chosen))


@pytest.mark.parametrize(
    ("declaration", "weights", "known"),
    [
        (Declaration("x"), None, None),
        (Declaration("x", languages=("de", "en")), "a/b", {"de", "en"}),
        (VOICES, None, {"en"}),
        (VOICES, "de_one", {"de"}),
        (VOICES, "~/voices", None),
    ],
)
def test_languages_of_an_engine(
    declaration: Declaration, weights: str | None, known: set[str] | None
) -> None:
    assert languages_of(declaration, weights) == known


def test_who_tells_nothing_is_taken_to_know_all() -> None:
    assert covered(("de", "en"), None) == ("de", "en")
    assert covered(("de", "nb", "pt"), {"no", "pt-BR"}) == ("nb", "pt")
    assert covered((), {"no"}) == ()


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"en"}, "speaks en, not de"),
        ({"en", "de"}, "speaks de, en"),
        ({"fr"}, "speaks none of de, en"),
        (None, "does not tell its languages; de, en are wanted"),
    ],
)
def test_in_words(known: set[str] | None, words: str) -> None:
    spoken = Spoken("speaks", ("de", "en"), None if known is None else frozenset(known))
    assert str(spoken) == words
    assert bool(spoken.lacking) == (known is not None and known != {"de", "en"})


@pytest.mark.parametrize(
    ("wanted", "offers", "meant"),
    [
        ((), here(("kokoro", None)), "kokoro"),
        (("en",), here(("kokoro", None)), "kokoro"),
        (("de",), here(("kokoro", None)), "espeak"),
        (("de", "en"), here(("kokoro", None), ("piper", "de_DE-thorsten-medium")), "espeak"),
        (("de", "en"), here(("chatterbox-turbo", None), ("xtts-v2", None)), "xtts-v2"),
        (("de", "en", "tlh"), here(("kokoro", None), ("zonos", None)), "zonos"),
        # Their quality settles it where both know as many, be it none.
        (("tlh",), here(("piper", None), ("kokoro", None)), "kokoro"),
    ],
)
def test_who_knows_most_of_the_wanted_languages_is_meant(
    wanted: tuple[str, ...], offers: list[Offer], meant: str
) -> None:
    assert openai_aliases(offers, (), wanted)["tts-1"] == meant


@pytest.mark.parametrize(
    ("machine", "wanted", "meant"),
    [
        (LAPTOP, ("en",), "kokoro"),
        (LAPTOP, ("de",), "piper"),
        (LAPTOP, ("de", "en"), "piper"),
        (LAPTOP, ("de", "hi"), "espeak"),
        (GAMING, ("en",), "chatterbox-turbo"),
        (GAMING, ("de", "en"), "chatterbox-multilingual"),
    ],
)
def test_after_a_setup_what_speaks_all_is_meant(
    machine: Machine, wanted: tuple[str, ...], meant: str
) -> None:
    named = openai_aliases(set_up(machine, wanted), (), wanted)
    assert named["tts-1"] == meant
    assert named["whisper-1"] == "faster-whisper"


@given(
    st.sampled_from([LAPTOP, GAMING]),
    st.lists(st.sampled_from(["en", "de", "ja", "sw", "uk", "cy"]), max_size=4, unique=True),
)
def test_after_a_setup_nothing_is_better(machine: Machine, wanted: list[str]) -> None:
    proposal = propose(machine, wanted, ENGINES)
    assert better(proposal, set_up(machine, wanted), ENGINES, wanted) == ()


def test_better_is_what_serves_the_wanted_languages() -> None:
    def names(*wanted: str) -> list[str]:
        choices = better(propose(LAPTOP, wanted, ENGINES), here(), ENGINES, wanted)
        return [choice.engine for choice in choices if choice.engine != "faster-whisper"]

    assert names() == ["kokoro"]
    assert names("de") == ["piper"]
    assert names("de", "en") == ["piper"]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 100),
            st.none() | st.frozensets(st.sampled_from(["en", "de", "fr"]), min_size=1),
        ),
        min_size=1,
    ),
    st.lists(st.sampled_from(["en", "de", "fr"]), unique=True),
)
def test_nobody_ranks_higher_than_who_is_meant(
    made: list[tuple[int, frozenset[str] | None]], wanted: list[str]
) -> None:
    offers = [Offer(str(at), "speech", q, languages=known) for at, (q, known) in enumerate(made)]
    meant = offers[int(openai_aliases(offers, (), wanted)["tts-1"])]
    most = max(len(covered(wanted, each.languages)) for each in offers)
    assert len(covered(wanted, meant.languages)) == most
    best = rank(meant.quality, meant.languages, wanted)
    assert all(rank(each.quality, each.languages, wanted) <= best for each in offers)
