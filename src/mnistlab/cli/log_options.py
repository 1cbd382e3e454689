"""Options that turn loggers on: one for each file in ``loggers``."""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

import click

from mnistlab.cli import loggers
from mnistlab.cli.options import together
from mnistlab.cli.run_log import RunLogger


def _find() -> list[type[RunLogger]]:
    names = sorted(module.name for module in pkgutil.iter_modules(loggers.__path__))
    return [importlib.import_module(f"{loggers.__name__}.{name}").LOGGER for name in names]


LOGGERS = _find()
log_options = together(
    *(click.option(f"--{kind.name}", is_flag=True, help=kind.help) for kind in LOGGERS)
)


def chosen_loggers(options: Mapping[str, Any]) -> list[type[RunLogger]]:
    """Return the loggers that the user asked for."""
    return [kind for kind in LOGGERS if options[kind.name]]
