"""The keys of one foreign table: each is read once, and what nobody read is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from stentor.cli.imports.tree import Note, lost

T = TypeVar("T")
SHOWN = 60
"""Characters of a wrong value."""
FLAGS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


class Keys:
    """Values may be JSON's, or the strings of an .env file. One that is null or empty was not
    given; one of the wrong type is not carried over.
    """

    def __init__(self, given: Mapping[str, object]) -> None:
        self._left = {key: value for key, value in given.items() if value not in (None, "")}
        self.notes: list[Note] = []

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def text(self, key: str) -> str | None:
        return self._read(key, _text, "a text")

    def flag(self, key: str) -> bool | None:
        return self._read(key, _flag, "true or false")

    def whole(self, key: str, least: int = 0, most: int = 2**31 - 1) -> int | None:
        def read(value: object) -> int | None:
            number = _whole(value)
            return number if number is not None and least <= number <= most else None

        return self._read(key, read, f"a whole number from {least} to {most}")

    def texts(self, key: str) -> list[str] | None:
        return self._read(key, _texts, "a list of texts")

    def chosen(self, key: str, choices: Mapping[str, str]) -> str | None:
        """What the value stands for, whatever its case."""

        def read(value: object) -> str | None:
            return choices.get(value.lower()) if isinstance(value, str) else None

        return self._read(key, read, f"one of {', '.join(choices)}")

    def table(self, key: str) -> Keys | None:
        return self._read(key, _keys, "an object")

    def rest(self) -> dict[str, str]:
        """All that are left and have one value, as the texts that a program's environment has."""
        plain = {k: str(v) for k, v in self._left.items() if not isinstance(v, dict | list)}
        self._left = {key: value for key, value in self._left.items() if key not in plain}
        return plain

    def drop(self, keys: Collection[str], why: str, *, missed: bool = True) -> None:
        """Tells why those that were given are not carried over; on stderr too if they are
        `missed`.
        """
        given = [key for key in keys if key in self._left]
        for key in given:
            del self._left[key]
        if given:
            self.notes.append(Note(f"{', '.join(given)}: {why}", lost=missed))

    def end(self) -> tuple[Note, ...]:
        """All notes. Whatever is left is unknown; its values may be secrets, and are not told."""
        if self._left:
            names = ", ".join(shown(key) for key in self._left)
            self.notes.append(lost(f"not known here: {names}"))
            self._left = {}
        return tuple(self.notes)

    def _read(self, key: str, read: Callable[[object], T | None], what: str) -> T | None:
        if key not in self._left:
            return None
        value = self._left.pop(key)
        found = read(value)
        if found is None:
            self.notes.append(lost(f"{key} is not {what}, but {shown(value)}"))
        return found


def engine_named(name: str, engines: Collection[str]) -> str | None:
    """The engine whose name a foreign model's name is, or begins with: `kokoro` of `kokoro-82m`."""
    able = [engine for engine in engines if name == engine or name.startswith(f"{engine}-")]
    return max(able, key=len, default=None)


def shown(value: object) -> str:
    """Of a list or an object only that it is one: it may be of any size."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _keys(value: object) -> Keys | None:
    return Keys(value) if isinstance(value, dict) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else FLAGS.get(str(value).lower())


def _whole(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) <= SHOWN:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _texts(value: object) -> list[str] | None:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    return None
