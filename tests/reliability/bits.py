"""What two runs must have in common, to the last bit."""

import json

from safetensors.numpy import load

_TIMES = {"train_seconds", "test_seconds", "images_per_second"}


def history_of(record):
    """Every epoch's losses and accuracies."""
    return [metrics.model_dump(exclude=_TIMES) for metrics in record.history]


def tensors_of(checkpoint):
    """A checkpoint's weights, buffers, averages, optimiser's state, losses and hits, each as bytes,
    by name."""
    return {
        name: (str(value.dtype), value.shape, value.tobytes())
        for name, value in load(checkpoint).items()
    }


def bits_of(folder):
    """What a finished run has left, without what tells of time and place."""
    record = json.loads(folder.record_file.read_bytes())
    history = [
        {key: value for key, value in epoch.items() if key not in _TIMES}
        for epoch in record["history"]
    ]
    return folder.read_model(), folder.logits_file.read_bytes(), history, record["predictions"]
