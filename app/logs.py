"""Logs that hold ids, words of our own, and nothing that anybody wrote or keeps secret.

An error shows what it is and where it broke. Its own words are left out unless the error is
ours: those of a library may repeat what a person wrote, a server answered or a row held.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from types import TracebackType

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from app.errors import AppError

log = structlog.get_logger(__name__)

NOISY = ("chatkit", "httpx2", "httpcore2", "openai", "uvicorn.access", "alembic", "asyncio")
"""They speak of URLs and requests at lower levels."""

SILENT = ("openai.agents", "stamina")
"""They write what a server answered, and what was called with what; we tell of both ourselves."""


def configure(log_format: str, log_level: str) -> None:
    """Everything that any library logs goes the same way; nobody's debugging does, but ours.

    Args:
        log_format: ``console`` for people, ``json`` for machines.
        log_level: ``debug``, ``info``, ``warning`` or ``error``.
    """
    level = logging.getLevelNamesMapping()[log_level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _prose],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(_where_it_broke),
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.INFO))
    logging.getLogger("app").setLevel(level)
    for name in NOISY:
        logging.getLogger(name).handlers.clear()  # chatkit brings its own
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(capture=True)
    sys.excepthook = _ended_by
    threading.excepthook = _thread_ended_by


def _prose(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Of what a library says, the part before it shows values or whole traces."""
    first_line, *_ = str(event["event"]).splitlines() or [""]
    values = re.search(r"[<(]", first_line) if event["_record"].name == "asyncio" else None
    event["event"] = first_line[: values.start()].rstrip() if values else first_line
    return event


def _where_it_broke(exc_info: ExcInfo) -> str:
    """The chain of errors, the first cause first: places in the code, and the errors' names."""
    return "\n".join(part for error in _chain(exc_info[1]) for part in _told(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return reversed(found)


def _told(error: BaseException) -> Iterator[str]:
    if error.__traceback__ is not None:
        yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    yield f"{name}: {error}" if isinstance(error, AppError) else name


def _ended_by(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        log.critical("program_broke", exc_info=error)


def _thread_ended_by(broken: threading.ExceptHookArgs) -> None:
    log.critical("thread_of_program_broke", exc_info=broken.exc_value)
