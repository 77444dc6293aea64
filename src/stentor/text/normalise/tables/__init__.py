"""The hand-made words, by ISO 639-1 code."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from stentor.text.normalise.table import Table

from .de import GERMAN
from .en import ENGLISH
from .es import SPANISH
from .fr import FRENCH
from .it import ITALIAN
from .nl import DUTCH
from .pl import POLISH
from .pt import PORTUGUESE
from .ru import RUSSIAN

TABLES: Mapping[str, Table] = MappingProxyType(
    {
        "de": GERMAN,
        "en": ENGLISH,
        "es": SPANISH,
        "fr": FRENCH,
        "it": ITALIAN,
        "nl": DUTCH,
        "pl": POLISH,
        "pt": PORTUGUESE,
        "ru": RUSSIAN,
    }
)
