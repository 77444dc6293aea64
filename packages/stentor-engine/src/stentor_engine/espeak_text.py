"""What libespeak-ng can be given, for the engines that speak or phonemize with it.

Version 1.52 writes past its buffers at: letters of scripts that it has no rules for; enclosed and
mathematical letters; braille; a hyphen between a sign and a letter, mark or sign; the brackets of
its own notation for phonemes; in some languages, some emoji, or letters of other scripts among each
other. That was found by fuzzing every voice. The process dies, sometimes only some texts later.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

SCRIPTS = frozenset(
    (
        *("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "HEBREW", "ARABIC", "DEVANAGARI", "BENGALI"),
        *("GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA"),
        *("THAI", "MYANMAR", "GEORGIAN", "HANGUL", "ETHIOPIC", "CHEROKEE", "HIRAGANA", "KATAKANA"),
        *("KATAKANA-HIRAGANA", "BOPOMOFO", "CJK", "IDEOGRAPHIC", "SHAVIAN", "FULLWIDTH"),
        *("HALFWIDTH", "MODIFIER", "MICRO", "FEMININE", "MASCULINE"),
    )
)
"""First words of the Unicode names of the letters that it is given."""
UPSETTING = {"de": "🚼🤠", "hi": "☦", "pt": "©🤵🥌🥾", "pt-br": "", "ti": "🕉"}
"""Signs whose names upset it, by language or voice; all the others read them aloud."""
BRACKETS = "[]{}`"
"""Of its own notation for phonemes."""
DEVANAGARI = frozenset(("DEVANAGARI", "LATIN", "VARIATION"))
ONLY = {
    **dict.fromkeys(("hi", "kok", "mr", "ne"), DEVANAGARI),
    "vi": frozenset(("LATIN", "COMBINING", "VARIATION")),
}
"""Languages whose rules take fewer letters, marks and letters for numbers, by the same words."""
HYPHEN = re.compile(r"(?<=([^ \t\n]))-(?=[^ \t\n!-@\d])")
"""One that joins: not before a space, a digit or a sign of ASCII, as in `(-5` and `->`."""


def speakable(text: str, voice: str) -> str:
    """One character for each of the text's: what upsets the library becomes a space. `voice`: its
    own name or a BCP-47 tag, as `en-us` or `vi`.
    """
    voice = voice.lower().replace("_", "-").partition("+")[0]
    language = voice.partition("-")[0]
    unwanted = BRACKETS + UPSETTING.get(voice, UPSETTING.get(language, ""))
    only = ONLY.get(language)
    clean = "".join(c if c not in unwanted and _is_speakable(c, only) else " " for c in text)
    return HYPHEN.sub(lambda found: "-" if _takes_hyphen(found[1]) else " ", clean)


def _takes_hyphen(before: str) -> bool:
    return before.isalpha() or (before.isascii() and before.isdigit())


def _is_speakable(character: str, only: Collection[str] | None) -> bool:
    if character.isascii() and (character.isprintable() or character in "\n\t"):
        return True
    category = unicodedata.category(character)
    if category in ("Cc", "Cs", "Co", "Cn"):
        return False
    name = unicodedata.name(character, "")
    first = name.split(" ", 1)[0]
    if only is not None and (category[0] in "LM" or category == "Nl"):
        return first in only
    if category[0] == "L":
        return first in SCRIPTS
    return " LATIN " not in name and first != "BRAILLE"
