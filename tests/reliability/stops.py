"""Runs that are stopped after a given batch and resumed, compared with one that never was
stopped."""

import json
import sys
from pathlib import Path

from mnistlab import RunFolder, built_in, load_dataset, train
from mnistlab.training import BatchDone, EpochDone, backend
from tests.reliability.bits import bits_of, history_of, tensors_of

EPOCHS, BATCHES = 3, 10


class Interruption:
    """Stops a run when so many batches are done, and keeps the checkpoint of its last epoch's
    end."""

    def __init__(self, folder, batches):
        self.folder, self.left, self.last = RunFolder(folder), batches, None

    def stop(self):
        return self.left <= 0

    def listen(self, event):
        self.left -= isinstance(event, BatchDone)
        if isinstance(event, EpochDone) and event.metrics.epoch == EPOCHS:
            self.last = self.folder.read_checkpoint()


def trained(recipe, dataset, folder, batches, **options):
    """Train, and return everything that has to be equal; nothing if it was stopped."""
    interruption = Interruption(folder, batches)
    listening = {"on_event": interruption.listen, "should_stop": interruption.stop}
    result = train(recipe, dataset, seed=3, folder=folder, **listening, **options)
    if result is None:
        return None
    return tensors_of(interruption.last), history_of(result.record), bits_of(interruption.folder)


def try_stops():
    """Print the names of the last checkpoint's tensors, and after which batches a stop has changed
    the end."""
    place, data = map(Path, sys.argv[1:3])
    name, kernels, threads, *stops = sys.argv[3:]
    backend.IMAGES_PER_CALL = 1
    dataset, recipe = (
        load_dataset(str(data)),
        built_in(name).replace(epochs=EPOCHS, batch_size=20, train_limit=20 * BATCHES),
    )
    options = {"kernels": kernels, "threads": int(threads)}
    # With the native kernels the number of threads may change on the way.
    other = options if kernels == "torch" else options | {"threads": 3 - int(threads)}
    whole = trained(recipe, dataset, place / "whole", EPOCHS * BATCHES + 1, **options)
    changed = []
    for batch in map(int, stops):
        folder = place / f"{batch}"
        assert trained(recipe, dataset, folder, batch, **options) is None
        if trained(recipe, dataset, folder, EPOCHS * BATCHES + 1, resume=True, **other) != whole:
            changed.append(batch)
    sys.stdout.write(json.dumps({"tensors": [*whole[0]], "changed": changed}))
