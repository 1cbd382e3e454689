"""What a plan cannot do is refused with ``KernelError``, before memory or weights are touched."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from mnistlab.errors import KernelError
from tests.kernels.models import CLASSES, SHAPE, Model, conv, head
from tests.kernels.reference import (
    batch_of,
    differentiate,
    make_plan,
    pixels,
    random_batches,
    randomise,
)

ROOT = Path(__file__).parents[2]


class DropsAlways(nn.Sequential):
    """Monte Carlo dropout (Gal and Ghahramani, 2016)."""

    def train(self, mode=True):
        super().train(mode)
        self[1].train()
        return self


def rows_one_by_one(m, x):
    return m.last(m.rows(torch.flatten(x, end_dim=1)).view(x.size(0), -1))


UNFIT = {
    "the first image alone": lambda: Model(lambda m, x: m.last(x[0]), last=nn.Flatten()),
    "dropout that stays in training": lambda: DropsAlways(
        nn.Flatten(), nn.Dropout(0.5), head(72)
    ).train(),
    "flatten(end_dim=1)": lambda: Model(rows_one_by_one, rows=nn.Linear(6, 5), last=head(60)),
    "Linear of another size": lambda: nn.Sequential(nn.Flatten(), head(71)),
    "Conv2d of other channels": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), head()),
    "Conv2d larger than the image": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 7), nn.Flatten(), head(0)
    ),
    "Linear without outputs": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(72, 0), nn.ReLU(), nn.Linear(0, CLASSES)
    ),
    "BatchNorm2d of other channels": lambda: nn.Sequential(
        conv(), nn.BatchNorm2d(3), nn.Flatten(), head()
    ),
}


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("name", UNFIT)
def test_what_cannot_be_planned_is_a_kernel_error(name):
    # No step is run, since it would read or write out of bounds.
    with pytest.raises(KernelError):
        make_plan(UNFIT[name](), SHAPE, CLASSES)


def train_one_pixel():
    for channels in (2, 5, 17):
        layers = [
            nn.Conv2d(2, channels, 6),
            nn.Conv2d(channels, 4, 3, padding=1),
            nn.Flatten(),
            head(4),
        ]
        model = nn.Sequential(*layers)
        plan = make_plan(model, SHAPE, CLASSES)
        for _ in range(5):
            plan.train(random_batches(40, SHAPE, CLASSES, 20), 0, 2, None)


def test_a_padded_convolution_of_one_pixel_stays_within_its_memory():
    code = "from tests.kernels.test_unfit import train_one_pixel; train_one_pixel()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0 or "KernelError" in done.stderr, done


def test_a_batch_of_one_image_leaves_the_running_averages_finite():
    """PyTorch raises ``ValueError``; otherwise all later logits would be NaN."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(72, 4), nn.BatchNorm1d(4), head(4))
    try:
        make_plan(model, SHAPE, CLASSES).train(random_batches(1, SHAPE, CLASSES), 0, 1, None)
    except (KernelError, ValueError):
        return
    assert model[2].running_var.isfinite().all()


OPTIMISERS = {
    "dampening": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5),
    "maximize": lambda p: torch.optim.SGD(p, lr=0.1, maximize=True),
    "amsgrad": lambda p: torch.optim.AdamW(p, lr=0.1, amsgrad=True),
    "NAdam": lambda p: torch.optim.NAdam(p, lr=0.1, weight_decay=0.5),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.1, weight_decay=0.5),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_of_another_kind_is_not_taken_for_one_that_is_known(name):
    model = nn.Sequential(nn.Flatten(), head(72))
    before = model[1].weight.detach().clone()
    with pytest.raises((KernelError, ValueError, KeyError)):
        make_plan(model, SHAPE, CLASSES).train(
            random_batches(9, SHAPE, CLASSES), 0, 1, OPTIMISERS[name](model.parameters())
        )
    assert torch.equal(model[1].weight, before)


def test_a_class_ruled_out_by_an_infinite_bias_has_a_finite_loss():
    model = randomise(nn.Sequential(nn.Flatten(), head(72)))
    with torch.no_grad():
        model[1].bias[2] = -torch.inf
    batches = random_batches(9, SHAPE, CLASSES)
    batches.labels.clamp_(max=1)
    loss, _, _ = differentiate(model, *batch_of(batches, 0, torch.float32))
    make_plan(model, SHAPE, CLASSES).train(batches, 0, 1, None)
    assert batches.losses.item() == pytest.approx(loss, abs=1e-5)


def test_parameters_put_in_place_of_others_are_those_that_train():
    model = nn.Sequential(nn.Flatten(), head(72))
    plan = make_plan(model, SHAPE, CLASSES)
    model.load_state_dict(
        {key: value + 1 for key, value in model.state_dict().items()}, assign=True
    )
    batches = random_batches(9, SHAPE, CLASSES)
    with torch.no_grad():
        expected = model(pixels(batches.images, torch.float32))
    try:
        found = plan.logits(batches.images)
    except (KernelError, ValueError):
        return
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
