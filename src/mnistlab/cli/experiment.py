"""What the commands that train many runs share: the executor, progress, and how they end."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.cli.log_options import chosen_loggers
from mnistlab.cli.options import run_options
from mnistlab.cli.output import (
    command_line,
    console,
    echo,
    echo_json,
    terminal_width,
    warn,
    with_options,
)
from mnistlab.errors import ExperimentError
from mnistlab.files import read_file
from mnistlab.text import counted, shorten

if TYPE_CHECKING:
    from mnistlab.experiments import ComparisonResult, Executor
    from mnistlab.experiments.trial_events import Event
    from mnistlab.recipe import Recipe
    from mnistlab.report.result import Result


def chosen_executor(options: Mapping[str, Any]) -> "Executor":
    """Return what trains the runs, from the values of :func:`run_options`.

    Raises:
        ExperimentError: options that do not go together, or Ray is not installed.
    """
    if options["executor"] == "ray":
        from mnistlab.experiments.ray_executor import RayExecutor

        if options["workers"]:
            raise ExperimentError(
                "--workers is for this machine; on Ray the cluster's cores decide"
            )
        return RayExecutor(
            options["address"], options["runs_per_task"] or 1, options["gpus_per_run"] or 0.0
        )
    if options["runs_per_task"] or options["gpus_per_run"]:
        raise ExperimentError(
            "--runs-per-task and --gpus-per-run are for a Ray cluster: give --executor ray as well"
        )
    if options["address"]:
        raise ExperimentError("--address names a Ray cluster: give --executor ray as well")
    from mnistlab.experiments import LocalExecutor

    return LocalExecutor(options["workers"], cuda=options["device"] == "cuda")


@contextlib.contextmanager
def experiment(
    out: Path, options: Mapping[str, Any], recipes: "Sequence[Recipe]"
) -> Iterator[dict[str, Any]]:
    """Draw progress and handle signals around an experiment; yields the arguments that
    :func:`mnistlab.compare` and its like take for where, how and who follows.

    The runs are logged as :data:`mnistlab.cli.log_options.log_options` say. If ``out`` holds a
    report on other recipes than these, a line says first that it is replaced.

    Raises:
        SystemExit: a signal asked to stop; what was done is kept.
    """
    from mnistlab.cli.event_logs import ExperimentLog, both
    from mnistlab.cli.experiment_view import ExperimentView
    from mnistlab.cli.stopping import listening_for_stop

    run = run_options(options)
    arguments = {
        "runs": options["runs"] or out / "runs",
        "executor": chosen_executor(options),
        "device": run.device,
        "threads": run.threads,
        "kernels": run.kernels,
        "command": command_line(),
        "metric": options["metric"],
    }
    _warn_of_replacement(out, {recipe.digest for recipe in recipes})
    kinds = chosen_loggers(options)
    for kind in kinds:
        kind(out)
    with (
        listening_for_stop() as stop,
        ExperimentView(console(quiet=options["quiet"])) as view,
        ExperimentLog(kinds) as log,
    ):
        listen = both(lambda event: view(_shown(event)), log)
        yield arguments | {"on_event": listen, "should_stop": stop}
    if stop():
        warn(f"stopped; run the same command again to resume what {out} holds")
        raise SystemExit(stop.exit_status)


def _shown(event: "Event") -> "Event":
    from mnistlab.experiments.trial_events import TrialFailed

    if isinstance(event, TrialFailed):
        return replace(event, error=with_options(event.error))
    return event


def _warn_of_replacement(out: Path, digests: set[str]) -> None:
    title, reported, cut = _report_in(out)
    # A report on a sweep leaves out candidates that failed or came last.
    if reported - digests or (reported and not cut and reported != digests):
        warn(
            f"note: {out} holds the report {shorten(title)!r} on other recipes or settings; this"
            " one will replace it and keep its runs (--out chooses another folder)"
        )


def _report_in(out: Path) -> tuple[str, set[str], bool]:
    """Return the title of the report that is there, the digests of its recipes, and whether it may
    lack some; an empty title and none if there is no report.
    """
    for name in ("comparison.json", "summary.json"):
        try:
            found = json.loads(read_file(out / name))
            if name == "summary.json":
                return str(found["recipe"]["name"]), {found["digest"]}, False
            groups = {str(group["digest"]) for group in found["groups"]}
            return str(found["title"]), groups, bool(found.get("headline"))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
    return "", set(), False


def show(result: "Result", files: list[Path], summary: str = "summary.json") -> None:
    """Print a result's verdict, remarks and files, and its figures as JSON; exit with status 1 if
    runs failed.
    """
    echo(*(f"{sentence}." for sentence in (result.verdict, *result.remarks)))
    warn(*(f"failed: {with_options(failure)}" for failure in result.failures))
    echo("", f"wrote {files[0]} and {counted(len(files) - 1, 'more file')} beside it")
    (figures,) = (file for file in files if file.name == summary)
    echo_json(json.loads(figures.read_text(encoding="utf-8")))
    if result.failures:
        raise SystemExit(1)


def show_table(result: "ComparisonResult") -> None:
    """Print a comparison's table, as wide as the terminal, and all metrics where accuracy alone
    says little of small classes.
    """
    width = terminal_width()
    echo("", *result.table("short").text(width).split("\n"))
    if result.comparison.classes_matter:
        echo(*result.table("metrics").text(width).split("\n"))
