"""Log lines: one a line for people, or one JSON object a line for machines; always to standard error."""

from __future__ import annotations

import json
import logging
import re
import sys
import textwrap
import time

from .config import Settings
from .loglimit import LimitedHandler
from .redaction import redacted

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def configure(settings: Settings) -> None:
    """Send the log to standard error as the settings say. Done before gom is imported, which replaces the streams."""
    handler = LimitedHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    # Every port scanner and every dropped handshake would be an error with a traceback there.
    logging.getLogger("websockets").setLevel(logging.DEBUG if settings.log_level == "debug" else logging.CRITICAL)


class TextFormatter(logging.Formatter):
    """``2026-11-22T21:53:14.123Z WARNING gombus.bus: …``; control characters of a client's are written as escapes."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """One record as text; a traceback follows on lines of its own."""
        # The parts are put together here, because in the whole a message could pass for a traceback.
        parts = [f"{self.head(record)}: {record.getMessage()}"]
        parts[0] = parts[0].replace("\n", "\\n")
        if record.exc_info:
            # Indented, so that no line of an exception's text can pass for a line of the log.
            parts.append(textwrap.indent(self.formatException(record.exc_info), "  "))
        text = redacted("\n".join(parts))
        return _CONTROL.sub(lambda match: repr(match.group())[1:-1], text)

    def head(self, record: logging.LogRecord) -> str:
        """What stands before the message."""
        return f"{self.formatTime(record)} {record.levelname} {record.name}"


class JsonFormatter(TextFormatter):
    """One JSON object a line: time (ISO 8601, UTC), level, logger, message and, after an exception, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as one line of JSON."""
        line = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        if record.exc_info:
            line["traceback"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line)
