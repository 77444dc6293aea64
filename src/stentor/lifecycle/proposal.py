"""Which models suit a machine and the languages that its owner speaks. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stentor.lifecycle.catalog import Offer, rank
from stentor.lifecycle.languages import covered, languages_of
from stentor_engine.loader import Declaration

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
    "piper:many": 1.5,
    "faster-whisper": 2.2,
    "chatterbox-turbo": 9.0,
    "chatterbox-multilingual": 10.0,
}
"""GiB that an engine takes with its environment and its weights, usual ones or those named."""


@dataclass(frozen=True)
class Machine:
    """GiB of a GPU that others leave, of the one where that is most (0: there is none); of memory;
    and free where the data folder is.
    """

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

    @property
    def disk(self) -> float:
        return DISK.get(self.name, DISK[self.engine])


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
    graphics = _chatterbox(machine, wanted, engines)
    ranked = [*graphics, *_kokoro(wanted, engines), *piper, _whisper(machine)]
    chosen, remarks, free = [], [], machine.disk - SPARE_DISK
    for choice in sorted(ranked, key=lambda each: each.disk):
        if choice.engine not in engines:
            continue
        if choice.disk > free:
            remarks.append(
                f"{choice.name} would take {choice.disk:.1f} GiB of disk, "
                f"and {max(0.0, free):.1f} are to spare"
            )
            continue
        free -= choice.disk
        chosen.append(choice)
    spoken = {
        tag
        for each in chosen
        if engines[each.engine].task == "speech"
        for tag in _able(each.engine, each.weights, wanted, engines)
    }
    remarks += [f"nothing better than espeak speaks {tag}" for tag in wanted if tag not in spoken]
    return Proposal(tuple(chosen), tuple(remarks))


def better(
    proposal: Proposal,
    offers: Collection[Offer],
    engines: Mapping[str, Declaration],
    wanted: Sequence[str] = (),
) -> tuple[Choice, ...]:
    """Those of a proposal that would do their work better than what is there, by `rank`."""
    return tuple(
        choice
        for choice in proposal.choices
        if _rank(choice, engines, wanted)
        > max(
            (
                rank(o.quality, o.languages, wanted)
                for o in offers
                if o.present and o.task == engines[choice.engine].task
            ),
            default=(-1, -1),
        )
    )


def _rank(
    choice: Choice, engines: Mapping[str, Declaration], wanted: Sequence[str]
) -> tuple[int, int]:
    declaration = engines[choice.engine]
    return rank(declaration.quality, languages_of(declaration, choice.weights), wanted)


def _able(
    engine: str, weights: str | None, wanted: Sequence[str], engines: Mapping[str, Declaration]
) -> tuple[str, ...]:
    """Those of the wanted languages that an engine says it knows."""
    known = languages_of(engines[engine], weights) if engine in engines else None
    return covered(wanted, known or ())


def _kokoro(wanted: Sequence[str], engines: Mapping[str, Declaration]) -> Iterator[Choice]:
    if able := _able("kokoro", None, wanted, engines):
        yield Choice("kokoro", None, f"natural speech in {', '.join(able)} on any CPU")


def _piper(wanted: Sequence[str], engines: Mapping[str, Declaration]) -> Iterator[Choice]:
    """For languages that Kokoro does not speak: one model for all that are wanted, if there is
    one, so that OpenAI's names can mean it; else a voice for each.
    """
    by_kokoro = _able("kokoro", None, wanted, engines)
    lacking = [tag for tag in wanted if tag not in by_kokoro]
    if lacking and len(wanted) > 1 and _able("piper", "many", wanted, engines) == tuple(wanted):
        yield Choice("piper", "many", f"quick, clear speech in {', '.join(wanted)} on any CPU")
        return
    voices = engines["piper"].weights if "piper" in engines else {}
    for tag in lacking:
        voice = next((name for name in voices if _able("piper", name, [tag], engines)), None)
        if voice is not None:
            yield Choice("piper", voice, f"quick, clear speech in {tag} on any CPU")


def _chatterbox(
    machine: Machine, wanted: Sequence[str], engines: Mapping[str, Declaration]
) -> Iterator[Choice]:
    if machine.gpu < ENOUGH_GPU:
        return
    if "en" in wanted:
        yield Choice("chatterbox-turbo", None, "expressive English and cloned voices on the GPU")
    others = [tag for tag in wanted if tag != "en"]
    if able := _able("chatterbox-multilingual", None, others, engines):
        why = f"cloned voices in {', '.join(able)} on the GPU"
        yield Choice("chatterbox-multilingual", None, why)


def _whisper(machine: Machine) -> Choice:
    if machine.gpu >= ENOUGH_GPU or machine.memory >= ENOUGH_MEMORY:
        return Choice("faster-whisper", "large-v3-turbo", "hears some 100 languages well")
    size = "small" if machine.memory >= LITTLE_MEMORY else "base"
    return Choice("faster-whisper", size, "hears some 100 languages, in little memory")
