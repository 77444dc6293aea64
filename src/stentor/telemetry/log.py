"""Structured logs on stderr: JSON lines, or readable ones. Never a request's text."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog

Format = Literal["auto", "json", "text"]


def configure_logging(level: str, form: Format = "auto") -> None:
    """For this process; ours and the libraries' lines come out alike. `auto`: readable lines on a
    terminal, JSON elsewhere.
    """
    least = getattr(logging, level.upper())
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    terminal = sys.stderr.isatty()
    readable = form == "text" or (form == "auto" and terminal)
    renderer: structlog.types.Processor = structlog.processors.JSONRenderer()
    if readable:
        # The plain traceback: another one prints what variables hold, and so what was said.
        renderer = structlog.dev.ConsoleRenderer(
            colors=terminal, exception_formatter=structlog.dev.plain_traceback
        )
    exceptions = [] if readable else [structlog.processors.format_exc_info]
    structlog.configure(
        processors=[*shared, *exceptions, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *exceptions,
                renderer,
            ],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(handlers=[handler], level=max(least, logging.WARNING), force=True)
