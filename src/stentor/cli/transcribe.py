"""`stentor transcribe`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from stentor.cli.client import Client, Summary, open_client
from stentor.cli.failure import FAILURES, UsageError, described, run_async
from stentor.cli.files import whole_file
from stentor.cli.load import load_config
from stentor.cli.media import duration, seekable, sources
from stentor.cli.progress import Reporter, plain, reporter, speed
from stentor.cli.targets import STDOUT, Task, chosen_formats, plan
from stentor.cli.transcripts import FORMATS, new_writer
from stentor.config import Config
from stentor.types import TranscriptionRequest

Outcome = Literal["done", "failed", "skipped"]


@dataclass(frozen=True)
class Asked:
    """`reads`: where a task's audio is read."""

    request: TranscriptionRequest
    formats: Sequence[str]
    overwrite: bool
    reads: Mapping[Path, Path]


def run(
    given: list[Path],
    *,
    formats: list[str],
    output: str | None,
    overwrite: bool,
    words: bool,
    task: Literal["transcribe", "translate"],
    model: str,
    language: str | None,
    server: str | None,
) -> int:
    tasks, chosen = _planned(given, formats, output)
    if words and "json" not in chosen:
        raise UsageError("--words shows the times of words in json: add -f json")
    subtitles = not {"srt", "vtt"}.isdisjoint(chosen)
    request = TranscriptionRequest(
        model=model,
        language=language,
        task=task,
        words="required" if words else "possible" if subtitles else "none",
    )
    with ExitStack() as spools:
        # Before anything runs: an interrupt must end a wait for stdin at once.
        reads = {t.source.path: spools.enter_context(seekable(t.source)) for t in tasks}
        asked = Asked(request, chosen, overwrite, reads)
        return run_async(_transcribe(load_config(), server, asked, tasks))


def _planned(
    given: list[Path], formats: list[str], output: str | None
) -> tuple[list[Task], list[str]]:
    found = sources(given)
    target = None if output is None else Path(output)
    several = len(found) > 1 or len(set(formats)) > 1 or any(path.is_dir() for path in given)
    is_folder = (
        output is not None
        and output != STDOUT
        and (several or output.endswith("/") or Path(output).is_dir())
    )
    if is_folder and target is not None and target.exists() and not target.is_dir():
        raise UsageError(f"{output} is a file, and several transcripts need a folder")
    chosen = chosen_formats(formats, None if is_folder or output == STDOUT else target, FORMATS)
    return plan(found, chosen, target, many=several, folder=is_folder), chosen


async def _transcribe(
    config: Config, server: str | None, asked: Asked, tasks: Sequence[Task]
) -> int:
    """The exit status: 1 when any of the files failed; the others are still transcribed."""
    # Text on a terminal is progress enough, and a bar would run through it.
    shown = any(not task.targets for task in tasks) and sys.stdout.isatty()
    outcomes: list[Outcome] = []
    with reporter(bar=sys.stderr.isatty() and not shown) as report:
        async with open_client(config, server) as client:
            for number, task in enumerate(tasks, 1):
                name = plain(task.source.path.name)
                label = f"[{number}/{len(tasks)}] {name}" if len(tasks) > 1 else name
                outcomes.append(await _attempt(client, asked, task, report, label))
        if len(tasks) > 1:
            counts = [f"{outcomes.count(each)} {each}" for each in ("done", "skipped", "failed")]
            report.end(", ".join(counts))
    return int("failed" in outcomes)


async def _attempt(
    client: Client, asked: Asked, task: Task, report: Reporter, label: str
) -> Outcome:
    missing = {
        name: path for name, path in task.targets.items() if asked.overwrite or not path.is_file()
    }
    if task.targets and not missing:
        report.end(f"{label}: was done before (--overwrite does it again)")
        return "skipped"
    began = time.monotonic()
    try:
        summary = await _hear(client, asked, Task(task.source, missing), report, label)
    except FAILURES as error:
        if isinstance(error, BrokenPipeError):
            raise
        report.end(f"stentor transcribe: {_blamed(task.source.path, error)}")
        return "failed"
    took = time.monotonic() - began
    report.end(_told(label, missing, summary, took) if missing else "")
    return "done"


async def _hear(client: Client, asked: Asked, task: Task, report: Reporter, label: str) -> Summary:
    """Writes the targets, or to stdout where there are none."""
    audio = asked.reads[task.source.path]
    length = duration(audio)
    report.begin(label, length)
    names = list(task.targets) or asked.formats[:1]
    words = asked.request.words == "required"
    summary = Summary()
    with _opened(task.targets) as files:
        writers = [
            (new_writer(name, words=words), file) for name, file in zip(names, files, strict=True)
        ]
        heard = client.transcribe(asked.request, audio, times=names != ["txt"])
        async with aclosing(heard) as pieces:
            async for piece in pieces:
                if isinstance(piece, Summary):
                    summary = piece
                elif piece.text.strip():
                    for writer, file in writers:
                        _write(file, writer.add(piece))
                    report.reach(piece.end)
        for writer, file in writers:
            _write(file, writer.finish(summary))
    return summary if summary.seconds is not None else Summary(length)


@contextmanager
def _opened(targets: Mapping[str, Path]) -> Iterator[list[BinaryIO]]:
    """Before anything is heard: what cannot be written is told at once."""
    if not targets:
        yield [sys.stdout.buffer]
        return
    with ExitStack() as stack:
        files = []
        for path in targets.values():
            path.parent.mkdir(parents=True, exist_ok=True)
            files.append(stack.enter_context(whole_file(path)))
        yield files


def _write(file: BinaryIO, text: str) -> None:
    file.write(text.encode("utf-8", "replace"))
    if file is sys.stdout.buffer:
        file.flush()


def _told(label: str, targets: Mapping[str, Path], summary: Summary, took: float) -> str:
    names = plain(", ".join(path.name for path in targets.values()))
    if summary.seconds is None:
        return f"{label} → {names}: in {took:.1f} s"
    rate = speed(summary.seconds, took)
    return f"{label} → {names}: {summary.seconds:.1f} s of audio in {took:.1f} s ({rate})"


def _blamed(path: Path, error: Exception) -> str:
    """The file that was to be heard, and what is wrong: maybe with another one."""
    why = described(error)
    return why if isinstance(error, OSError) and error.filename == str(path) else f"{path}: {why}"
