"""Which models suit a machine and the languages that its owner speaks. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stentor.lifecycle.catalog import Offer
from stentor_engine.loader import Declaration

KOKORO = frozenset({"en", "es", "fr", "hi", "it", "ja", "pt", "zh"})
CHATTERBOX = frozenset(
    [
        "ar",
        "da",
        "de",
        "el",
        "en",
        "es",
        "fi",
        "fr",
        "he",
        "hi",
        "it",
        "ja",
        "ko",
        "ms",
        "nl",
        "no",
        "pl",
        "pt",
        "ru",
        "sv",
        "sw",
        "tr",
        "zh",
    ]
)
"""Languages of Kokoro's voices, and of the multilingual Chatterbox."""
ENOUGH_GPU = 6.0
"""GiB of a GPU that Chatterbox needs beside what else is on it."""
ENOUGH_MEMORY = 6.0
"""GiB of memory with which a CPU hears with Whisper's large-v3-turbo; with less, `small`."""
LITTLE_MEMORY = 3.0
"""GiB below which `base` is all that fits."""
SPARE_DISK = 2.0
"""GiB that stay free."""
DISK = {
    "kokoro": 0.7,
    "piper": 0.4,
    "faster-whisper": 2.2,
    "chatterbox-turbo": 9.0,
    "chatterbox-multilingual": 10.0,
}
"""GiB that an engine takes with its environment and its weights."""


@dataclass(frozen=True)
class Machine:
    """GiB of the largest GPU (0: none), of memory, and free where the data folder is."""

    gpu: float
    memory: float
    disk: float


@dataclass(frozen=True)
class Choice:
    """An engine to pull. `weights`: one of its short names; None: its usual ones."""

    engine: str
    weights: str | None
    why: str

    @property
    def name(self) -> str:
        """As `stentor models pull` takes it."""
        return f"{self.engine}:{self.weights}" if self.weights else self.engine


@dataclass(frozen=True)
class Proposal:
    choices: tuple[Choice, ...]
    remarks: tuple[str, ...]
    """What was left out, and why; languages that nothing speaks."""


def propose(
    machine: Machine, languages: Collection[str], engines: Mapping[str, Declaration]
) -> Proposal:
    """`languages`: primary tags as `en`; none: English. Only engines that there are."""
    wanted = sorted(set(languages) or {"en"})
    piper = _piper(wanted, engines)
    ranked = [*_chatterbox(machine, wanted), *_kokoro(wanted), *piper, _whisper(machine)]
    chosen, remarks, free = [], [], machine.disk - SPARE_DISK
    for choice in sorted(ranked, key=lambda each: DISK[each.engine]):
        if choice.engine not in engines:
            continue
        if DISK[choice.engine] > free:
            remarks.append(
                f"{choice.name} would take {DISK[choice.engine]:.1f} GiB of disk, "
                f"and {max(0.0, free):.1f} are to spare"
            )
            continue
        free -= DISK[choice.engine]
        chosen.append(choice)
    spoken = {tag for tag in wanted if _is_spoken(tag, chosen)}
    remarks += [f"nothing better than espeak speaks {tag}" for tag in wanted if tag not in spoken]
    return Proposal(tuple(chosen), tuple(remarks))


def better(
    proposal: Proposal, offers: Collection[Offer], engines: Mapping[str, Declaration]
) -> tuple[Choice, ...]:
    """Those of a proposal that would do their work better than what is there."""
    return tuple(
        choice
        for choice in proposal.choices
        if engines[choice.engine].quality
        > max(
            (o.quality for o in offers if o.present and o.task == engines[choice.engine].task),
            default=-1,
        )
    )


def _kokoro(wanted: Sequence[str]) -> Iterator[Choice]:
    if able := [tag for tag in wanted if tag in KOKORO]:
        yield Choice("kokoro", None, f"natural speech in {', '.join(able)} on any CPU")


def _piper(wanted: Sequence[str], engines: Mapping[str, Declaration]) -> Iterator[Choice]:
    """A voice for each language that Kokoro does not speak."""
    voices = engines["piper"].weights if "piper" in engines else {}
    for tag in wanted:
        voice = next((name for name in voices if name.partition("_")[0] == tag), None)
        if tag not in KOKORO and voice is not None:
            yield Choice("piper", voice, f"quick, clear speech in {tag} on any CPU")


def _chatterbox(machine: Machine, wanted: Sequence[str]) -> Iterator[Choice]:
    if machine.gpu < ENOUGH_GPU:
        return
    if "en" in wanted:
        yield Choice("chatterbox-turbo", None, "expressive English and cloned voices on the GPU")
    if others := [tag for tag in wanted if tag != "en" and tag in CHATTERBOX]:
        why = f"cloned voices in {', '.join(others)} on the GPU"
        yield Choice("chatterbox-multilingual", None, why)


def _whisper(machine: Machine) -> Choice:
    if machine.gpu >= ENOUGH_GPU or machine.memory >= ENOUGH_MEMORY:
        return Choice("faster-whisper", "large-v3-turbo", "hears some 100 languages well")
    size = "small" if machine.memory >= LITTLE_MEMORY else "base"
    return Choice("faster-whisper", size, "hears some 100 languages, in little memory")


def _is_spoken(tag: str, chosen: Sequence[Choice]) -> bool:
    return any(
        (choice.engine == "kokoro" and tag in KOKORO)
        or (choice.engine == "piper" and (choice.weights or "").startswith(f"{tag}_"))
        or (choice.engine == "chatterbox-turbo" and tag == "en")
        or (choice.engine == "chatterbox-multilingual" and tag in CHATTERBOX)
        for choice in chosen
    )
