"""Variables of Voice Stack that have no equal, and why."""

from __future__ import annotations

from typing import NamedTuple

ASIDE = ("ASR_PORT", "ASR_LOG_NAME", "TTS_PORT", "TTS_LOG_NAME")
"""Those that alone do not ask for a model."""
SAME = {
    **dict.fromkeys(("ASR_VAD_ENABLED", "TTS_AUTO_LANG"), ("true", "1")),
    **dict.fromkeys(("ASR_TRANSCRIBE_BEST_OF", "ASR_NUM_OF_WORKERS"), ("1",)),
    "API_V1_STR": ("/v1",),
    "ASR_TRANSCRIBE_TEMPERATURE": ("0", "0.0"),
    "TTS_SAMPLE_RATE": ("24000",),
}
"""Values that ask for what Stentor does anyway."""


class Without(NamedTuple):
    names: tuple[str, ...]
    why: str
    missed: bool = True
    """Whether someone might want it."""


WITHOUT = (
    Without(
        ("PROJECT_NAME", "ENV", "DEBUG", "ASR_LOG_NAME", "TTS_LOG_NAME"), "of no use here", False
    ),
    Without(("API_V1_STR",), "routes begin with /v1, and those for Bazarr with /bazarr"),
    Without(
        ("DEBUGPY_ENABLE", "DEBUGPY_HOST", "DEBUGPY_PORT", "DEBUGPY_WAIT_FOR_CLIENT"),
        "the variable STENTOR_DEBUGPY, as wait:127.0.0.1:5678",
        False,
    ),
    Without(("DEBUG_PRESERVE_FAILED_UPLOADS", "DEBUG_PRESERVE_DIR"), "uploads are never kept"),
    Without(
        ("MEMORY_THRESHOLD_PERCENT", "SWAP_THRESHOLD_PERCENT"),
        "lifecycle.memory_budget bounds what models take",
    ),
    Without(("ASR_MODEL_LOCATION",), "weights are in the data folder, storage.data_dir"),
    Without(("ASR_COMPUTE_TYPE",), "this engine has no such option"),
    Without(("ASR_NUM_OF_WORKERS",), "one worker; max_parallel is how many calls it takes at once"),
    Without(("ASR_CACHE_ENABLED", "ASR_CACHE_MAX_ITEMS"), "transcripts are not kept"),
    Without(
        ("ASR_VAD_ENABLED", "ASR_VAD_THRESHOLD", "ASR_CHUNK_SEC"), "speech is always found first"
    ),
    Without(
        ("ASR_TRANSCRIBE_LANG", "ASR_LANGUAGE", "ASR_TRANSCRIBE_TEMPERATURE"),
        "requests say it: language, temperature",
    ),
    Without(("ASR_TRANSCRIBE_BEST_OF",), "the engine has no such option"),
    Without(
        ("TTS_VOICES_DIR", "TTS_VOICE_DIR"),
        "a request brings its recording, as reference_audio",
    ),
    Without(("TTS_SAMPLE_RATE",), "24000 Hz, or what a request asks for as sample_rate"),
    Without(
        ("TTS_MAX_CHARS", "TTS_MIN_CHARS", "TTS_RETRY_STEPS"),
        "texts are cut as the engine needs it, and what failed is tried again",
        False,
    ),
    Without(
        ("TTS_DEFAULT_LANG", "TTS_AUTO_LANG", "TTS_LANG_HINT", "TTS_FORCE_LANG"),
        "the text's language is detected, unless the request says it",
    ),
)
