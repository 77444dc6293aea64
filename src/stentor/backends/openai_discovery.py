"""What a server that speaks OpenAI's API tells of itself, where it tells anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from stentor.backends.openai_http import Http
from stentor.errors import StentorError
from stentor_engine import Voice

log = structlog.get_logger(__name__)

VOICES_MOST = 10_000


@dataclass(frozen=True)
class Discovered:
    stentor: bool = False
    """It is one: it takes a language and a seed, and changes the speed itself."""
    voices: tuple[Voice, ...] = ()
    languages: tuple[str, ...] = ()


async def discover(http: Http, url: str, model: str, *, speaks: bool) -> Discovered:
    """`url`: of the API, with its `/v1`. What is not told is left out."""
    root = url.removesuffix("/v1")
    stentor = _member(await _get(http, f"{root}/health"), "server") == "stentor"
    voices: tuple[Voice, ...] = ()
    if speaks:
        told = await _get(http, f"{url}/audio/voices", params={"model": model})
        voices = tuple(_voices(told))[:VOICES_MOST]
    models = _member(await _get(http, f"{url}/models"), "data")
    own = next((each for each in _items(models) if _member(each, "id") == model), None)
    if own is None and _items(models):
        names = ", ".join(str(_member(each, "id")) for each in _items(models)[:20])
        log.warning("model_not_listed", model=model, listed=names)
    languages = _items(_member(own, "languages")) if stentor else []
    return Discovered(stentor, voices, tuple(each for each in languages if isinstance(each, str)))


async def _get(http: Http, url: str, **query: Any) -> Any:
    try:
        async with http.ask("GET", url, **query) as answer:
            return await http.json(answer)
    except StentorError as error:
        log.debug("not_discovered", path=url.rpartition("/")[2], why=str(error))
        return None


def _voices(told: Any) -> Iterator[Voice]:
    """Of a list, or of an object with one: names, or objects with an id."""
    listed = _member(told, "voices") or _member(told, "data") or told
    for each in _items(listed):
        name = each if isinstance(each, str) else _member(each, "id") or _member(each, "name")
        if isinstance(name, str) and name:
            title, gender = _member(each, "name"), _member(each, "gender")
            tags = _member(each, "languages") or [_member(each, "language")]
            yield Voice(
                name,
                title if isinstance(title, str) else name,
                tuple(tag for tag in _items(tags) if isinstance(tag, str)),
                gender if gender in ("female", "male") else None,
            )


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
