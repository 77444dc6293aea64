"""The local-ai manager: its models.json, of containers that are there or of model cards, and the
variables that it is started with.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from stentor.cli.imports.cards import card_model
from stentor.cli.imports.keys import Keys, shown
from stentor.cli.imports.tree import (
    Backend,
    Imported,
    ImportedModel,
    Note,
    Section,
    Value,
    lost,
)

SOURCE = "the local-ai manager"
INSIDE = 8000
"""Where the manager asks every container, whatever `port` says: that is the published one."""
READY = "/v1/models"
"""What the manager asks to learn whether a model is ready."""
SPEAKS = "tts"


def imported(data: object, env: Mapping[str, str], engines: Collection[str]) -> Imported:
    """`data`: of models.json; `engines`: names of those that Stentor has. Raises ValueError."""
    cards = data.get("models") if isinstance(data, dict) else None
    settings = Keys(env)
    always = settings.chosen("MODE", {"always-on": "always", "on-demand": ""}) == "always"
    if not isinstance(data, dict):
        raise ValueError("models.json of local-ai is an object")
    if isinstance(cards, list):
        models, notes = _cards(cards, settings, engines, always=always)
        notes += Keys({key: value for key, value in data.items() if key != "models"}).end()
    else:
        models, notes = _containers(data)
    models, unmeant = _with_aliases(models, settings.text("MODEL_ALIASES") or "")
    lifecycle = _lifecycle(settings, always=always, never=isinstance(cards, list))
    settings.drop(("MODELS_CONFIG_PATH",), "Stentor has one file, stentor.toml")
    settings.drop(("GAMING_MODE_ENABLED",), "Stentor can always be paused")
    return Imported(SOURCE, lifecycle, tuple(models), (*notes, *unmeant, *settings.end()))


def _lifecycle(settings: Keys, *, always: bool, never: bool) -> tuple[Section, ...]:
    """`never`: an idle timeout of 0 means so, not at once."""
    keys: dict[str, Value] = {}
    notes = []
    idle = settings.whole("IDLE_TIMEOUT")
    if always or (never and idle == 0):
        keys["idle_timeout"] = "never"
        notes.append(Note("MODE is always-on" if always else "IDLE_TIMEOUT is 0, which is never"))
    elif idle is not None:
        keys["idle_timeout"] = f"{idle}s"
        notes.append(Note("idle_timeout is IDLE_TIMEOUT"))
    if (start := settings.whole("START_TIMEOUT", least=1)) is not None:
        keys["start_timeout"] = f"{start}s"
        notes.append(Note("start_timeout is START_TIMEOUT"))
    return (Section("lifecycle", keys, tuple(notes)),) if keys else ()


def _containers(data: Mapping[str, object]) -> tuple[list[ImportedModel], list[Note]]:
    """From `{model: {container, port, type, keep_warm}}`."""
    models, notes = [], []
    for name, entry in data.items():
        if isinstance(entry, dict):
            models.append(_container(name, Keys(entry)))
        else:
            notes.append(lost(f"{shown(name)} is not an object, but {shown(entry)}"))
    return models, notes


def _container(name: str, entry: Keys) -> ImportedModel:
    container = entry.text("container")
    kind = entry.text("type") or "text"
    keys: dict[str, Value] = {"kind": "container", "port": INSIDE, "health": READY}
    if container:
        keys["name"] = container
    keys |= {"protocol": "openai", "task": "speech"} if kind == SPEAKS else {"protocol": "none"}
    notes = []
    if port := entry.whole("port", most=65535):
        notes.append(Note(f"{port} is published for {INSIDE}, where it listens inside"))
    if kind != SPEAKS:
        notes.append(Note(f'type "{kind}": reached as it is, under /upstream/{name}/'))
    warm: dict[str, Value] = {"keep_warm": True} if entry.flag("keep_warm") else {}
    refused = "" if container else "it names no container"
    return ImportedModel(name, warm, (Backend(keys, tuple(notes), refused),), entry.end())


def _cards(
    cards: Sequence[object], settings: Keys, engines: Collection[str], *, always: bool
) -> tuple[list[ImportedModel], list[Note]]:
    """From `[{id, type, hf_model, …}]`; the last one of an id counts, as it does there."""
    image, network = settings.text("VLLM_IMAGE"), settings.text("DOCKER_NETWORK")
    use = settings.text("GPU_MEMORY_UTILIZATION")
    default = settings.text("DEFAULT_MODEL")
    models: dict[str, ImportedModel] = {}
    notes = []
    for card in cards:
        entry = Keys(card if isinstance(card, dict) else {})
        if (name := entry.text("id")) is None:
            notes.append(lost(f"a model without an id: {shown(card)}"))
            continue
        if name in models:
            notes.append(lost(f"{shown(name)} is there twice; the last one counts"))
        made = card_model(name, entry, engines, image=image, network=network, use=use)
        models[name] = _warm(made) if always and name == default else made
    if default is not None and default not in models:
        notes.append(lost(f"DEFAULT_MODEL is none of the models: {shown(default)}"))
    return list(models.values()), notes


def _warm(model: ImportedModel) -> ImportedModel:
    keys = {**model.keys, "keep_warm": True}
    return ImportedModel(model.name, keys, model.backends, (*model.notes, Note("DEFAULT_MODEL")))


def _with_aliases(
    models: Sequence[ImportedModel], given: str
) -> tuple[list[ImportedModel], list[Note]]:
    """From `old=new,other=new`."""
    aliases: dict[str, list[str]] = {}
    notes = []
    names = {model.name for model in models}
    for pair in filter(None, (each.strip() for each in given.split(","))):
        alias, _, name = pair.partition("=")
        if alias and name in names:
            aliases.setdefault(name, []).append(alias)
        else:
            notes.append(lost(f"MODEL_ALIASES: {shown(pair)} names no model"))
    return [
        ImportedModel(m.name, {"aliases": aliases[m.name], **m.keys}, m.backends, m.notes)
        if m.name in aliases
        else m
        for m in models
    ], notes
