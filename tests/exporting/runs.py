"""Small runs of every kind that is exported, trained in a moment."""

from mnistlab import Recipe, built_in, train

OWN_MODEL = """
import torch
from torch import nn

def halved(logits, labels):
    return nn.functional.cross_entropy(logits, labels) / 2

class Slow(torch.optim.SGD):
    pass

def build(image_shape, classes):
    channels, height, width = image_shape
    return nn.Sequential(
        nn.Conv2d(channels, 4, 5, stride=2), nn.BatchNorm2d(4), nn.GELU(), nn.Dropout(0.5),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(), nn.Linear(64, classes),
    )
"""


def recipes(data, folder):
    """Return recipes by what is particular to them; ``data`` is a small set, ``folder`` where files
    can be put."""
    own = folder / "net.py"
    own.write_text(OWN_MODEL)
    quick = {"epochs": 2, "batch_size": 50}
    return {
        "plain": built_in("lenet5").replace(epochs=1, train_limit=600, batch_size=20),
        "held out": built_in("custom_mlp").replace(data=str(data), validation=200, **quick),
        "mlp": built_in("mlp").replace(data=str(data), **quick),
        "scaled up": Recipe(name="up", data=str(data), fit="resize", **quick),
        "scaled down": Recipe(
            name="down", data=str(data), fit="resize", size=8, model="mlp", **quick
        ),
        "own model": Recipe(
            name="own",
            data=str(data),
            model=f"{own}:build",
            loss=f"{own}:halved",
            optimizer=f"{own}:Slow",
            fit="none",
            **quick,
        ),
    }


def trained(recipe, folder, seed=3):
    assert train(recipe, folder=folder, seed=seed, device="cpu")
    return folder
