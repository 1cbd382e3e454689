"""MLflow: a run of its tracker for each training run."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mnistlab.cli.run_log import RunLogger
from mnistlab.errors import RunError

if TYPE_CHECKING:
    from mnistlab.recipe import Recipe
    from mnistlab.runs import EpochMetrics, RunRecord

_EXPERIMENT = "mnistlab"
_LAST = "final_test_accuracy"
"""A metric that a finished run has."""


class MlflowLogger(RunLogger):
    """Writes to the tracker that ``MLFLOW_TRACKING_URI`` names, else to ``mlruns`` in the current
    folder, in the experiment that ``MLFLOW_EXPERIMENT_NAME`` names, else ``mnistlab``.

    Parameters are the recipe's fields, metrics those of each epoch and the final figures; tags name
    the recipe's digest, the seed and the run's folder; artifacts are the run's files. A run that is
    resumed goes on with its entry, one that is begun anew gets a new one.
    """

    name = "mlflow"
    help = "Log each run to MLflow: MLFLOW_TRACKING_URI, or mlruns in the current folder."

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        # MLflow would report its use to its makers otherwise.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        try:
            from mlflow import MlflowClient
        except ModuleNotFoundError as error:
            raise RunError("--mlflow needs an extra: pip install 'mnistlab[mlflow]'") from error
        self._uri = os.environ.get("MLFLOW_TRACKING_URI") or Path("mlruns").absolute().as_uri()
        self._local = self._uri.startswith("file:") or "://" not in self._uri
        if self._local:
            # The local store is all that this package asks of MLflow, which recommends a database.
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        self._client: Any = self._tell(MlflowClient, tracking_uri=self._uri)
        self._run, self._complete = "", False
        # MLflow writes the metrics of one step one after another: a run may have been killed
        # between two of them.
        self._logged: dict[str, set[int]] = {}

    def open(self, recipe: "Recipe", seed: int, epochs_done: int) -> set[int]:
        """Find the entry of a run that goes on, or make one."""
        from mnistlab.runs import run_name

        tags = {
            "digest": recipe.digest,
            "seed": str(seed),
            "folder": str(self.folder.absolute()),
        }
        experiment = self._tell(self._experiment)
        if epochs_done and (known := self._tell(self._find, experiment, tags)):
            self._run, self._complete = known.info.run_id, _LAST in known.data.metrics
            self._tell(self._client.update_run, self._run, status="RUNNING")
            for name in known.data.metrics:
                history = self._tell(self._client.get_metric_history, self._run, name)
                self._logged[name] = {metric.step for metric in history}
            return set()
        made = self._tell(
            self._client.create_run, experiment, tags=tags, run_name=run_name(recipe, seed)
        )
        self._run, self._complete, self._logged = made.info.run_id, False, {}
        fields = recipe.model_dump(mode="json")
        self._batch(params={name: str(value) for name, value in fields.items()})
        return set()

    def log(self, metrics: "EpochMetrics") -> None:
        """Write those of an epoch's figures that are missing, with its number as the step."""
        self._complete_step(metrics.model_dump(exclude={"epoch"}), metrics.epoch)

    def close(self, record: "RunRecord | None" = None, *, failed: bool = False) -> None:
        """Write the final figures and the files of a finished run, and end the entry."""
        from mnistlab.runs import RunFolder

        if record and not self._complete:
            scores, final = record.class_scores, record.final.model_dump()
            if scores:
                final |= scores.model_dump(include={"macro_f1", "balanced_accuracy"})
            last = len(record.history)
            self._complete_step({f"final_{name}": value for name, value in final.items()}, last)
            kept = RunFolder(self.folder)
            for file in (kept.record_file, kept.history_file, kept.model_file):
                self._tell(self._client.log_artifact, self._run, str(file))
        status = "FINISHED" if record else "FAILED" if failed else "KILLED"
        self._tell(self._client.set_terminated, self._run, status)

    def _experiment(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or _EXPERIMENT
        found = self._client.get_experiment_by_name(name)
        return str(found.experiment_id if found else self._client.create_experiment(name))

    def _find(self, experiment: str, tags: dict[str, str]) -> Any:
        """Return the latest entry with these tags; ``None`` if there is none."""
        wanted = (f"tags.`{name}` = '{value}'" for name, value in tags.items() if "'" not in value)
        self._remove_empty(experiment, tags["folder"])
        found = self._client.search_runs([experiment], " and ".join(wanted))
        return next((run for run in found if tags.items() <= run.data.tags.items()), None)

    def _remove_empty(self, experiment: str, folder: str) -> None:
        """Remove the empty metrics of this run's entries from a local store.

        MLflow cannot read an entry one of whose metrics was created by a process that was killed
        before it wrote the first value.
        """
        if self._local:
            place = urlsplit(self._uri).path if self._uri.startswith("file:") else self._uri
            store = Path(url2pathname(place), experiment)
            for tag in store.glob("*/tags/folder"):
                if tag.read_text(encoding="utf-8") == folder:
                    for file in tag.parents[1].glob("metrics/*"):
                        if not file.stat().st_size:
                            file.unlink()

    def _complete_step(self, figures: dict[str, float], step: int) -> None:
        missing = {
            name: value for name, value in figures.items() if step not in self._logged.get(name, ())
        }
        if missing:
            self._batch(missing, step=step)

    def _batch(
        self,
        metrics: dict[str, float] | None = None,
        params: dict[str, str] | None = None,
        step: int = 0,
    ) -> None:
        from mlflow.entities import Metric, Param

        now = int(1000 * time.time())
        self._tell(
            self._client.log_batch,
            self._run,
            metrics=[Metric(name, value, now, step) for name, value in (metrics or {}).items()],
            params=[Param(name, value) for name, value in (params or {}).items()],
        )

    def _tell(self, function: Any, *arguments: Any, **options: Any) -> Any:
        """Call MLflow.

        Raises:
            RunError: it cannot be reached, refuses, or its store is damaged.
        """
        from mlflow.exceptions import MlflowException

        try:
            return function(*arguments, **options)
        except (MlflowException, OSError, ValueError) as error:
            said = " ".join(str(error).split())
            raise RunError(f"MLflow at {self._uri}: {said}") from error


LOGGER = MlflowLogger
