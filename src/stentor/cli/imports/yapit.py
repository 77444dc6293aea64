"""Yapit: its tts_processors.json, of the workers that its gateway sends texts to."""

from __future__ import annotations

from collections.abc import Collection

from stentor.cli.imports.keys import Keys, engine_named, shown
from stentor.cli.imports.tree import Backend, Imported, ImportedModel, Note, Value, lost

SOURCE = "Yapit"
PLACES = ("backend", "overflow")
"""Where the newer form has processors: the first one, and the one for jobs that waited."""
LOCAL = "localprocessor"
RUNPOD = "runpodprocessor"
"""Names of classes, whose case has changed."""
KEY = "RUNPOD_API_KEY"


def imported(data: object, engines: Collection[str]) -> Imported:
    """`data`: of the file; `engines`: names of those that Stentor has. Raises ValueError."""
    if not isinstance(data, list):
        raise ValueError("tts_processors.json of Yapit is a list")
    models: dict[str, ImportedModel] = {}
    notes = []
    for item in data:
        entry = Keys(item if isinstance(item, dict) else {})
        if (name := entry.text("slug") or entry.text("model")) is None:
            notes.append(lost(f"a processor without a slug: {shown(item)}"))
            continue
        models[name] = _joined(models.get(name), _model(name, entry, engines))
    return Imported(SOURCE, models=tuple(models.values()), notes=tuple(notes))


def _joined(old: ImportedModel | None, new: ImportedModel) -> ImportedModel:
    """Processors of one slug take texts from one queue."""
    if old is None:
        return new
    backends, notes = (*old.backends, *new.backends), (*old.notes, *new.notes)
    return ImportedModel(new.name, new.keys, backends, notes)


def _model(name: str, entry: Keys, engines: Collection[str]) -> ImportedModel:
    if entry.chosen("mode", {"server": "server"}) is None and entry.notes:
        entry.notes.append(lost("it is spoken here, on the server"))
    entry.drop(("adapter",), "the worker's own", missed=False)
    inner = [(place, found) for place in PLACES if (found := entry.table(place)) is not None]
    engine = engine_named(name, engines)
    backends = [_backend(place, keys, engine) for place, keys in inner]
    if "processor" in entry or not inner:
        backends.append(_backend("", entry, engine))
    return ImportedModel(name, {}, tuple(backends), entry.end())


def _backend(place: str, entry: Keys, engine: str | None) -> Backend:
    kind = (entry.text("processor") or "").rpartition(".")[2]
    parallel = entry.whole("max_parallel", least=1)
    keys: dict[str, Value]
    instead: tuple[Note, ...] = ()
    if kind.lower() == RUNPOD:
        keys, refused = _runpod(entry)
    elif kind.lower() == LOCAL:
        keys, refused, instead = _local(entry, engine)
    else:
        keys, refused = {}, f'no kind of backend is the equal of processor "{shown(kind)}"'
    if keys and parallel is not None:
        keys["max_parallel"] = parallel
    late = (Note("Yapit sends jobs here that waited; Stentor, when those before fail"),)
    notes = (*(late if place == "overflow" else ()), *instead, *(entry.end() if place else ()))
    return Backend(keys, notes, refused)


def _runpod(entry: Keys) -> tuple[dict[str, Value], str]:
    endpoint = entry.text("runpod_endpoint_id") or ""
    keys: dict[str, Value] = {"kind": "runpod", "endpoint_id": endpoint, "api_key_env": KEY}
    return keys, "" if endpoint else "it names no endpoint"


def _local(entry: Keys, engine: str | None) -> tuple[dict[str, Value], str, tuple[Note, ...]]:
    """Where Stentor has the engine, that speaks in the worker's place."""
    url = entry.text("worker_url") or ""
    unknown = f"the worker at {url} answers POST /synthesize, which no kind of backend speaks"
    if engine is None:
        return {"kind": "openai", "url": url}, unknown, ()
    instead = lost(f"{unknown}: Stentor's own engine speaks in its place")
    return {"kind": "engine", "engine": engine}, "", (instead,)
