"""Voice Stack: the variables of its .env file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stentor.cli.imports.keys import Keys
from stentor.cli.imports.tree import (
    Backend,
    Imported,
    ImportedModel,
    Note,
    Section,
    Value,
    lost,
)
from stentor.cli.imports.voice_stack_keys import ASIDE, SAME, WITHOUT

SOURCE = "Voice Stack"
DEVICES = {"cpu": "cpu", "cuda": "cuda", "mps": "mps", "auto": "auto"}
LISTENERS = {
    "fasterwhisper": "faster-whisper",
    "faster-whisper": "faster-whisper",
    "whisper": "whisper",
}
OPTIONS = {
    "ASR_TRANSCRIBE_BEAM_SIZE": ("beam_size", 1, 20),
    "ASR_CPU_THREADS": ("threads", 0, 64),
}
"""Of both listeners, with the least and the most that they take."""
COMPUTES = {
    kind: kind for kind in ("int8", "int8_float16", "int8_float32", "int16", "float16", "float32")
}
LEVELS = {level: level for level in ("debug", "info", "warning", "error")} | {
    "trace": "debug",
    "warn": "warning",
    "critical": "error",
}
XTTS = "tts_models/multilingual/multi-dataset/xtts_v2"
LOOPBACK = ("127.0.0.1", "localhost", "::1")

Engines = Mapping[str, Sequence[str]]


def imported(env: Mapping[str, str], engines: Engines) -> Imported:
    """`env`: of the file; `engines`: those that Stentor has, with the kinds of device that each
    runs on.
    """
    keys = Keys(env)
    asked = {key.partition("_")[0] for key in env if key not in ASIDE}
    sections = _server(keys)
    models = [_asr(keys, engines)] if "ASR" in asked else []
    models += [_tts(keys, engines)] if "TTS" in asked else []
    same = [key for key, values in SAME.items() if env.get(key, "").lower() in values]
    keys.drop(same, "as it is here", missed=False)
    for without in WITHOUT:
        keys.drop(without.names, without.why, missed=without.missed)
    gateway = [key for key in env if key.startswith("GATEWAY_")]
    keys.drop(gateway, "Stentor speaks and listens, and asks no agent")
    return Imported(SOURCE, sections, tuple(models), keys.end())


def _server(keys: Keys) -> tuple[Section, ...]:
    made: dict[str, Value] = {}
    notes = []
    if (host := keys.text("HOST")) is not None:
        made["host"] = host
        if host not in LOOPBACK:
            notes.append(lost(f"HOST {host} is served with a key only: set STENTOR_API_KEY"))
    notes += _port(keys, made)
    origins = [each.strip() for each in (keys.text("CORS_ORIGINS") or "").split(",")]
    if any(origins):
        made["cors_origins"] = [each for each in origins if each]
    if (upload := keys.whole("MAX_UPLOAD_SIZE_MB", least=1)) is not None:
        made["max_upload_mb"] = upload
    if (level := keys.chosen("LOG_LEVEL", LEVELS)) is not None:
        made["log_level"] = level
    return (Section("server", made, tuple(notes)),) if made else ()


def _port(keys: Keys, made: dict[str, Value]) -> list[Note]:
    """Its services have one each; Stentor has one."""
    mode = keys.chosen("SERVICE_MODE", {mode: mode for mode in ("asr", "tts", "gateway")})
    ports = {name: keys.whole(name, most=65535) for name in ("ASR_PORT", "TTS_PORT")}
    given = {name: port for name, port in ports.items() if port is not None}
    if not given:
        return []
    wanted = f"{mode}_PORT".upper()
    chosen = wanted if wanted in given else next(iter(given))
    made["port"] = port = given.pop(chosen)
    others = [lost(f"{name} {other}: all is at one port, {port}") for name, other in given.items()]
    return [Note(f"port is {chosen}"), *others]


def _asr(keys: Keys, engines: Engines) -> ImportedModel:
    engine = keys.chosen("ASR_ENGINE", LISTENERS) or "faster-whisper"
    weights = keys.text("ASR_MODEL") or "base"
    made, notes = _engine(engine, keys, "ASR", engines)
    options = _options(keys, engine)
    backend = Backend({**made, "options": options} if options else made, notes)
    idle = _idle(keys, "ASR")
    if "/" in weights or "\\" in weights:  # a folder, or a hub id: no name to ask for
        return ImportedModel("whisper", {"weights": weights, **idle}, (backend,))
    known: dict[str, Value] = {"aliases": [weights], "weights": weights}
    return ImportedModel(f"whisper-{weights}", {**known, **idle}, (backend,))


def _options(keys: Keys, engine: str) -> dict[str, str | int | float | bool]:
    options: dict[str, str | int | float | bool] = {}
    for name, (option, least, most) in OPTIONS.items():
        if (number := keys.whole(name, least, most)) is not None:
            options[option] = number
    computes = keys.chosen("ASR_COMPUTE_TYPE", COMPUTES) if engine == "faster-whisper" else None
    return options if computes is None else {**options, "compute_type": computes}


def _tts(keys: Keys, engines: Engines) -> ImportedModel:
    keys.chosen("TTS_ENGINE", {"coqui": "xtts-v2"})
    weights = keys.text("TTS_MODEL") or XTTS
    made, notes = _engine("xtts-v2", keys, "TTS", engines)
    idle = _idle(keys, "TTS")
    if weights != XTTS:
        refused = f"no engine speaks with {weights}"
        return ImportedModel(weights, idle, (Backend(made, notes, refused),))
    return ImportedModel("xtts-v2", {"aliases": ["xtts_v2", XTTS], **idle}, (Backend(made, notes),))


def _engine(
    engine: str, keys: Keys, part: str, engines: Engines
) -> tuple[dict[str, Value], tuple[Note, ...]]:
    made: dict[str, Value] = {"kind": "engine", "engine": engine}
    notes = []
    device = keys.chosen(f"{part}_DEVICE", DEVICES) or "auto"
    if device in (*engines.get(engine, DEVICES), "auto"):
        made["device"] = device
    else:
        notes.append(
            lost(f"{part}_DEVICE {device}: {engine} does not run on it; auto takes the best")
        )
    if (parallel := keys.whole(f"{part}_MAX_CONCURRENT_REQUESTS", least=1)) is not None:
        made["max_parallel"] = parallel
    return made, tuple(notes)


def _idle(keys: Keys, part: str) -> dict[str, Value]:
    """0 minutes keep a model loaded there."""
    minutes = keys.whole(f"{part}_IDLE_TIMEOUT_MINUTES")
    if minutes is None:
        return {}
    return {"idle_timeout": f"{minutes}m" if minutes else "never"}
