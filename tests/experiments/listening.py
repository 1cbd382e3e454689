"""What tests note of an experiment, and what its runs are held against."""

from mnistlab.experiments.trial_events import (
    TrialFailed,
    TrialFinished,
    TrialProgress,
    TrialStarted,
    WorkerLost,
)
from mnistlab.runs import RunFolder, RunStore

WORTH_NOTING = {
    TrialStarted: "started",
    TrialFinished: "finished",
    TrialFailed: "failed",
    WorkerLost: "died",
}


class Notes(list):
    """A listener that notes what happened to which run, and may do something at every epoch."""

    def __init__(self, at_epoch=None):
        super().__init__()
        self.at_epoch = at_epoch

    def __call__(self, event):
        if type(event) in WORTH_NOTING:
            self.append((WORTH_NOTING[type(event)], event.trial.recipe.name, event.trial.seed))
        if isinstance(event, TrialProgress) and self.at_epoch:
            self.at_epoch(event)

    def of(self, kind):
        return [(name, seed) for what, name, seed in self if what == kind]


def results(folder):
    """By recipe and seed what must not depend on where and how often a run was stopped: history and
    weights."""
    found = {}
    for record in RunStore(folder).records():
        run = RunFolder(folder / f"{record.recipe.name}-{record.recipe.digest}-seed{record.seed}")
        history = [
            (e.train_loss, e.train_accuracy, e.test_loss, e.test_accuracy) for e in record.history
        ]
        found[record.recipe.name, record.seed] = (history, record.predictions, run.read_model())
    return found


def leftovers(folder):
    """Files that no finished run should leave."""
    return [
        path.name
        for path in folder.rglob("*")
        if (path.name.startswith("checkpoint") and RunFolder(path.parent).begun)
        or ".tmp" in path.name
    ]
