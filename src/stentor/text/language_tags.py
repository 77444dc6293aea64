"""Languages as clients and engines name them, after Unicode's CLDR."""

from __future__ import annotations

import re
from collections.abc import Iterable

from babel import Locale
from babel.core import get_global

_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(-(?P<script>[a-z]{4}))?(-(?P<region>[a-z]{2}|[0-9]{3}))?"
)
_NONE = frozenset({"mis", "mul", "und", "zxx"})
"""ISO 639-2: codes that name no language."""
_USUAL = {"no": "nb"}
"""Of a code for several languages the one that is meant: Norwegian is Bokmål."""


def language_tag(given: str) -> str | None:
    """A BCP-47 tag in its usual case and with its shortest code, from a tag or an English name in
    any case: "EN_us" is en-US, "eng" and "English" are en. None for what is no language.
    """
    tag = _canonical(given.strip().lower().replace("_", "-"))
    return tag or _by_name(given.strip().lower())


def language_name(tag: str) -> str | None:
    """In English and lower case, as OpenAI names them: "english" for en-US."""
    name = Locale("en").languages.get(primary(tag))
    return None if name is None else name.lower()


def primary(tag: str) -> str:
    return tag.split("-")[0].lower()


def alike(one: str, other: str) -> bool:
    """Of the same language, whatever its code: he and iw, no and nb."""
    return _language(one) == _language(other)


def _language(tag: str) -> str:
    code = primary(language_tag(tag) or tag)
    return _USUAL.get(code, code)


def closest(tag: str, known: Iterable[str]) -> str | None:
    """The one of the known tags that is equal, or else the first of the same language."""
    same = [other for other in known if alike(tag, other)]
    return next((other for other in same if other.lower() == tag.lower()), next(iter(same), None))


def _canonical(tag: str) -> str | None:
    parts = _TAG.fullmatch(tag)
    if parts is None:
        return None
    language, script, region = parts["language"], parts["script"], parts["region"]
    # An alias may name a region or a script too: prs is fa_AF.
    language = get_global("language_aliases").get(language, language).split("_")[0]
    if language not in Locale("en").languages or language in _NONE:
        return None
    return "-".join(filter(None, (language, script and script.title(), region and region.upper())))


def _by_name(name: str) -> str | None:
    names = Locale("en").languages
    code = next((code for code, known in names.items() if known.lower() == name), None)
    return None if code is None or code in _NONE else code.replace("_", "-")
