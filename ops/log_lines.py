"""How a line of the log is written: for eyes, or as one JSON object (LOG_FORMAT=json). Both without secrets."""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any

from ops.log_context import about
from ops.redaction import redacted, redacted_text

LONGEST_TRACE = 200  # lines, the last ones


def clean(text: str) -> str:
    """Line by line, as what redaction keeps of one text is less than a trace is long."""
    return "\n".join(redacted_text(line) for line in text.splitlines()[-LONGEST_TRACE:])


class ForEyes(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:
        known = "".join(f" {name}={value}" for name, value in about().items())
        return clean(super().formatMessage(record) + known)

    def formatException(self, ei: Any) -> str:
        return clean(super().formatException(ei))


def as_json() -> logging.Formatter:
    """structlog is imported where it is asked for, and nowhere else."""
    import structlog

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            add_what_it_is_about,
            without_secrets,
            structlog.processors.JSONRenderer(default=str),
        ],
    )


def add_what_it_is_about(_: object, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {**about(), **event}


def without_secrets(_: object, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The project's one redaction; a trace keeps its length."""
    trace = event.pop("exception", None)
    kept: dict[str, Any] = redacted(event)
    return kept | ({"exception": clean(trace)} if trace else {})
