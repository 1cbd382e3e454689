"""What tracing cannot follow is named, with the line of the user's file and the reason."""

import importlib.util
import random
import textwrap

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.obstacles import ObstacleError
from mnistlab.kernels.trace import trace
from tests.kernels.models import CLASSES, SHAPE, Model, conv, head


def of(function, **layers):
    return lambda: Model(function, **(layers or {"conv": conv(), "last": head()}))


def after_conv(function):
    return of(lambda m, x: m.last(function(m.conv(x)).flatten(1)))


class StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.sign()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


def without_gradients(x):
    with torch.no_grad():
        return torch.relu(x)


def overwritten(x):
    x[:, 0] = 0
    return x


def stale(x):
    y = x.view(-1, 64)
    x.relu_()
    return y


def chosen_by_value(x):
    return x if x.sum() > 0 else x * 2


def chosen_by_item(x):
    return x * x.max().item()


def through_numpy(x):
    return torch.from_numpy(np.tanh(x.detach().numpy()))


def copied_into(x):
    new = torch.zeros(x.shape)
    new[:] = x
    return new


def hooked(x):
    x.register_hook(lambda gradient: gradient * 2)
    return x


class ChangesBuffer(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("average", torch.zeros(4, 4, 4))
        self.conv, self.last = conv(), head()

    def forward(self, x):
        x = self.conv(x)
        self.average.add_(1)
        return self.last((x + self.average).flatten(1))


class ReplacesBuffer(ChangesBuffer):
    def forward(self, x):
        self.average = self.average * 0.9
        return self.last(self.conv(x).flatten(1))


class Counts(ChangesBuffer):
    def __init__(self):
        super().__init__()
        self.register_buffer("steps", torch.tensor(0))

    def forward(self, x):
        self.steps += 1
        return self.last(self.conv(x).flatten(1))


class AsksBuffer(Counts):
    def forward(self, x):
        x = self.conv(x)
        return self.last((x * 2 if self.steps > 100 and self.steps.item() else x).flatten(1))


def stochastic_depth(m, x):
    x = m.conv(x)
    if torch.rand(1).item() < 0.8:
        x = torch.relu(x)
    return m.last(x.flatten(1))


def remembered(m, x):
    m.seen = x.mean()
    m.size = x.size(0)
    return m.last(x.flatten(1))


class Warms(nn.Module):
    def __init__(self):
        super().__init__()
        self.step, self.last = 0, head(72)

    def forward(self, x):
        self.step += 1
        return self.last(x.flatten(1) * min(1, self.step / 100))


def with_data_set(x):
    x.data = torch.zeros(x.shape)
    return x


def norm_used_twice(m, x):
    x = m.norm(x)
    return m.last(m.norm(torch.relu(x)).flatten(1))


def norm_unused(m, x):
    m.norm(x)
    return m.last(x.flatten(1))


def only_in_training(m, x):
    x = m.conv(x)
    return m.last((torch.relu(x) if m.training else x).flatten(1))


def gradient_hook(kind):
    def build():
        model = nn.Sequential(conv(), nn.Flatten(), head())
        if kind == "module":
            model[0].register_full_backward_hook(lambda *args: None)
        else:
            model[0].weight.register_hook(lambda gradient: gradient * 2)
        return model

    return build


def sharing_memory():
    model = nn.Sequential(nn.Flatten(), nn.Linear(72, 72), nn.Linear(72, 72), head(72))
    model[2].weight.data = model[1].weight.data
    return model


def scripted():
    return nn.Sequential(torch.jit.script(nn.Sequential(conv(), nn.ReLU())), nn.Flatten(), head())


def weight_norm():
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(72, CLASSES))
    return nn.Sequential(nn.Flatten(), layer)


