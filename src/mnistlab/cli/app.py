"""The program: its commands, its exit statuses, and the line it prints when it ends early."""

import contextlib
import errno
import io
import os
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from mnistlab.cli.bench import bench
from mnistlab.cli.classify import classify
from mnistlab.cli.compare import ablate, compare
from mnistlab.cli.completion import completion
from mnistlab.cli.data import data
from mnistlab.cli.doctor import doctor
from mnistlab.cli.evaluate import evaluate
from mnistlab.cli.export import export
from mnistlab.cli.lr import lr
from mnistlab.cli.output import warn, with_options
from mnistlab.cli.predict import predict
from mnistlab.cli.recipe import recipe
from mnistlab.cli.repeat import repeat
from mnistlab.cli.report import report
from mnistlab.cli.reproduce import reproduce
from mnistlab.cli.runs import runs
from mnistlab.cli.serve import serve
from mnistlab.cli.sweep import sweep
from mnistlab.cli.train import train
from mnistlab.errors import MnistlabError, did_you_mean, told
from mnistlab.text import one_line

_USAGE_ERROR, _BUG, _INTERRUPTED = 2, 70, 130
_PLAIN = {
    "a valid integer range": "a whole number",
    "a valid float range": "a number",
    "a valid integer": "a whole number",
    "a valid float": "a number",
}
"""click's words for what was expected, and ours."""
_RESUMING = ("compare", "ablate", "repeat", "sweep")
"""Commands that always resume what an earlier one has begun."""
_TOO_LARGE = ("can't allocate memory", "out of memory")
"""In what PyTorch says where Python would raise a ``MemoryError``."""
_TRACEBACK = "MNISTLAB_TRACEBACK"
"""Environment variable: set to 1, it shows where in the code an error came about."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="mnistlab", message="%(prog)s %(version)s")
def app() -> None:
    """Train small image classifiers, tell honestly which one is better, and put the winner to
    use.
    """


for _command in (
    train,
    reproduce,
    repeat,
    compare,
    ablate,
    sweep,
    lr,
    report,
    runs,
    evaluate,
    export,
    predict,
    classify,
    serve,
    recipe,
    data,
    bench,
    doctor,
    completion,
):
    app.add_command(_command)


def run(
    command: click.Command, arguments: Sequence[str] | None = None, name: str = "mnistlab"
) -> int:
    """Run a command; if it ends early, print the reason in one line on standard error.

    Returns:
        The exit status: 0, or the command's own; 2 for what the user can fix, 130 if interrupted,
        70 for a bug.
    """
    for stream in (sys.stdout, sys.stderr):
        # Where output is not UTF-8, as in files on Windows, a letter that it lacks must not end the
        # program.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        _find_current_folder()
        status = _call(command, arguments, name)
        # A full disk shows only now.
        if sys.stdout:
            sys.stdout.flush()
    except BaseException as error:
        status, reason = _explain(error)
        # Standard error may be what cannot be written.
        with contextlib.suppress(OSError):
            if os.environ.get(_TRACEBACK) == "1":
                warn(*"".join(traceback.format_exception(error)).splitlines())
            if reason:
                warn(f"{name}: {with_options(one_line(reason), command)}")
    _discard_output()
    return status


def _call(command: click.Command, arguments: Sequence[str] | None, name: str) -> int:
    try:
        return int(command.main(arguments, prog_name=name, standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else error.message)
        return _USAGE_ERROR
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))


def _find_current_folder() -> None:
    try:
        os.getcwd()  # noqa: PTH109 (no Path is wanted)
    except OSError as error:
        # There PyTorch ends the process with a message that does not say why.
        raise MnistlabError(
            "the current folder was deleted or moved away; change to one that exists"
        ) from error


def _put_plainly(message: str) -> str:
    for words, plain in _PLAIN.items():
        message = message.replace(words, plain)
    unknown = re.match(r"No such command '(.+?)'", message)
    if unknown and Path(unknown[1]).is_file():
        return f"{message.rstrip('.')}; to read a picture: mnistlab predict {unknown[1]}"
    return message


def _explain(error: BaseException) -> tuple[int, str]:
    """Return the exit status and the reason to print, which may be empty."""
    match error:
        case click.NoSuchOption():
            return _USAGE_ERROR, _explain_option(error)
        case click.ClickException():
            return _USAGE_ERROR, _put_plainly(error.format_message())
        case MnistlabError():
            return _USAGE_ERROR, str(error)
        case KeyboardInterrupt() | click.Abort():
            return _INTERRUPTED, "interrupted"
        case BrokenPipeError():
            return 1, ""
        case OSError(
            filename=None, errno=errno.ENOSPC | errno.EIO | errno.EBADF | errno.EFBIG | errno.EDQUOT
        ):
            return _USAGE_ERROR, f"the output cannot be written: {error.strerror}"
        case OSError():
            return _USAGE_ERROR, f"{error.filename or 'failed'}: {error.strerror or error}"
        case MemoryError() | RuntimeError() if _is_memory(error):
            return _USAGE_ERROR, f"this takes more memory than there is ({_place(error)})"
        case RecursionError():
            return (
                _USAGE_ERROR,
                f"something given is nested too deeply to be read ({_place(error)})",
            )
    return _BUG, f"this is a bug, please report it: {told(error)} ({_place(error)})"


def _is_memory(error: BaseException) -> bool:
    """Whether memory ran out, which PyTorch reports as a ``RuntimeError``."""
    return isinstance(error, MemoryError) or any(said in str(error).lower() for said in _TOO_LARGE)


def _explain_option(error: click.NoSuchOption) -> str:
    """Say which option or field of a recipe was meant."""
    command = error.ctx.command if error.ctx else None
    if command and command.name in _RESUMING and error.option_name == "--resume":
        return f"No such option '--resume'; {command.name} always resumes: leave it out"
    options = [name for option in command.params for name in option.opts] if command else []
    known = {
        name.lstrip("-").replace("-", "_"): name for name in reversed(options) if name[:2] == "--"
    }
    if "set" in known:
        from mnistlab.recipe import Recipe

        # What has an option of its own is named by that.
        known = {field: f"--set {field}=VALUE" for field in Recipe.model_fields} | known
    hint = did_you_mean(error.option_name.lstrip("-"), known)
    meant = next((field for field in known if hint == f"did you mean {field}?"), None)
    if meant:
        return f"No such option '{error.option_name}'; did you mean {known[meant]}?"
    file = next((name for name in sys.argv[1:] if name[:1] == "-" and Path(name).exists()), None)
    if file:
        return f"No such option '{error.option_name}'; write ./{file} for the file of that name"
    return f"No such option '{error.option_name}'; --help lists those there are"


def _place(error: BaseException) -> str:
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{Path(last.filename).name}:{last.lineno}; {_TRACEBACK}=1 shows the way there"


def _discard_output() -> None:
    """Discard what could not be written; Python would otherwise try again on exit, and complain."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main() -> None:
    """Run ``mnistlab``."""
    # Processes that this one starts must not look for modules in the current folder.
    os.environ["PYTHONSAFEPATH"] = "1"
    sys.exit(run(app))
