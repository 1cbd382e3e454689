"""Models without native kernels are refused, with the name of the layer that has none."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from mnistlab.errors import KernelError
from tests.kernels.models import CLASSES, SHAPE, Model, conv, head
from tests.kernels.reference import make_plan


class Inverted(nn.Linear):
    def forward(self, x):
        return -super().forward(x)


def before_head(*layers, size=64):
    """After a convolution to (4, 4, 4)."""
    return lambda: nn.Sequential(conv(), *layers, nn.Flatten(), head(size))


def hooked(register):
    model = before_head(nn.ReLU())()
    getattr(model[1], register)(lambda *args: None)
    return model


def under_two_names():
    layer = nn.Linear(72, 72)
    return nn.Sequential(nn.Flatten(), layer, nn.ReLU(), layer, nn.Linear(72, CLASSES))


def tied():
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(72, 72), nn.Linear(72, 72), nn.Linear(72, CLASSES)
    )
    model[2].weight = model[1].weight
    return model


def in_place_elsewhere(m, x):
    x = m.conv(x)
    return m.last((m.relu(x) + x).flatten(1))


def in_place_unnoticed(m, x):
    x = m.conv(x)
    m.relu(x)
    return m.last(x.flatten(1))


def only_in_training(m, x):
    x = m.conv(x)
    return m.last((torch.relu(x) if m.training else x).flatten(1))


def depends_on_data(m, x):
    return m.last(x.flatten(1)) if x.sum() > 0 else m.last(-x.flatten(1))


def unused(m, x):
    m.conv(x)
    return m.last(x.flatten(1))


def of(function, **layers):
    return lambda: Model(function, **(layers or {"conv": conv(), "last": head()}))


def after_conv(function):
    return of(lambda m, x: m.last(function(m.conv(x)).flatten(1)))


WEIGHT_NORM = nn.utils.parametrizations.weight_norm
REFUSED = {
    "stride": (before_head(nn.Conv2d(4, 4, 3, 2, padding=1), size=16), r"1 \(Conv2d\): stride"),
    "groups": (before_head(nn.Conv2d(4, 4, 1, groups=2)), r"1 \(Conv2d\): groups"),
    "dilation": (before_head(nn.Conv2d(4, 4, 3, dilation=2, padding=2)), r"1 \(Conv2d\): dilation"),
    "padding mode": (
        before_head(nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")),
        r"1 \(Conv2d\): padding_mode",
    ),
    "padding": (before_head(nn.Conv2d(4, 4, 3, padding=3), size=256), r"1 \(Conv2d\): padding"),
    "even same": (before_head(nn.Conv2d(4, 4, 2, padding="same")), r"1 \(Conv2d\): padding 'same'"),
    "Softmax": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(72, CLASSES), nn.Softmax(1)),
        r"2 \(Softmax\)",
    ),
    "LayerNorm": (before_head(nn.LayerNorm([4, 4, 4])), r"1 \(LayerNorm\)"),
    "Dropout2d": (before_head(nn.Dropout2d(0.5)), r"1 \(Dropout2d\)"),
    "Dropout of everything": (before_head(nn.Dropout(1.0)), r"1 \(Dropout\)"),
    "MaxPool2d(3)": (before_head(nn.MaxPool2d(3), size=4), r"1 \(MaxPool2d\): kernel 3"),
    "pooling stride": (before_head(nn.MaxPool2d(2, 1), size=36), r"1 \(MaxPool2d\): stride 1"),
    "pooling padding": (
        before_head(nn.AvgPool2d(2, padding=1), size=36),
        r"1 \(AvgPool2d\): padding",
    ),
    "pooling dilation": (
        before_head(nn.MaxPool2d(2, dilation=2), size=4),
        r"1 \(MaxPool2d\): dilation",
    ),
    "ceil_mode": (
        before_head(nn.MaxPool2d(2, ceil_mode=True), size=16),
        r"1 \(MaxPool2d\): ceil_mode",
    ),
    "divisor": (
        before_head(nn.AvgPool2d(2, divisor_override=3), size=16),
        r"1 \(AvgPool2d\): divisor_override",
    ),
    "adaptive": (
        before_head(nn.AdaptiveAvgPool2d(2), size=16),
        r"1 \(AdaptiveAvgPool2d\): output 2",
    ),
    "cumulative": (
        before_head(nn.BatchNorm2d(4, momentum=None)),
        r"1 \(BatchNorm2d\): momentum is None",
    ),
    "no averages": (
        before_head(nn.BatchNorm2d(4, track_running_stats=False)),
        r"1 \(BatchNorm2d\): track_running_stats is off",
    ),
    "forward hook": (lambda: hooked("register_forward_hook"), "^1: has hooks"),
    "pre-hook": (lambda: hooked("register_forward_pre_hook"), "^1: has hooks"),
    "backward hook": (lambda: hooked("register_full_backward_hook"), "^1: has hooks"),
    "backward pre-hook": (lambda: hooked("register_full_backward_pre_hook"), "^1: has hooks"),
    "parametrised": (
        lambda: nn.Sequential(nn.Flatten(), WEIGHT_NORM(nn.Linear(72, CLASSES))),
        "1 .*has no native kernel",
    ),
    "layer used twice": (
        of(
            lambda m, x: m.last(m.same(m.same(x.flatten(1)))), same=nn.Linear(72, 72), last=head(72)
        ),
        "^same: used more than once",
    ),
    "layer under two names": (under_two_names, "layers share parameters"),
    "tied weights": (tied, "layers share parameters"),
    "subclass": (
        lambda: nn.Sequential(nn.Flatten(), Inverted(72, CLASSES)),
        "weight.*has no native kernel",
    ),
    "F.dropout": (
        after_conv(lambda x: functional.dropout(x, 0.5)),
        r"dropout\(\): has no native kernel",
    ),
    "F.relu_": (after_conv(functional.relu_), "has no native kernel"),
    "x.relu_": (after_conv(lambda x: x.relu_()), r"relu_\(\): has no native kernel"),
    "scaled": (after_conv(lambda x: x * 2), r"mul\(\): has no native kernel"),
    "shifted": (after_conv(lambda x: x + 1), r"add\(\): has no native kernel"),
    "detached": (after_conv(lambda x: x.detach()), r"detach\(\): has no native kernel"),
    "transposed": (after_conv(lambda x: x.transpose(2, 3)), r"transpose\(\): has no native kernel"),
    "sum of other shapes": (
        of(
            lambda m, x: m.last((m.conv(x) + m.row(x)).flatten(1)),
            conv=conv(),
            row=nn.Conv2d(2, 4, (6, 3)),
            last=head(),
        ),
        r"add\(\): adds values of different shapes",
    ),
    "max_pool2d(3)": (
        of(
            lambda m, x: m.last(functional.max_pool2d(m.conv(x), 3).flatten(1)),
            conv=conv(),
            last=head(4),
        ),
        r"max_pool2d\(\)",
    ),
    "by training": (of(only_in_training), "differs between training and evaluation"),
    "by data": (of(depends_on_data, last=head(72)), "cannot be traced"),
    "in place, used elsewhere": (
        of(in_place_elsewhere, conv=conv(), relu=nn.ReLU(inplace=True), last=head()),
        r"relu \(ReLU\): changes in place a value that other",
    ),
    "in place, result not used": (
        of(in_place_unnoticed, conv=conv(), relu=nn.ReLU(inplace=True), last=head()),
        r"relu \(ReLU\): changes in place a value that other",
    ),
    "float64": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(72, CLASSES)).double(),
        "1.weight: not .*float32",
    ),
    "a tuple": (
        of(lambda m, x: (m.last(x.flatten(1)), x), last=head(72)),
        "returns something besides logits",
    ),
    "a dictionary": (
        of(lambda m, x: {"logits": m.last(x.flatten(1))}, last=head(72)),
        "returns something besides logits",
    ),
    "nothing": (of(lambda m, x: None, last=head(72)), "returns something besides logits"),
    "an output unused": (
        of(unused, conv=conv(), last=head(72)),
        "the result of a layer is not used",
    ),
    "Linear on images": (
        lambda: nn.Sequential(nn.Linear(6, 6), nn.Flatten(), head(72)),
        r"0 \(Linear\): .*flatten",
    ),
    "Conv2d on vectors": (
        lambda: nn.Sequential(nn.Flatten(), conv()),
        r"1 \(Conv2d\): expects images",
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
