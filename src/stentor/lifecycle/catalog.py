"""Which engines there are, and which model each of OpenAI's names means."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import stentor
from stentor.lifecycle.languages import covered, languages_of
from stentor_engine.contract import Task
from stentor_engine.loader import Declaration, engine_declarations, engine_names

OPENAI_MODELS: Mapping[Task, tuple[str, ...]] = {
    "speech": ("tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15"),
    "transcription": ("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"),
}
"""What clients of OpenAI's ask for. Not gpt-4o-transcribe-diarize: who asks for it wants to know
who speaks, and nothing here tells that."""


@dataclass(frozen=True)
class Offer:
    """A model as a choice sees it. `task`: None where only running it would tell."""

    model: str
    task: Task | None
    quality: int
    here: tuple[bool, ...] = (True,)
    """Of each of its backends whether all that it needs is on this machine."""
    languages: frozenset[str] | None = None
    """Those that it knows; None: not told."""

    @property
    def present(self) -> bool:
        """It could be started now."""
        return any(self.here)


def bundled_engines() -> Path:
    """The folder of engine files that came with Stentor: in its wheel, or in the checkout."""
    package = Path(stentor.__file__).parent
    installed = package / "bundled_engines"
    return installed if installed.is_dir() else package.parents[1] / "engines"


def find_engines(folders: Iterable[Path]) -> dict[str, Path]:
    """From engine names to files; a later folder's engine goes before an earlier one's."""
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.glob("*.py")):
            found.update(dict.fromkeys(engine_names(file), file))
    return found


def no_engine(engine: str, engines: Collection[str], folders: Iterable[Path]) -> str:
    """Why there is none of that name: which files and folders tell nothing, and which there are."""
    problems = [problem for folder in folders for problem in _problems(folder)]
    known = f"there are: {', '.join(sorted(engines))}"
    return "; ".join([f"there is no engine '{engine}'", *problems, known])


def twin(engine: str, file: Path) -> Path | None:
    """Another file of the same folder that has an engine of that name."""
    others = (each for each in sorted(file.parent.glob("*.py")) if each != file)
    return next((each for each in others if engine in engine_names(each)), None)


def _problems(folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        yield f"there is no folder {folder}"
    for file in sorted(folder.glob("*.py")):
        try:
            ast.parse(file.read_bytes())
        except SyntaxError as error:
            yield f"{file.name} is no Python: {error.msg} (line {error.lineno})"
        except (OSError, ValueError) as error:
            yield f"{file.name} cannot be read: {error}"
        else:
            if not engine_names(file):
                yield f"{file.name} has no engine whose `name` is a plain string"


def declared(engine: str, engines: Mapping[str, Path]) -> Declaration:
    """What the engine's file says of it; of an engine that is not there, only its name."""
    found = engine_declarations(engines[engine]) if engine in engines else ()
    return next((each for each in found if each.name == engine), Declaration(engine))


def offer(
    model: str,
    declarations: Sequence[Declaration],
    here: tuple[bool, ...] = (True,),
    *,
    weights: str | None = None,
) -> Offer:
    """Of a model, from what is known of its backends, in order of preference: the first one that
    tells its task speaks for all. A backend of which nothing is known is a `Declaration` without
    a task.
    """
    told = next((each for each in declarations if each.task is not None), Declaration(model))
    return Offer(model, told.task, told.quality, here, languages_of(told, weights))


def rank(quality: int, languages: Collection[str] | None, wanted: Sequence[str]) -> tuple[int, int]:
    """What is better ranks higher: who knows more of the wanted languages, of equals the quality
    counts.
    """
    return len(covered(wanted, languages)), quality


def openai_aliases(
    offers: Sequence[Offer], taken: Collection[str], wanted: Sequence[str] = ()
) -> dict[str, str]:
    """From OpenAI's names to models, for all names that are not `taken`: each means the best model
    of its task, by `rank`, of equals the first; one that is not present only where none is. A
    model whose task is not known gets none: its owner can give it any.
    """
    meanings: dict[str, str] = {}
    for task, names in OPENAI_MODELS.items():
        able = [each for each in offers if each.task == task]
        if able:
            best = max(able, key=lambda o: (o.present, rank(o.quality, o.languages, wanted)))
            meanings.update({name: best.model for name in names if name not in taken})
    return meanings