OBSTACLES = {
    "a function": (
        after_conv(lambda x: torch.fft.fft2(x).real),
        r"^fft2\(\): has no native kernel \(",
    ),
    "a layer": (
        lambda: nn.Sequential(conv(), nn.Hardshrink(), nn.Flatten(), head()),
        r"^1 \(Hardshrink\): has no native kernel$",
    ),
    "a branch on values": (after_conv(chosen_by_value), "decides by the images' values"),
    "item": (after_conv(chosen_by_item), "decides by the images' values"),
    "numpy": (after_conv(through_numpy), r"^numpy\(\): decides by"),
    "tolist": (after_conv(lambda x: x * x.tolist()[0][0][0][0]), "decides by the images' values"),
    "no_grad": (after_conv(without_gradients), r"^relu\(\): .*gradients turned off"),
    "detach": (after_conv(lambda x: x.detach()), r"^detach\(\): has no native kernel"),
    "data": (after_conv(lambda x: x.data), "^data: has no native kernel"),
    "a custom gradient": (
        after_conv(StraightThrough.apply),
        r"^StraightThrough: is a gradient written by",
    ),
    "a reversed gradient": (after_conv(Reversed.apply), r"^Reversed: is a gradient written by"),
    "a gradient's hook": (after_conv(hooked), r"register_hook\(\): changes or keeps gradients"),
    "noise": (after_conv(lambda x: x + torch.randn(4, 4, 4)), r"^randn\(\): draws random numbers"),
    "noise like": (after_conv(lambda x: x + torch.randn_like(x)), r"randn_like\(\): draws random"),
    "noise by Python": (after_conv(lambda x: x * random.random()), "draws random numbers"),
    "noise by NumPy": (after_conv(lambda x: x * np.random.rand()), "draws random numbers"),
    "dropout in evaluation": (
        after_conv(lambda x: functional.dropout(x, 0.5)),
        "drops values in evaluation, too",
    ),
    "float64": (after_conv(lambda x: x.double().float()), r"^double\(\): "),
    "to float64": (after_conv(lambda x: x.to(torch.float64).float()), r"^to\(\): computes float64"),
    "autocast": (
        of(lambda m, x: m.last(x.flatten(1).bfloat16().float()), last=head(72)),
        r"^bfloat16\(\): ",
    ),
    "float64 weights": (
        lambda: nn.Sequential(nn.Flatten(), head(72)).double(),
        r"^1.weight: is not float32",
    ),
    "across the batch": (after_conv(lambda x: x - x.mean(0)), "works across the images"),
    "one image": (of(lambda m, x: m.last(x[0].flatten()), last=head(72)), "across the images"),
    "the batch's size": (after_conv(lambda x: x * x.size(0)), "number of images in the batch"),
    "the batch merged": (
        of(lambda m, x: m.last(x.flatten(0, 1).flatten(1)), last=head(36)),
        "merges the images of a batch",
    ),
    "overwritten": (after_conv(overwritten), r"x\[...\] = y: overwrites a tensor"),
    "copied into": (after_conv(copied_into), r"x\[...\] = y: overwrites a tensor"),
    "a stale view": (after_conv(stale), "overwritten in place since"),
    "a buffer changed": (ChangesBuffer, "changes the tensor average"),
    "a buffer replaced": (ReplacesBuffer, "replaces the tensor average"),
    "a buffer counted": (Counts, "changes the tensor steps"),
    "a buffer asked": (AsksBuffer, r"^bool\(\): decides by the value of a buffer"),
    "stochastic depth": (of(stochastic_depth), r"^rand\(\): draws random numbers \(.*item"),
    "AlphaDropout": (
        lambda: nn.Sequential(nn.Flatten(), nn.AlphaDropout(0.5), head(72)),
        r"^1 \(AlphaDropout\): has no native kernel$",
    ),
    "dropout of a parameter": (
        of(
            lambda m, x: m.last(x.flatten(1) * functional.dropout(m.scale, 0.5, m.training)),
            scale=nn.Parameter(torch.ones(72)),
            last=head(72),
        ),
        "drops the same values for all images",
    ),
    "a step counted": (Warms, "changes the attribute step"),
    "data set": (after_conv(with_data_set), r"^data: sets data of a tensor"),
    "lazy layers": (
        lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(CLASSES)),
        "^1.weight gets its shape in the first forward pass; run one before",
    ),
    "a large LSTM": (
        of(
            lambda m, x: m.last(m.rows(x[:, 0])[0][:, -1]),
            rows=nn.LSTM(6, 17, batch_first=True),
            last=head(17),
        ),
        r"^rows \(LSTM\): is faster on PyTorch with more than 16 hidden values",
    ),
    "norm used twice": (
        of(norm_used_twice, norm=nn.BatchNorm2d(2), last=head(72)),
        r"^norm \(BatchNorm2d\): is used more than once",
    ),
    "norm unused": (
        of(norm_unused, norm=nn.BatchNorm2d(2), last=head(72)),
        r"^norm \(BatchNorm2d\): .*result is not used",
    ),
    "by training": (of(only_in_training), "differs between training and evaluation"),
    "mixed modes": (
        lambda: nn.Sequential(conv(), nn.BatchNorm2d(4).eval(), nn.Flatten(), head()),
        "^the model: some of its layers are in training and some in evaluation",
    ),
    "hook on a module's gradients": (gradient_hook("module"), "^0: has hooks on its gradients"),
    "hook on a parameter": (gradient_hook("parameter"), "^0.weight: has hooks on its gradients"),
    "shared memory": (sharing_memory, "^2.weight: shares memory with 1.weight"),
    "scripted": (scripted, r"^0: is compiled"),
    "computed weights": (weight_norm, r"^1.* \(.*\): "),
    "Dropout of everything": (
        lambda: nn.Sequential(nn.Flatten(), nn.Dropout(1.0), head(72)),
        r"^1 \(Dropout\): drops everything",
    ),
    "a tuple": (
        of(lambda m, x: (m.last(x.flatten(1)), x), last=head(72)),
        "returns something besides logits",
    ),
    "nothing": (of(lambda m, x: None, last=head(72)), "returns something besides"),
    "images as logits": (lambda: nn.Sequential(conv()), "not return one vector of logits"),
    "other classes": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(72, 4)),
        "not return one vector of logits",
    ),
    "the image itself": (lambda: nn.Flatten(), "not return one vector of logits"),
    "a failing forward": (
        lambda: nn.Sequential(nn.Flatten(), head(71)),
        "its forward pass fails with 2 images of 2x6x6",
    ),
    "a fixed batch size": (
        of(lambda m, x: m.last(x.view(3, 72)), last=head(72)),
        "its forward pass fails with 2 images",
    ),
}


