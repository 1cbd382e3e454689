"""Models without a plan are refused, with the name of the layer or call that prevents it."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from mnistlab.errors import KernelError
from tests.kernels.models import CLASSES, SHAPE, Model, conv, head
from tests.kernels.reference import make_plan


def before_head(*layers, size=64):
    """After a convolution to (4, 4, 4)."""
    return lambda: nn.Sequential(conv(), *layers, nn.Flatten(), head(size))


def hooked(register):
    model = before_head(nn.ReLU())()
    getattr(model[1], register)(lambda *args: None)
    return model


def only_in_training(m, x):
    x = m.conv(x)
    return m.last((torch.relu(x) if m.training else x).flatten(1))


def depends_on_data(m, x):
    return m.last(x.flatten(1)) if x.sum() > 0 else m.last(-x.flatten(1))


def of(function, **layers):
    return lambda: Model(function, **(layers or {"conv": conv(), "last": head()}))


def after_conv(function):
    return of(lambda m, x: m.last(function(m.conv(x)).flatten(1)))


WEIGHT_NORM = nn.utils.parametrizations.weight_norm
REFUSED = {
    "Dropout of everything": (before_head(nn.Dropout(1.0)), r"^1 \(Dropout\): drops everything"),
    "no averages": (
        before_head(nn.BatchNorm2d(4, track_running_stats=False)),
        r"^1 \(BatchNorm2d\): keeps no running averages",
    ),
    "backward hook": (lambda: hooked("register_full_backward_hook"), "^1: has hooks"),
    "backward pre-hook": (lambda: hooked("register_full_backward_pre_hook"), "^1: has hooks"),
    "parametrised": (
        lambda: nn.Sequential(nn.Flatten(), WEIGHT_NORM(nn.Linear(72, CLASSES))),
        "^1.* has no native kernel",
    ),
    "F.dropout in evaluation, too": (
        after_conv(lambda x: functional.dropout(x, 0.5)),
        r"dropout\(\): drops values in evaluation, too",
    ),
    "detached": (after_conv(lambda x: x.detach()), r"^detach\(\): has no native kernel"),
    "by training": (of(only_in_training), "differs between training and evaluation"),
    "by data": (of(depends_on_data, last=head(72)), r"^bool\(\): decides by the images' values"),
    "float64": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(72, CLASSES)).double(),
        "^1.weight: is not float32",
    ),
    "a tuple": (
        of(lambda m, x: (m.last(x.flatten(1)), x), last=head(72)),
        "returns something besides logits",
    ),
    "a dictionary": (
        of(lambda m, x: {"logits": m.last(x.flatten(1))}, last=head(72)),
        "returns something besides logits",
    ),
    "nothing": (of(lambda m, x: None, last=head(72)), "returns something besides"),
    "Conv2d on vectors": (
        lambda: nn.Sequential(nn.Flatten(), conv()),
        "^its forward pass fails with 2 images of 2x6x6: RuntimeError: Expected 3D",
    ),
    "images as logits": (lambda: nn.Sequential(conv()), "does not return one vector of logits"),
    "another number of classes": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(72, 4)),
        "does not return one vector of logits",
    ),
    "the image itself": (
        lambda: nn.Sequential(nn.Flatten()),
        "does not return one vector of logits",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_supported_is_refused_by_name(name):
    build, line = REFUSED[name]
    model = build()
    with pytest.raises(KernelError, match=line) as refused:
        make_plan(model, SHAPE, CLASSES)
    assert "\n" not in str(refused.value)
    assert model.training
