"""ExperimentOptions: where an experiment's runs are kept, what trains them, and who follows it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mnistlab.arguments import thread_count
from mnistlab.errors import ExperimentError, did_you_mean
from mnistlab.experiments.executor import Executor
from mnistlab.experiments.local_executor import LocalExecutor
from mnistlab.experiments.trial_events import Listener
from mnistlab.runs import RunOptions, RunStore
from mnistlab.runs.options import ignore, never
from mnistlab.statistics import METRICS, Metric


@dataclass(frozen=True)
class ExperimentOptions:
    """What the functions of this folder are given beside recipes and seeds.

    Attributes:
        runs: the folder that keeps the runs.
        executor: what trains them; ``None`` is one process per worker on this machine.
        workers: runs side by side where ``executor`` is ``None``; ``None`` is one per core.
        run: device, kernels and threads of each run.
        on_event: called with each of :mod:`mnistlab.experiments.trial_events`.
        should_stop: asked often; when true, unfinished runs keep checkpoints.
        command: what the report says made it.
        metric: by which recipes are judged.

    Raises:
        ExperimentError: both ``executor`` and ``workers``, or an unknown metric.
        RunError: ``workers`` is no number from 1 to 1,024.
    """

    runs: Path | str
    executor: Executor | None = None
    workers: int | None = None
    run: RunOptions = field(default_factory=lambda: RunOptions(threads=1))
    on_event: Listener = ignore
    should_stop: Callable[[], bool] = never
    command: str = ""
    metric: Metric = "accuracy"

    def __post_init__(self) -> None:
        thread_count("workers", self.workers)
        if self.executor and self.workers:
            raise ExperimentError("workers: the executor has its own; give one of the two")
        if self.metric not in METRICS:
            hint = did_you_mean(str(self.metric), METRICS) or f"one of {', '.join(METRICS)}"
            raise ExperimentError(f"metric: no such metric: {self.metric}; {hint}")

    @property
    def store(self) -> RunStore:
        """The folder that keeps the runs, as it is now."""
        return RunStore(Path(self.runs))

    @property
    def trainer(self) -> Executor:
        """The executor, or the default one."""
        return self.executor or LocalExecutor(self.workers, cuda=self.run.device == "cuda")