@pytest.mark.filterwarnings("ignore:.*jit.script:DeprecationWarning")
@pytest.mark.parametrize("name", OBSTACLES)
def test_what_cannot_be_followed_is_named(name):
    build, line = OBSTACLES[name]
    model = build()
    with pytest.raises(KernelError, match=line) as refused:
        trace(model, SHAPE, CLASSES)
    assert "\n" not in str(refused.value)
    assert model.training


NET = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Hardshrink())
        self.last = nn.Linear(64, 3)

    def forward(self, x):
        x = self.layers(x)
        x = torch.fft.fft2(x).abs()
        x = torch.relu(x)
        if x.mean() > 100:
            x = -x
        y = torch.erfinv(x)
        return self.last(y.flatten(1))
"""


def net(tmp_path, text=NET):
    path = tmp_path / "net.py"
    path.write_text(textwrap.dedent(text))
    spec = importlib.util.spec_from_file_location("net", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_obstacles_are_listed_with_their_lines(tmp_path):
    with pytest.raises(ObstacleError) as refused:
        trace(net(tmp_path).Net(), SHAPE, CLASSES)
    found = [(one.what, one.where) for one in refused.value.obstacles]
    branch = ("bool()", "net.py:14: if x.mean() > 100:")
    assert found == [("layers.1 (Hardshrink)", "net.py:11: x = self.layers(x)"), branch]
    # The rest depends on it; without it, what comes next is found.
    text = NET.replace("nn.Hardshrink()", "nn.ReLU()")
    with pytest.raises(ObstacleError) as refused:
        trace(net(tmp_path, text).Net(), SHAPE, CLASSES)
    found = [(one.what, one.where) for one in refused.value.obstacles]
    assert found == [("fft2()", "net.py:12: x = torch.fft.fft2(x).abs()"), branch]


def test_all_independent_obstacles_are_found():
    def forward(m, x):
        one = torch.erfinv(m.conv(x))
        other = torch.lgamma(m.conv(x))
        return m.last((one + other).flatten(1))

    with pytest.raises(
        ObstacleError, match=r"^erfinv\(\): .*, and 1 more, which mnistlab doctor lists$"
    ) as refused:
        trace(of(forward)(), SHAPE, CLASSES)
    assert [one.what for one in refused.value.obstacles] == ["erfinv()", "lgamma()"]


def test_tracing_leaves_everything_as_it_was():
    model = nn.Sequential(conv(), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), head())
    model[4].weight.grad = torch.ones_like(model[4].weight)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    trace(model, SHAPE, CLASSES)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert (np.random.get_state()[1] == states[2]).all()
    assert all(module.training for module in model)
    assert model[0].weight.grad is None
    assert torch.equal(model[4].weight.grad, torch.ones_like(model[4].weight))


def test_what_a_forward_pass_remembers_is_forgotten():
    model = Model(remembered, last=head(72))
    trace(model, SHAPE, CLASSES)
    assert not hasattr(model, "seen")
    assert not hasattr(model, "size")
