"""One trial: what the experiment is told of it."""

from mnistlab import RunFolder, built_in
from mnistlab.experiments.trial import Trial
from mnistlab.experiments.trial_events import TrialFinished, TrialStopped, TrialWaiting
from mnistlab.experiments.worker import run_trial
from mnistlab.runs import RunOptions


def test_a_run_in_progress_is_waited_for_and_that_is_said_once(few, tmp_path):
    trial = Trial(built_in("mlp").replace(epochs=1, data=str(few)), 0, tmp_path / "run")
    events, asked = [], iter([False, False, True])
    with RunFolder(trial.folder).lock():
        run_trial(trial, RunOptions(threads=1), events.append, lambda: next(asked))
    assert events == [TrialWaiting(trial), TrialStopped(trial)]
    run_trial(trial, RunOptions(threads=1), events.append, lambda: False)
    assert isinstance(events[-1], TrialFinished)
