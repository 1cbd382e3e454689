"""Log: what the server tells on standard error, for people or for programs."""

import json
import logging
import time
from typing import Any

_ACCESS = '{client} - - [{time}] "{method} {path} {protocol}" {status} {bytes} {ms}ms'
"""The Common Log Format, with milliseconds."""
_PAUSE = 1.0
"""Seconds between two lines of trouble of the same kind."""
_KINDS = 1000
"""Remembered."""


def configuration(form: str, *, access: bool, quiet: bool) -> dict[str, Any]:
    """Return what ``logging.config.dictConfig`` takes.

    Args:
        form: ``text``, or ``json``: an object a line.
        access: whether each request has its line.
        quiet: whether to tell of trouble only.
    """
    levels = {
        "mnistlab.server": "WARNING" if quiet else "INFO",
        "uvicorn": "WARNING",
        "asyncio": "WARNING",
    }
    loggers: dict[str, Any] = {
        name: {"level": level, "handlers": ["stderr"], "propagate": False}
        for name, level in levels.items()
    }
    loggers["mnistlab.server.access"] = {"level": "INFO" if access and not quiet else "WARNING"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"flood": {"()": Flood}},
        "formatters": {"form": {"()": JsonFormatter if form == "json" else TextFormatter}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "form", "filters": ["flood"]}
        },
        "loggers": loggers,
    }


class Flood(logging.Filter):
    """Lets through one line of trouble a second of each kind, which says how many have been left
    out since the last.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, Any], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """See ``logging``."""
        if record.levelno < logging.WARNING:
            return True
        now, kind = time.monotonic(), (str(record.msg), _fields(record).get("status"))
        if len(self._told) >= _KINDS:
            self._told.clear()
        last, more = self._told.get(kind, (now - _PAUSE, 0))
        if now - last < _PAUSE:
            self._told[kind] = (last, more + 1)
            return False
        self._told[kind] = (now, 0)
        record.more = more
        return True


class TextFormatter(logging.Formatter):
    """A line for people of each event; what strangers wrote is escaped, and the lines of an
    exception are indented.
    """

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging``."""
        if getattr(record, "event", "") == "request":
            moment = time.strftime("%d/%b/%Y:%H:%M:%S %z", time.localtime(record.created))
            fields = {
                name: _printable(str(value)).replace('"', "%22")
                for name, value in _fields(record).items()
            }
            return _ACCESS.format(time=moment, **fields)
        level = f"{record.levelname.lower()}: " if record.levelno > logging.INFO else ""
        text = _printable(f"mnistlab: {level}{record.getMessage().strip()}")
        if more := getattr(record, "more", 0):
            text += f" ({more:,} more since the last such line)"
        if record.exc_info:
            # What is indented cannot pass for another event.
            text += "".join(
                f"\n    {_printable(line)}"
                for line in self.formatException(record.exc_info).split("\n")
            )
        return text


class JsonFormatter(logging.Formatter):
    """A JSON object a line: time, level, event, and what belongs to the event."""

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging``."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        told: dict[str, Any] = {
            "time": f"{seconds}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": getattr(record, "event", record.name),
        }
        if told["event"] != "request":
            told["message"] = record.getMessage()
        told |= _fields(record)
        if more := getattr(record, "more", 0):
            told["more"] = more
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told).replace("\x7f", "\\u007f")


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = getattr(record, "fields", {})
    return found


def _printable(text: str) -> str:
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )
