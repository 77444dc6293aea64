"""The language that a script suggests."""

from __future__ import annotations

import pytest

from stentor.text.language import guess_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "en"),
        ("Hello", "en"),
        ("Übermut tut selten gut", "en"),
        ("1 — 2 😀", "en"),
        ("Привет, world", "ru"),
        ("日本語の文章です", "ja"),
        ("漢字漢字漢字かな", "ja"),
        ("今天天气很好", "zh"),
        ("안녕하세요", "ko"),
        ("مرحبا", "ar"),
        ("नमस्ते", "hi"),
        ("สวัสดี", "th"),
        ("Γειά σου", "el"),
        ("\ud800ሰላም", "am"),
        ("A" * 300 + "日本" * 300, "en"),
    ],
)
def test_guess_language(text: str, language: str) -> None:
    assert guess_language(text) == language
