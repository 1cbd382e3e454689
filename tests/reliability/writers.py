"""Processes that write side by side; each finds its arguments in ``sys.argv``."""

import sys
from pathlib import Path

import numpy as np

from mnistlab import RunFolder
from mnistlab.runs import RunStore, write_atomically


def content(number):
    """What the writer of that number writes: as long as a checkpoint, and told from any mixture."""
    return number.to_bytes(4, "big") * 60_000


def write_run():
    """Keep a run of the seed given, copied from a finished one, in a store."""
    model, store, seed = RunFolder(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3])
    record = model.read_record().model_copy(update={"seed": seed})
    folder = RunStore(store).folder(record.recipe, seed)
    with folder.lock():
        folder.write_checkpoint(content(seed))
        folder.finish(record, model.read_model(), np.full((200, 10), seed, np.float32))


def write_file():
    """Write a file several times over."""
    for _ in range(3):
        write_atomically(Path(sys.argv[1]), content(int(sys.argv[2])))
