"""Logs: events with keys, under the standard library's logger `eagleray`.

Importing eagleray configures nothing: in a program or notebook its own `logging` decides what becomes of the
events. Only a composition root (the command line) calls `configure_logs`. Events carry names, ids, counts and
seconds; never document text, questions, vectors, tokens or secrets. What is bound to structlog's context,
like a request's name, stands in each event within it.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

import structlog

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


class _StandardError(logging.Handler):
    """Writes to what standard error is at that moment: a progress bar may stand there."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")


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
    is_terminal = sys.stderr.isatty()
    is_json = settings.format == "json" or (settings.format == "auto" and not is_terminal)
    renderer: Any = structlog.dev.ConsoleRenderer(colors=is_terminal)
    if is_json:
        renderer = structlog.processors.JSONRenderer(sort_keys=True)
    handler = _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    logger = logging.getLogger(NAME)
    logger.handlers = [handler]
    logger.setLevel(settings.level.upper())
    logger.propagate = False
