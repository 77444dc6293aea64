"""Models and voices from a server's lists. Pure.

What is of another shape raises KeyError, TypeError, ValueError or AttributeError.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from stentor.cli.client import LISTENS, SPEAKS, ModelInfo, VoiceInfo


def listed_models(answer: Mapping[str, Any], runs: Mapping[str, Running]) -> list[ModelInfo]:
    """`runs`: by model. A server that is no Stentor tells names only."""
    entries: list[Mapping[str, Any]] = answer.get("data") or []
    aliases: dict[str, list[str]] = {}
    for entry in entries:
        if original := entry.get("alias_of"):
            aliases.setdefault(original, []).append(entry["id"])
    return [
        ModelInfo(
            name=entry["id"],
            task=entry.get("task"),
            aliases=tuple(aliases.get(entry["id"], ())),
            languages=tuple(entry.get("languages") or ()),
            state=runs.get(entry["id"], Running()).state,
            memory=runs.get(entry["id"], Running()).memory,
            default=bool({SPEAKS, LISTENS} & {entry["id"], *aliases.get(entry["id"], ())}),
        )
        for entry in entries
        if not entry.get("alias_of")
    ]


def listed_voices(answer: Mapping[str, Any]) -> list[VoiceInfo]:
    """Other servers list names, or objects with fewer fields."""
    voices = []
    for entry in answer.get("voices") or []:
        told = entry if isinstance(entry, dict) else {"id": entry}
        name = str(told.get("id") or told.get("name") or "")
        voices.append(
            VoiceInfo(
                id=name,
                name=str(told.get("name") or name),
                languages=tuple(told.get("languages") or ()),
                gender=told.get("gender"),
                model=str(told.get("model") or ""),
            )
        )
    return voices


@dataclass(frozen=True)
class Running:
    """What runs for a model: the states of its workers, and the bytes that they take."""

    state: str | None = None
    memory: int | None = None


def running(metrics: str) -> dict[str, Running]:
    """By model, from the server's metrics. Nothing where the text holds no such metrics, or is
    none.
    """
    states: dict[str, list[str]] = {}
    memory: Counter[str] = Counter()
    try:
        for family in text_string_to_metric_families(metrics):
            for sample in family.samples:
                if family.name == "stentor_worker_state" and sample.value:
                    states.setdefault(sample.labels["model"], []).append(sample.labels["state"])
                elif family.name == "stentor_worker_memory_bytes":
                    memory[sample.labels["model"]] += int(sample.value)
    except ValueError:
        return {}
    return {
        model: Running(", ".join(dict.fromkeys(each)), memory.get(model))
        for model, each in states.items()
    }
