"""Logs: events with keys, under the standard library's logger `eagleray`.

Importing eagleray configures nothing: in a program or notebook its own `logging` decides what becomes of the
events. Only a composition root (the command line) calls `configure_logs`. Events carry names, ids, counts and
seconds; never document text, questions, vectors, tokens or secrets. What is bound to structlog's context,
like a request's name, stands in each event within it.

`write_all_as_json` is for servers, whose logs programs read: what libraries, warnings and uncaught errors
tell is one object a line, too. Of an error it says the class and where it was raised, never its text.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
import warnings
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO

import structlog

from eagleray.printable import make_printable
from eagleray.setting_groups.serving import LogSettings

NAME: Final = "eagleray"

logging.getLogger(NAME).addHandler(logging.NullHandler())

_PROCESSORS: Final = (
    structlog.stdlib.filter_by_level,
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
)


_MAX_FOREIGN: Final = 500
"""Characters of what a library tells."""

_MAX_FRAMES: Final = 12


class _StandardError(logging.Handler):
    """Writes to what standard error is at that moment: a progress bar may stand there."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")


def _escape_values(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Return an event whose values cannot steer a terminal."""
    return {name: make_printable(value) if isinstance(value, str) else value for name, value in event.items()}


def get_logger() -> structlog.stdlib.BoundLogger:
    """Return the logger of the project's events: `log.info("run_begun", collection=…, run_id=…)`."""
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(NAME),
        processors=list(_PROCESSORS),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return logger


def configure_logs(settings: LogSettings) -> None:
    """Write the project's events to standard error, from the level on that the settings name.

    `auto` is one line for people on a terminal and one JSON object a line elsewhere.
    """
    renderer: tuple[Any, ...] = (
        _escape_values,
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
    )
    if _is_json(settings):
        renderer = (structlog.processors.JSONRenderer(sort_keys=True),)
    handler = _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer]
        )
    )
    logger = logging.getLogger(NAME)
    logger.handlers = [handler]
    logger.setLevel(settings.level.upper())
    logger.propagate = False


def _is_json(settings: LogSettings) -> bool:
    return settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())


def write_all_as_json(settings: LogSettings) -> None:
    """Write what anybody tells as the project's events are written, where those are JSON.

    Called once, where a server begins; see `configure_logs`, which was called before.
    """
    if not _is_json(settings):
        return
    handler = _StandardError()
    handler.setFormatter(_ForeignFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelName(settings.level.upper())))
    warnings.showwarning = _tell_warning
    sys.excepthook = _tell_uncaught
    threading.excepthook = lambda told: _tell_uncaught(told.exc_type, told.exc_value, told.exc_traceback)
    sys.unraisablehook = lambda told: _tell_uncaught(told.exc_type, told.exc_value, told.exc_traceback)


class _ForeignFormatter(logging.Formatter):
    """Writes the record of a library as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told: dict[str, Any] = {
            "event": "library_told",
            "level": record.levelname.lower(),
            "logger": record.name,
            "told": record.getMessage()[:_MAX_FOREIGN],
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
        }
        if record.exc_info and record.exc_info[0] is not None:
            told |= _describe(record.exc_info[0], record.exc_info[2])
        return json.dumps(told, sort_keys=True)


def _describe(kind: type[BaseException], raised: TracebackType | None) -> dict[str, Any]:
    frames = traceback.extract_tb(raised)[-_MAX_FRAMES:]
    return {
        "error": kind.__name__,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def tell_defect(error: Exception) -> str:
    """Return what a person is told of an error nobody expected: its class, what the system says, its place.

    The event `command_failed` has the whole way there. Neither holds the error's own text.
    """
    described = _describe(type(error), error.__traceback__)
    get_logger().debug("command_failed", **described)
    told = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
    places = described["at"] or ["nowhere"]
    ours = [place for place in places if f"/{NAME}/" in place or "site-packages" not in place] or places
    return f"it failed where it should not: {type(error).__name__}{told} at {ours[-1]}"


def _tell_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001 - as `warnings` calls it
    line: str | None = None,  # noqa: ARG001 - as `warnings` calls it
) -> None:
    told = f"{category.__name__}: {message}"
    logging.getLogger("py.warnings").warning("%s (%s:%d)", told[:_MAX_FOREIGN], filename, lineno)


def _tell_uncaught(
    kind: type[BaseException], error: BaseException | None, raised: TracebackType | None
) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger("python").error("nobody took an error", exc_info=(kind, error or kind(), raised))
