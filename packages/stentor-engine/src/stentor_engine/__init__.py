"""The SDK of Stentor's engines: see `contract.py`, which fits one screen."""

from .blend import parse_blend
from .callback import iterate_callback
from .contract import (
    REFERENCE_RATE,
    Capabilities,
    ConversionCall,
    ConversionEngine,
    Engine,
    Reference,
    Samples,
    Settings,
    SpeechCall,
    SpeechEngine,
    Transcript,
    TranscriptionCall,
    TranscriptionEngine,
    Voice,
    Weights,
    Word,
)
from .errors import EngineError, InvalidCall, LoadFailed, OutOfMemory
from .espeak_text import speakable
from .options import Option, OptionValue, complete_options
from .stoppable import stoppable

__all__ = [
    "REFERENCE_RATE",
    "Capabilities",
    "ConversionCall",
    "ConversionEngine",
    "Engine",
    "EngineError",
    "InvalidCall",
    "LoadFailed",
    "Option",
    "OptionValue",
    "OutOfMemory",
    "Reference",
    "Samples",
    "Settings",
    "SpeechCall",
    "SpeechEngine",
    "Transcript",
    "TranscriptionCall",
    "TranscriptionEngine",
    "Voice",
    "Weights",
    "Word",
    "complete_options",
    "iterate_callback",
    "parse_blend",
    "speakable",
    "stoppable",
]
