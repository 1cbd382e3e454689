"""``mnistlab train reader``: the networks that read pictures."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from mnistlab.cli.output import echo, echo_json, warn
from mnistlab.cli.stopping import listening_for_stop
from mnistlab.text import shorten

READER = "reader"
_LENGTHS = "steps", "shards"
_TAKEN = {
    *("recipe", "run", "overwrite", "seed", "threads", "out", "resume", "quiet", "as_json"),
    *("init", "settings", "epochs", "device"),
}
"""Options of ``mnistlab train`` that mean something here."""


def train_reader_networks(run: Path | None, options: dict[str, Any], *, overwrite: bool) -> None:
    """Train the reader's networks as the options of ``mnistlab train`` say.

    Raises:
        click.UsageError: an option that means nothing here.
        SystemExit: a signal asked to stop; what was done is kept.
    """
    _refuse_other_options()
    from mnistlab.detector.run import EPOCHS, MODEL, SHARDS, STEPS, train_reader

    start = options["init"]
    lengths = {"steps": 0 if start else STEPS, "shards": SHARDS} | _lengths(options["settings"])
    folder = run or options["out"] / "runs" / f"{READER}-seed{options['seed']}"
    with listening_for_stop() as stop:
        record = train_reader(
            folder,
            steps=lengths["steps"],
            shards=lengths["shards"],
            epochs=EPOCHS if options["epochs"] is None else options["epochs"],
            seed=options["seed"],
            start=Path(start) if start else None,
            workers=max((os.cpu_count() or 1) - 1, 1),
            threads=options["threads"],
            device=options["device"],
            resume=options["resume"],
            overwrite=overwrite,
            report=(lambda _line: None) if options["quiet"] else warn,
            should_stop=stop,
        )
    if record is None:
        warn("run the same command with --resume to continue")
        raise SystemExit(stop.exit_status)
    echo(f"{record.named:.2%} of what is seen on held-out pages is named right")
    echo(f"kept in {folder}; read pictures with --model {folder / MODEL}")
    echo_json({"folder": str(folder)} | record.model_dump(mode="json", exclude={"losses"}))


def _refuse_other_options() -> None:
    context = click.get_current_context()
    for option in context.command.params:
        given = context.get_parameter_source(str(option.name)) is not ParameterSource.DEFAULT
        if given and option.name not in _TAKEN:
            raise click.UsageError(f"{option.opts[0]}: the reader's training has no such option")


def _lengths(settings: Sequence[str]) -> dict[str, int]:
    lengths = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        if key not in _LENGTHS or not (value.isascii() and value.isdigit()):
            raise click.UsageError(
                f"{shorten(setting)}: of the reader's training, {' and '.join(_LENGTHS)} can be"
                " set, to whole numbers"
            )
        lengths[key] = int(value)
    return lengths
