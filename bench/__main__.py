"""`make bench`: all measurements. Exit status 1 when a claim does not hold.

`python -m bench --real` also transcribes with pocketsphinx, which takes several minutes;
`--engines` measures faster-whisper alone, which it installs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from bench import engines, formats, lifecycle, speech, start, throughput, transcription
from bench.measure import Result


def main() -> int:
    real = "--real" in sys.argv
    failed = False
    for result in _results(real):
        print(result, flush=True)
        failed |= not result.holds
    return int(failed)


def _results(real: bool) -> Iterator[Result]:
    if "--engines" in sys.argv:
        yield from engines.run()
        return
    yield from start.run()
    yield from lifecycle.run()
    yield from speech.run()
    yield from formats.run()
    yield from transcription.run(real=False)
    yield from throughput.run()
    if real:
        yield from transcription.run(real=True)


if __name__ == "__main__":
    sys.exit(main())
