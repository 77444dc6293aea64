"""What of an import can be served: the rest becomes comments, so that the file always loads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from stentor.cli.imports.tree import Backend, Imported, ImportedModel, Note, Table, lost

Refusal = Callable[[Table], str]
"""Why a backend of these keys cannot be served; empty: it can."""


def settled(found: Imported, refusal: Refusal) -> Imported:
    """With the backends refused that cannot be served, and each name meaning one model only."""
    models = [_settled(model, refusal) for model in found.models]
    taken = {model.name for model in models}
    return replace(found, models=tuple(_unique(models, taken)))


def live(model: ImportedModel) -> bool:
    """Whether anything of it can be served."""
    return any(not backend.refused for backend in model.backends)


def told(found: Imported) -> Iterator[str]:
    """A line for all that is not carried over, with its place."""
    for note in found.notes:
        if note.lost:
            yield note.text
    for section in found.sections:
        yield from (f"{section.name}: {note.text}" for note in section.notes if note.lost)
    for model in found.models:
        for note in (*model.notes, *(note for each in model.backends for note in each.notes)):
            if note.lost:
                yield f"{model.name}: {note.text}"
        for each in model.backends:
            if each.refused:
                yield f"{model.name}: a backend is only a comment: {each.refused}"


def _settled(model: ImportedModel, refusal: Refusal) -> ImportedModel:
    def tried(backend: Backend) -> Backend:
        return replace(backend, refused=backend.refused or refusal(backend.keys))

    return replace(model, backends=tuple(tried(backend) for backend in model.backends))


def _unique(models: list[ImportedModel], taken: set[str]) -> Iterator[ImportedModel]:
    for model in models:
        aliases = model.keys.get("aliases")
        if not isinstance(aliases, list):
            yield model
            continue
        free = [each for each in dict.fromkeys(aliases) if each not in taken]
        clash = [each for each in aliases if each in taken]
        taken.update(free)
        keys = {**model.keys, "aliases": free}
        notes: tuple[Note, ...] = tuple(
            lost(f"alias {each}: another model's name") for each in clash
        )
        yield replace(model, keys=keys, notes=(*model.notes, *notes))
