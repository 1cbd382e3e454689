"""The program: its commands, and how it ends."""

import io
import os
import sys
from collections.abc import Sequence

import click

from mnistlab.cli.bench import bench
from mnistlab.cli.compare import ablate, compare
from mnistlab.cli.completion import completion
from mnistlab.cli.data import data
from mnistlab.cli.doctor import doctor
from mnistlab.cli.evaluate import evaluate
from mnistlab.cli.export import export
from mnistlab.cli.predict import predict
from mnistlab.cli.recipe import recipe
from mnistlab.cli.repeat import repeat
from mnistlab.cli.report import report
from mnistlab.cli.reproduce import reproduce
from mnistlab.cli.runs import runs
from mnistlab.cli.serve import serve
from mnistlab.cli.sweep import sweep
from mnistlab.cli.train import train
from mnistlab.errors import MnistlabError

_USAGE_ERROR, _INTERRUPTED = 2, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="mnistlab", message="%(prog)s %(version)s")
def app() -> None:
    """Train small image classifiers, tell honestly which one is better, and put the winner to use."""


for _command in (
    train,
    reproduce,
    repeat,
    compare,
    ablate,
    sweep,
    report,
    runs,
    evaluate,
    export,
    predict,
    serve,
    recipe,
    data,
    bench,
    doctor,
    completion,
):
    app.add_command(_command)


def run(command: click.Command, arguments: Sequence[str] | None = None, name: str = "mnistlab") -> int:
    """Run a command and return the exit status: 0; 2 for what the user can mend, said in one line on standard error."""
    for stream in (sys.stdout, sys.stderr):
        # Where they are not UTF-8, as on Windows if they go to a file, letters that they lack must not end the program.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        return int(command.main(arguments, prog_name=name, standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else error.message)
        return _USAGE_ERROR
    except click.ClickException as error:
        _complain(name, error.format_message())
    except MnistlabError as error:
        _complain(name, str(error))
    except (KeyboardInterrupt, click.Abort):
        _complain(name, "interrupted")
        return _INTERRUPTED
    return _USAGE_ERROR


def _complain(name: str, message: str) -> None:
    click.echo(f"{name}: {' '.join(message.split())}", err=True)


def main() -> None:
    """Run ``mnistlab``."""
    # No process that this one starts shall look for modules in the current folder.
    os.environ["PYTHONSAFEPATH"] = "1"
    sys.exit(run(app))
