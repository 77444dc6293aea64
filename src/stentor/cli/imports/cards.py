"""A model card of the newer local-ai manager, which makes a container of vLLM for each of them."""

from __future__ import annotations

from collections.abc import Collection

from stentor.cli.imports.keys import Keys, engine_named
from stentor.cli.imports.tree import Backend, ImportedModel, Note, Value, lost

IMAGE = "vllm/vllm-openai:latest"
CONTEXT = 4096
"""Tokens, where the card has no default."""
USE = "0.95"
"""Part of a GPU's memory that vLLM takes, where no variable tells."""
CACHE = "huggingface-cache:/root/.cache/huggingface"
WEIGHTS = "local-models:/models:ro"
TOLD = ("name", "description", "architecture", "license", "tags", "max_context")
"""What a card says to people."""
OF_IMAGE = (
    *("hf_model", "gguf_filename", "quantization", "vram_gb", "gpu_count", "default_context"),
    *("extra_args", "env_overrides", "volume_mounts", "vllm_image"),
)


def card_model(
    name: str,
    card: Keys,
    engines: Collection[str],
    *,
    image: str | None,
    network: str | None,
    use: str | None,
) -> ImportedModel:
    """A card of speech is Stentor's own engine, where it has one of that name."""
    kind, runtime = card.text("type") or "text", card.text("runtime") or "vllm"
    card.drop(TOLD, "said to people only", missed=False)
    if kind == "tts":
        backend = _engine(name, card, engines)
    elif (kind, runtime) == ("text", "vllm"):
        backend = _vllm(name, card, image or IMAGE, network, use or USE)
    else:
        why = f'type "{kind}", runtime "{runtime}": the card names no image that could serve it'
        backend = Backend({}, refused=why)
        card.drop(OF_IMAGE, "of no use without one", missed=False)
    return ImportedModel(name, {}, (backend,), card.end())


def _engine(name: str, card: Keys, engines: Collection[str]) -> Backend:
    weights = card.text("hf_model")
    measured = ("vram_gb", "gpu_count", "quantization", "default_context")
    card.drop(measured, "Stentor's engine tells", missed=False)
    engine = engine_named(name, engines)
    if engine is None:
        return Backend({}, refused="Stentor has no such engine, and the card names no container")
    notes = (Note(f"the card's weights are {weights}; the engine has its own"),) if weights else ()
    return Backend({"kind": "engine", "engine": engine}, notes)


def _vllm(name: str, card: Keys, image: str, network: str | None, use: str) -> Backend:
    """The container as the manager makes it."""
    gpus = card.whole("gpu_count", least=1, most=64) or 1
    weights = card.text("hf_model")
    keys: dict[str, Value] = {
        "kind": "container",
        "image": card.text("vllm_image") or image,
        "pull": True,
        "port": 8000,
        "command": _command(name, weights or "", card, gpus, use),
        "env": {"HF_HOME": "/root/.cache/huggingface", **_env(card)},
        "volumes": [CACHE, WEIGHTS],
        "gpus": [str(number) for number in range(gpus)],
        "health": "/v1/models",
        "protocol": "none",
    }
    if network is not None:
        keys["network"] = network
    if (memory := card.whole("vram_gb", least=1)) is not None:
        keys["memory"] = f"{memory}GB"
    notes = [Note(f'type "text": reached as it is, under /upstream/{name}/')]
    if gpus > 1:
        notes.append(
            lost("the manager gives it the machine's IPC; set shm_size if vLLM wants more")
        )
    return Backend(keys, tuple(notes), "" if weights else "it has no hf_model")


def _command(name: str, weights: str, card: Keys, gpus: int, use: str) -> list[str]:
    quantization = card.text("quantization")
    context = card.whole("default_context", least=1) or CONTEXT
    return [
        *("--model", weights),
        *("--host", "0.0.0.0", "--port", "8000", "--served-model-name", name),  # noqa: S104 - inside
        *(["--quantization", quantization] if quantization else []),
        *("--max-model-len", str(context), "--gpu-memory-utilization", use),
        *(["--enforce-eager"] if quantization == "awq" else []),
        *(["--tensor-parallel-size", str(gpus)] if gpus > 1 else []),
        *(card.texts("extra_args") or []),
    ]


def _env(card: Keys) -> dict[str, str]:
    given = card.table("env_overrides")
    if given is None:
        return {}
    plain = given.rest()
    card.notes += given.end()
    return plain
