"""Licences of weights that their owner has accepted."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path

from stentor.errors import StentorError


class Licences:
    """Those of a file that remembers them, and those of the configuration."""

    def __init__(self, file: Path, *, configured: Collection[str] = ()) -> None:
        self._file = file
        self._configured = configured

    def lacking(self, licences: Iterable[str]) -> list[str]:
        """Those that were not accepted yet. Raises StentorError when the file cannot be read."""
        accepted = {_plain(each) for each in (*self._remembered(), *self._configured)}
        return [each for each in licences if not accepted & {_plain(each), _plain(_name(each))}]

    def accept(self, licences: Iterable[str]) -> None:
        """Remembers them, with the time. Raises OSError."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        remembered = self._remembered() | dict.fromkeys(licences, now)
        text = json.dumps({"accepted": remembered}, indent=2, ensure_ascii=False)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(prefix=self._file.name, dir=self._file.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.replace(part, self._file)

    def _remembered(self) -> dict[str, str]:
        try:
            accepted = json.loads(self._file.read_text(encoding="utf-8"))["accepted"]
            return {str(licence): str(when) for licence, when in accepted.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise StentorError(f"{self._file.name} cannot be read: {error}") from error


def _name(licence: str) -> str:
    """Without the place where it is read."""
    return re.split(r"\s*[(,:]|\s+https?://", licence, maxsplit=1)[0]


def _plain(licence: str) -> str:
    return " ".join(licence.split()).casefold()
