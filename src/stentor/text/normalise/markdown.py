"""Markdown without its marks: chat clients send what a model wrote."""

from __future__ import annotations

import re

_ANY = re.compile(r"[*_`\[>#]|^[ \t]*[-+] ", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\[\]\n]{1,500})\]\([^\s()\[\]]{1,2000}\)")
_FENCE = re.compile(r"^[ \t]*```+[ \t]*", re.MULTILINE)
_CODE = re.compile(r"`{1,2}([^`\n]{1,500})`{1,2}")
# A power (2**3) and a name (snake__case) are no marks.
_STRONG = re.compile(r"(?<![\d*])\*\*(?=[^\s*])([^*\n]{1,500})(?<=\S)\*\*(?![\d*])")
_STRONG_LINES = re.compile(r"(?<![\w_])__(?=[^\s_])([^_\n]{1,500})(?<=\S)__(?!\w)")
# "> 5" is no quote.
_LINE_MARK = re.compile(r"^(?:[ \t]*(?:#{1,6}|[-*]|[>+](?![ \t]*\d))[ \t]+(?=\S))+", re.MULTILINE)


def strip_markdown(text: str) -> str:
    """Without the marks of headings, quotes, lists, strong words and code; a link is its text.

    What only looks like a mark (a lone star, "#5", "-3") stays.
    """
    if not _ANY.search(text):
        return text
    text = _FENCE.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _LINE_MARK.sub("", text)
    text = _STRONG.sub(r"\1", text)
    text = _STRONG_LINES.sub(r"\1", text)
    return _CODE.sub(r"\1", text)
