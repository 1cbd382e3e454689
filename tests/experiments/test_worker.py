"""One trial: what the experiment is told of it."""

import io

import numpy as np

from mnistlab import Recipe, RunFolder, built_in, make_dataset
from mnistlab.cli.experiment_view import ExperimentView
from mnistlab.cli.screen import Screen
from mnistlab.data import Split
from mnistlab.experiments.trial import Trial
from mnistlab.experiments.trial_events import (
    ExperimentStarted,
    TrialFinished,
    TrialStopped,
    TrialWaiting,
)
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


def test_lost_colour_is_said_when_the_first_run_begins_and_once(tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "def build(image_shape, classes):\n"
        "    channels, height, width = image_shape\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(height * width, classes))\n"
    )
    model = f"{tmp_path / 'net.py'}:build"
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 8, 8), np.uint8)
    split = Split(images, np.arange(40) % 2)
    dataset = make_dataset("dots", split, split, classes=("a", "b"), note="two notes; here")
    recipe = Recipe(name="net", model=model, epochs=1, batch_size=8)
    shown = io.StringIO()
    with ExperimentView(Screen(file=shown, width=80)) as view:
        view(ExperimentStarted((), 0, "here", tuple(dataset.notes)))
        for seed in (0, 1):
            trial = Trial(recipe, seed, tmp_path / f"run{seed}")
            run_trial(trial, RunOptions(threads=1), view, lambda: False, dataset=dataset)
    lines = shown.getvalue().splitlines()
    assert lines[1:4] == [
        "note: two notes",
        "note: here",
        f"note: {model}: the images' colour is lost: the model takes grey images only",
    ]
    assert [line.partition(":")[0] for line in lines[4:]] == ["net, seed 0", "net, seed 1"]
