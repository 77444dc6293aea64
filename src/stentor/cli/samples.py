"""What a voice says to be heard. Pure."""

from __future__ import annotations

SENTENCES = {
    "cs": "Dobrý den, takhle zní můj hlas.",
    "da": "Goddag, sådan lyder min stemme.",
    "de": "Guten Tag, so klingt meine Stimme.",
    "en": "Hello, this is what my voice sounds like.",
    "es": "Hola, así suena mi voz.",
    "fi": "Hei, tältä ääneni kuulostaa.",
    "fr": "Bonjour, voici comment sonne ma voix.",
    "hu": "Jó napot, így szól a hangom.",
    "it": "Ciao, la mia voce suona così.",
    "ja": "こんにちは、これが私の声です。",
    "ko": "안녕하세요, 이것이 제 목소리입니다.",
    "nl": "Hallo, zo klinkt mijn stem.",
    "no": "Hei, slik høres stemmen min ut.",
    "pl": "Dzień dobry, tak brzmi mój głos.",
    "pt": "Olá, é assim que soa a minha voz.",
    "ru": "Здравствуйте, так звучит мой голос.",
    "sv": "Hej, så här låter min röst.",
    "tr": "Merhaba, sesim böyle duyuluyor.",
    "uk": "Добрий день, так звучить мій голос.",
    "zh": "你好，这就是我的声音。",
}


def sample(language: str | None, name: str) -> str:
    """In the voice's language; its name, where this page does not know the language."""
    primary = (language or "en").lower().replace("_", "-").split("-")[0]
    return SENTENCES.get({"nb": "no", "cmn": "zh"}.get(primary, primary), name)
