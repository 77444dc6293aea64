"""Models and voices from a server's lists. Pure.

What is of another shape raises KeyError, TypeError, ValueError or AttributeError.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from stentor.cli.client import LISTENS, SPEAKS, ModelInfo, VoiceInfo


def listed_models(answer: Mapping[str, Any], states: Mapping[str, str]) -> list[ModelInfo]:
    """`states`: by model. A server that is no Stentor tells names only."""
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
            state=states.get(entry["id"]),
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


def worker_states(metrics: str) -> dict[str, str]:
    """By model, from the server's metrics: those of all its workers. Nothing where the text holds
    no such metric, or is none.
    """
    states: dict[str, list[str]] = {}
    try:
        for family in text_string_to_metric_families(metrics):
            if family.name == "stentor_worker_state":
                for sample in family.samples:
                    if sample.value:
                        states.setdefault(sample.labels["model"], []).append(sample.labels["state"])
    except ValueError:
        return {}
    return {model: ", ".join(dict.fromkeys(each)) for model, each in states.items()}
