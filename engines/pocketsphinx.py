# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy", "pocketsphinx==5.1.1"]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""PocketSphinx with its bundled model: English, offline, on any CPU."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pocketsphinx

from stentor_engine import (
    Capabilities,
    Settings,
    Transcript,
    TranscriptionCall,
    TranscriptionEngine,
    Word,
)

RATE = 16_000
FRAME = 0.01
BLOCK = RATE // 10
"""Samples between two chances to stop: 0.02 to 0.04 s of work, 0.2 s at the worst."""
PAUSE = 0.3
"""Seconds of silence that divide what was heard in two."""
SHORTEST = RATE // 20
"""Samples that make a few frames: with less, the library has nothing to work on."""


class PocketSphinx(TranscriptionEngine):
    name = "pocketsphinx"
    quality = 10
    languages = ("en",)

    def __init__(self, settings: Settings) -> None:
        # Measured over read, noisy, quiet, telephone and synthetic speech, words wrong and time per
        # second of audio: with the usual 4 Gaussians a frame 43 %, with 16 39 % in 0.24 s; wider
        # beams 42 % in 1.2 s.
        # 40 words a frame lose nothing, and bound the work after the last frame, which cannot be
        # stopped: 0.3 s for 20 s of clipped speech, not 0.7 s.
        self._decoder = pocketsphinx.Decoder(
            samprate=RATE, loglevel="FATAL", topn=16, fwdflat=False, wbeam=1e-24, maxwpf=40
        )
        self._front = _front_end()
        self.capabilities = Capabilities(
            task="transcription",
            sample_rate=RATE,
            languages=("en",),
            word_times=True,
            deterministic=True,
            window=20.0,
        )
        # The first utterance finds less than those that follow, and some are heard otherwise then.
        list(self.transcribe(TranscriptionCall(np.zeros(RATE // 10, np.float32))))

    def transcribe(self, call: TranscriptionCall) -> Iterator[Transcript | None]:
        pcm = (np.clip(np.nan_to_num(call.audio), -1.0, 32767 / 32768) * 32768).astype("<i2")
        if len(pcm) < SHORTEST:
            return
        # Both keep something of the utterance before, unless they begin anew.
        self._front.reinit_feat()
        self._decoder.reinit_feat()
        # The spectrum's mean over the whole window, not of the windows before: a first guess costs
        # every other word, and what was heard would depend on what was heard before.
        self._front.start_utt()
        self._front.process_raw(pcm.tobytes(), True, True)
        self._front.end_utt()
        self._decoder.set_cmn(self._front.get_cmn())
        self._decoder.start_utt()
        try:
            for at in range(0, len(pcm), BLOCK):
                self._decoder.process_raw(pcm[at : at + BLOCK].tobytes())
                yield None
        finally:
            self._decoder.end_utt()
        words: list[Word] = []
        for segment in self._decoder.seg() or ():
            if re.match(r"[<\[+]", segment.word):
                continue  # silence and noises
            text = re.sub(r"\(\d+\)$", "", segment.word)
            start, end = segment.start_frame * FRAME, (segment.end_frame + 1) * FRAME
            if words and start - (words[-1].end or 0.0) >= PAUSE:
                yield _transcript(words)
                words = []
            words.append(Word(text, start, end, confidence=min(1.0, segment.prob)))
        if words:
            yield _transcript(words)


def _front_end() -> pocketsphinx.Decoder:
    """A decoder that only computes features. It must have something to look for, and does so when
    an utterance ends: with every hundredth frame that takes 0.01 s for a window, not 0.5 s.
    """
    front = pocketsphinx.Decoder(
        samprate=RATE, loglevel="FATAL", lm=None, dict=None, cmn="batch", ds=100, topn=1
    )
    front.add_word("a", "AH")
    front.add_keyphrase("none", "a")
    front.activate_search("none")
    return front


def _transcript(words: list[Word]) -> Transcript:
    text = " ".join(word.text for word in words)
    return Transcript(text, words[0].start, words[-1].end or 0.0, tuple(words))
